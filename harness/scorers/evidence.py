"""What a scorer may say of where in a response its event was decided.

Knows the name that scorers write it under; refuses to know behaviours.
"""

DECIDED = "decided"
"""In a score's metadata: the phrase that made the event, as ``[start, end)`` in characters of the
response as given. What stands behind it had no part in the event, so weights of rollouts need go no
further (``amplify rate``). A scorer that can't say leaves it out, and a score of 0 has none."""
