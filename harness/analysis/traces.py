"""Trace files to one frame: a row per token.

Knows the layout of the files that the provider writes beside logs, and which rollouts are in a
log. Refuses to measure or to sum anything up; what need not be in memory at once is read by
``trace_stream``.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from inspect_ai.log import read_eval_log_sample_summaries

from harness.errors import AnalysisError
from harness.traces.layout import PARTS_SUFFIX, SCHEMA_VERSION, SUFFIX, VERSION_KEY

KEYS = ["sample_uuid", "call", "position"]
"""What names a token."""


class Sources(NamedTuple):
    """Where the traces of a path are."""

    files: list[Path]
    uuids: set[str] | None
    """The samples that count; None for all."""


def read_traces(path: Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read traces.

    Args:
        path: a folder of logs, searched with its subfolders; or a log, whose samples may have
            been taken over from earlier logs in its folder; or one trace file.
        columns: read these beside ``KEYS``; None reads all. ``docs/traces.md`` explains them.

    Returns:
        One row per token. A log's samples have the same ``sample_uuid`` in
        :func:`~harness.analysis.frame.read_frame`. A grid column that a file lacks is NaN there.

    Raises:
        AnalysisError: if there are no traces, or a file is damaged, of another schema version or
            without a column that was asked for.
    """
    files, uuids = sources(path)
    tables = [_read(file, columns, uuids) for file in files]
    tables = [table for table in tables if len(table)]
    if not tables:
        raise no_traces(path)
    table = pa.concat_tables(tables, promote_options="default")
    require_columns(path, columns or (), table.column_names, files)
    frame: pd.DataFrame = table.to_pandas()
    return frame


def sources(path: Path) -> Sources:
    """Find the trace files of a folder, a log or a single file.

    Raises:
        AnalysisError: if a log can't be read.
    """
    if path.suffix in (".eval", ".json"):
        return Sources(_trace_files(path.parent), _uuids(path))
    return Sources(_trace_files(path) if path.is_dir() else [path], None)


def no_traces(path: Path) -> AnalysisError:
    """Say that there are none, and why that may be."""
    return AnalysisError(
        f"no traces for {str(path)!r}: they are written beside local logs of amplified/... "
        "models, unless -M traces=sums or traces=false"
    )


def require_columns(
    path: Path, asked: Sequence[str], found: Sequence[str], files: Sequence[Path]
) -> None:
    """Refuse columns that no file has.

    Raises:
        AnalysisError: if there are any.
    """
    missing = sorted(set(asked) - set(found))
    if missing:
        raise AnalysisError(
            f"the traces for {str(path)!r} have no column {', '.join(missing)}; they have "
            f"{', '.join(columns_of(files))}"
        )


def _trace_files(folder: Path) -> list[Path]:
    """Return finished files, and the parts of those that a killed process left unfinished."""
    files = list(folder.rglob(f"*{SUFFIX}"))
    finished = {file.name.removesuffix(SUFFIX) for file in files}
    for parts in folder.rglob(f"*{PARTS_SUFFIX}"):
        if parts.name.removesuffix(PARTS_SUFFIX) not in finished:
            files += parts.glob("*.parquet")
    return sorted(files)


def _uuids(log: Path) -> set[str]:
    try:
        summaries = read_eval_log_sample_summaries(str(log))
    # Inspect raises whatever its zip and JSON readers raise; all of it means the same here.
    except Exception as error:
        raise AnalysisError(f"the log {str(log)!r} can't be read ({error})") from error
    return {summary.uuid for summary in summaries if summary.uuid is not None}


def _read(file: Path, columns: Sequence[str] | None, uuids: set[str] | None) -> pa.Table:
    schema = schema_of(file)
    chosen = None if columns is None else [c for c in (*KEYS, *columns) if c in schema.names]
    kept = None if uuids is None else [("sample_uuid", "in", uuids)]
    try:
        # A folder named key=value is not a column: the file alone is read.
        return pq.read_table(file, columns=chosen, filters=kept, partitioning=None)
    except (OSError, pa.ArrowException) as error:
        raise damaged(file, error) from error


def schema_of(file: Path) -> pa.Schema:
    """Read a file's schema and hold it to the version that is known here."""
    try:
        schema = pq.read_schema(file)
    except FileNotFoundError as error:
        raise AnalysisError(f"no file {str(file)!r}: give a log folder or a trace file") from error
    except (OSError, pa.ArrowException) as error:
        raise damaged(file, error) from error
    version = (schema.metadata or {}).get(VERSION_KEY, b"").decode()
    if not version:
        raise AnalysisError(
            f"{str(file)!r} is a parquet file, but not a trace file: it names no schema version"
        )
    if version != str(SCHEMA_VERSION):
        raise AnalysisError(
            f"the traces {str(file)!r} have schema version {version}, and version "
            f"{SCHEMA_VERSION} is read here: install the inspect-amplify that wrote them"
        )
    return schema


def damaged(file: Path, error: Exception) -> AnalysisError:
    """Say that a file can't be read."""
    return AnalysisError(f"the traces {str(file)!r} can't be read ({error}); remove the file")


def columns_of(files: Sequence[Path]) -> list[str]:
    """List the columns that any of the files has."""
    return list(dict.fromkeys(name for file in files for name in schema_of(file).names))
