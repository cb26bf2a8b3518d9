"""How a trace file looks: its name, its columns, what they mean. Imports no torch.

The writer adds one column per figure of the engine's trace and one per alpha of its grid;
``docs/traces.md`` describes them all.
"""

from collections.abc import Iterable
from typing import NamedTuple

from harness.model_name import format_alpha

SCHEMA_VERSION = 1
"""Grows when a column goes, or changes its meaning, type or unit; not when one is added."""

SUFFIX = ".traces.parquet"
"""Replaces ``.eval`` in the log's name."""

PARTS_SUFFIX = ".traces.parts"
"""The folder that holds the parts of a file until its log is finished."""

VERSION_KEY = b"amplify.schema_version"
"""The file's metadata, beside ``amplify.version`` and ``amplify.log``: ASCII text."""


class Column(NamedTuple):
    """One column of a trace file."""

    name: str
    type: str
    """As Arrow spells it."""
    unit: str
    """Empty for what is not measured."""


ROLLOUT_COLUMNS = (
    Column("sample_uuid", "string", ""),
    Column("sample_id", "string", ""),
    Column("epoch", "int32", "from 1"),
    Column("call", "int32", "from 0"),
    Column("message_id", "string", ""),
    Column("model", "string", ""),
    Column("pair", "string", ""),
    Column("alpha", "double", "unitless"),
    Column("constraint", "string", ""),
    Column("seed", "uint64", ""),
    Column("stop_reason", "string", ""),
)
"""The same in all rows of a rollout."""

TOKEN_COLUMNS = (
    Column("position", "int32", "tokens from 0"),
    Column("token_id", "int32", ""),
    Column("token_text", "string", ""),
)

GRID_PREFIX = "logp_nats@"


def figure_column(field: str) -> Column:
    """Return the column of one figure of the engine; its unit stands in its name.

    Figures of logits carry no unit in their names: variances and covariances are squared.
    """
    if field.endswith("_nats"):
        unit = "nats"
    elif field.startswith("alpha"):
        unit = "unitless"
    elif "mass" in field:
        unit = "0 to 1"
    elif field == "sampling_surprisal_var":
        unit = "nats squared"
    elif field.endswith(("_cov", "_var")):
        unit = "logits squared"
    else:
        unit = "logits"
    return Column(field, "float", unit)


def best_columns(side: str) -> tuple[Column, ...]:
    """Return the columns of a side's likeliest tokens, each a list per row, falling."""
    return (
        Column(f"{side}_best_ids", "list<int32>", ""),
        Column(f"{side}_best_logps_nats", "list<float>", "nats"),
        Column(f"{side}_best_texts", "list<string>", ""),
    )


def grid_column(alpha: float) -> Column:
    """Return the column of the token's log-probability at one alpha: ``logp_nats@1.5``."""
    return Column(f"{GRID_PREFIX}{format_alpha(alpha)}", "float", "nats")


def grid_alphas(columns: Iterable[str]) -> tuple[float, ...]:
    """Return the alphas that have a grid column, in ascending order."""
    return tuple(
        sorted(float(c.removeprefix(GRID_PREFIX)) for c in columns if c.startswith(GRID_PREFIX))
    )
