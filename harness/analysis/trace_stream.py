"""Trace files piece by piece: as many tokens as memory may hold, or one row of sums per rollout.

For what looks at every token of a large run. 100,000 rollouts of 200 tokens are 20 million rows,
3 GB with all columns; here no more than a piece of them is in memory at a time. Knows files and
where rollouts begin; refuses to know what the figures mean.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from harness.analysis.traces import (
    KEYS,
    Sources,
    columns_of,
    damaged,
    no_traces,
    require_columns,
    schema_of,
    sources,
)
from harness.errors import AnalysisError

ROLLOUT_KEYS = ["sample_uuid", "call"]
"""What names a rollout in trace files."""

# 30 float columns of so many tokens are 60 MB; half or double as many take as long per token.
CHUNK_TOKENS = 500_000


class TraceChunk(NamedTuple):
    """Some whole rollouts, one after the other."""

    tokens: pd.DataFrame
    """One row per token, in the order of position within a rollout; ``sample_uuid`` is
    categorical."""
    starts: NDArray[np.intp]
    """The row where each rollout begins: ``np.add.reduceat(figure, starts)`` sums per rollout."""


def trace_columns(path: Path) -> tuple[str, ...]:
    """List the columns that a folder's, a log's or a file's traces have, in any of the files.

    Raises:
        AnalysisError: if there are no traces, or a file is damaged or of another version.
    """
    files = sources(path).files
    if not files:
        raise no_traces(path)
    return tuple(columns_of(files))


def trace_chunks(
    path: Path, columns: Sequence[str], n_tokens: int = CHUNK_TOKENS
) -> Iterator[TraceChunk]:
    """Read traces piece by piece.

    Args:
        path: as of :func:`~harness.analysis.traces.read_traces`.
        columns: read these beside its ``KEYS``.
        n_tokens: how many a chunk has at least, but for the last one of a file.

    Yields:
        Whole rollouts. A column that a file lacks and another has is null there.

    Raises:
        AnalysisError: as ``read_traces`` does, before the first chunk; a damaged file when it is
            reached.
    """
    found = sources(path)
    if not found.files:
        raise no_traces(path)
    schemas = [schema_of(file) for file in found.files]
    types = {field.name: field.type for schema in reversed(schemas) for field in schema}
    require_columns(path, columns, list(types), found.files)
    wanted = pa.schema([(name, types[name]) for name in dict.fromkeys((*KEYS, *columns))])
    return _chunks(path, found, wanted, n_tokens)


def trace_sums(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Sum figures over the tokens of each rollout.

    Args:
        path: as of :func:`~harness.analysis.traces.read_traces`.
        columns: numeric ones.

    Returns:
        One row per rollout: ``sample_uuid``, ``call``, ``n_tokens`` and the sum of each column in
        float64; NaN where a token has none.

    Raises:
        AnalysisError: as ``trace_chunks`` does; if a column is not numeric, or two files hold the
            same rollout.
    """
    parts = []
    for tokens, starts in trace_chunks(path, columns):
        texts = [name for name in columns if not pd.api.types.is_numeric_dtype(tokens[name])]
        if texts:
            raise AnalysisError(f"traces can't be summed over {', '.join(texts)}: no numbers")
        part = tokens[ROLLOUT_KEYS].iloc[starts].astype({"sample_uuid": str})
        part["n_tokens"] = np.diff(starts, append=len(tokens))
        for name in columns:
            part[name] = np.add.reduceat(tokens[name].to_numpy(dtype=np.float64), starts)
        parts.append(part)
    sums = pd.concat(parts, ignore_index=True)
    if sums.duplicated(ROLLOUT_KEYS).any():
        raise AnalysisError(
            f"two trace files under {str(path)!r} hold the same rollouts: remove the copies"
        )
    return sums


def _chunks(path: Path, found: Sources, wanted: pa.Schema, n_tokens: int) -> Iterator[TraceChunk]:
    kept = None if found.uuids is None else pa.array(sorted(found.uuids), pa.string())
    empty = True
    for file in found.files:
        for table in _tables(file, wanted, n_tokens):
            if kept is not None:
                table = table.filter(pc.is_in(table["sample_uuid"].cast(pa.string()), kept))
            if len(table):
                empty = False
                yield TraceChunk(table.to_pandas(), _starts(table))
    if empty:
        raise no_traces(path)


def _tables(file: Path, wanted: pa.Schema, n_tokens: int) -> Iterator[pa.Table]:
    """Join a file's row groups until a table is long enough; its last rollout may go on."""
    waiting: list[pa.Table] = []
    try:
        with pq.ParquetFile(file, read_dictionary=["sample_uuid"]) as parquet:
            there = [name for name in wanted.names if name in parquet.schema_arrow.names]
            for batch in parquet.iter_batches(n_tokens, columns=there):
                waiting.append(_filled(pa.Table.from_batches([batch]), wanted))
                if sum(map(len, waiting)) < n_tokens:
                    continue
                table = _joined(waiting)
                last = int(_starts(table)[-1])
                waiting = [table.slice(last)]
                if last:
                    yield table.slice(0, last)
    except (OSError, pa.ArrowException) as error:
        raise damaged(file, error) from error
    if waiting:
        yield _joined(waiting)


def _filled(table: pa.Table, wanted: pa.Schema) -> pa.Table:
    for field in wanted:
        if field.name not in table.column_names:
            table = table.append_column(field, pa.nulls(len(table), field.type))
    return table.select(wanted.names)


def _joined(tables: list[pa.Table]) -> pa.Table:
    return pa.concat_tables(tables).unify_dictionaries().combine_chunks()


def _starts(table: pa.Table) -> NDArray[np.intp]:
    sample = table["sample_uuid"].combine_chunks().indices.to_numpy()
    call = table["call"].to_numpy()
    new = (sample[1:] != sample[:-1]) | (call[1:] != call[:-1])
    return np.concatenate([[0], np.flatnonzero(new) + 1]).astype(np.intp)
