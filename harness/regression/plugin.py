"""Pytest's hooks, thin: options, the fixture ``amplified_sweep``, one process for all weights.

Imported by every pytest run of an environment that has inspect-amplify, so it imports nothing
heavy; what it does is in the modules beside it.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from harness.regression.handles import MeasuredSweep

FIXTURE = "amplified_sweep"
GROUP = "amplified"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, all named ``--amplify-...`` but the one that updates references."""
    group = parser.getgroup("amplify", "behaviour of amplified models")
    group.addoption(
        "--update-references",
        action="store_true",
        help="write the references of must_not_regress instead of comparing with them",
    )
    group.addoption(
        "--amplify-undecided",
        choices=("fail", "warn", "skip"),
        default="warn",
        help="what becomes of a check that the data can't decide (default: warn)",
    )
    group.addoption(
        "--amplify-seed", type=int, default=0, help="run seed of all sweeps (default: 0)"
    )
    parser.addini("amplify_references", "folder of the stored counts", default="evals/references")
    parser.addini("amplify_cache", "folder of the sweeps' logs", default=".amplify")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Let xdist's default keep tests of one group in one process."""
    if getattr(config.option, "dist", "no") == "load":
        config.option.dist = "loadgroup"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put everything that samples into one group, so that one process holds the weights."""
    if not config.pluginmanager.hasplugin("xdist"):
        return
    for item in items:
        if FIXTURE in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group(GROUP))


@pytest.fixture(scope="session")
def amplified_sweep(request: pytest.FixtureRequest) -> Callable[..., "MeasuredSweep"]:
    """Return a function that samples a pair on a task at several alphas, once per session.

    ``amplified_sweep("refuser", "refusal", alphas=[0, 0.5, 1])``; further keywords are those of
    :class:`~harness.regression.sweeps.Sweeps`. What was sampled before, by the same weights,
    prompts, settings and code, is read from its logs.
    """
    from harness.regression.sweeps import Sweeps

    config = request.config
    return Sweeps(
        cache_dir=config.rootpath / config.getini("amplify_cache"),
        references=config.rootpath / config.getini("amplify_references"),
        update=config.getoption("--update-references"),
        seed=config.getoption("--amplify-seed"),
        undecided=_policy(config.getoption("--amplify-undecided")),
    ).measure


def _policy(name: str) -> Callable[[str], None]:
    """Return what becomes of an undecided check."""
    if name == "fail":
        return _fail
    return pytest.skip if name == "skip" else _warn


def _fail(message: str) -> None:
    raise AssertionError(message)


def _warn(message: str) -> None:
    import warnings

    from harness.regression.sweeps import UndecidedWarning

    warnings.warn(UndecidedWarning(message), stacklevel=4)
