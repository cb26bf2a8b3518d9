"""Trace files by hand: tokens and figures that a test can look for in what is made of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from harness.traces.layout import SCHEMA_VERSION, SUFFIX, VERSION_KEY

SIDES = ("target", "baseline", "amplified")
LOGPS_NATS = {"target": -0.5, "baseline": -2.0, "amplified": -0.25}
"""Of every token, unless a test says otherwise: the target gives it 4.5 times as much."""

Best = list[tuple[str, float]]


def traced(
    uuid: str,
    tokens: Sequence[str],
    *,
    call: int = 0,
    logps_nats: dict[str, float] = LOGPS_NATS,
    best: dict[str, Best] | None = None,
) -> list[dict[str, Any]]:
    """Lay out a rollout's tokens; ``best`` gives the likeliest of each side, at every token."""
    rows = []
    for position, token in enumerate(tokens):
        row: dict[str, Any] = {
            "sample_uuid": uuid,
            "call": call,
            "position": position,
            "token_text": token,
        }
        for side in SIDES:
            row[f"{side}_logp_nats"] = logps_nats[side]
            if best is not None:
                row[f"{side}_best_texts"] = [text for text, _ in best[side]]
                row[f"{side}_best_logps_nats"] = [logp for _, logp in best[side]]
        rows.append(row)
    return rows


def write_traces(folder: Path, rows: list[dict[str, Any]], name: str = "one") -> Path:
    """Write a trace file with the columns that its rows have."""
    columns = [
        *[("sample_uuid", pa.string()), ("call", pa.int32()), ("position", pa.int32())],
        ("token_text", pa.string()),
        *((f"{side}_logp_nats", pa.float32()) for side in SIDES),
    ]
    if any("target_best_texts" in row for row in rows):
        columns += [(f"{side}_best_texts", pa.list_(pa.string())) for side in SIDES]
        columns += [(f"{side}_best_logps_nats", pa.list_(pa.float32())) for side in SIDES]
    schema = pa.schema(columns, metadata={VERSION_KEY: str(SCHEMA_VERSION)})
    path = folder / f"{name}{SUFFIX}"
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    return path
