"""A hash of the code that draws and scores, so that logs of other code are not reused."""

import hashlib
from functools import cache
from pathlib import Path

# What draws and scores; reports and verdicts are made anew from the logs each time.
_DECIDING = ("harness", "tasks")
_APART = ("analysis", "reporting", "regression", "bench")
_SUFFIXES = (".py", ".jsonl", ".toml", ".json", ".safetensors")


@cache
def code_hash() -> str:
    """Hash the files that draw and score rollouts, 16 hexadecimal digits."""
    root = Path(__file__).parents[2]
    digest = hashlib.sha256()
    for package in _DECIDING:
        for path in sorted((root / package).rglob("*")):
            inside = path.relative_to(root / package).parts
            if path.suffix in _SUFFIXES and inside[0] not in _APART:
                digest.update("/".join((package, *inside)).encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]
