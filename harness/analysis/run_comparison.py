"""Two runs beside each other, matched by prompt, at equal doses and at equal alphas.

An alpha means another thing to every pair, constraint and quantization: twice the difference at
half the alpha is the same model. What compares is the dose. Knows frames and curves.
"""

from dataclasses import dataclass

import pandas as pd

from harness.analysis.behaviours import (
    JUDGE,
    is_binary,
    nonsense_curve,
    refusal_curves,
    scorer_curves,
)
from harness.analysis.configuration import Configuration, configuration, sweep_command
from harness.analysis.differences import Difference, difference
from harness.analysis.dose import Estimate, doses
from harness.analysis.dose_comparison import AtDose, compare_along_dose
from harness.analysis.dose_walk import DoseSource, Run, dose_source
from harness.analysis.frame import rollouts
from harness.analysis.judged import judge_curves
from harness.analysis.rates import Rate
from harness.analysis.results import headline_curves
from harness.analysis.run_differences import (
    Differing,
    Shared,
    conditions,
    differing,
    shared_prompts,
)


@dataclass(frozen=True, kw_only=True)
class Side:
    """One run under one constraint, over the prompts that both share."""

    pair: str
    constraint: str
    alphas: tuple[float, ...]
    doses: tuple[Estimate | None, ...]
    """Of each alpha, nats per token; None where there is none."""
    dose_source: DoseSource | None
    """What stands for the dose: ``dose``, or ``gain`` under a mask, which cuts after the dose is
    measured. None where the logs hold neither."""
    n_rollouts: int


@dataclass(frozen=True, kw_only=True)
class AtAlpha:
    """One behaviour of both runs at the same alpha."""

    alpha: float
    a: Rate
    b: Rate
    change: Difference | None
    """From A to B, paired by prompt; None where one has no data."""


@dataclass(frozen=True, kw_only=True)
class BehaviourComparison:
    """One behaviour of both runs."""

    name: str
    a: tuple[Rate, ...]
    """Of run A, one per alpha."""
    b: tuple[Rate, ...]
    at_dose: tuple[AtDose, ...]
    """At doses that both reach, rising."""
    at_alpha: tuple[AtAlpha, ...]
    """At every alpha that both sampled."""


@dataclass(frozen=True, kw_only=True)
class ConditionComparison:
    """Both runs under one constraint each, mostly the same."""

    a: Side
    b: Side
    behaviours: tuple[BehaviourComparison, ...]
    common_doses: tuple[float, float] | None
    """The least and the greatest dose that both reach, nats per token."""
    note: str | None
    """Why nothing is compared at equal doses."""
    only_a: tuple[str, ...]
    """Behaviours that run A alone was scored for."""
    only_b: tuple[str, ...]
    no_rates: tuple[str, ...]
    """Scorers that count or grade in either run: they have no rates to compare."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where the rollouts of one run come from."""

    pair: str
    configuration: Configuration
    command: str
    """Draws them again."""


@dataclass(frozen=True, kw_only=True)
class RunComparison:
    """What two runs show beside each other; a change is from A to B."""

    task: str
    shared: Shared
    conditions: tuple[ConditionComparison, ...]
    differing: tuple[Differing, ...]
    """Settings, versions and arguments that are not the same."""
    unmatched: tuple[str, ...]
    """Constraints that one run has alone, and that are in no comparison."""
    sources: tuple[Source, Source]
    """Of A and of B."""

    @property
    def pair(self) -> str:
        """Both pairs, for a title."""
        return " beside ".join(one.pair for one in self.sources)

    @property
    def configuration(self) -> Configuration:
        """Of run A."""
        return self.sources[0].configuration


def compare_runs(a: pd.DataFrame, b: pd.DataFrame) -> RunComparison:
    """Compare two runs of one task.

    Args:
        a: from ``read_frame``.
        b: likewise; changes are from A to B.

    Raises:
        AnalysisError: if the tasks differ, no prompt is in both, or the constraints can't be told
            to belong together.
    """
    shared = shared_prompts(a, b)
    pairs, unmatched = conditions(a, b)
    compared = tuple(_compare(_only(shared, one), _only(shared, other)) for one, other in pairs)
    return RunComparison(
        task=str(a["task"].iloc[0]),
        shared=shared,
        conditions=compared,
        differing=differing(a, b),
        unmatched=unmatched,
        sources=(_source(a), _source(b)),
    )


def _source(frame: pd.DataFrame) -> Source:
    alphas = tuple(sorted(float(alpha) for alpha in set(frame["alpha"])))
    return Source(
        pair=str(frame["pair"].iloc[0]),
        configuration=configuration(frame),
        command=sweep_command(frame, alphas),
    )


def _only(shared: Shared, frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["sample_id"].isin(list(shared.ids))].reset_index(drop=True)


def _compare(a: pd.DataFrame, b: pd.DataFrame) -> ConditionComparison:
    one, other = _run(a), _run(b)
    along = compare_along_dose(one, other)
    both = [name for name in one.curves if name in other.curves]
    return ConditionComparison(
        a=_side(one),
        b=_side(other),
        behaviours=tuple(
            BehaviourComparison(
                name=name,
                a=one.curves[name].rates,
                b=other.curves[name].rates,
                at_dose=along.behaviours.get(name, ()),
                at_alpha=_at_alphas(name, one, other),
            )
            for name in both
        ),
        common_doses=along.common,
        note=along.note,
        only_a=tuple(name for name in one.curves if name not in both),
        only_b=tuple(name for name in other.curves if name not in both),
        no_rates=tuple(sorted(_countless(a) | _countless(b))),
    )


def _run(frame: pd.DataFrame) -> Run:
    alphas = tuple(sorted(float(alpha) for alpha in set(frame["alpha"])))
    judge = judge_curves(frame, alphas)
    others = scorer_curves(frame, alphas) + ((judge,) if judge else ())
    refusal, nonsense = refusal_curves(frame, alphas), nonsense_curve(frame, alphas)
    curves = headline_curves(refusal, nonsense, others)
    return Run(
        frame=frame,
        alphas=alphas,
        curves={curve.name: curve for curve in curves},
        source=dose_source(frame),
    )


def _side(run: Run) -> Side:
    known = {one.alpha: one for one in doses(run.frame)}
    under = f"{run.source}_nats"
    return Side(
        pair=str(run.frame["pair"].iloc[0]),
        constraint=str(run.frame["constraint"].iloc[0]),
        alphas=run.alphas,
        doses=tuple(getattr(known.get(alpha), under, None) for alpha in run.alphas),
        dose_source=run.source,
        n_rollouts=len(rollouts(run.frame)),
    )


def _countless(frame: pd.DataFrame) -> set[str]:
    """Name the scorers whose values are no events; the judge's are compared above one half."""
    return {
        str(name) for name, rows in frame.groupby("scorer") if name != JUDGE and not is_binary(rows)
    }


def _at_alphas(name: str, a: Run, b: Run) -> tuple[AtAlpha, ...]:
    rates = [dict(zip(run.alphas, run.curves[name].rates, strict=True)) for run in (a, b)]
    return tuple(
        AtAlpha(
            alpha=alpha,
            a=rates[0][alpha],
            b=rates[1][alpha],
            change=difference(rates[1][alpha], rates[0][alpha]),
        )
        for alpha in a.alphas
        if alpha in rates[1]
    )
