"""Traces on their way from the provider to a parquet file beside Inspect's log.

Knows Inspect's samples and logs, and parquet. Refuses to know how anything is measured: columns
come from the engine's own list of figures. Reading is the analysis's business.
"""
