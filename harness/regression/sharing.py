"""How xdist shares out tests: one process gets all that sample, and so holds all weights.

Its own ``--dist loadgroup`` does that by renaming tests, which pytest 9 no longer lets it. So each
worker writes down which tests sample, and the scheduler reads it. Imported where xdist is only.
"""

import json
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from harness.whole_file import replace_file

GROUP = "amplified"


class OneOwner(LoadScopeScheduling):  # type: ignore[misc]  # xdist's types are not strict
    """Shares out tests one by one, but keeps those that sample together."""

    def __init__(self, config: pytest.Config, log: Any, list_path: Path) -> None:
        super().__init__(config, log)
        self.list_path = list_path

    def _split_scope(self, nodeid: str) -> str:
        return GROUP if nodeid in self.sampling else nodeid

    @cached_property
    def sampling(self) -> frozenset[str]:
        """Ids of the tests that sample; workers have written them when this is first asked."""
        try:
            return frozenset(json.loads(self.list_path.read_text(encoding="utf-8")))
        except FileNotFoundError:  # workers on another machine
            return frozenset()


def write_sampling(path: Path, ids: Iterable[str]) -> None:
    """Tell the scheduler which tests sample; all workers write the same."""
    replace_file(path, json.dumps(sorted(ids)))
