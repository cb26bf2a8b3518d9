"""Inspect tasks, one behaviour a file, with their prompts in ``tasks/data``."""
