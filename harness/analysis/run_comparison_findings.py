"""What may be said of two runs beside each other, by rules.

A difference is claimed only where its interval leaves out 0, and at a dose that the nonsense rate
fixes, not the effect.
"""

from collections.abc import Iterator, Sequence

from harness.analysis.breaks import NONSENSE_LEVEL
from harness.analysis.dose_comparison import AtDose
from harness.analysis.run_comparison import (
    BehaviourComparison,
    ConditionComparison,
    RunComparison,
    Side,
)
from harness.constraint import NONE

NONSENSE = "nonsense"


def run_findings(found: RunComparison) -> tuple[str, ...]:
    """Say what was compared, and what is the same or not at equal doses."""
    return (_asked(found), *(said for one in found.conditions for said in _of(one)))


def _asked(found: RunComparison) -> str:
    shared = found.shared
    left_out = [
        f"{n} {what}"
        for n, what in (
            (shared.n_only_a, "that only A asked"),
            (shared.n_only_b, "that only B asked"),
            (len(shared.reworded), "of other words under the same id"),
        )
        if n
    ]
    text = f"Everything is over the {len(shared.ids)} prompts of the task {found.task} in both runs"
    return f"{text}; left out: {', '.join(left_out)}." if left_out else f"{text}."


def _of(one: ConditionComparison) -> Iterator[str]:
    under = _under(one)
    if one.note or one.common_doses is None:
        yield f"{under}nothing is compared at equal doses: {one.note}."
    else:
        least, most = one.common_doses
        yield (
            f"{under}both reach doses from {least:.3f} to {most:.3f} nats per token in at least "
            f"97.5% of resamples of the prompts; A reaches {_reach(one.a)} and B {_reach(one.b)}. "
            "Nothing is said beyond."
        )
        yield from _at_one_dose(one.behaviours)
    yield from _same_alpha(one)


def _under(one: ConditionComparison) -> str:
    names = [one.a.constraint, one.b.constraint]
    if names[0] != names[1]:
        return f"A under {names[0]} and B under {names[1]}: "
    return "Unconstrained, " if names[0] == NONE else f"Under {names[0]}, "


def _reach(side: Side) -> str:
    known = [dose for dose in side.doses if dose is not None]
    return str(max(known, key=lambda dose: dose.value))


def _at_one_dose(behaviours: Sequence[BehaviourComparison]) -> Iterator[str]:
    nonsense = next((one for one in behaviours if one.name == NONSENSE), None)
    chosen = _chosen(nonsense.at_dose if nonsense else ())
    for one in behaviours:
        points = [point for point in one.at_dose if chosen is None or point.dose_nats == chosen]
        if points:
            point = points[-1]
            unsure = "" if point.change.is_told else "; no difference can be told"
            yield (
                f"At a dose of {point.dose_nats:.3f} nats per token {one.name} is {point.a} in A, "
                f"at alpha {point.alphas[0]:.2g}, and {point.b} in B, at alpha "
                f"{point.alphas[1]:.2g}: {point.change}{unsure}."
            )


def _chosen(nonsense: Sequence[AtDose]) -> float | None:
    """Return the last dose before text falls apart in either; None for the greatest of all."""
    above = list(nonsense[1:])
    if not above:
        return None
    sensible = None
    for point in above:
        if max(point.a.value, point.b.value) > NONSENSE_LEVEL:
            break
        sensible = point.dose_nats
    return above[0].dose_nats if sensible is None else sensible


def _same_alpha(one: ConditionComparison) -> Iterator[str]:
    """Say at the largest alpha of both what it is worth in each."""
    shared = [alpha for alpha in one.a.alphas if alpha in one.b.alphas and alpha > 0]
    if not shared:
        yield "No alpha above 0 is in both runs."
        return
    doses = [side.doses[side.alphas.index(shared[-1])] for side in (one.a, one.b)]
    if doses[0] is not None and doses[1] is not None:
        yield (
            f"Alpha {shared[-1]:g} is a dose of {doses[0]} nats per token in A and of {doses[1]} "
            "in B: rates at equal alphas compare such doses."
        )
