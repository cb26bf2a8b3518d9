"""Which versions of what decided a rollout's tokens, for its metadata."""

import platform
from functools import lru_cache
from importlib.metadata import version

DECIDING = ("numpy", "peft", "tokenizers", "torch", "transformers")
"""Packages whose arithmetic or rules reach the sampled tokens; Inspect logs its own version."""


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """Return the version of Python and of each of these packages."""
    return {"python": platform.python_version(), **{name: version(name) for name in DECIDING}}
