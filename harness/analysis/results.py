"""Everything that a report shows, frozen, computed once from a frame.

Knows how the other modules of this room fit together. Refuses to know how results look.
"""

import dataclasses
import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from harness.analysis.applied import Applied, applied
from harness.analysis.behaviours import (
    Curve,
    Refusal,
    ScorerCurves,
    nonsense_curve,
    refusal_curves,
    scorer_curves,
)
from harness.analysis.calibration import Calibration
from harness.analysis.changes import Changes, changes
from harness.analysis.configuration import Configuration, configuration, sweep_command
from harness.analysis.constraint_comparison import Condition, comparison_findings
from harness.analysis.deep_dive import CategoryAnswers, category_answers
from harness.analysis.dose import Dose
from harness.analysis.examples import Example, examples
from harness.analysis.fidelity import Fidelity, check_fidelity, fidelity_failures, shout
from harness.analysis.fidelity_findings import (
    calibration_findings,
    dose_findings,
    magnitude_findings,
    strength_findings,
)
from harness.analysis.findings import (
    Findings,
    data_findings,
    length_findings,
    limit_findings,
)
from harness.analysis.frame import by_constraint
from harness.analysis.judged import Judged, judge_curves, judge_findings, judged
from harness.analysis.length_trends import LengthTrend
from harness.analysis.lengths import Length, lengths
from harness.analysis.magnitudes import Magnitude
from harness.analysis.means import ScorerMeans, mean_findings, scorer_means
from harness.analysis.openings import Opening, openings
from harness.analysis.pooled import PooledCurve, pooled
from harness.analysis.regime_curves import regimes
from harness.analysis.regime_findings import regime_findings
from harness.analysis.regimes import Regime
from harness.analysis.sense import compared_alpha, sensible_up_to
from harness.analysis.strength import Strength
from harness.analysis.summary import DataSummary, across_constraints, summarise
from harness.analysis.token_sums import read_token_sums
from harness.analysis.trend_findings import all_trends, section_findings, trend_findings
from harness.analysis.trends import Trend
from harness.analysis.verdict import Grounds, behaviours_of, verdict
from harness.constraint import NONE
from harness.errors import AnalysisError

SCHEMA_VERSION = 1
"""Of results.json; it rises when a field changes its meaning or goes. ``docs/results.md``."""


@dataclass(frozen=True, kw_only=True)
class Results:
    """What one sweep showed under one constraint, mostly ``none``."""

    pair: str
    task: str
    constraint: str
    """What held for every rollout of these; nothing is pooled over constraints."""
    alphas: tuple[float, ...]
    """Rising; the rates of every curve stand in this order."""
    data: DataSummary
    refusal: Refusal | None
    nonsense: Curve | None
    others: tuple[ScorerCurves, ...]
    judged: Judged | None
    means: tuple[ScorerMeans, ...]
    lengths: tuple[Length, ...]
    changes: tuple[Changes, ...]
    trends: tuple[Trend, ...]
    length_trends: tuple[LengthTrend, ...]
    magnitudes: tuple[Magnitude, ...]
    doses: tuple[Dose, ...]
    applied: tuple[Applied, ...]
    calibration: tuple[Calibration, ...]
    strengths: tuple[Strength, ...]
    failures: tuple[str, ...]
    """What each failed check of fidelity says; empty where a sweep did what it says."""
    regimes: tuple[Regime, ...]
    openings: tuple[Opening, ...]
    by_category: tuple[CategoryAnswers, ...]
    """Every kind of answer in each category."""
    examples: tuple[Example, ...]
    pooled: tuple[PooledCurve, ...]
    """The headline curves on a finer grid of alphas; empty where no traces were given."""
    findings: Findings
    configuration: Configuration
    command: str
    """Draws the same sweep again, all constraints of it."""
    constrained: tuple["Results", ...] = ()
    """The same for each constraint that was swept beside this one."""
    comparison: tuple[str, ...] = ()
    """What may be said of those beside this one."""


def analyse(
    frame: pd.DataFrame, command: str | None = None, log_dir: Path | None = None
) -> Results:
    """Compute everything that a report shows.

    Args:
        frame: from ``read_frame``.
        command: what was typed to draw the sweep; rebuilt from the logs if None.
        log_dir: where the trace files are; None leaves out what needs every token.

    Raises:
        AnalysisError: if every rollout under one constraint ended with an error, or a trace file
            can't be read.
    """
    parts = by_constraint(frame)
    every = sorted({float(alpha) for alpha in frame["alpha"]})
    command = command or sweep_command(frame, tuple(every))
    tokens = None if log_dir is None else read_token_sums(log_dir)
    n_checks = sum(part["alpha"].nunique() for part in parts.values())
    main, *others = (
        _analyse(part, command, check_fidelity(part, tokens, n_checks), log_dir)
        for part in parts.values()
    )
    shouts = [f"Under {one.constraint}: {said}" for one in others for said in shout(one.failures)]
    doubts = [f"under {one.constraint}: {said}" for one in others for said in one.data.warnings]
    warnings = tuple(dict.fromkeys([*main.data.warnings, *across_constraints(parts), *doubts]))
    return replace(
        main,
        data=replace(main.data, warnings=warnings),
        findings=replace(
            main.findings, summary=(*shout(main.failures), *shouts, *main.findings.summary)
        ),
        constrained=tuple(others),
        comparison=comparison_findings(_condition(main), [_condition(one) for one in others]),
    )


