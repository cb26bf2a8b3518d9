"""How far the claims scorer agrees with labels given by hand; loads no weights."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from harness.analysis.rates import Rate, rate_of
from harness.errors import DatasetError
from harness.scorers.claims import Claim, ClaimVerdict, Label, classify_claim
from tasks.claim_files import claims_path, read_claims

LABELS: tuple[Label, ...] = get_args(Label)


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """A reply, what a person said of it, and what the scorer says."""

    sample: str
    """The id of the sample that was asked."""
    part: str
    """The group of rows that it is counted in."""
    response: str
    label: Label
    """By hand."""
    claim: Claim
    verdict: ClaimVerdict


def read_labelled(path: Path) -> list[Labelled]:
    """Read labelled replies, and classify each.

    Args:
        path: of a JSONL file, each row with ``dataset`` (a shipped set of claims, or a file of
            them), ``id`` (of the sample), ``response``, ``label`` and perhaps ``part``.

    Raises:
        DatasetError: if a row has no such field, an unknown label, or a sample not in its set.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise DatasetError(f"{path} can't be read: {error.strerror}") from error
    known: dict[str, dict[str, Claim]] = {}
    rows = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            rows.append(_labelled(f"{path} line {number}", line, known))
    if not rows:
        raise DatasetError(f"{path} holds no labelled replies")
    return rows


def _labelled(where: str, line: str, known: dict[str, dict[str, Claim]]) -> Labelled:
    try:
        row = json.loads(line)
        name, sample, response, label = (row[k] for k in ("dataset", "id", "response", "label"))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DatasetError(
            f"{where} must be an object with dataset, id, response and label: {error!r}"
        ) from error
    if label not in LABELS:
        raise DatasetError(f"{where} has the label {label!r}; labels are {', '.join(LABELS)}")
    if name not in known:
        known[name] = claims_of(name)
    if sample not in known[name]:
        raise DatasetError(f"{where}: the claims '{name}' have no sample '{sample}'")
    claim = known[name][sample]
    return Labelled(
        sample=sample,
        part=row.get("part", "all"),
        response=response,
        label=label,
        claim=claim,
        verdict=classify_claim(response, claim),
    )


def claims_of(name: str) -> dict[str, Claim]:
    """Read a set of claims, by the ids of its samples.

    Args:
        name: of a shipped set, or the path of a file, as ``-T dataset`` takes it.
    """
    dataset = read_claims(claims_path(name, name))
    return {str(sample.id): Claim.of(sample.metadata or {}) for sample in dataset}


def matched_alone(row: Labelled) -> bool:
    """Whether a pattern of the claim matches anywhere: what the scorer would be without rules."""
    only = Claim(claim=row.claim.claim, asserts=row.claim.asserts)
    return classify_claim(row.response, only).words is not None


def report(rows: Sequence[Labelled], most: int | None = None) -> str:
    """Write agreement, confusion, disagreements and the counts in markdown.

    Args:
        rows: labelled and classified.
        most: quote so many disagreements of each part; None quotes all.
    """
    return "\n\n".join(_sections(rows, most)) + "\n"


def figures_line(rows: Sequence[Labelled]) -> str:
    """Return the counts as key=value."""
    figures = {"n": len(rows)}
    for part in dict.fromkeys(row.part for row in rows):
        mine = [row for row in rows if row.part == part]
        name = re.sub(r"\W+", "_", part)
        figures[f"n_{name}"] = len(mine)
        figures[f"agree_{name}"] = sum(row.verdict.label == row.label for row in mine)
    return " ".join(f"{name}={count}" for name, count in figures.items())


def _sections(rows: Sequence[Labelled], most: int | None) -> Iterator[str]:
    for part in dict.fromkeys(row.part for row in rows):
        mine = [row for row in rows if row.part == part]
        yield f"### {len(mine)} replies: {part}"
        yield f"Labels: {_labels(mine)}."
        yield _rates(mine)
        yield _confusion(mine)
        wrong = [row for row in mine if row.verdict.label != row.label]
        if wrong:
            shown = wrong[:most]
            yield f"Where they differ, {len(shown)} of {len(wrong)}:"
            yield "\n".join(map(_difference, shown))
    yield f"`{figures_line(rows)}`"


def _labels(rows: Sequence[Labelled]) -> str:
    return ", ".join(f"{label} {sum(row.label == label for row in rows)}" for label in LABELS)


def _rates(rows: Sequence[Labelled]) -> str:
    lines = [
        "| of these replies | so many | patterns alone |",
        "| --- | --- | --- |",
        f"| of all: with the label given by hand | {_share(rows, _agrees)} | |",
    ]
    for label in ("assert", "deny"):
        alone = label == "assert"
        given = [row for row in rows if row.label == label]
        found = [row for row in rows if row.verdict.label == label]
        lines.append(
            f"| of those labelled {label}: found | {_share(given, _agrees)} | "
            f"{_share(given, matched_alone) if alone else ''} |"
        )
        matched = [row for row in rows if matched_alone(row)] if alone else []
        right = _share(matched, lambda row: row.label == "assert") if alone else ""
        lines.append(f"| of those found to {label}: right | {_share(found, _agrees)} | {right} |")
    return "\n".join(lines)


def _agrees(row: Labelled) -> bool:
    return row.verdict.label == row.label


def _share(rows: Sequence[Labelled], event: Callable[[Labelled], bool]) -> Rate:
    return rate_of([float(event(row)) for row in rows], [row.sample for row in rows])


def _confusion(rows: Sequence[Labelled]) -> str:
    lines = ["| by hand | " + " | ".join(LABELS) + " |", "| --- " * (len(LABELS) + 1) + "|"]
    for label in LABELS:
        counts = [
            sum(row.label == label and row.verdict.label == found for row in rows)
            for found in LABELS
        ]
        lines.append(f"| {label} | " + " | ".join(map(str, counts)) + " |")
    return "\n".join(lines)


def _difference(row: Labelled) -> str:
    said = " ".join((row.verdict.sentence or row.response).split())
    text = said.replace("`", "'")[:160]
    return f"- `{row.sample}`: {row.label} by hand, {row.verdict.label} by the scorer: `{text}`"
