"""Two runs beside each other as tables; every figure comes from the comparison."""

from harness.analysis.run_comparison import BehaviourComparison, ConditionComparison, RunComparison
from harness.constraint import NONE
from harness.reporting.escape import Markdown, md
from harness.reporting.tables import at, number, table


def at_dose(behaviour: BehaviourComparison) -> Markdown:
    """One behaviour at the doses that both reach."""
    head = ["dose (nats per token)", "A", "B", "change from A to B", "alpha in A", "alpha in B"]
    rows = (
        [
            number(point.dose_nats, 3),
            point.a,
            point.b,
            point.change,
            *(number(alpha) for alpha in point.alphas),
        ]
        for point in behaviour.at_dose
    )
    return table(head, rows)


def at_alpha(behaviour: BehaviourComparison) -> Markdown:
    """One behaviour at the alphas that both sampled."""
    rows = ([at(point.alpha), point.a, point.b, point.change] for point in behaviour.at_alpha)
    return table(["alpha", "A", "B", "change from A to B"], rows)


def heading(condition: ConditionComparison) -> Markdown:
    """What both runs were drawn under."""
    names = dict.fromkeys(side.constraint for side in (condition.a, condition.b))
    if len(names) > 1:
        return md(" beside ".join(names))
    return md("Unconstrained" if NONE in names else f"Constraint {condition.a.constraint}")


def sides(condition: ConditionComparison) -> Markdown:
    """Both runs."""
    head = ["run", "pair", "constraint", "rollouts", "alphas"]
    rows = (
        [
            name,
            side.pair,
            side.constraint,
            side.n_rollouts,
            ", ".join(f"{alpha:g}" for alpha in side.alphas),
        ]
        for name, side in (("A", condition.a), ("B", condition.b))
    )
    return table(head, rows)


def doses(condition: ConditionComparison) -> Markdown:
    """What each alpha is worth in each run."""
    along = [dict(zip(side.alphas, side.doses, strict=True)) for side in (condition.a, condition.b)]
    head = ["alpha", "dose of A (nats per token)", "dose of B (nats per token)"]
    every = sorted({*along[0], *along[1]})
    return table(head, ([at(alpha), *(of.get(alpha) for of in along)] for alpha in every))


def differing(found: RunComparison) -> Markdown:
    """What is set otherwise."""
    return table(["setting", "A", "B"], [[one.name, one.a, one.b] for one in found.differing])
