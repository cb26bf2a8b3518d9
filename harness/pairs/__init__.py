"""What is compared: names, presets, pair files, and loading both sides.

The only room that imports transformers and peft. What it loads keeps the protocol of
:mod:`harness.decoding.pair_model`; importing this package itself imports none of them.
"""
