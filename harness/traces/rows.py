"""One rollout as a table with a row per token."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

import harness
from harness.decoding.trace import SIDES, TRACE_FIELDS, Trace
from harness.traces.layout import (
    ROLLOUT_COLUMNS,
    SCHEMA_VERSION,
    TOKEN_COLUMNS,
    VERSION_KEY,
    Column,
    best_columns,
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
    best_texts: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)
    """By side, each step's likeliest tokens decoded by themselves, if the trace has them."""


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
    likely = [] if trace.best is None else _likeliest(rollout)
    schema = _schema(trace.grid_alphas, best=trace.best is not None)
    return pa.Table.from_arrays([*same, *each, *measured, *likely], schema=schema)


def _likeliest(rollout: TracedRollout) -> list[pa.Array]:
    """Return the columns of every side's likeliest tokens."""
    arrays = []
    for side in SIDES:
        ids, logps = rollout.trace.best_tokens(side)
        values = (ids.tolist(), logps.tolist(), rollout.best_texts[side])
        arrays += [
            pa.array(value, _type(column))
            for value, column in zip(values, best_columns(side), strict=True)
        ]
    return arrays


def _schema(alphas: Sequence[float], *, best: bool) -> pa.Schema:
    columns = (
        *ROLLOUT_COLUMNS,
        *TOKEN_COLUMNS,
        *(figure_column(field) for field in TRACE_FIELDS),
        *(grid_column(alpha) for alpha in alphas),
        *(column for side in SIDES if best for column in best_columns(side)),
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
    if column.type.startswith("list<"):
        return pa.list_(pa.type_for_alias(column.type.removeprefix("list<").removesuffix(">")))
    return pa.type_for_alias(column.type)
