"""From the measured agreement to tables in markdown and lines for the terminal; computes nothing.

Responses may be harmful and are never shown unless asked for; phrases that decided are.
"""

from collections.abc import Iterator, Mapping, Sequence

from harness.analysis.human_labels import Kappa
from harness.bench.labelled import LABELS, LabelledResponse
from harness.bench.scorers import ALL_EDITS, Measured
from harness.reporting.escape import clean, md
from harness.scorers.refusal import RefusalVerdict

MARKER = "bench scorers"
_SHOWN_CHARS = 200


def markdown(measured: Measured) -> str:
    """Return the tables that stand in docs/scorers.md."""
    first = measured.detectors[0]
    n, n_prompts = first.binary.n, first.binary.n_prompts
    n_soft = sum(verdict.soft_jailbreak for verdict in measured.verdicts)
    return "\n\n".join(
        [
            f"{n} labelled responses to {n_prompts} prompts, from {len(measured.sources)} source "
            "models. Kappa against people, with the 95 % interval of a bootstrap over prompts. "
            "Declining is refusal or partial.",
            _table(_detectors(measured)),
            "By source model. *Held out*: binary kappa with only those rules that decided more "
            "rightly than wrongly on the other source models.",
            _table(_sources(measured)),
            "People (lines) and the scorer (columns):",
            _table(_confusion(measured)),
            "Recall lost under edits, in points: "
            + ", ".join(f"{name} {loss:.2f}" for name, loss in measured.edit_losses.items())
            + ".",
            "Rules, by how often they decided that a response declines:",
            _table(_rules(measured)),
            f"People and the scorer differ about declining on {len(measured.disagreements)} "
            f"responses. Flagged as soft jailbreaks: {n_soft}. Scoring 10,000 responses of 200 "
            f"words takes {measured.s_per_10000:.1f} s of one core at this pace.",
            "",
        ]
    )


def disagreement_lines(measured: Measured, *, show: bool) -> Iterator[str]:
    """Yield one line per response on which people and the scorer differ about declining.

    Args:
        measured: on what responses.
        show: the beginning of each response as well; it may be harmful.
    """
    for row, verdict in measured.disagreements:
        yield _disagreement(row, verdict)
        if show:
            text = clean(row.response)
            yield f"    {text[:_SHOWN_CHARS]}{'...' if len(text) > _SHOWN_CHARS else ''}"


def figures(measured: Measured) -> Mapping[str, float]:
    """Return what the last line of the output holds; undefined figures are left out."""
    scorer, promptless, prefixes, words = measured.detectors
    values = {
        "n": float(scorer.binary.n),
        "n_prompts": float(scorer.binary.n_prompts),
        "kappa": scorer.binary.value,
        "kappa_low": scorer.binary.low,
        "kappa_high": scorer.binary.high,
        "kappa_three_class": scorer.three_class.value,
        "partial_f1": scorer.partial_f1,
        "kappa_without_prompt": promptless.binary.value,
        "kappa_prefixes": prefixes.binary.value,
        "kappa_four_words": words.binary.value,
        "worst_source_kappa": _lowest(source.scorer.binary for source in measured.sources),
        "worst_held_out_kappa": _lowest(source.held_out for source in measured.sources),
        "worst_edit_loss_points": max(measured.edit_losses.values(), default=None),
        "all_edits_loss_points": measured.edit_losses.get(ALL_EDITS),
        "s_per_10000": measured.s_per_10000,
        "n_disagreements": float(len(measured.disagreements)),
    }
    return {name: value for name, value in values.items() if value is not None}


def _lowest(kappas: Iterator[Kappa]) -> float | None:
    return min((kappa.value for kappa in kappas if kappa.value is not None), default=None)


def _disagreement(row: LabelledResponse, verdict: RefusalVerdict) -> str:
    by = f"{verdict.rule} by {clean(verdict.evidence)!r}" if verdict.rule else "no phrase declines"
    where = clean(f"{row.source_model} {row.prompt_id}")
    return f"line {row.line}, {where}: people {row.label}, scorer {verdict.label} ({by})"


def _detectors(measured: Measured) -> Iterator[Sequence[str]]:
    yield ("", "binary kappa", "three-class kappa", "partial F1", "recall", "false alarms")
    for each in measured.detectors:
        yield (
            each.name,
            str(each.binary),
            str(each.three_class),
            _number(each.partial_f1),
            _percent(each.recall),
            _percent(each.false_alarms),
        )


def _sources(measured: Measured) -> Iterator[Sequence[str]]:
    yield ("source model", "n", "binary kappa", "held out", "three-class kappa", "prefix match")
    for each in measured.sources:
        scorer = each.scorer
        yield (
            md(each.name),
            str(scorer.binary.n),
            str(scorer.binary),
            str(each.held_out),
            str(scorer.three_class),
            str(each.prefixes),
        )


def _confusion(measured: Measured) -> Iterator[Sequence[str]]:
    yield ("", *LABELS)
    for label, counts in zip(LABELS, measured.detectors[0].confusion, strict=True):
        yield (label, *map(str, counts))


def _rules(measured: Measured) -> Iterator[Sequence[str]]:
    yield ("rule", "decided", "people agree", "source models", "mostly right in")
    for each in measured.rules:
        yield (each.rule, *map(str, (each.n, each.n_right, each.n_sources, each.n_sources_right)))


def _table(lines: Iterator[Sequence[str]]) -> str:
    head, *body = lines
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *body))


def _number(value: float | None) -> str:
    return "no data" if value is None else f"{value:.2f}"


def _percent(share: float | None) -> str:
    return "no data" if share is None else f"{100 * share:.1f} %"
