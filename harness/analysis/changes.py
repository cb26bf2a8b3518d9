"""How far each curve is from its own rate at alpha 0, paired by prompt."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.behaviours import Curve
from harness.analysis.differences import Difference, difference


@dataclass(frozen=True, kw_only=True)
class Changes:
    """One behaviour's changes from alpha 0."""

    name: str
    """The curve's."""
    changes: tuple[Difference | None, ...]
    """One per alpha of the sweep, in their order; None at alpha 0 and where there is no data."""


def changes(curves: Sequence[Curve], alphas: tuple[float, ...]) -> tuple[Changes, ...]:
    """Subtract each curve's rate at alpha 0 from its others; empty where alpha 0 was not run."""
    if 0.0 not in alphas:
        return ()
    zero = alphas.index(0.0)
    return tuple(
        Changes(
            name=one.name,
            changes=tuple(
                None if i == zero else difference(rate, one.rates[zero])
                for i, rate in enumerate(one.rates)
            ),
        )
        for one in curves
    )
