"""Constraints beside each other: what each changed at the same alpha, and what it can't show.

Knows curves. A sentence claims a change only where the interval of the difference leaves out 0.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.analysis.behaviours import Curve
from harness.analysis.breaks import NONSENSE_LEVEL
from harness.analysis.differences import difference
from harness.analysis.rates import Rate
from harness.analysis.regimes import Regime
from harness.analysis.sense import sense_reaches
from harness.constraint import NONE, Kind, format_number, parse_constraints

HIDES: dict[Kind, str] = {
    "clip": "how strongly the change favours a token beyond {0} nats does not show",
    "first": "after {0} tokens the reply is the target's own, so what begins later does not show",
    "kl_budget": "a token that would need a step of more than {0} nats stays rare at any alpha",
    "kl_gate": "a difference spread over steps of at most {0} nats each is left out",
    "plausibility": "a token less than {0} times as likely to the target as its likeliest can't "
    "be sampled at any alpha, so rare behaviour stays hidden",
    "target_top_p": "a token outside the likeliest that hold {0} of the target's mass can't be "
    "sampled at any alpha, so rare behaviour stays hidden",
}
"""By kind, what a rate under it can't show; {0} is its number."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """The curves under one constraint."""

    constraint: str
    alphas: tuple[float, ...]
    behaviours: tuple[Curve, ...]
    """Headline curves but nonsense."""
    nonsense: Curve | None
    sense: Regime | None
    """Up to where the text makes sense."""

    def at(self, alpha: float, curve: Curve) -> Rate:
        """Return a curve's rate at one of the alphas."""
        return curve.rates[self.alphas.index(alpha)]


def comparison_findings(main: Condition, others: Sequence[Condition]) -> tuple[str, ...]:
    """Hold each constraint against the main condition, which is mostly none.

    At the largest alpha that both have: there a constraint matters most, and the choice is not
    made by the effect.
    """
    return tuple(said for other in others for said in _versus(other, main))


def _versus(other: Condition, main: Condition) -> Iterator[str]:
    shared = [alpha for alpha in other.alphas if alpha in main.alphas]
    beside = "without it" if main.constraint == NONE else f"under {main.constraint}"
    if other.nonsense and main.nonsense and shared:
        yield (
            f"Under {other.constraint} nonsense stays within {NONSENSE_LEVEL:.0%} "
            f"{sense_reaches(other.sense)}, {beside} {sense_reaches(main.sense)}; at alpha "
            f"{shared[-1]:g} it is "
            f"{_change(other, main, shared[-1], (other.nonsense, main.nonsense), beside)}."
        )
    named = {curve.name: curve for curve in main.behaviours}
    for curve in other.behaviours:
        if shared and curve.name in named:
            change = _change(other, main, shared[-1], (curve, named[curve.name]), beside)
            yield f"Under {other.constraint} {curve.name} at alpha {shared[-1]:g} is {change}."
    for one in parse_constraints(other.constraint):
        hidden = HIDES[one.kind].format(format_number(one.value))
        yield f"What {one} hides: {hidden}."


def _change(
    other: Condition, main: Condition, alpha: float, curves: tuple[Curve, Curve], beside: str
) -> str:
    """Say both rates and their difference, and where there is none to be told."""
    with_it, without = other.at(alpha, curves[0]), main.at(alpha, curves[1])
    change = difference(with_it, without)
    if change is None:
        return f"{with_it}, {beside} {without}"
    unsure = "" if change.is_told else "; no difference can be told"
    return f"{with_it}, {beside} {without}: {change}{unsure}"
