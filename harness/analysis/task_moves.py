"""What a change does to the behaviours of one task: at each alpha, and by slopes along it.

Knows how curves, means and doses of a sweep fit together. Refuses to know logs and how it is shown.
"""

from dataclasses import dataclass, replace

from harness.analysis.breaks import NONSENSE_LEVEL
from harness.analysis.differences import Difference, difference
from harness.analysis.dose import Estimate
from harness.analysis.means import Mean, mean_difference
from harness.analysis.rates import Rate
from harness.analysis.results import Results, headline_curves
from harness.analysis.sense import sensible_up_to
from harness.analysis.slopes import Along, Slope, Value, slopes
from harness.analysis.trend_findings import trend_alphas

NONSENSE = "nonsense"
BASELINE, TARGET = -1.0, 0.0
"""The alphas that decode from the plain sides."""


@dataclass(frozen=True, kw_only=True)
class PlainChange:
    """The plain target minus the plain baseline, paired by prompt."""

    change: Difference | Estimate | None
    """A difference of rates, or of means; None where there is none, and ``note`` says why."""
    note: str | None


@dataclass(frozen=True, kw_only=True)
class BehaviourMoves:
    """One behaviour of the task."""

    name: str
    """The scorer's, or the curve's."""
    unit: str | None
    """What is counted per reply ("checks"); None for rates and grades."""
    values: tuple[Value, ...]
    """One per alpha of the sweep, in their order."""
    plain: PlainChange
    along_alpha: Slope
    along_dose: Slope


@dataclass(frozen=True, kw_only=True)
class TaskMoves:
    """Every behaviour of one task."""

    task: str
    n_prompts: int
    n_rollouts: int
    alphas: tuple[float, ...]
    doses_nats: tuple[Estimate | None, ...]
    """One per alpha: the mean KL(amplified, target) per token."""
    cut: tuple[Rate | None, ...]
    """One per alpha: the share of replies that the token limit cut off."""
    sensible: tuple[float, ...]
    """The alphas that slopes are over, but for that of nonsense, which is over all."""
    doubtful: bool
    """Whether too much is nonsense even at these, as none is better."""
    behaviours: tuple[BehaviourMoves, ...]
    """Rates first, then means, nonsense last."""
    warnings: tuple[str, ...]
    """What is wrong with the sweep or its data."""
    command: str
    """Draws the same sweep by itself."""
    findings: tuple[str, ...] = ()
    """What moves beyond chance, and over which alphas that was looked for."""


def task_moves(results: Results) -> TaskMoves:
    """Line up every behaviour of an analysed sweep, and fit its slopes.

    Along alpha, and along the mean dose of each alpha of 0 and above, in which a rollout's own dose
    has no part; each over the alphas where text still makes sense.
    """
    alphas, nonsense = results.alphas, results.nonsense
    sensible = trend_alphas(alphas, nonsense)
    last = None if nonsense is None else sensible_up_to(alphas, nonsense)
    doses = {one.alpha: one.dose_nats for one in results.doses}
    cut = {one.alpha: one.cut for one in results.lengths}
    named = _behaviours(results)
    family = [
        Along(values, alphas) if name == NONSENSE else _at(values, alphas, sensible)
        for name, _, values in named
    ]
    known = {alpha: one.value for alpha, one in doses.items() if one and alpha >= 0}
    along = slopes(family, {alpha: alpha for alpha in alphas}, "alpha")
    with_dose = slopes(family, known, "dose")
    found = TaskMoves(
        task=results.task,
        n_prompts=results.data.n_prompts,
        n_rollouts=results.data.n_rollouts,
        alphas=alphas,
        doses_nats=tuple(doses.get(alpha) for alpha in alphas),
        cut=tuple(cut.get(alpha) for alpha in alphas),
        sensible=sensible,
        doubtful=nonsense is not None and sensible[-1] != last,
        behaviours=tuple(
            BehaviourMoves(
                name=name,
                unit=unit,
                values=values,
                plain=plain_change(dict(zip(alphas, values, strict=True))),
                along_alpha=along[i],
                along_dose=with_dose[i],
            )
            for i, (name, unit, values) in enumerate(named)
        ),
        warnings=results.data.warnings,
        command=results.command,
    )
    return replace(found, findings=task_findings(found))


def plain_change(values: dict[float, Value]) -> PlainChange:
    """Subtract what the baseline does from what the target does."""
    target, baseline = values.get(TARGET), values.get(BASELINE)
    change: Difference | Estimate | None = None
    if isinstance(target, Rate) and isinstance(baseline, Rate):
        change = difference(target, baseline)
    elif isinstance(target, Mean) and isinstance(baseline, Mean):
        change = mean_difference(target, baseline)
    if change is None:
        return PlainChange(change=None, note="no prompt was scored on both sides")
    if isinstance(change, Estimate) and change.low is None:
        moved = "no prompt changes" if change.value == 0 else "every prompt changes by as much"
        return PlainChange(change=None, note=moved)
    return PlainChange(change=change, note=None)


def task_findings(moves: TaskMoves) -> tuple[str, ...]:
    """Say what moves beyond chance, and over which alphas that was looked for."""
    said = [_count(moves, [one.along_alpha for one in moves.behaviours], "alpha")]
    said.append(_count(moves, [one.along_dose for one in moves.behaviours], "dose"))
    return (*said, _range(moves))


def _behaviours(results: Results) -> list[tuple[str, str | None, tuple[Value, ...]]]:
    """Name each with its unit and its values along alpha."""
    rates = headline_curves(results.refusal, None, results.others)
    found: list[tuple[str, str | None, tuple[Value, ...]]] = []
    found += [(one.name, None, one.rates) for one in rates]
    found += [(one.overall.name, one.overall.unit, one.overall.means) for one in results.means]
    if results.nonsense:
        found.append((NONSENSE, None, results.nonsense.rates))
    return found


def _at(values: tuple[Value, ...], alphas: tuple[float, ...], chosen: tuple[float, ...]) -> Along:
    named = dict(zip(alphas, values, strict=True))
    return Along(tuple(named[alpha] for alpha in chosen), chosen)


def _count(moves: TaskMoves, every: list[Slope], regressor: str) -> str:
    tested = [one for one in every if one.p_adjusted is not None]
    found = [
        f"{moved.name} {'rises' if one.estimate.value > 0 else 'falls'}"
        for moved, one in zip(moves.behaviours, every, strict=True)
        if one.discovery and one.estimate
    ]
    if not tested:
        return f"Along {regressor} no behaviour has a slope."
    said = f": {', '.join(found)}" if found else ""
    return f"Along {regressor} {len(found)} of {len(tested)} slopes are beyond chance{said}."


def _range(moves: TaskMoves) -> str:
    over = ", ".join(f"{alpha:g}" for alpha in moves.sensible)
    out = ", ".join(f"{alpha:g}" for alpha in moves.alphas if alpha not in moves.sensible)
    if moves.doubtful:
        return (
            f"Slopes are over alpha {over}, though more than {NONSENSE_LEVEL:.0%} is nonsense "
            "there already: what they show may be the end of sense and no behaviour."
        )
    if not out:
        return f"Slopes are over all alphas ({over})."
    return (
        f"Slopes are over alpha {over}. At {out}, where more than {NONSENSE_LEVEL:.0%} is nonsense "
        "or a lower alpha has as much, only nonsense itself is followed."
    )