def _condition(results: Results) -> Condition:
    curves = headline_curves(results.refusal, None, results.others)
    return Condition(
        constraint=results.constraint,
        alphas=results.alphas,
        behaviours=curves,
        nonsense=results.nonsense,
        sense=next((one for one in results.regimes if one.kind == "sensible"), None),
    )


def _analyse(
    frame: pd.DataFrame, command: str, fidelity: Fidelity, log_dir: Path | None
) -> Results:
    """Compute what is shown of one constraint."""
    data = summarise(frame)
    if data.n_errors == data.n_rollouts:
        constraint = frame["constraint"].iloc[0]
        under = "" if constraint == NONE else f" under {constraint}"
        raise AnalysisError(
            f"all {data.n_rollouts} rollouts{under} failed: {data.errors[0].name} "
            f"({data.errors[0].k} times). Mend that and run the sweep again"
        )
    alphas = data.alphas
    refusal, nonsense = refusal_curves(frame, alphas), nonsense_curve(frame, alphas)
    others, sizes = scorer_curves(frame, alphas), lengths(frame)
    verdicts, above = judged(frame, alphas), judge_curves(frame, alphas)
    others += (above,) if above else ()
    failures = fidelity_failures(fidelity)
    means = scorer_means(frame, alphas)
    against = compared_alpha(alphas, sensible_up_to(alphas, nonsense))
    main = headline_curves(refusal, nonsense, others)
    behaviours = headline_curves(refusal, None, others)
    broken = regimes(frame, alphas, nonsense, behaviours, fidelity.doses)
    found = all_trends(frame, alphas, nonsense, fidelity.doses)
    categories = (refusal.categories if refusal else ()) + tuple(
        category for other in others for category in other.categories
    )
    return Results(
        pair=str(frame["pair"].iloc[0]),
        task=str(frame["task"].iloc[0]),
        constraint=str(frame["constraint"].iloc[0]),
        alphas=alphas,
        data=replace(data, warnings=(*failures, *data.warnings)),
        refusal=refusal,
        nonsense=nonsense,
        others=others,
        judged=verdicts,
        means=means,
        lengths=sizes,
        changes=changes(main, alphas),
        trends=found.trends,
        length_trends=found.lengths,
        magnitudes=fidelity.magnitudes,
        doses=fidelity.doses,
        applied=applied(frame),
        calibration=fidelity.calibration,
        strengths=fidelity.strengths,
        failures=failures,
        regimes=broken,
        openings=openings(frame),
        by_category=category_answers(frame, alphas),
        examples=examples(frame, harmless=frame.attrs.get("run", {}).get("harmless", False)),
        pooled=pooled(frame, alphas, main, log_dir),
        findings=Findings(
            summary=verdict(
                Grounds(
                    data=data,
                    behaviours=behaviours_of(refusal, others),
                    means=mean_findings(means, alphas, against),
                    nonsense=nonsense,
                    sense=next((one for one in broken if one.kind == "sensible"), None),
                    trends=found.trends,
                    fidelity=fidelity,
                    failures=failures,
                )
            ),
            data=data_findings(data),
            judge=judge_findings(verdicts),
            lengths=length_findings(sizes),
            magnitudes=magnitude_findings(fidelity.magnitudes),
            dose=dose_findings(fidelity.doses),
            calibration=calibration_findings(fidelity.calibration)
            + strength_findings(fidelity.strengths),
            regimes=regime_findings(broken),
            trends=trend_findings(found, [curve.name for curve in main]) + section_findings(found),
            limits=limit_findings(data, main + categories),
        ),
        configuration=configuration(frame),
        command=command,
    )


def headline_curves(
    refusal: Refusal | None, nonsense: Curve | None, others: tuple[ScorerCurves, ...]
) -> tuple[Curve, ...]:
    """List the curves of the figure and the first table, in their order."""
    curves = [refusal.refusal, refusal.benign] if refusal else []
    curves += [other.overall for other in others]
    return tuple(curve for curve in [*curves, nonsense] if curve)


def results_json(results: Results) -> str:
    """Write results as JSON; what is not finite becomes null, for JSON has no NaN."""
    written = {"schema_version": SCHEMA_VERSION, **_plain(results)}
    return json.dumps(written, indent=1, allow_nan=False) + "\n"


def plain_json(frozen: object) -> str:
    """Write a frozen dataclass as JSON, as ``results_json`` does."""
    return json.dumps(_plain(frozen), indent=1, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        written = [one for one in dataclasses.fields(value) if one.metadata.get("written", True)]
        return {one.name: _plain(getattr(value, one.name)) for one in written}
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
