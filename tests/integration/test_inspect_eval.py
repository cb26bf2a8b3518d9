"""The provider as users meet it: through the installed ``inspect eval`` and ``amplify``."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalLog, EvalSample, list_eval_logs, read_eval_log
from inspect_ai.solver import generate

from harness.analysis.traces import read_traces

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
MODELS = [f"amplified/refuser@{alpha}" for alpha in (0, 1, 3)]


def command(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run an installed command in the checkout, as a user would."""
    return subprocess.run(
        [BIN / words[0], *words[1:]],
        cwd=ROOT,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=300,
    )


def evaluate(log_dir: Path, *more: str) -> dict[str, EvalLog]:
    words = ["inspect", "eval", "tasks/refusal.py", "--model", ",".join(MODELS)]
    words += ["--limit", "6", "--epochs", "2", "--seed", "3", "--max-tokens", "24"]
    done = command(*words, "--display", "none", "--log-dir", log_dir, *more)
    assert done.returncode == 0, done.stderr
    return logs_in(log_dir)


def logs_in(log_dir: Path) -> dict[str, EvalLog]:
    logs = [read_eval_log(info) for info in list_eval_logs(str(log_dir))]
    return {log.eval.model: log for log in logs}


def samples(log: EvalLog) -> dict[tuple[Any, int], EvalSample]:
    assert log.status == "success", log.error
    return {(sample.id, sample.epoch): sample for sample in log.samples or []}


def texts(log: EvalLog) -> dict[tuple[Any, int], str]:
    return {key: sample.output.completion for key, sample in samples(log).items()}


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, EvalLog]]:
    """Six prompts, three alphas, two epochs of the real pair, through the installed command."""
    folder = tmp_path_factory.mktemp("sweep") / "logs"
    return folder, evaluate(folder, "--logprobs", "--top-logprobs", "2")


def test_every_alpha_answers_every_prompt_in_every_epoch(swept: tuple[Path, dict[str, EvalLog]]):
    _, logs = swept
    assert sorted(logs) == MODELS
    assert all(len(samples(log)) == 12 for log in logs.values())


def test_epochs_differ(swept: tuple[Path, dict[str, EvalLog]]):
    """One seed goes unchanged to all epochs, so honouring it as it is would repeat the text."""
    _, logs = swept
    replies = texts(logs[MODELS[0]])
    pairs = [(text, replies[name, 2]) for (name, epoch), text in replies.items() if epoch == 1]
    assert all(first != second for first, second in pairs)


def test_the_same_seed_gives_the_same_text_again(
    swept: tuple[Path, dict[str, EvalLog]], tmp_path: Path
):
    _, logs = swept
    again = evaluate(tmp_path)
    assert {name: texts(log) for name, log in again.items()} == {
        name: texts(log) for name, log in logs.items()
    }


def test_logprobs_are_of_the_sampled_tokens(swept: tuple[Path, dict[str, EvalLog]]):
    """The built-in hf provider reports the likeliest token instead."""
    _, logs = swept
    unlikely = compared = 0
    for sample in samples(logs[MODELS[1]]).values():
        choice = sample.output.choices[0]
        assert choice.logprobs is not None
        content = choice.logprobs.content
        trace = (sample.output.metadata or {})["trace"]
        mean = -sum(token.logprob for token in content) / len(content)
        assert mean == pytest.approx(trace["amplified_nll_nats"], abs=1e-4)
        text = "".join(token.token for token in content).removesuffix("<|im_end|>")
        # A character that several tokens make up has no text of its own in any of them.
        if "\ufffd" not in text:
            assert text == sample.output.completion
            compared += 1
        for token in content:
            assert token.top_logprobs is not None
            assert len(token.top_logprobs) == 2
            assert token.logprob <= token.top_logprobs[0].logprob + 1e-5
            unlikely += token.token != token.top_logprobs[0].token
    assert unlikely > 0
    assert compared >= 4


def test_stop_reason_and_usage_are_true(swept: tuple[Path, dict[str, EvalLog]]):
    _, logs = swept
    reasons = set()
    for log in logs.values():
        for sample in samples(log).values():
            assert sample.output.usage is not None
            at_limit = sample.output.usage.output_tokens == 24
            assert sample.output.stop_reason in ({"max_tokens", "stop"} if at_limit else {"stop"})
            reasons.add(sample.output.stop_reason)
    assert reasons == {"max_tokens", "stop"}


