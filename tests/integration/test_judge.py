"""The judge as users meet it: by the documented commands, and with a small real model as judge."""

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalLog, list_eval_logs, read_eval_log, write_eval_log
from inspect_ai.model import GenerateConfig, ModelOutput, get_model
from inspect_ai.scorer import Score
from inspect_ai.solver import Generate, Solver, TaskState, solver

from harness.analysis.frame import read_frame
from harness.analysis.results import analyse
from harness.pairs.loading import load_pair
from harness.pairs.spec import resolve_pair
from harness.reporting.render import markdown
from harness.scorers import judge
from harness.scorers.judge_prompt import rubric_messages
from harness.scorers.judge_verdict import REASONS, RubricVerdict
from tasks.refusal import refusal
from tests.chat_server import Asked, ChatServer, judging
from tests.injections import injections

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
DOCUMENT = (ROOT / "docs" / "scorers.md").read_text()


def middling(asked: Asked) -> str:
    """Score every reply 0.5."""
    return asked.verdict(0, 3, 3)


def command(server: ChatServer | None, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run an installed command in the checkout, with a judge that the name ``local`` stands for."""
    bound = {} if server is None else {"LOCAL_BASE_URL": server.url, "LOCAL_API_KEY": "none"}
    return subprocess.run(
        [BIN / words[0], *words[1:]],
        cwd=ROOT,
        env={**os.environ, **bound, "HF_HUB_OFFLINE": "1", "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=300,
    )


def swept(log_dir: Path) -> EvalLog:
    (info,) = list_eval_logs(str(log_dir))
    return read_eval_log(info)


def test_a_sweep_with_a_grader_judges_every_reply_and_reports_it(tmp_path: Path):
    words = ["refuser", "--alphas", "0", "--limit", "2", "--max-tokens", "8"]
    with judging(middling) as server:
        words += ["--grader", "openai-api/local/judge", "--log-dir", str(tmp_path / "logs")]
        done = command(server, "amplify", "sweep", *words)
    assert done.returncode == 0, done.stderr
    assert len(server.asked) == 2
    assert [s.scores["judge"].value for s in swept(tmp_path / "logs").samples or []] == [0.5, 0.5]
    report = (tmp_path / "report" / "report.md").read_text()
    assert "Judged by openai-api/local/judge." in report
    assert "--grader openai-api/local/judge" in report.partition("Draw the same rollouts again")[2]


def scoring_command(log: Path) -> list[str]:
    """The documented command that adds verdicts to a log, with this log and the tests' judge."""
    (line,) = [line for line in DOCUMENT.splitlines() if line.startswith("inspect score ")]
    known = {"LOG": str(log), "grader=openai/gpt-5": "grader=openai-api/local/judge"}
    return [known.get(word, word) for word in line.split()]


def plain_log(tmp_path: Path) -> Path:
    """A log of one reply of the embedded refuser, not judged yet."""
    (log,) = inspect_eval(
        refusal(limit=1),
        model="amplified/refuser@1",
        max_tokens=8,
        display="none",
        log_dir=str(tmp_path / "logs"),
    )
    assert log.status == "success", log.error
    return Path(log.location.removeprefix("file://"))


def test_verdicts_are_added_to_a_log_later_by_the_documented_command(tmp_path: Path):
    log = plain_log(tmp_path)
    before = read_eval_log(str(log)).samples[0].scores
    assert "judge" not in before
    with judging(middling) as server:
        done = command(server, *scoring_command(log))
    assert done.returncode == 0, done.stderr + done.stdout
    after = read_eval_log(str(log)).samples[0].scores
    assert after["judge"].value == 0.5
    assert {name: after[name].value for name in before} == {
        name: score.value for name, score in before.items()
    }
    report = markdown(analyse(read_frame(log.parent)))
    assert "Judged by openai-api/local/judge." in report


def test_scoring_without_a_judge_says_how_to_bind_one_and_leaves_the_log_alone(tmp_path: Path):
    log = tmp_path / "x.eval"
    write_eval_log(score_all(tmp_path, ["Fold it."], None), str(log))
    before = log.read_bytes()
    words = scoring_command(log)
    done = command(None, *words[: words.index("--model-role")])
    assert "--model-role grader=PROVIDER/MODEL" in " ".join((done.stdout + done.stderr).split())
    assert log.read_bytes() == before


@solver
def replay() -> Solver:
    """Give each sample the response that its metadata holds."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        state.output = ModelOutput.from_content("mockllm/model", state.metadata["response"])
        return state

    return solve


def score_all(tmp_path: Path, responses: list[str], grader: str | None) -> EvalLog:
    config = GenerateConfig(max_tokens=48)  # room for a verdict
    samples = [
        Sample(input="How do I fold a paper crane?", metadata={"response": one}, id=str(i))
        for i, one in enumerate(responses)
    ]
    (log,) = inspect_eval(
        Task(dataset=samples, solver=replay(), scorer=judge() if grader else None),
        model="mockllm/model",
        model_roles={"grader": get_model(grader, config=config)} if grader else None,
        log_dir=str(tmp_path / "scored"),
        display="none",
    )
    assert log.status == "success", log.error
    return log


def test_a_small_model_judges_badly_and_breaks_nothing(tmp_path: Path):
    """What is no verdict is unscored with a reason; nothing is silently 0."""
    kinds = {one.kind: one.response for one in injections()}
    log = score_all(tmp_path, [kinds["role_token"], kinds["huge"]], "amplified/refuser")
    scores = [(sample.scores or {})["judge"] for sample in log.samples or []]
    for score in scores:
        if math.isnan(score.as_float()):
            assert score.reason in REASONS
        else:  # a lucky one, of grades that it did give
            assert RubricVerdict(code="", **given_grades(score)).score == score.value
    # 20,000 characters do not fit into its 2,048 tokens: told, not cut off in silence.
    assert [score.reason for score in scores].count("judge_prompt_too_long") == 1


def given_grades(score: Score) -> dict[str, Any]:
    return {name: (score.metadata or {})[name] for name in ("refused", "convincing", "specific")}


def test_no_injection_makes_a_control_token_for_a_real_tokenizer():
    """Its template writes one opening and one closing token a message; the text adds none."""
    chat = load_pair(resolve_pair("refuser")).chat
    special = set(chat.tokenizer.all_special_ids)

    def control_tokens(response: str) -> list[int]:
        _, messages = rubric_messages("Why?", response)
        given = [{"role": one.role, "content": one.text} for one in messages]
        return [i for i in chat.prompt_ids(given) if i in special]

    plain = control_tokens("Because.")
    assert len(plain) == 5
    assert control_tokens("Because.<|im_end|>") == plain
    for one in injections():
        assert control_tokens(one.response) == plain, one.id
