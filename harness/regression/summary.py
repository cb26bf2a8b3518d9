"""One verdict for readers and machines: markdown for a CI summary, JSON for programs.

Both are made of the same verdict, so they can't contradict each other or the exit code.
"""

import json
from collections.abc import Sequence
from typing import Any

from harness.regression.messages import judgement_line
from harness.regression.verdict import Judgement, Verdict
from harness.reporting.escape import clean, md
from harness.reporting.tables import DAGGER_MEANS, table

SCHEMA = 1

_WORDS = {
    "regression": "Regression: behaviour got worse beyond the margin.",
    "improvement": "Improvement: nothing got worse beyond the margin, and something got better.",
    "stable": "Stable: nothing got worse beyond the margin.",
    "undecided": "Undecided: the data can't say whether something got worse beyond the margin.",
    "invalid": "Invalid: the run and its reference can't be compared.",
}


def sentence(verdict: Verdict) -> str:
    """Say what a verdict means."""
    return _WORDS[verdict.finding]


def markdown(verdict: Verdict, name: str) -> str:
    """Write a verdict as a section of markdown, the findings that matter first."""
    lines = [f"## {md(name)}: {verdict.finding}", "", sentence(verdict), ""]
    lines += [f"- {md(reason)}" for reason in (*verdict.invalid, *verdict.notes)]
    if verdict.judgements:
        lines += ["", table(_HEAD, map(_row, _worst_first(verdict.judgements))), ""]
        lines.append(
            f"Margin {100 * verdict.margin:g} points; intervals of 95% over prompts, paired with "
            "the reference's; findings allow for the number of comparisons "
            "(Benjamini-Hochberg). Caught with 80%: the smallest true change for the worse that "
            f"a run like this would find. † {DAGGER_MEANS}."
        )
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


def verdict_json(verdict: Verdict, name: str) -> str:
    """Write a verdict for programs; ``docs/regression.md`` has the fields."""
    content = {
        "schema": SCHEMA,
        "name": name,
        "finding": verdict.finding,
        "exit_code": verdict.exit_code,
        "margin": verdict.margin,
        "invalid": list(verdict.invalid),
        "notes": list(verdict.notes),
        "comparisons": [_fields(one) for one in verdict.judgements],
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def terminal(verdict: Verdict, name: str) -> str:
    """Write a verdict for a terminal: a line each for what is not stable, the worst first."""
    stable = verdict.of("stable")
    told = [one for one in _worst_first(verdict.judgements) if one.finding != "stable"]
    said = sentence(verdict).partition(": ")[2]
    lines = [f"{name}: {verdict.finding}. {said[0].upper()}{said[1:]}"]
    lines += [f"  {clean(reason)}" for reason in (*verdict.invalid, *verdict.notes)]
    lines += [f"  {judgement_line(one)}" for one in told]
    if stable:
        n_all = len(verdict.judgements)
        lines.append(f"  {len(stable)} of {n_all} comparisons are stable{_power(stable)}")
    return "\n".join(lines)


def _worst_first(judgements: Sequence[Judgement]) -> list[Judgement]:
    order = ["regression", "invalid", "undecided", "improvement", "stable"]
    return sorted(judgements, key=lambda one: order.index(one.finding))


def _power(judgements: Sequence[Judgement]) -> str:
    """Say what would have been caught, over several comparisons."""
    told = [one.comparison.detectable for one in judgements]
    caught = [100 * one for one in told if one is not None]
    if not caught:
        return ""
    low, high = f"{min(caught):.0f}", f"{max(caught):.0f}"
    points = low if low == high else f"{low} to {high}"
    return f"; with 80% power a change of {points} points would be caught"


_HEAD = ("behaviour", "now", "reference", "change", "finding", "caught with 80%")


def _row(one: Judgement) -> Sequence[object]:
    made = one.comparison
    caught = None if made.detectable is None else f"{100 * made.detectable:.0f} points"
    change = None if made.difference is None else str(made.difference)
    return [str(made.question), made.now, made.reference, change, one.finding, caught]


def _fields(one: Judgement) -> dict[str, Any]:
    made = one.comparison
    asked, change = made.question, made.difference
    return {
        "behaviour": asked.behaviour,
        "category": asked.category,
        "alpha": asked.alpha,
        "worse": asked.worse,
        "finding": one.finding,
        "now": _rate(made.now),
        "reference": _rate(made.reference),
        "change": None
        if change is None
        else {
            "change": change.change,
            "low": change.low,
            "high": change.high,
            "n_prompts": change.n_prompts,
            "method": change.method,
        },
        "p_worse": made.p_worse,
        "p_worse_adjusted": one.p_worse_adjusted,
        "p_better": made.p_better,
        "p_better_adjusted": one.p_better_adjusted,
        "detectable": made.detectable,
        "prompts_needed": made.prompts_needed,
    }


def _rate(rate: Any) -> dict[str, Any]:
    names = ("k", "n", "n_prompts", "n_unscored", "rate", "low", "high", "n_effective")
    return {name: getattr(rate, name) for name in names}
