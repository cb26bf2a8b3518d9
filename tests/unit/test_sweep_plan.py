"""What a sweep is asked for: which models, which ranges, and what is refused at its start."""

from pathlib import Path
from typing import Any

import pytest

from harness.constraint import parse_constraints
from harness.errors import ConfigurationError, UnknownArgument, UnknownPair, WeightsError
from harness.model_name import ModelName
from harness.sweep import TASKS, SweepPlan, run_sweep


def plan(folder: Path, **given: Any) -> SweepPlan:
    return SweepPlan(**{"pair": "null", "alphas": (1.0,), "log_dir": folder / "logs", **given})


@pytest.mark.parametrize(
    ("alphas", "names"),
    [
        ((), ["0"]),
        ((1.0, 0.5), ["0", "0.5", "1"]),
        ((2.0, -1.0, 2.0), ["-1", "0", "2"]),
        ((0.1 + 0.2,), ["0", "0.30000000000000004"]),
    ],
)
def test_alpha_zero_is_always_among_the_models_each_once_in_ascending_order(
    tmp_path: Path, alphas: tuple[float, ...], names: list[str]
):
    assert plan(tmp_path, alphas=alphas).models == [f"amplified/null@{name}" for name in names]


def test_each_constraint_is_sampled_at_every_alpha_after_the_unconstrained_sweep(tmp_path: Path):
    given = ["plausibility=0.1:first=10", "none", "clip=2", "first=10:plausibility=0.1"]
    models = plan(
        tmp_path, alphas=(1.0,), constraints=tuple(parse_constraints(text) for text in given)
    ).models
    assert models == [
        f"amplified/null@{name}"
        for name in (
            "0",
            "1",
            "0:clip=2",
            "1:clip=2",
            "0:first=10:plausibility=0.1",
            "1:first=10:plausibility=0.1",
        )
    ]


def test_a_models_name_is_read_back_as_the_alpha_that_it_was_written_for(tmp_path: Path):
    alphas = (-1.0, 0.0, 1e-9, 1 / 3, 2.5, 1e22)
    models = plan(tmp_path, alphas=alphas).models
    assert [ModelName.parse(model).alpha for model in models] == list(alphas)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("epochs", 0, "--epochs must be at least 1, not 0"),
        ("epochs", -3, "--epochs must be at least 1, not -3"),
        ("limit", 0, "--limit must be at least 1, not 0"),
        ("limit", -1, "--limit must be at least 1, not -1"),
        ("max_tokens", 0, "--max-tokens must be at least 1, not 0"),
        ("temperature", -0.1, "--temperature must be 0 or above, not -0.1"),
        ("temperature", float("nan"), "--temperature must be 0 or above, not nan"),
        ("temperature", float("inf"), "--temperature must be .*not inf"),
    ],
)
def test_a_value_out_of_range_is_refused_by_the_options_name(
    tmp_path: Path, option: str, value: float, said: str
):
    with pytest.raises(ConfigurationError, match=said):
        plan(tmp_path, **{option: value})


@pytest.mark.parametrize(
    "given", [{"temperature": 0.0}, {"epochs": 1}, {"limit": 1}, {"limit": None}, {"max_tokens": 1}]
)
def test_the_edges_of_the_ranges_are_inside(tmp_path: Path, given: dict[str, Any]):
    ((name, value),) = given.items()
    assert getattr(plan(tmp_path, **given), name) == value


@pytest.mark.parametrize("given", [{"alpha": 1}, {"alhpa": 1}])
def test_an_unknown_model_argument_is_refused_before_anything_is_loaded(
    tmp_path: Path, given: dict[str, Any]
):
    with pytest.raises(UnknownArgument, match="unknown model argument 'al"):
        run_sweep(plan(tmp_path, model_args=given))


@pytest.mark.parametrize("given", [{"traces": "no"}, {"trace_alphas": "a"}])
def test_an_impossible_trace_option_is_refused_before_anything_is_loaded(
    tmp_path: Path, given: dict[str, Any]
):
    with pytest.raises(ConfigurationError, match=r"must be true|not a finite"):
        run_sweep(plan(tmp_path, model_args=given))
    assert not list(tmp_path.iterdir())


def test_an_unknown_pair_is_refused_with_the_likeliest_name(tmp_path: Path):
    with pytest.raises(UnknownPair, match="Did you mean 'null'"):
        run_sweep(plan(tmp_path, pair="nul"))


def test_a_misspelt_pair_leaves_no_folder_behind(tmp_path: Path):
    with pytest.raises(UnknownPair):
        run_sweep(plan(tmp_path, pair="nul"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("task", TASKS)
def test_an_unknown_task_argument_is_named_with_its_task(tmp_path: Path, task: str):
    with pytest.raises(ConfigurationError, match=f"task {task}: .*'bogus'"):
        run_sweep(plan(tmp_path, task=task, task_args={"bogus": 1}))


def test_a_judge_without_a_model_is_told_what_to_add(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="add --grader PROVIDER/MODEL"):
        run_sweep(plan(tmp_path, task_args={"judge": True}))


@pytest.mark.parametrize(
    "given",
    [{"task_args": {"judge": False}}, {"task": "false_facts", "task_args": {"judge": False}}],
    ids=["refusal", "false_facts"],
)
def test_a_grader_that_would_judge_nothing_is_refused(tmp_path: Path, given: dict[str, Any]):
    with pytest.raises(ConfigurationError, match="no judge is asked"):
        run_sweep(plan(tmp_path, grader="mockllm/model", **given))


@pytest.mark.parametrize(
    ("grader", "said"),
    [
        ("gpt", "should be in the format of <api_name>/<model_name>"),
        ("nobody/model", "Model API nobody of model 'nobody/model' not recognized"),
        ("amplified/nul", "--grader amplified/nul|Did you mean 'null'"),
    ],
)
def test_a_grader_that_does_not_exist_is_told_before_anything_is_loaded(
    tmp_path: Path, grader: str, said: str
):
    with pytest.raises(ConfigurationError, match=said):
        run_sweep(plan(tmp_path, grader=grader))
    assert not list(tmp_path.iterdir())


def test_a_log_folder_below_a_file_is_refused_before_anything_is_loaded(tmp_path: Path):
    (tmp_path / "logs").write_text("")
    with pytest.raises(ConfigurationError, match=r"logs/deeper can't be written: Not a directory"):
        run_sweep(plan(tmp_path, log_dir=tmp_path / "logs" / "deeper"))


def test_looking_whether_the_log_folder_can_be_written_leaves_nothing_in_it(tmp_path: Path):
    nowhere = {"baseline": str(tmp_path / "nowhere"), "target": str(tmp_path / "nowhere")}
    with pytest.raises(WeightsError, match="there is no folder"):
        run_sweep(plan(tmp_path, pair="mine", model_args=nowhere))
    assert not list((tmp_path / "logs").iterdir())
