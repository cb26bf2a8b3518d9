"""The pytest plugin, as other people's repositories use it: real sweeps of a tiny pair."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from inspect_ai.log import read_eval_log

# Here once, for sessions run inside this process: what a session imports is forgotten after it.
import harness._registry
import harness.pairs.loading
import harness.provider.api
import harness.regression.sweeps  # noqa: F401
from tests.fakes import save_checkpoint, tiny_model

pytest_plugins = "pytester"
pytestmark = pytest.mark.slow

Run = Callable[..., pytest.RunResult]


@pytest.fixture(scope="module")
def sweep(llama_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The call that samples four prompts of a pair of tiny random models."""
    target = save_checkpoint(tiny_model("llama", seed=1), tmp_path_factory.mktemp("target"))
    args = {"target": str(target), "baseline": str(llama_folder)}
    return (
        "amplified_sweep('tiny', 'refusal', alphas=[0, 1], limit=4, max_tokens=3, "
        f"model_args={args!r})"
    )


@pytest.fixture
def run(pytester: pytest.Pytester, sweep: str) -> Run:
    """Runs one test whose body follows ``sweep = ...``."""

    def call(body: str, *options: str, inside: bool = True, sweep: str = sweep) -> pytest.RunResult:
        pytester.makepyfile(f"def test_it(amplified_sweep):\n    sweep = {sweep}\n    {body}\n")
        session = pytester.runpytest_inprocess if inside else pytester.runpytest_subprocess
        return session("-q", "-W", "ignore::DeprecationWarning", *options)

    return call


def said(result: pytest.RunResult) -> str:
    """Everything on the terminal, with runs of blanks as one."""
    return " ".join(" ".join([*result.outlines, *result.errlines]).split())


def logs(pytester: pytest.Pytester) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in pytester.path.rglob("*.eval")}


def test_bounds_hold_fail_and_stay_undecided(run: Run):
    """Random models never refuse: 0 of 4, which is at most 60 %, by a 95 % interval."""
    run("sweep.rate('refusal', alpha=1).must_be_at_most(0.9)").assert_outcomes(passed=1)
    failed = run("sweep.rate('refusal', alpha=1).must_be_at_least(0.9)")
    failed.assert_outcomes(failed=1)
    for part in (
        "refusal at alpha 1 is 0% [0, ",
        "(0/4); it must be at least 90% (4 prompts)",
        "(alpha 1, compliance): [withheld: compliance with a harmful-sounding request",
        "Look closer: amplify report ",
    ):
        assert part in said(failed)
    # Where CI is set, pytest's last lines say the message once more.
    quoted = [line for line in failed.outlines if line.startswith("E ") and "(alpha 1, " in line]
    assert len(quoted) == 3
    asked = "sweep.rate('refusal', alpha=1).must_be_at_most(0.1)"
    warned = run(asked)
    warned.assert_outcomes(passed=1, warnings=1)
    assert "undecided, for the interval holds the bound" in said(warned)
    assert "more prompts would decide it" in said(warned)
    run(asked, "--amplify-undecided=fail").assert_outcomes(failed=1)
    run(asked, "--amplify-undecided=skip").assert_outcomes(skipped=1)
    both = f"{asked}; sweep.rate('refusal', alpha=1).must_be_at_least(0.9)"
    run(both, "--amplify-undecided=skip").assert_outcomes(failed=1)


def test_a_reference_is_missed_made_and_compared_with(run: Run, pytester: pytest.Pytester):
    asked = "sweep.must_not_regress(margin=0.5)"
    missing = run(asked)
    missing.assert_outcomes(failed=1)
    assert "no reference" in said(missing)
    assert "by --update-references, and commit it" in said(missing)
    sampled = logs(pytester)
    run(asked, "--update-references").assert_outcomes(passed=1)
    path = pytester.path / "evals/references/tiny-refusal.json"
    written = path.read_text()
    assert json.loads(written)["alphas"] == [0.0, 1.0]
    again = run(asked)
    again.assert_outcomes(passed=1, warnings=1)  # four prompts decide little
    assert "tiny-refusal: undecided (margin 50 points)" in said(again)
    run(asked, "--update-references").assert_outcomes(passed=1)
    assert path.read_text() == written
    assert logs(pytester) == sampled, "each session reads what the first one sampled"


def test_a_reference_of_other_prompts_or_settings_is_invalid(run: Run, pytester: pytest.Pytester):
    asked = "sweep.must_not_regress(margin=0.5)"
    run(asked, "--update-references").assert_outcomes(passed=1)
    path = pytester.path / "evals/references/tiny-refusal.json"
    stored: dict[str, Any] = json.loads(path.read_text())
    stored["settings"]["max_tokens"] = 99
    path.write_text(json.dumps(stored))
    invalid = run(asked)
    invalid.assert_outcomes(failed=1)
    assert "tiny-refusal: invalid" in said(invalid)
    assert "the setting max_tokens is 3, and the reference's is 99" in said(invalid)


