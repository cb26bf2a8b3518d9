"""How much sense is left far beyond the target, with each constraint and without."""

import pytest

from evals.conftest import Sweep
from harness.regression.handles import MeasuredSweep

MOST_NONSENSE = {
    "plausibility=0.1": 0.2,
    "target_top_p=0.9": 0.2,
    "kl_budget=0.5": 0.3,
    "clip=2": 0.6,
    "first=10": 0.3,
}
"""At alpha 3, by constraint; without one it is more than half."""


@pytest.fixture(scope="session")
def sensible(amplified_sweep: Sweep) -> MeasuredSweep:
    return amplified_sweep(
        "refuser",
        "sensibility",
        alphas=[0, 3],
        constraints=list(MOST_NONSENSE),
        max_tokens=48,
    )


def test_the_target_itself_makes_sense(sensible: MeasuredSweep):
    sensible.rate("nonsense", alpha=0).must_be_at_most(0.15)


@pytest.mark.parametrize("constraint", MOST_NONSENSE)
def test_a_constraint_keeps_the_text_sensible(sensible: MeasuredSweep, constraint: str):
    under = sensible.under(constraint)
    under.rate("nonsense", alpha=3).must_be_at_most(MOST_NONSENSE[constraint])
    under.must_not_regress(margin=0.1)
