"""Where a log lies: Inspect names local logs by a path or by an address."""

from pathlib import Path
from urllib.parse import unquote, urlsplit


def local_path(location: str) -> Path | None:
    """Return the path behind ``file:///some%20folder/a.eval`` or a plain path; None elsewhere."""
    parts = urlsplit(location)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return None if "://" in location else Path(location)
