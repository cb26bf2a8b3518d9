"""What a failing or undecided check tells: rate, interval, reference, rollouts to read, a command.

Text that may comply with a harmful request is withheld, as in reports.
"""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from harness.analysis.examples import turns_of
from harness.regression.bounds import BoundCheck
from harness.regression.comparison import Comparison
from harness.regression.telling import telling
from harness.regression.verdict import Judgement, Verdict
from harness.reporting.escape import clean

if TYPE_CHECKING:
    from harness.regression.handles import MeasuredRate, MeasuredSweep


def bound_message(asked: "MeasuredRate", found: BoundCheck) -> str:
    """Say what a rate is beside its bound."""
    rate, bound = found.rate, f"{found.kind} {100 * found.bound:g}%"
    of = f" ({asked.category})" if asked.category else ""
    head = f"{asked.behaviour}{of} at alpha {asked.alpha:g} is {rate}; it must be {bound}"
    lines = [head + f" ({rate.n_prompts} prompts)"]
    if found.holding == "undecided":
        lines[0] += ": undecided, for the interval holds the bound"
        lines.append(_more_prompts(rate.n_prompts, found.prompts_needed))
    elif found.holding == "no data":
        lines.append(f"none of {rate.n_unscored} rollouts could be scored")
    else:
        events = 0.0 if found.kind == "at least" else 1.0
        frame = asked.sweep.frame
        lines += _shown(frame, telling(frame, asked.behaviour, asked.alpha, events, rate))
    return "\n".join([*lines, _look_closer(asked.sweep.log_dir)])


def verdict_message(sweep: "MeasuredSweep", verdict: Verdict) -> str:
    """Say what a comparison with a reference came to."""
    lines = [f"{sweep.name}: {verdict.finding} (margin {100 * verdict.margin:g} points)"]
    lines += [f"  {reason}" for reason in (*verdict.invalid, *verdict.notes)]
    told = verdict.of("regression") or verdict.of("undecided")
    lines += [f"  {judgement_line(one)}" for one in told]
    for one in verdict.of("regression")[:1]:
        lines += _shown(sweep.frame, _worse_rollouts(sweep.frame, one.comparison))
    if verdict.finding == "regression":
        lines.append(
            "If it is intended: run again with --update-references, and say why in the commit"
        )
    return "\n".join([*lines, _look_closer(sweep.log_dir)])


def judgement_line(one: Judgement) -> str:
    """Put one comparison into a line."""
    made = one.comparison
    asked = made.question
    text = f"{asked}: {made.now}, reference {made.reference}"
    if made.difference is None:
        return f"{text}: nothing to compare"
    text += f": {made.difference} ({made.difference.n_prompts} prompts), {one.finding}"
    if one.finding == "regression":
        return f"{text} beyond the margin of {100 * asked.margin:g} points"
    if one.finding == "undecided":
        caught = (
            ""
            if made.detectable is None
            else (
                f"; with 80% power a change of {100 * made.detectable:.0f} points would be caught"
            )
        )
        needed = _more_prompts(made.difference.n_prompts, made.prompts_needed)
        return f"{text}{caught}; {needed}"
    return text


def _more_prompts(have: int, needed: int | None) -> str:
    if needed is None:
        return "more prompts of this kind would hardly decide it"
    if needed <= have:
        return f"{have} prompts should do; chance kept them from it"
    return f"some {needed - have} more prompts would decide it ({needed} in all)"


def _look_closer(log_dir: Path) -> str:
    return f"Look closer: amplify report {shlex.quote(str(log_dir))}"


def _worse_rollouts(frame: pd.DataFrame, made: Comparison) -> pd.DataFrame:
    fell = made.difference is not None and made.difference.change < 0
    asked, wrong = made.question, 0.0 if fell else 1.0
    return telling(frame, asked.behaviour, asked.alpha, wrong, made.now, made.reference)


def _shown(frame: pd.DataFrame, chosen: pd.DataFrame) -> Iterator[str]:
    """Put a rollout into a line."""
    for name, turn in zip(chosen["sample_id"], turns_of(frame, chosen), strict=True):
        text = " ".join(clean(turn.text or turn.note or "").split())
        label = f", {turn.label}" if turn.label else ""
        yield f"  {clean(name)} (alpha {turn.alpha:g}{label}): {text}"
