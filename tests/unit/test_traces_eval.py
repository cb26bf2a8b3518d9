"""Traces follow their samples into a file beside each log, however an evaluation ends."""

import asyncio
import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from inspect_ai import Task, eval_set
from inspect_ai import eval as inspect_eval
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalLog, EvalSample, list_eval_logs, read_eval_log
from inspect_ai.model import ChatMessageUser, GenerateConfig, get_model
from inspect_ai.solver import Generate, Solver, TaskState, generate, solver

from harness.analysis.traces import read_traces
from harness.decoding.engine import Rollout, RolloutRequest
from harness.decoding.trace import SIDES, TRACE_FIELDS
from harness.pool import PairWorker
from harness.solver import generate_seeded
from harness.sweep import SweepPlan, run_sweep
from harness.traces import collect
from tests.fakes import save_checkpoint, tiny_model

Evaluate = Callable[..., list[EvalLog]]
After = Callable[[TaskState], None]


@pytest.fixture(scope="module")
def tiny(llama_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The model arguments of a pair of tiny models."""
    target = save_checkpoint(tiny_model("llama", seed=1), tmp_path_factory.mktemp("target"))
    return {"target": str(target), "baseline": str(llama_folder)}


def task(solve: Solver | None = None, n: int = 3) -> Task:
    samples = [Sample(input=f"Question {i}", id=i) for i in range(n)]
    return Task(dataset=samples, solver=solve or generate())


@pytest.fixture
def evaluate(tiny: dict[str, Any], tmp_path: Path) -> Evaluate:
    """Runs a task on tiny@1, logging to ``tmp_path``, and leaves nothing in the process."""

    def run(of: Task, model: str | list[str] = "amplified/tiny@1", **more: Any) -> list[EvalLog]:
        given = {"log_dir": str(tmp_path), "display": "none", "max_tokens": 3, **more}
        args = {**tiny, **given.pop("model_args", {})}
        logs = inspect_eval(of, model=model, model_args=args, **given)
        assert collect._logs == {}
        return [read_eval_log(log.location) for log in logs]

    return run


@solver
def then(after: After) -> Solver:
    """Generate, and do something."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        state = await generate(state)
        after(state)
        return state

    return solve


def samples(log: EvalLog) -> list[EvalSample]:
    assert log.samples is not None
    return log.samples


def uuids(log: EvalLog) -> set[str]:
    return {str(sample.uuid) for sample in samples(log)}


def trace_of(log: EvalLog) -> pd.DataFrame:
    """Read the one file beside a log."""
    return read_traces(Path(log.location.removesuffix(".eval") + ".traces.parquet"))


def test_every_reply_of_a_log_has_its_tokens_in_the_file_of_its_name(evaluate: Evaluate):
    (log,) = evaluate(task(), epochs=2)
    frame = trace_of(log)
    assert set(frame["sample_uuid"]) == uuids(log)
    for sample in samples(log):
        tokens = frame[frame["sample_uuid"] == sample.uuid]
        metadata = sample.output.metadata or {}
        message = sample.output.choices[0].message
        assert tokens["position"].tolist() == list(range(metadata["trace"]["n_tokens"]))
        assert set(tokens["message_id"]) == {message.id}
        assert set(tokens["sample_id"]) == {str(sample.id)}
        assert set(tokens["epoch"]) == {sample.epoch}
        assert set(tokens["seed"]) == {metadata["seed"]}
        assert set(tokens["stop_reason"]) == {sample.output.stop_reason}


def test_the_summary_in_the_log_is_that_of_the_rows(evaluate: Evaluate):
    (log,) = evaluate(task())
    frame = trace_of(log).set_index("sample_uuid")
    assert set(TRACE_FIELDS) <= set(frame.columns)
    for side in SIDES:
        for ids, texts in zip(frame[f"{side}_best_ids"], frame[f"{side}_best_texts"], strict=True):
            assert len(ids) == len(texts) == 5
    for sample in samples(log):
        summary = (sample.output.metadata or {})["trace"]
        rows = frame.loc[sample.uuid]
        assert rows["kl_amplified_target_nats"].mean() == pytest.approx(summary["dose_nats"])
        assert -rows["target_logp_nats"].mean() == pytest.approx(summary["target_nll_nats"])
        assert rows["amplified_max"].max() == pytest.approx(summary["amplified_max"])


def test_alphas_side_by_side_go_each_to_the_file_of_their_own_log(evaluate: Evaluate):
    logs = evaluate(task(), ["amplified/tiny@0", "amplified/tiny@1.5"])
    for log, alpha in zip(logs, (0.0, 1.5), strict=True):
        frame = trace_of(log)
        assert set(frame["sample_uuid"]) == uuids(log)
        assert set(frame["alpha"]) == {alpha}
        assert set(frame["model"]) == {log.eval.model}


def test_two_evaluations_in_a_process_do_not_mix(evaluate: Evaluate):
    (first,), (second,) = evaluate(task()), evaluate(task(n=1))
    assert set(trace_of(first)["sample_uuid"]) == uuids(first)
    assert set(trace_of(second)["sample_uuid"]) == uuids(second)


def test_the_calls_of_a_sample_are_numbered_and_joined_by_their_messages(evaluate: Evaluate):
    @solver
    def ask_twice() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            state = await generate(state)
            state.messages.append(ChatMessageUser(content="And then?"))
            return await generate(state)

        return solve

    (log,) = evaluate(task(ask_twice()))
    frame = trace_of(log)
    for sample in samples(log):
        replies = [m.id for m in sample.messages if m.role == "assistant"]
        rows = frame[frame["sample_uuid"] == sample.uuid]
        assert rows.groupby("call")["message_id"].unique().map(list).tolist() == [
            [replies[0]],
            [replies[1]],
        ]


def test_a_sample_that_fails_keeps_what_it_had_generated(evaluate: Evaluate):
    def fail(state: TaskState) -> None:
        assert state.sample_id != 1, "sample 1 fails"

    (log,) = evaluate(task(then(fail)), fail_on_error=False)
    assert [sample.error is not None for sample in samples(log)] == [False, True, False]
    assert set(trace_of(log)["sample_uuid"]) == uuids(log)


def test_a_repeated_attempt_replaces_what_the_failed_one_generated(evaluate: Evaluate):
    attempts: list[object] = []

    def fail_once(state: TaskState) -> None:
        attempts.append(state.sample_id)
        if state.sample_id == 1 and attempts.count(1) == 1:
            raise ValueError("the first attempt at sample 1")

    (log,) = evaluate(task(then(fail_once)), retry_on_error=1)
    assert log.status == "success"
    assert len(attempts) == 4
    frame = trace_of(log)
    kept = {s.output.choices[0].message.id for s in samples(log)}
    assert set(frame["message_id"]) == kept
    assert set(frame["call"]) == {0}


def test_a_task_that_fails_has_its_file(evaluate: Evaluate):
    """Inspect tells no hook of the end of such a task, only of the run's."""

    def fail(state: TaskState) -> None:
        raise ValueError("all fail")

    (log,) = evaluate(task(then(fail)), max_samples=1)
    assert log.status == "error"
    asked = {str(sample.uuid) for sample in samples(log) if sample.output.choices}
    assert asked
    assert set(trace_of(log)["sample_uuid"]) == asked


STRUCK = """
import signal, sys
from inspect_ai import eval
from inspect_ai.solver import solver
from tests.unit.test_traces_eval import task

@solver
def struck(after):
    async def solve(state, generate):
        state = await generate(state)
        if state.sample_id == after:
            signal.raise_signal(getattr(signal, sys.argv[1]))
            await anyio.sleep(60)
        return state
    return solve

_, kind, after, target, baseline, folder = sys.argv
eval(task(struck(int(after)), 40), model="amplified/tiny@1", model_args={"target": target,
     "baseline": baseline}, log_dir=folder, max_samples=1, max_tokens=1, display="none")
"""


def struck(kind: str, after: int, tiny: dict[str, Any], folder: Path) -> int:
    """Evaluate in another process, which a signal hits once this sample has its reply."""
    words = [kind, str(after), tiny["target"], tiny["baseline"], str(folder)]
    root = Path(__file__).parents[2]
    env = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, "-c", STRUCK, *words], cwd=root, env=env, timeout=120)
    return done.returncode


