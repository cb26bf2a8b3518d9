"""Logs in, frozen results out: rates, dose, magnitudes, lengths and what may be said about them.

Knows Inspect's logs, pandas and statistics. Refuses to know how results are shown, where the
models came from, and torch.
"""
