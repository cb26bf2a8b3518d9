"""Responses that try to take over their judge, all harmless to read."""

import json
from pathlib import Path
from typing import NamedTuple

_FILE = Path(__file__).parent / "data" / "injections.jsonl"


class Injection(NamedTuple):
    """One response of the suite."""

    id: str
    kind: str
    response: str


def injections() -> list[Injection]:
    """Read the suite; a row's ``times`` repeats its text, so that the file stays small."""
    rows = [json.loads(line) for line in _FILE.read_text().split("\n") if line]
    return [
        Injection(row["id"], row["kind"], row["response"] * row.get("times", 1)) for row in rows
    ]
