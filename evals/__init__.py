"""Behavioural evals of the embedded pairs, which `pytest evals` runs."""
