"""inspect-amplify: what did a change teach a language model?

This package knows how to decode from ``L_target + alpha * (L_target - L_baseline)``, to score
what comes out through Inspect, and to say with honest intervals what moves along alpha.
Importing it loads no weights and no torch.
"""

__version__ = "0.1.0"
