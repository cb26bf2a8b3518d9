"""Each task over hand-made responses: what is asked, what is scored, and what the logs hold."""

import asyncio
import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai._util.registry import registry_lookup
from inspect_ai.log import EvalLog, EvalSample
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    ContentReasoning,
    ContentText,
    ModelName,
    ModelOutput,
    ModelUsage,
    get_model,
)
from inspect_ai.scorer import Scorer, Target
from inspect_ai.solver import TaskState

from harness.errors import ConfigurationError, DatasetError
from harness.scorers import answer_right, reasoning_backtracks, reasoning_words
from harness.sweep import TASKS
from tasks.over_refusal import over_refusal
from tasks.prompts import read_prompts
from tasks.reasoning import reasoning
from tasks.sensibility import sensibility

NEW = pytest.mark.parametrize("task", [over_refusal, sensibility, reasoning])
COUNTS = {"words", "steps", "backtracks", "checks", "hypotheses"}


def output(text: str, stop_reason: Any = "stop") -> ModelOutput:
    made = ModelOutput.from_content("mockllm/model", text, stop_reason=stop_reason)
    made.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    return made


def answered(task: Task, responses: Iterable[str], folder: Path) -> EvalLog:
    """Give each prompt of a task its response; which one is asked first is not ours to say."""
    by_prompt = dict(zip((str(sample.input) for sample in task.dataset), responses, strict=True))

    def reply(messages: list[ChatMessage], *_: Any) -> ModelOutput:
        asked = messages[-1].text
        return output(next(text for prompt, text in by_prompt.items() if prompt in asked))

    model = get_model("mockllm/model", custom_outputs=reply)
    (log,) = inspect_eval(task, model=model, log_dir=str(folder), display="none")
    assert log.status == "success", log.error
    return log


def values(sample: EvalSample) -> dict[str, Any]:
    return {name: score.value for name, score in (sample.scores or {}).items()}


@NEW
def test_a_task_has_a_version_and_takes_the_options_of_the_others(
    task: Callable[..., Task], tmp_path: Path
):
    path = tmp_path / "mine.csv"
    path.write_text("id,prompt,category,answer\na,Hello {you}?,x,12\nb,Bye?,y,\n")
    assert task().version == 1
    (sample,) = task(dataset=str(path), category="x").dataset
    assert (sample.input, sample.id, sample.target) == ("Hello {you}?", "a", ["12"])
    assert len(task(dataset=str(path), limit=1).dataset) == 1
    with pytest.raises(Exception, match="dataset must be text"):
        task(dataset=5)


@NEW
def test_ones_own_rows_are_not_vouched_for_as_harmless(task: Callable[..., Task], tmp_path: Path):
    path = tmp_path / "mine.jsonl"
    path.write_text('{"prompt": "Hello?"}\n')
    assert not (task(dataset=str(path)).metadata or {}).get("harmless_prompts")


def test_twins_are_scored_side_by_side(tmp_path: Path):
    log = answered(over_refusal(limit=2), ["Swipe up.", "I can't help with that."], tmp_path)
    benign, twin = log.samples or []
    assert (benign.metadata["pair"], values(benign)["refusal"]) == (twin.metadata["pair"], 0.0)
    assert (twin.metadata["category"], values(twin)["refusal"]) == ("harmful_twin", 1.0)


def test_sensibility_scores_nonsense_alone(tmp_path: Path):
    log = answered(sensibility(limit=2), ["Wellington.", "fish " * 60], tmp_path)
    assert {sample.id: values(sample) for sample in log.samples or []} == {
        "short_answer-001": {"nonsense": 0.0},
        "long_answer-001": {"nonsense": 1.0},
    }


def test_a_chain_of_thought_is_asked_for_and_scored_by_each_behaviour(tmp_path: Path):
    """The first problem: 14 trays of 12 rolls, 95 sold, so 73 are left."""
    said = (
        "Step 1: 14 trays of 12 rolls are 168 rolls.\nStep 2: 168 - 95 = 63. "
        "Wait, that's wrong: 168 - 95 = 73.\nLet me check the sum: 73 + 95 = 168.\nAnswer: 73"
    )
    log = answered(reasoning(limit=1), [said], tmp_path)
    (sample,) = log.samples or []
    assert sample.messages[0].text.startswith(str(sample.input))
    assert "step by step" in sample.messages[0].text
    assert "step" not in str(sample.input)
    found = values(sample)
    assert found == {
        "reasoning_words": 31.0,
        "reasoning_steps": 2.0,
        "reasoning_backtracks": 1.0,
        "reasoning_checks": 1.0,
        "reasoning_hypotheses": 0.0,
        "answer_stated": 1.0,
        "answer_right": 1.0,
        "nonsense": 0.0,
    }
    units = {(score.metadata or {}).get("unit") for score in (sample.scores or {}).values()} - {
        None
    }
    assert units == COUNTS


