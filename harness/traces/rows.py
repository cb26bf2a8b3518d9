"""One rollout as a table with a row per token."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

import harness
from harness.decoding.trace import TRACE_FIELDS, Trace
from harness.traces.layout import (
    ROLLOUT_COLUMNS,
    SCHEMA_VERSION,
    TOKEN_COLUMNS,
    VERSION_KEY,
    Column,
    figure_column,
    grid_column,
)


@dataclass(frozen=True, kw_only=True)
class SampleCall:
    """Which of a log's outputs a rollout is."""

    sample_uuid: str
    sample_id: str
    epoch: int
    call: int
    """How many rollouts of the sample were complete before this one."""


@dataclass(frozen=True, kw_only=True)
class TracedRollout:
    """What the provider knows of a rollout."""

    message_id: str
    """Of the assistant's message in the log."""
    model: str
    pair: str
    alpha: float
    constraint: str
    """Spelled as in the model's name; ``none`` without one."""
    seed: int
    stop_reason: str
    ids: Sequence[int]
    texts: Sequence[str]
    """Each token decoded by itself."""
    trace: Trace


def rollout_table(of: SampleCall, rollout: TracedRollout) -> pa.Table:
    """Lay a rollout out, one row per token, its figures copied."""
    n = len(rollout.ids)
    known = {**vars(of), **vars(rollout)}
    same = [pa.repeat(pa.scalar(known[c.name], _type(c)), n) for c in ROLLOUT_COLUMNS]
    own = {"position": range(n), "token_id": rollout.ids, "token_text": rollout.texts}
    each = [pa.array(own[c.name], _type(c)) for c in TOKEN_COLUMNS]
    trace = rollout.trace
    figures = trace.figures.T.contiguous().numpy()
    # Without a grid [0, 0], whose transpose has no rows either.
    grid = trace.grid_logps_nats.T.contiguous().numpy()
    measured = [pa.array(values) for values in (*figures, *grid)]
    return pa.Table.from_arrays([*same, *each, *measured], schema=_schema(trace.grid_alphas))


def _schema(alphas: Sequence[float]) -> pa.Schema:
    columns = (
        *ROLLOUT_COLUMNS,
        *TOKEN_COLUMNS,
        *(figure_column(field) for field in TRACE_FIELDS),
        *(grid_column(alpha) for alpha in alphas),
    )
    return pa.schema(
        [
            pa.field(c.name, _type(c), metadata={"unit": c.unit} if c.unit else None)
            for c in columns
        ],
        metadata={
            VERSION_KEY: str(SCHEMA_VERSION),
            b"amplify.version": harness.__version__,
        },
    )


def _type(column: Column) -> pa.DataType:
    return pa.type_for_alias(column.type)
