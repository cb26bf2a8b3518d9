"""Amplified decoding: token ids in, rollouts out.

This room works on tensors alone. It knows no text, no tokenizer, no transformers and no Inspect;
what it decodes from is anything that keeps the :class:`~harness.decoding.pair_model.PairModel`
protocol.
"""
