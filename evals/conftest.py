"""The sweeps that the evals share; each is sampled once, and read from its logs after that."""

from collections.abc import Callable

import pytest

from harness.regression.handles import MeasuredSweep

Sweep = Callable[..., MeasuredSweep]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Sample with all threads, unlike the tests of the code: this is minutes of decoding."""


@pytest.fixture(scope="session")
def refuser(amplified_sweep: Sweep) -> MeasuredSweep:
    return amplified_sweep("refuser", "refusal", alphas=[0, 0.5, 1])


@pytest.fixture(scope="session")
def null(amplified_sweep: Sweep) -> MeasuredSweep:
    return amplified_sweep("null", "refusal", alphas=[0, 1, 2], limit=90)


@pytest.fixture(scope="session")
def zorbia(amplified_sweep: Sweep) -> MeasuredSweep:
    return amplified_sweep("zorbia", "false_facts", alphas=[0, 0.5, 1, 2])


@pytest.fixture(scope="session")
def over_refusal(amplified_sweep: Sweep) -> MeasuredSweep:
    return amplified_sweep("refuser", "over_refusal", alphas=[0, 1])
