"""Organisms: pairs trained to have a known, harmless behaviour, to test the harness against.

Each has a folder with its recipe, the examples it learns from, its adapter and its card.
"""
