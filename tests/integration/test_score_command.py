"""``amplify score`` on logs of another provider, with real weights and without any."""

import math
from pathlib import Path

import pytest
from click.testing import CliRunner
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalLog, read_eval_log, write_eval_log
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import Scorer, includes
from inspect_ai.solver import generate

from harness.cli import main
from harness.errors import AnalysisError
from harness.pairs.loading import load_pair
from harness.pairs.spec import resolve_pair
from harness.pairs.teacher_forcing import KnownReply, score_replies
from harness.rescoring import _replace
from harness.scorers import nonsense

BREAD = "Bread rises because yeast gives off gas, which the dough holds in small bubbles."
SALAD = (
    "bubbles the yeast in gas because small, off dough rises gives holds which Bread the oven a"
    " in water of and warm salt flour it mixed an hour for then waits until baker is who old the"
)


def output(response: str, stop_reason: str = "stop", metadata: dict | None = None) -> ModelOutput:
    made = ModelOutput.from_content("mockllm/model", response, stop_reason=stop_reason)
    made.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    made.metadata = metadata
    return made


def logged(folder: Path, *outputs: ModelOutput, scorer: list[Scorer] | None = None) -> Path:
    """Run a task of a provider that keeps no traces; return its log."""
    task = Task(
        dataset=[Sample(input=f"Why does bread rise? ({i})") for i in range(len(outputs))],
        solver=generate(),
        scorer=scorer or [includes(), nonsense()],
    )
    model = get_model("mockllm/model", custom_outputs=list(outputs))
    [log] = eval(task, model=model, log_dir=str(folder), display="none", max_connections=1)
    return Path(log.location)


def without_scores(log: EvalLog) -> list[dict]:
    """All of the samples but what scoring may add."""
    added = {"scores", "events", "attachments", "timelines"}
    return [sample.model_dump(exclude=added) for sample in log.samples]


def amplify_score(*words: object):
    return CliRunner().invoke(main, ["score", *map(str, words)])


@pytest.mark.slow
def test_surprise_is_added_and_nothing_else_changes(tmp_path: Path):
    path = logged(tmp_path, output(BREAD), output(SALAD), output(""))
    before = read_eval_log(str(path))
    result = amplify_score(path, "--pair", "refuser")
    assert result.exit_code == 0, result.output
    assert "over 2 responses, 1 without; nonsense 2 of 3" in result.output
    after = read_eval_log(str(path))
    assert without_scores(after) == without_scores(before)
    bread, salad, silence = after.samples
    assert bread.scores["target_nll"].value < 4 < 5.5 < salad.scores["target_nll"].value
    assert math.isnan(silence.scores["target_nll"].value)
    assert bread.scores["baseline_nll"].value != bread.scores["target_nll"].value
    # What was scored before stands beside what is judged now.
    assert salad.scores["nonsense"].value == 0.0
    assert salad.scores["nonsense1"].metadata["signs"] == ["target_nll"]
    for old, new in zip(before.samples, after.samples, strict=True):
        assert {name: new.scores[name] for name in old.scores} == old.scores
    names = [score.name for score in after.results.scores]
    assert names == ["includes", "nonsense", "target_nll", "baseline_nll", "nonsense1"]
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


@pytest.mark.slow
def test_a_reply_read_again_surprises_as_its_own_trace_says(tmp_path: Path):
    from harness.decoding.engine import Engine
    from harness.decoding.rollout import RolloutRequest
    from harness.decoding.settings import RolloutSettings

    pair = load_pair(resolve_pair("refuser"))
    prompts = [
        pair.prompt([{"role": "user", "content": text}]) for text in ("Hi!", "Why is rain wet?" * 3)
    ]
    rollouts = Engine(pair.model, pair.chat.eos_ids).run(
        [
            RolloutRequest(
                prompt=prompt, settings=RolloutSettings(alpha=1.0, max_tokens=12, seed=i)
            )
            for i, prompt in enumerate(prompts)
        ]
    )
    replies = [KnownReply(p, one.ids) for p, one in zip(prompts, rollouts, strict=True)]
    for known, rollout in zip(score_replies(pair.model, replies), rollouts, strict=True):
        for side in ("target", "baseline"):
            lived = rollout.trace[f"{side}_logp_nats"].tolist()
            assert getattr(known, side).tolist() == pytest.approx(lived, abs=1e-3)


def test_a_log_with_traces_needs_no_scoring(tmp_path: Path):
    traced = {"trace": {"target_nll_nats": 2.0}}
    path = logged(tmp_path, output(BREAD, metadata=traced))
    result = amplify_score(path, "--pair", "refuser")
    assert result.exit_code == 2
    assert "traces tell the target's surprise already" in result.output


def test_a_log_that_was_scored_is_refused_before_weights_are_loaded(tmp_path: Path):
    path = logged(tmp_path, output(BREAD))
    log = read_eval_log(str(path))
    log.samples[0].scores["target_nll"] = log.samples[0].scores["nonsense"]
    write_eval_log(log, str(path))
    result = amplify_score(path, "--pair", "refuser")
    assert result.exit_code == 2
    assert "has target_nll already" in result.output


def test_what_is_no_log_is_refused(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("no log")
    (tmp_path / "broken.eval").write_text("no zip")
    for given, told in (("notes.txt", "holds no log"), ("broken.eval", "can't be read")):
        result = amplify_score(tmp_path / given, "--pair", "refuser")
        assert result.exit_code == 2
        assert told in result.output.replace("\n", " ")


def test_an_unknown_pair_argument_is_refused(tmp_path: Path):
    path = logged(tmp_path, output(BREAD))
    result = amplify_score(path, "--pair", "refuser", "-M", "alhpa=1")
    assert result.exit_code == 2
    assert "unknown key 'alhpa' in -M" in result.output


def test_a_log_that_cannot_be_written_is_as_it_was(tmp_path: Path, monkeypatch):
    path = logged(tmp_path, output(BREAD))
    before = path.read_bytes()

    def full_disk(log: EvalLog, location: str) -> None:
        Path(location).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("harness.rescoring.write_eval_log", full_disk)
    with pytest.raises(AnalysisError, match="No space left on device; it is as it was"):
        _replace(path, read_eval_log(str(path)))
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
