"""A rate against a bound that somebody states: it holds, it fails, or the data can't say."""

from dataclasses import dataclass
from math import ceil
from typing import Literal

from harness.analysis.rates import Rate, share_interval
from harness.errors import ConfigurationError

Kind = Literal["at least", "at most"]
Holding = Literal["holds", "fails", "undecided", "no data"]

# Beyond this many times the prompts that there are, nobody would ask them.
_MOST_TIMES = 1000


@dataclass(frozen=True, kw_only=True)
class BoundCheck:
    """One bound and what its rate's 95 % interval says of it."""

    kind: Kind
    bound: float
    """0 to 1."""
    rate: Rate
    holding: Holding
    prompts_needed: int | None
    """Where undecided: so many prompts, asked as often and answered alike, would decide it; None
    where even a thousand times as many would not."""


def check_bound(rate: Rate, kind: Kind, bound: float) -> BoundCheck:
    """Hold a rate against a bound.

    It holds where the whole interval is on the right side, fails where the whole interval is on
    the wrong one, and is undecided between: each claim is wrong in at most 2.5 % of runs.

    Raises:
        ConfigurationError: if the bound is not a share.
    """
    if not 0 <= bound <= 1:
        raise ConfigurationError(f"a rate can't be {kind} {bound}: give a share from 0 to 1")
    if rate.low is None or rate.high is None:
        return BoundCheck(kind=kind, bound=bound, rate=rate, holding="no data", prompts_needed=None)
    above, below = rate.low >= bound, rate.high <= bound
    right, wrong = (above, below) if kind == "at least" else (below, above)
    holding: Holding = "holds" if right else "fails" if wrong else "undecided"
    needed = _prompts_needed(rate, bound) if holding == "undecided" else None
    return BoundCheck(kind=kind, bound=bound, rate=rate, holding=holding, prompts_needed=needed)


def _prompts_needed(rate: Rate, bound: float) -> int | None:
    """Search the least number of prompts at which the interval would leave the bound out."""
    assert rate.rate is not None
    assert rate.n_effective is not None

    def decides(times: float) -> bool:
        low, high = share_interval(rate.rate or 0.0, (rate.n_effective or 1.0) * times)
        return low >= bound or high <= bound

    low, high = 1.0, 2.0
    while not decides(high):
        low, high = high, 2 * high
        if high > _MOST_TIMES:
            return None
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if decides(middle) else (middle, high)
    return ceil(rate.n_prompts * high)
