"""Trace files to one frame: a row per token.

Knows the layout of the files that the provider writes beside logs, and which rollouts are in a
log. Refuses to measure or to sum anything up.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from inspect_ai.log import read_eval_log_sample_summaries

from harness.errors import AnalysisError
from harness.traces.layout import PARTS_SUFFIX, SCHEMA_VERSION, SUFFIX, VERSION_KEY

KEYS = ["sample_uuid", "call", "position"]
"""What names a token."""


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
    uuids = None
    files = [path]
    if path.suffix in (".eval", ".json"):
        uuids = _uuids(path)
        files = _trace_files(path.parent)
    elif path.is_dir():
        files = _trace_files(path)
    tables = [_read(file, columns, uuids) for file in files]
    tables = [table for table in tables if len(table)]
    if not tables:
        raise AnalysisError(
            f"no traces for {str(path)!r}: they are written beside local logs of amplified/... "
            "models, unless -M traces=sums or traces=false"
        )
    table = pa.concat_tables(tables, promote_options="default")
    missing = sorted(set(columns or ()) - set(table.column_names))
    if missing:
        raise AnalysisError(
            f"the traces for {str(path)!r} have no column {', '.join(missing)}; they have "
            f"{', '.join(_all_columns(files))}"
        )
    frame: pd.DataFrame = table.to_pandas()
    return frame


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
    schema = _schema(file)
    chosen = None if columns is None else [c for c in (*KEYS, *columns) if c in schema.names]
    kept = None if uuids is None else [("sample_uuid", "in", uuids)]
    try:
        # A folder named key=value is not a column: the file alone is read.
        return pq.read_table(file, columns=chosen, filters=kept, partitioning=None)
    except (OSError, pa.ArrowException) as error:
        raise _damaged(file, error) from error


def _schema(file: Path) -> pa.Schema:
    """Read a file's schema and hold it to the version that is known here."""
    try:
        schema = pq.read_schema(file)
    except FileNotFoundError as error:
        raise AnalysisError(f"no file {str(file)!r}: give a log folder or a trace file") from error
    except (OSError, pa.ArrowException) as error:
        raise _damaged(file, error) from error
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


def _damaged(file: Path, error: Exception) -> AnalysisError:
    return AnalysisError(f"the traces {str(file)!r} can't be read ({error}); remove the file")


def _all_columns(files: Sequence[Path]) -> list[str]:
    return list(dict.fromkeys(name for file in files for name in _schema(file).names))