def test_metadata_holds_configuration_version_and_trace(swept: tuple[Path, dict[str, EvalLog]]):
    _, logs = swept
    for alpha, name in zip((0.0, 1.0, 3.0), MODELS, strict=True):
        metadata = next(iter(samples(logs[name]).values())).output.metadata or {}
        assert metadata["alpha"] == alpha
        assert metadata["run_seed"] == 3
        assert re.fullmatch(r"\d+\.\d+\.\d+", metadata["version"])
        config = metadata["config"]
        assert config["target"] == {"checkpoint": "embedded", "adapter": "organism:refuser"}
        assert config["max_tokens"] == 24
        assert re.fullmatch(r"[0-9a-f]{16}", config["weights"])
        assert (metadata["trace"]["dose_nats"] == 0) == (alpha == 0)


def test_every_log_has_its_tokens_beside_it(swept: tuple[Path, dict[str, EvalLog]]):
    folder, logs = swept
    assert len(list(folder.iterdir())) == 2 * len(logs)
    frame = read_traces(folder)
    for log in logs.values():
        beside = Path(log.location).with_suffix(".traces.parquet")
        assert set(read_traces(beside)["sample_uuid"]) == {s.uuid for s in log.samples or []}
        for sample in samples(log).values():
            rows = frame[frame["sample_uuid"] == sample.uuid]
            choice = sample.output.choices[0]
            assert choice.logprobs is not None
            content = choice.logprobs.content
            assert rows["token_text"].tolist() == [token.token for token in content]
            assert rows["amplified_logp_nats"].tolist() == pytest.approx(
                [token.logprob for token in content]
            )
            # At temperature 1 and without top-p the token was drawn from the amplified model.
            assert rows["sampling_logp_nats"].tolist() == pytest.approx(
                rows["amplified_logp_nats"].tolist(), abs=1e-4
            )


def test_the_report_is_rebuilt_from_the_logs_alone(swept: tuple[Path, dict[str, EvalLog]]):
    folder, _ = swept
    done = command("amplify", "report", folder)
    assert done.returncode == 0, done.stderr
    report = folder.parent / "report" / "report.md"
    assert f"Report: {report}" in done.stdout
    text = report.read_text()
    for section in ("## Refusal", "## Nonsense and length", "## Dose", "## Logits"):
        assert section in text
    # 6 prompts: 4 harmful-sounding and 2 benign, twice each.
    assert re.search(r"\(\d/8\)", text)
    assert re.search(r"\(\d/4\)", text)
    magnitudes = json.loads((report.parent / "results.json").read_text())["magnitudes"]
    assert len(magnitudes) == 3
    for at_alpha in magnitudes:
        assert at_alpha["std_ratio"] == pytest.approx(1, abs=5e-4)
    assert (report.parent / "figures" / "rates.svg").read_text().startswith("<?xml")


def test_all_alphas_share_one_copy_of_the_weights_and_third_party_epochs_differ(tmp_path: Path):
    """A task that knows nothing of us: plain generate(), one seed for everything."""
    from harness.decoding.scheduler import BatchLimits
    from harness.pairs.spec import resolve_pair
    from harness.pool import pair_worker

    worker = pair_worker(resolve_pair("refuser"), BatchLimits())
    before = worker.n_loads
    task = Task(dataset=[Sample(input="Tell me a story about a fox.")], solver=generate())
    logs = inspect_eval(
        task,
        model=["amplified/refuser@0", "amplified/refuser@0.5"],
        epochs=3,
        seed=1,
        max_tokens=12,
        display="none",
        log_dir=str(tmp_path),
    )
    assert [log.status for log in logs] == ["success", "success"]
    assert worker.n_loads == 1
    assert before in (0, 1)
    for log in logs:
        assert len(set(texts(log).values())) == 3


def test_a_sweep_resumes_and_adds_only_the_alpha_that_is_missing(tmp_path: Path):
    words = ["amplify", "sweep", "refuser", "--limit", "2", "--max-tokens", "4"]
    words += ["--log-dir", str(tmp_path / "logs"), "--alphas"]
    first = command(*words, "0,1")
    assert first.returncode == 0, first.stderr
    created = {log.eval.model: log.eval.run_id for log in logs_in(tmp_path / "logs").values()}
    second = command(*words, "0,1,2")
    assert second.returncode == 0, second.stderr
    now = {log.eval.model: log.eval.run_id for log in logs_in(tmp_path / "logs").values()}
    assert now.keys() - created.keys() == {"amplified/refuser@2"}
    assert {model: now[model] for model in created} == created
    assert "amplified/refuser@0" in created