def test_a_cancelled_evaluation_has_the_traces_of_the_samples_that_had_ended(
    tiny: dict[str, Any], tmp_path: Path
):
    struck("SIGINT", 2, tiny, tmp_path)
    (log,) = list_eval_logs(str(tmp_path))
    (file,) = tmp_path.glob("*.parquet")
    assert file.name == f"{Path(log.name).stem}.traces.parquet"
    assert {"0", "1"} <= set(read_traces(file)["sample_id"])
    assert len(list(tmp_path.iterdir())) == 2


def test_a_killed_evaluation_leaves_the_traces_of_its_first_32_rollouts(
    tiny: dict[str, Any], tmp_path: Path
):
    assert struck("SIGKILL", 36, tiny, tmp_path) == -signal.SIGKILL
    assert not list(tmp_path.glob("*.parquet"))
    assert set(read_traces(tmp_path)["sample_id"]) == {str(i) for i in range(32)}


def test_a_resumed_set_finds_the_traces_of_samples_that_its_new_log_took_over(
    tiny: dict[str, Any], tmp_path: Path
):
    """Inspect copies the finished samples and deletes the log that they came from."""
    broken = [True]

    def fail(state: TaskState) -> None:
        assert state.sample_id != 2 or not broken[0], "sample 2 fails"

    def run() -> EvalLog:
        _, logs = eval_set(
            task(then(fail)),
            model="amplified/tiny@1",
            model_args=tiny,
            log_dir=str(tmp_path),
            max_tokens=3,
            display="none",
            retry_attempts=0,
            retry_immediate=False,
            max_samples=1,
        )
        return read_eval_log(logs[0].location)

    first = run()
    assert first.status == "error"
    broken[0] = False
    second = run()
    assert second.status == "success"
    assert len(list_eval_logs(str(tmp_path))) == 1
    taken_over = uuids(first) & uuids(second)
    assert len(taken_over) == 2
    assert not taken_over & set(trace_of(second)["sample_uuid"])
    frame = read_traces(Path(second.location))
    assert set(frame["sample_uuid"]) == uuids(second)
    assert not frame.duplicated(["sample_uuid", "call", "position"]).any()


