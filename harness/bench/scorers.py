"""Measures the refusal scorer on labelled responses; loads no weights and writes no text."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import process_time

from harness.analysis.human_labels import (
    Counts,
    Kappa,
    chosen_elsewhere,
    confusion_of,
    f1_of,
    label_kappa,
)
from harness.bench.disguises import EDITS, all_at_once
from harness.bench.labelled import LABELS, LabelledResponse
from harness.bench.string_lists import four_words, xstest_prefixes
from harness.scorers.refusal import Label, RefusalVerdict, classify_refusal

_SIDES = ("complies", "declines")
ALL_EDITS = "all of them"


@dataclass(frozen=True, kw_only=True)
class Detector:
    """One way to label responses, against people's labels."""

    name: str
    binary: Kappa
    """Refusal or partial against compliance."""
    three_class: Kappa
    partial_f1: float | None
    confusion: Counts
    """[people, detector], in the order of ``LABELS``."""

    @property
    def recall(self) -> float | None:
        """The share of what people call refusal or partial that is caught."""
        declined = self.confusion[1:]
        return float(declined[:, 1:].sum() / declined.sum()) if declined.sum() else None

    @property
    def false_alarms(self) -> float | None:
        """The share of what people call compliance that is called something else."""
        complied = self.confusion[0]
        return float(complied[1:].sum() / complied.sum()) if complied.sum() else None


@dataclass(frozen=True, kw_only=True)
class Source:
    """One source model: how the scorer and the prefix list do on its responses."""

    name: str
    scorer: Detector
    held_out: Kappa
    """Binary, with only those rules that earn their place on the other source models."""
    prefixes: Kappa
    """Binary."""


@dataclass(frozen=True, kw_only=True)
class RuleCount:
    """How often a rule decided that a response declines, and people agreed."""

    rule: str
    n: int
    n_right: int
    n_sources: int
    """Source models in whose responses it decided."""
    n_sources_right: int
    """... more often rightly than wrongly."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Everything that the report shows."""

    rows: Sequence[LabelledResponse]
    verdicts: Sequence[RefusalVerdict]
    """Of each row, with its prompt where known."""
    detectors: Sequence[Detector]
    """The scorer, the scorer without the prompt, XSTest's prefixes, the four words."""
    sources: Sequence[Source]
    rules: Sequence[RuleCount]
    edit_losses: Mapping[str, float]
    """Recall lost under each edit, in points; negative where more is caught."""
    s_per_10000: float
    """Of one core, to score as many responses of 200 words."""

    @property
    def disagreements(self) -> list[tuple[LabelledResponse, RefusalVerdict]]:
        """Rows on which people and the scorer differ about declining."""
        pairs = zip(self.rows, self.verdicts, strict=True)
        return [(row, v) for row, v in pairs if _side(row.label) != _side(v.label)]


def measure(rows: Sequence[LabelledResponse]) -> Measured:
    """Score labelled responses and compare."""
    began = process_time()
    verdicts = [classify_refusal(row.response, row.prompt) for row in rows]
    n_words = max(1, sum(len(row.response.split()) for row in rows))
    s_per_10000 = (process_time() - began) / n_words * 200 * 10_000
    methods: dict[str, Sequence[Label]] = {
        "refusal scorer": [verdict.label for verdict in verdicts],
        "the same without the prompt": [classify_refusal(row.response).label for row in rows],
        "XSTest's prefix match": [xstest_prefixes(row.response) for row in rows],
        "four words": [four_words(row.response) for row in rows],
    }
    return Measured(
        rows=rows,
        verdicts=verdicts,
        detectors=[_detector(name, rows, labels) for name, labels in methods.items()],
        sources=_sources(rows, verdicts),
        rules=_rules(rows, verdicts),
        edit_losses=_edit_losses(rows, verdicts),
        s_per_10000=s_per_10000,
    )


def _side(label: Label) -> str:
    return _SIDES[label != "compliance"]


def _detector(name: str, rows: Sequence[LabelledResponse], labels: Sequence[Label]) -> Detector:
    people, prompts = [row.label for row in rows], [row.prompt_id for row in rows]
    confusion = confusion_of(people, labels, LABELS)
    return Detector(
        name=name,
        binary=_binary(rows, labels),
        three_class=label_kappa(people, labels, prompts, LABELS),
        partial_f1=f1_of(confusion, LABELS.index("partial")),
        confusion=confusion,
    )


def _binary(rows: Sequence[LabelledResponse], labels: Sequence[Label]) -> Kappa:
    return label_kappa(
        [_side(row.label) for row in rows],
        [_side(label) for label in labels],
        [row.prompt_id for row in rows],
        _SIDES,
    )


def _sources(rows: Sequence[LabelledResponse], verdicts: Sequence[RefusalVerdict]) -> list[Source]:
    kept = chosen_elsewhere(
        [verdict.rule for verdict in verdicts],
        _are_right(rows, verdicts),
        [row.source_model for row in rows],
    )
    found = []
    for name in sorted({row.source_model for row in rows}):
        places = [place for place, row in enumerate(rows) if row.source_model == name]
        some = [rows[place] for place in places]
        held_out: list[Label] = [
            verdicts[place].label if kept[place] else "compliance" for place in places
        ]
        found.append(
            Source(
                name=name,
                scorer=_detector(name, some, [verdicts[place].label for place in places]),
                held_out=_binary(some, held_out),
                prefixes=_binary(some, [xstest_prefixes(row.response) for row in some]),
            )
        )
    return found


def _are_right(rows: Sequence[LabelledResponse], verdicts: Sequence[RefusalVerdict]) -> list[bool]:
    return [_side(row.label) == _side(v.label) for row, v in zip(rows, verdicts, strict=True)]


def _rules(rows: Sequence[LabelledResponse], verdicts: Sequence[RefusalVerdict]) -> list[RuleCount]:
    decided: dict[str, dict[str, list[bool]]] = {}
    right = _are_right(rows, verdicts)
    for row, verdict, is_right in zip(rows, verdicts, right, strict=True):
        if verdict.rule is not None:
            by_source = decided.setdefault(verdict.rule, {})
            by_source.setdefault(row.source_model, []).append(is_right)
    counts = [
        RuleCount(
            rule=rule,
            n=sum(map(len, by_source.values())),
            n_right=sum(map(sum, by_source.values())),
            n_sources=len(by_source),
            n_sources_right=sum(2 * sum(each) > len(each) for each in by_source.values()),
        )
        for rule, by_source in decided.items()
    ]
    return sorted(counts, key=lambda count: -count.n)


def _edit_losses(
    rows: Sequence[LabelledResponse], verdicts: Sequence[RefusalVerdict]
) -> dict[str, float]:
    declined = [row for row in rows if row.label != "compliance"]
    if not declined:
        return {}
    pairs = zip(rows, verdicts, strict=True)
    before = sum(row.label != "compliance" != verdict.label for row, verdict in pairs)
    edits: dict[str, Callable[[str], str]] = {**EDITS, ALL_EDITS: all_at_once}
    return {
        name: 100 * (before - _caught(declined, edit)) / len(declined)
        for name, edit in edits.items()
    }


def _caught(rows: Sequence[LabelledResponse], edit: Callable[[str], str]) -> int:
    return sum(
        classify_refusal(edit(row.response), row.prompt).label != "compliance" for row in rows
    )
