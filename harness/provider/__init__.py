"""The Inspect model provider ``amplified/``: chat messages in, amplified rollouts out.

Knows Inspect's types and the pool; leaves tensors to the engine and names to the pairs. ``api`` is
what Inspect calls, ``arguments`` what ``-M`` takes, ``inputs`` what a request may hold, ``outputs``
what goes into the log.
"""