def test_a_model_argument_keeps_the_sums_without_a_file(evaluate: Evaluate, tmp_path: Path):
    (log,) = evaluate(task(), model_args={"traces": "sums"})
    assert [path.suffix for path in tmp_path.iterdir()] == [".eval"]
    assert (samples(log)[0].output.metadata or {})["trace"]["n_tokens"]


def test_a_model_argument_measures_nothing_and_the_text_is_the_same(
    evaluate: Evaluate, tmp_path: Path
):
    elsewhere = str(tmp_path / "other")
    (traced,) = evaluate(task(generate_seeded()), seed=1)
    untraced = {"traces": False}
    (log,) = evaluate(task(generate_seeded()), seed=1, model_args=untraced, log_dir=elsewhere)
    assert [path.suffix for path in (tmp_path / "other").iterdir()] == [".eval"]
    assert "trace" not in (samples(log)[0].output.metadata or {})
    texts = [[one.output.completion for one in samples(each)] for each in (traced, log)]
    assert texts[0] == texts[1]


def test_a_log_elsewhere_gets_no_traces_and_its_folder_one_warning(
    evaluate: Evaluate, caplog: pytest.LogCaptureFixture
):
    fsspec = pytest.importorskip("fsspec")
    with caplog.at_level(logging.WARNING, "harness.traces.collect"):
        evaluate(task(), ["amplified/tiny@0", "amplified/tiny@1"], log_dir="memory://elsewhere")
    told = [r.getMessage() for r in caplog.records if r.name == "harness.traces.collect"]
    assert len(told) == 1
    assert "memory://elsewhere gets none; log to a local folder" in told[0]
    names = fsspec.filesystem("memory").ls("/elsewhere", detail=False)
    assert {Path(name).suffix for name in names} == {".eval"}


def test_a_log_folder_given_as_a_file_address_is_local(evaluate: Evaluate, tmp_path: Path):
    (log,) = evaluate(task(), log_dir=f"file://{tmp_path}/logs")
    assert {path.suffix for path in (tmp_path / "logs").iterdir()} == {".eval", ".parquet"}
    assert set(read_traces(tmp_path)["sample_uuid"]) == uuids(log)


