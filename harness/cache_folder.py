"""Where what can be made again is kept between runs."""

import os
from pathlib import Path

from platformdirs import user_cache_dir


def cache_folder(name: str) -> Path:
    """Return the folder for ``models`` or ``compiled`` loops; nothing is created.

    ``INSPECT_AMPLIFY_CACHE`` stands for the user's cache folder where it is set.
    """
    given = os.environ.get("INSPECT_AMPLIFY_CACHE")
    return Path(given or user_cache_dir("inspect-amplify")) / name
