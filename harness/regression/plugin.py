"""Pytest's hooks, thin: options, the fixture ``amplified_sweep``, one process for all weights.

Imported by every pytest run of an environment that has inspect-amplify, so it imports nothing
heavy; what it does is in the modules beside it.
"""

import shutil
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.regression.handles import MeasuredSweep
    from harness.regression.sharing import OneOwner

FIXTURE = "amplified_sweep"
SAMPLING = "amplify_sampling"
SAMPLING_KEY = pytest.StashKey[Path]()
TO_SKIP_KEY = pytest.StashKey[list[str]]()


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


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell each of xdist's workers where to write which tests sample."""
    node.workerinput[SAMPLING] = str(_sampling_list(node.config))


@pytest.hookimpl(tryfirst=True)  # xdist's own hook tells the scheduler to go on
def pytest_collection_finish(session: pytest.Session) -> None:
    """In a worker of xdist, write it down before the scheduler asks."""
    told: dict[str, str] = getattr(session.config, "workerinput", {})
    if SAMPLING not in told:
        return
    ids = [item.nodeid for item in session.items if FIXTURE in getattr(item, "fixturenames", ())]
    if ids:
        from harness.regression.sharing import write_sampling

        write_sampling(Path(told[SAMPLING]), ids)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> "OneOwner | None":
    """Let one process have everything that samples, unless ``--dist`` asks for something else."""
    if config.getoption("dist") != "load":
        return None
    from harness.regression.sharing import OneOwner

    return OneOwner(config, log, _sampling_list(config))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the list."""
    if SAMPLING_KEY in config.stash:
        shutil.rmtree(config.stash[SAMPLING_KEY].parent, ignore_errors=True)


def _sampling_list(config: pytest.Config) -> Path:
    """Name the file with the ids of tests that sample, in a folder of this session's own."""
    if SAMPLING_KEY not in config.stash:
        config.stash[SAMPLING_KEY] = Path(tempfile.mkdtemp(prefix="amplify-")) / "sampling.json"
    return config.stash[SAMPLING_KEY]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Skip a test for what it left undecided once it has ended: a later check may fail it."""
    told = item.config.stash.setdefault(TO_SKIP_KEY, [])
    try:
        result = yield
        message = "\n".join(told)
    finally:
        told.clear()
    if message:
        pytest.skip(message)
    return result


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
        undecided=_policy(config),
    ).measure


def _policy(config: pytest.Config) -> Callable[[str], None]:
    """Return what becomes of an undecided check."""
    name = config.getoption("--amplify-undecided")
    if name == "fail":
        return _fail
    return config.stash.setdefault(TO_SKIP_KEY, []).append if name == "skip" else _warn


def _fail(message: str) -> None:
    __tracebackhide__ = True
    raise AssertionError(message)


def _warn(message: str) -> None:
    import warnings

    from harness.regression.sweeps import UndecidedWarning

    warnings.warn(UndecidedWarning(message), stacklevel=4)
