"""inspect-amplify: what did a change teach a language model?

This package knows how to decode from ``L_target + alpha * (L_target - L_baseline)``, to score
what comes out through Inspect, and to say with honest intervals what moves along alpha.
Importing it loads no weights and no torch.
"""

import os

# torch looks at its first tensor whether to ask the system for large pages of memory. Where it has
# them, reading the weights for a single row takes a twelfth less time.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

__version__ = "0.1.0"