def test_a_prompt_with_braces_is_asked_as_it_stands(tmp_path: Path):
    path = tmp_path / "mine.jsonl"
    path.write_text(json.dumps({"prompt": "What is {a} plus {prompt}?", "answer": 3}) + "\n")
    log = answered(reasoning(dataset=str(path)), ["Answer: 3"], tmp_path / "logs")
    (sample,) = log.samples or []
    assert sample.messages[0].text.startswith("What is {a} plus {prompt}?\n\nThink")
    assert values(sample)["answer_right"] == 1.0


def score(scorer: Scorer, given: ModelOutput, target: str = "12", **metadata: Any) -> Any:
    state = TaskState(
        model=ModelName("mockllm/model"),
        sample_id="a",
        epoch=1,
        input="?",
        messages=[],
        output=given,
        metadata=metadata,
    )
    return asyncio.run(scorer(state, Target(target)))  # type: ignore[arg-type]


def test_a_sample_without_a_target_has_no_right_answer():
    scored = score(answer_right(), output("Answer: 12"), target="")
    assert math.isnan(scored.value)
    assert "target" in scored.explanation


def test_what_was_never_due_is_not_scored():
    assert math.isnan(score(answer_right(), output("", "content_filter")).value)


def test_silence_has_no_words_and_no_right_answer():
    assert score(reasoning_words(), output("")).value == 0.0
    assert score(reasoning_words(), ModelOutput()).value == 0.0
    scored = score(answer_right(), output(""))
    assert (scored.value, scored.answer) == (0.0, "not stated")


def test_a_cut_off_answer_is_not_taken():
    assert score(answer_right(), output("Answer: 12", "max_tokens")).answer == "not stated"
    assert score(answer_right(), output("Answer: 12")).answer == "right"


def test_choices_may_be_a_list_or_a_text_with_commas():
    for choices in (["yes", "no"], "yes, no"):
        given = output("Answer: Yes, no doubt")
        assert score(answer_right(), given, target="yes", choices=choices).value == 1.0


def test_thoughts_that_a_provider_keeps_apart_are_read_as_thoughts():
    """Many providers give reasoning as a part of the message and not in the completion."""
    content = [
        ContentReasoning(reasoning="It is 11. Wait, no, it is 12."),
        ContentText(text="Answer: 12"),
    ]
    message = ChatMessageAssistant(content=content)
    given = ModelOutput(model="mockllm/model", choices=[ChatCompletionChoice(message=message)])
    assert score(answer_right(), given).value == 1.0
    counted = score(reasoning_backtracks(), given)
    assert (counted.value, counted.metadata["unit"]) == (1.0, "backtracks")
    assert counted.explanation.startswith("backtracks (1): 'Wait' at character")


@pytest.mark.parametrize(
    ("written", "target"),
    [('"12"', ["12"]), ("12", ["12"]), ("0.5", ["0.5"]), ('["a", 2]', ["a", "2"]), ("[]", "")],
)
def test_an_answer_is_text_a_number_or_several(written: str, target: object, tmp_path: Path):
    path = tmp_path / "p.jsonl"
    path.write_text(f'{{"prompt": "p", "answer": {written}}}')
    (sample,) = read_prompts(path)
    assert sample.target == target
    assert "answer" not in (sample.metadata or {})


@pytest.mark.parametrize("written", ["true", "null", '{"a": 1}', "[null]"])
def test_any_other_answer_is_refused_with_its_line(written: str, tmp_path: Path):
    path = tmp_path / "p.jsonl"
    path.write_text(f'{{"prompt": "p", "answer": {written}}}')
    with pytest.raises(DatasetError, match="line 1: 'answer' must be text, a number or a list"):
        read_prompts(path)


def test_a_row_without_an_answer_has_no_target(tmp_path: Path):
    path = tmp_path / "p.jsonl"
    path.write_text('{"prompt": "p"}')
    assert next(iter(read_prompts(path))).target == ""


@pytest.mark.parametrize("name", TASKS)
def test_inspect_finds_every_task_by_its_name(name: str):
    import harness._registry  # noqa: F401 - what the entry point names

    assert registry_lookup("task", name) is not None


@pytest.mark.parametrize(
    "name", ["answer_right", "answer_stated", *(f"reasoning_{unit}" for unit in sorted(COUNTS))]
)
def test_inspect_finds_every_scorer_of_reasoning_by_its_name(name: str):
    import harness._registry  # noqa: F401 - what the entry point names

    assert registry_lookup("scorer", name) is not None


def test_a_category_that_is_not_there_is_named():
    with pytest.raises((ConfigurationError, Exception), match="arithmetic, logic, ordering"):
        reasoning(category="algebra")
