"""A hash of what a pair's weights are, so that logs of other weights are never taken for these."""

import hashlib
import json
from functools import lru_cache
from pathlib import Path

_WEIGHED = ("*.safetensors", "config.json", "adapter_config.json")


def fingerprint_folder(folder: Path) -> str:
    """Hash a model's or adapter's folder: its weights and configuration, by name and content.

    A file is read again only when its size or time has changed.

    Returns:
        16 hexadecimal digits of a SHA-256.
    """
    digest = hashlib.sha256()
    for path in sorted(path for pattern in _WEIGHED for path in folder.glob(pattern)):
        stat = path.stat()
        digest.update(path.name.encode())
        digest.update(_file_hash(path, stat.st_size, stat.st_mtime_ns))
    return digest.hexdigest()[:16]


def file_sha256(path: Path) -> str:
    """Hash one file's content, 64 hexadecimal digits; read again only when it has changed."""
    stat = path.stat()
    return _file_hash(path, stat.st_size, stat.st_mtime_ns).hex()


def fingerprint_settings(settings: dict[str, object]) -> str:
    """Hash plain values by their names and contents, whatever their order."""
    text = json.dumps(settings, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def combine_fingerprints(parts: list[str]) -> str:
    """Hash several fingerprints in their order into one of the same length."""
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]


@lru_cache(maxsize=256)
def _file_hash(path: Path, size: int, mtime_ns: int) -> bytes:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").digest()