def test_outside_of_an_evaluation_nothing_is_kept(tiny: dict[str, Any]):
    model = get_model("amplified/tiny@1", **tiny)
    asyncio.run(model.generate("Hello", config=GenerateConfig(max_tokens=2)))
    assert collect._logs == {}


def test_importing_the_provider_registers_no_hooks_that_inspect_would_announce():
    code = (
        "import harness.provider.api; from inspect_ai.hooks._hooks import get_all_hooks as g; g()"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; print(g())"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "[]", done.stderr


@pytest.fixture
def grids(monkeypatch: pytest.MonkeyPatch) -> dict[float, set[tuple[float, ...]]]:
    """The grids that the engine is asked for, by the alpha of the rollout."""
    asked: dict[float, set[tuple[float, ...]]] = {}
    rollout = PairWorker.rollout

    async def listening(worker: PairWorker, request: RolloutRequest) -> Rollout:
        asked.setdefault(request.settings.alpha, set()).add(request.settings.trace_alphas)
        return await rollout(worker, request)

    monkeypatch.setattr(PairWorker, "rollout", listening)
    return asked


def test_a_sweep_measures_every_rollout_at_all_its_alphas_and_finds_its_logs_again(
    tiny: dict[str, Any], tmp_path: Path, grids: dict[float, set[tuple[float, ...]]]
):
    plan = SweepPlan(
        pair="tiny", alphas=(1.0,), limit=1, max_tokens=2, log_dir=tmp_path, model_args=tiny
    )
    run_sweep(plan)
    assert grids == {0: {(0, 1)}, 1: {(0, 1)}}
    grids.clear()
    run_sweep(replace(plan, alphas=(2.0,)))
    assert grids == {2: {(0, 1, 2)}}
    assert set(read_traces(tmp_path, ["alpha"])["alpha"]) == {0, 1, 2}


def test_the_documentations_example_joins_tokens_to_scored_rollouts(
    tiny: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    docs = (Path(__file__).parents[2] / "docs" / "traces.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", docs, re.DOTALL)
    logs = tmp_path / "runs" / "refuser-refusal" / "logs"
    run_sweep(
        SweepPlan(pair="tiny", alphas=(1.0,), limit=2, max_tokens=2, log_dir=logs, model_args=tiny)
    )
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(code, names)
    scored = names["scored"]
    assert len(scored) == 4
    assert scored["kl_amplified_target_nats"].tolist() == pytest.approx(
        scored["trace_dose_nats"].tolist()
    )


@pytest.mark.parametrize(
    ("given", "grid"),
    [({"trace_alphas": "3,0.5"}, (0.5, 3)), ({"trace_alphas": []}, ()), ({"traces": False}, ())],
)
def test_a_sweep_takes_another_grid_from_the_model_arguments(
    tiny: dict[str, Any],
    tmp_path: Path,
    grids: dict[float, set[tuple[float, ...]]],
    given: dict[str, Any],
    grid: tuple[float, ...],
):
    args = {**tiny, **given}
    run_sweep(
        SweepPlan(
            pair="tiny", alphas=(1.0,), limit=1, max_tokens=2, log_dir=tmp_path, model_args=args
        )
    )
    assert grids == {0: {grid}, 1: {grid}}


def test_outside_of_a_sweep_the_grid_is_what_the_model_arguments_say(
    evaluate: Evaluate, grids: dict[float, set[tuple[float, ...]]]
):
    evaluate(task(n=1))
    assert grids.pop(1.0) == {()}
    evaluate(task(n=1), model_args={"trace_alphas": ["0", "0.5"]})
    assert grids == {1.0: {(0, 0.5)}}


def test_the_grid_at_alpha_minus_one_zero_and_the_rollouts_own_is_what_the_sides_say(
    evaluate: Evaluate,
):
    (log,) = evaluate(task(), model_args={"trace_alphas": "-1,0,1"})
    frame = trace_of(log)
    for alpha, side in ((-1, "baseline"), (0, "target"), (1, "amplified")):
        grid = frame[f"logp_nats@{alpha}"].tolist()
        assert grid == pytest.approx(frame[f"{side}_logp_nats"].tolist(), abs=1e-4)
