"""The trace file of one log: parts while its samples end, one file when it is finished.

Every file appears whole under its name or not at all: it is written beside it and renamed.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from harness.traces.layout import PARTS_SUFFIX, SUFFIX

# 32 rollouts of 64 tokens are about 0.2 MB in memory, and what a killed process loses at most;
# 10,000 rollouts make 312 parts.
_ROLLOUTS_PER_PART = 32


class TraceFile:
    """Gathers the rollouts of one log.

    A killed process leaves the parts behind, which are read like the file that they would have
    become; samples that a resumed run takes over from the log keep their traces.

    Args:
        log: Inspect's log.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._waiting: list[pa.Table] = []
        self._n_parts = 0

    @property
    def path(self) -> Path:
        """The finished file."""
        return self._log.with_name(self._log.stem + SUFFIX)

    @property
    def parts(self) -> Path:
        """The folder of the parts."""
        return self._log.with_name(self._log.stem + PARTS_SUFFIX)

    def add(self, rollouts: list[pa.Table]) -> None:
        """Take the rollouts of a sample that has ended."""
        self._waiting += rollouts
        if len(self._waiting) >= _ROLLOUTS_PER_PART:
            self._flush()

    def finish(self) -> None:
        """Make one file of the parts; nothing is written where there are none."""
        self._flush()
        if not self._n_parts:
            return
        # A log that goes on after its end (it can be scored again) keeps what it had.
        before = [self.path] if self.path.exists() else []
        _merge([*before, *sorted(self.parts.glob("*.parquet"))], self.path, self._log.name)
        shutil.rmtree(self.parts)
        self._n_parts = 0

    def _flush(self) -> None:
        if not self._waiting:
            return
        self.parts.mkdir(parents=True, exist_ok=True)
        part = self.parts / f"{self._n_parts:06}.parquet"
        # Grids may differ: tables without an alpha of another have nulls there.
        _merge_tables(self._waiting, part)
        self._waiting = []
        self._n_parts += 1


def _merge_tables(tables: list[pa.Table], path: Path) -> None:
    table = pa.concat_tables(tables, promote_options="default")
    with _replacing(path, table.schema) as writer:
        writer.write_table(table)


def _merge(parts: list[Path], path: Path, log_name: str) -> None:
    """Write the parts one after the other, so that only one is in memory at a time."""
    schema = pa.unify_schemas([pq.read_schema(part) for part in parts])
    named = schema.with_metadata({**(schema.metadata or {}), b"amplify.log": log_name})
    with _replacing(path, named) as writer:
        for part in parts:
            table = pa.concat_tables(
                [schema.empty_table(), pq.read_table(part)], promote_options="default"
            )
            writer.write_table(table.replace_schema_metadata(named.metadata))


@contextmanager
def _replacing(path: Path, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    """Open a parquet writer whose file takes its name when all has been written."""
    unfinished = path.with_name(path.name + ".tmp")
    try:
        with pq.ParquetWriter(unfinished, schema, compression="zstd") as writer:
            yield writer
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
