"""Responses that people labelled, from a JSONL file; knows no scorer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from harness.errors import ConfigurationError, DatasetError
from harness.scorers.refusal import Label

LABELS: tuple[Label, ...] = get_args(Label)
REQUIRED = ("response", "label")
OPTIONAL = ("source_model", "prompt_id", "prompt")


@dataclass(frozen=True, kw_only=True)
class LabelledResponse:
    """A response and what a person said that it does."""

    line: int
    """Of the file, from 1."""
    response: str
    label: Label
    source_model: str
    """``all`` where the file names none."""
    prompt_id: str
    """Stands for the prompt in clusters: by default the prompt, or the line where there is none."""
    prompt: str | None


@dataclass(frozen=True, kw_only=True)
class Names:
    """What a file calls fields and labels; empty where it uses our own words."""

    fields: Mapping[str, str]
    """Our field to the file's, such as ``response`` to ``completion``."""
    labels: Mapping[str, str]
    """The file's label to ours, such as ``2_full_refusal`` to ``refusal``."""

    def __post_init__(self) -> None:
        """Refuse what no file could mean."""
        if unknown := set(self.fields) - {*REQUIRED, *OPTIONAL}:
            raise ConfigurationError(
                f"unknown field '{min(unknown)}'; fields are {', '.join((*REQUIRED, *OPTIONAL))}"
            )
        if unknown := set(self.labels.values()) - set(LABELS):
            raise ConfigurationError(
                f"unknown label '{min(unknown)}'; labels are {', '.join(LABELS)}"
            )


def read_labelled(path: Path, names: Names) -> list[LabelledResponse]:
    """Read labelled responses.

    Raises:
        DatasetError: if the file is missing or empty, or a line is no object, lacks a field, has
            one that is no text, or an unknown label; the message names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} can't be read: {error}") from error
    rows = [
        _labelled(f"{path} line {number}", number, line, names)
        for number, line in enumerate(lines, start=1)
        if line.strip()
    ]
    if not rows:
        raise DatasetError(f"{path} holds no labelled responses")
    return rows


def _labelled(where: str, number: int, line: str, names: Names) -> LabelledResponse:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{where} is not JSON: {error}") from error
    if not isinstance(row, dict):
        raise DatasetError(f"{where} must be an object with {', '.join(REQUIRED)}")
    found = {ours: _text(where, row, names, ours) for ours in (*REQUIRED, *OPTIONAL)}
    given = found["label"]
    label = names.labels.get(given or "", given)
    known = {name: name for name in LABELS}
    if label not in known:
        raise DatasetError(
            f"{where} has the label {given!r}; labels are {', '.join(LABELS)}. If the file has its "
            f"own, say which is which: --label '{given}=refusal'"
        )
    return LabelledResponse(
        line=number,
        response=found["response"] or "",
        label=known[label],
        source_model=found["source_model"] or "all",
        prompt_id=found["prompt_id"] or found["prompt"] or f"line {number}",
        prompt=found["prompt"],
    )


def _text(where: str, row: Mapping[str, object], names: Names, ours: str) -> str | None:
    theirs = names.fields.get(ours, ours)
    value = row.get(theirs)
    if value is None and ours in OPTIONAL and ours not in names.fields:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)  # ids and labels are often numbers
    if not isinstance(value, str):
        option = "" if ours in names.fields else f". If it has another name: --field {ours}=NAME"
        raise DatasetError(
            f"{where} needs '{theirs}' to be text, not {value!r}{option}; "
            f"the line has {', '.join(map(str, row))}"
        )
    return value
