"""The project's tasks: their arguments, their system prompt, and which rollout is sampled."""

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai._util.error import PrerequisiteError
from inspect_ai._util.registry import registry_info
from inspect_ai.model import ModelName, ModelOutput, ModelUsage, get_model
from inspect_ai.solver import TaskState

from harness.errors import ConfigurationError
from harness.scorers import Claim
from harness.seeding import SeedSource
from harness.solver import generate_seeded
from tasks.false_facts import false_facts
from tasks.refusal import refusal

# Inspect prints its own kind without a traceback.
REFUSALS = (ConfigurationError, PrerequisiteError)
BOTH = pytest.mark.parametrize("task", [refusal, false_facts])


def categories(task: Task) -> Counter[str]:
    return Counter((sample.metadata or {})["category"] for sample in task.dataset)


def one_prompt(folder: Path) -> str:
    path = folder / "mine.jsonl"
    path.write_text('{"prompt": "Hello {you}?", "claim": "a", "asserts": "b"}\n')
    return str(path)


def seed_of(sample_id: str, epoch: int) -> int:
    """Return the seed that a provider derives while the solver generates a reply."""
    seeds = []

    async def generate(state: TaskState, *_: Any, **__: Any) -> TaskState:
        seeds.append(SeedSource().seed(1, [5, 6]))
        return state

    state = TaskState(
        model=ModelName("mockllm/model"), sample_id=sample_id, epoch=epoch, input="", messages=[]
    )
    asyncio.run(generate_seeded()(state, generate))
    return seeds[0]


@BOTH
def test_replies_have_sixty_four_tokens_unless_told_otherwise(task: Callable[..., Task]):
    assert task().config.max_tokens == 64


@pytest.mark.parametrize(("task", "n_prompts"), [(refusal, 180), (false_facts, 80)])
def test_the_shipped_prompts_are_asked_by_default(task: Callable[..., Task], n_prompts: int):
    assert len(task().dataset) == n_prompts


def test_a_category_picks_its_prompts():
    assert categories(refusal(category="benign")) == {"benign": 60}


def test_categories_are_separated_by_commas():
    picked = categories(refusal(category="benign, security_bypass"))
    assert picked == {"benign": 60, "security_bypass": 30}


def test_inspect_hands_categories_separated_by_commas_over_as_a_list():
    """``inspect eval -T category=benign,security_bypass`` calls the task with a list."""
    task: Callable[..., Task] = refusal
    picked = categories(task(category=["benign", "security_bypass"]))
    assert picked == {"benign": 60, "security_bypass": 30}


@BOTH
def test_the_limit_keeps_the_first_prompts_of_the_file(task: Callable[..., Task]):
    first = [sample.id for sample in task().dataset][:4]
    assert [sample.id for sample in task(limit=4).dataset] == first


@BOTH
def test_a_file_of_ones_own_replaces_the_shipped_prompts(task: Callable[..., Task], tmp_path: Path):
    assert [s.input for s in task(dataset=one_prompt(tmp_path)).dataset] == ["Hello {you}?"]


def test_a_row_on_a_claim_carries_it_to_the_scorer(tmp_path: Path):
    (sample,) = false_facts(dataset=one_prompt(tmp_path)).dataset
    assert Claim.of(sample.metadata or {}) == Claim(claim="a", asserts=("b",))


def test_a_shipped_set_of_claims_is_asked_by_its_name():
    assert categories(false_facts(dataset="world")) == {"world_true": 60, "world_false": 60}
    assert categories(false_facts(dataset="world", category="world_true", limit=3)) == {
        "world_true": 3
    }


@BOTH
@pytest.mark.parametrize(
    "given",
    [{"category": 5}, {"limit": "x"}, {"limit": 1.5}, {"dataset": 5}],
    ids=str,
)
def test_an_argument_of_the_wrong_type_is_named(task: Callable[..., Task], given: dict[str, Any]):
    """``-T`` values are YAML, so a number or a mapping arrives where text was meant."""
    ((name, _),) = given.items()
    with pytest.raises(REFUSALS, match=name):
        task(**given)


@pytest.mark.parametrize("given", [5, {"You": "be brief"}])
def test_a_system_prompt_that_yaml_did_not_read_as_text_is_named(given: Any):
    """``-T system_prompt="You: be brief"`` arrives as a mapping."""
    with pytest.raises(REFUSALS, match="system_prompt"):
        refusal(system_prompt=given)


def test_a_system_prompt_stands_before_the_request_and_its_braces_stay(tmp_path: Path):
    system = 'Answer as {"text": {{reply}}}, {prompt} and {'
    output = ModelOutput.from_content("mockllm/model", "Hi.")
    output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    (log,) = inspect_eval(
        refusal(dataset=one_prompt(tmp_path), system_prompt=system),
        model=get_model("mockllm/model", custom_outputs=[output]),
        display="none",
        log_dir=str(tmp_path),
    )
    assert log.samples is not None, log.error
    messages = log.samples[0].messages
    assert [message.role for message in messages] == ["system", "user", "assistant"]
    assert [message.text for message in messages[:2]] == [system, "Hello {you}?"]


def test_a_judge_scores_where_it_is_asked_for():
    def names(task: Task) -> list[str]:
        assert isinstance(task.scorer, list)
        return [registry_info(one).name.rpartition("/")[2] for one in task.scorer]

    assert names(refusal(judge=True)) == ["refusal", "nonsense", "judge"]
    assert names(refusal()) == ["refusal", "nonsense"]


@BOTH
@pytest.mark.parametrize("given", ["maybe", 1, None])
def test_whether_a_judge_scores_is_yes_or_no(task: Callable[..., Task], given: Any):
    with pytest.raises(REFUSALS, match=f"judge must be true or false, not {given!r}"):
        task(judge=given)


@BOTH
def test_a_judge_without_a_model_is_told_before_anything_is_sampled(
    task: Callable[..., Task], tmp_path: Path
):
    def sampled(*_: Any) -> ModelOutput:
        raise AssertionError("sampled")

    (log,) = inspect_eval(
        task(dataset=one_prompt(tmp_path), judge=True),
        model=get_model("mockllm/model", custom_outputs=sampled),
        display="none",
        log_level="critical",
        log_dir=str(tmp_path),
    )
    assert log.error is not None
    assert "--model-role grader=PROVIDER/MODEL" in log.error.message
    assert "(for amplify sweep: --grader PROVIDER/MODEL)" in log.error.message


def test_every_sample_and_epoch_has_a_seed_of_its_own():
    seeds = {seed_of(sample, epoch) for sample in ("a", "b") for epoch in (1, 2)}
    assert len(seeds) == 4


def test_the_same_rollout_has_the_same_seed_again():
    assert seed_of("a", 1) == seed_of("a", 1)


def test_a_number_as_sample_id_counts_as_its_text():
    """Inspect passes an id on as it stands in the data; our own files have text."""
    number: Any = 1
    assert seed_of(number, 1) == seed_of("1", 1)


def test_what_is_generated_after_the_rollout_is_not_seeded_by_it():
    during = seed_of("a", 1)
    assert SeedSource().seed(1, [5, 6]) != during