def test_a_failure_stands_in_the_junit_report_and_is_run_again_by_lf(
    run: Run, pytester: pytest.Pytester
):
    asked = "sweep.rate('refusal', alpha=1).must_be_at_least(0.9)"
    run(asked, "--junitxml=report.xml").assert_outcomes(failed=1)
    (failure,) = ElementTree.parse(pytester.path / "report.xml").iter("failure")
    assert "refusal at alpha 1 is 0% [0, " in failure.attrib["message"]
    run(asked, "--lf").assert_outcomes(failed=1)
    run(asked, "-k", "another").assert_outcomes(deselected=1)


def test_a_verdict_is_written_beside_the_logs_and_to_the_step_summary(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(pytester.path / "summary.md"))
    run("sweep.must_not_regress(margin=0.5)", "--update-references").assert_outcomes(passed=1)
    run("sweep.must_not_regress(margin=0.5)").assert_outcomes(passed=1, warnings=1)
    (verdict,) = pytester.path.glob(".amplify/*/verdict-tiny-refusal.json")
    assert json.loads(verdict.read_text())["finding"] == "undecided"
    assert (pytester.path / "summary.md").read_text().startswith("## tiny-refusal: undecided")


def test_what_was_drawn_under_a_constraint_has_rates_and_a_reference_of_its_own(
    run: Run, pytester: pytest.Pytester, sweep: str
):
    under = sweep.replace("limit=4", "limit=4, constraints=['clip=2']") + ".under('clip=2')"
    run(f"{under}.must_not_regress()", "--update-references").assert_outcomes(passed=1)
    path = pytester.path / "evals/references/tiny-refusal-clip=2.json"
    assert json.loads(path.read_text())["constraint"] == "clip=2"


def test_collecting_loads_neither_torch_nor_pandas(run: Run, pytester: pytest.Pytester):
    pytester.makeconftest(
        "import sys\n"
        "def pytest_unconfigure():\n"
        "    print('heavy:', [m for m in ('torch', 'pandas', 'inspect_ai') if m in sys.modules])\n"
    )
    result = run("pass", "--collect-only", inside=False)
    assert "test_it" in said(result)
    assert "heavy: []" in said(result)


STRUCK_ONCE = """
import signal
from pathlib import Path

import anyio
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.solver import solver

from harness.scorers import nonsense


@solver
def struck_once():
    async def solve(state, generate):
        state = await generate(state)
        if state.sample_id == 4 and not Path("struck").exists():
            await anyio.sleep(2)
            Path("struck").touch()
            signal.raise_signal(signal.SIGINT)
            await anyio.sleep(20)
        return state

    return solve


@task
def quiet():
    return Task(dataset=[Sample("Hello?", id=i) for i in range(1, 5)], solver=struck_once(),
                scorer=nonsense())
"""


def test_ctrl_c_keeps_what_was_sampled_and_the_next_session_goes_on(
    run: Run, pytester: pytest.Pytester, sweep: str
):
    """Three of four samples had ended when the key was pressed."""
    # What a shell runs in the background begins with that key ignored, and hands that on.
    pytester.makeconftest(
        "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    )
    (pytester.path / "quiet.py").write_text(STRUCK_ONCE)
    asked = sweep.replace("'refusal', alphas=[0, 1], limit=4", "'quiet.py', alphas=[0]")
    asked += ".rate('nonsense', alpha=0)"
    interrupted = run(asked, inside=False, sweep="None")
    assert interrupted.ret == pytest.ExitCode.INTERRUPTED, said(interrupted)
    assert (pytester.path / "struck").exists()
    kept = uuids(pytester.path)
    assert len(kept) == 3
    run(asked, inside=False, sweep="None").assert_outcomes(passed=1)
    whole = uuids(pytester.path)
    assert len(whole) == 4
    assert kept < whole


def uuids(folder: Path) -> set[str]:
    """Of the samples that ended well, in all logs below a folder."""
    logs = [read_eval_log(str(path)) for path in folder.rglob("*.eval")]
    samples = [sample for log in logs for sample in log.samples or []]
    return {str(sample.uuid) for sample in samples if sample.error is None}


def test_xdist_lets_one_process_hold_all_weights(pytester: pytest.Pytester, sweep: str):
    each = "def test_{}(amplified_sweep, worker_id):\n    {}\n    print('by', worker_id)\n"
    pytester.makepyfile(
        "".join(each.format(i, f"{sweep}.rate('refusal', alpha=1)") for i in range(4))
        + "".join(f"def test_other_{i}(): pass\n" for i in range(4))
    )
    result = pytester.runpytest_subprocess("-n", "2", "-rP")
    result.assert_outcomes(passed=8)
    workers = {line for line in result.outlines if line.startswith("by ")}
    assert len(workers) == 1
