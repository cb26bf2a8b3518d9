"""Frozen results in, something to read out: markdown, figures, a table for the terminal.

Computes nothing: a number that is not in the results is not in a report.
"""
