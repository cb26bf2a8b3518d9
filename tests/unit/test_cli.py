"""The command line: help, how options are read, and how an error looks."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import click
import pytest
from click.testing import CliRunner, Result

import harness
from harness.cli import main
from harness.constraint import Constraint, Kind
from harness.decoding.effort import Effort
from harness.organisms.recipe import organism_names, variant_names
from harness.pairs.spec import presets
from harness.sweep import SweepPlan


def invoke(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        yield f"{path}{name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[tuple[SweepPlan, Path, Path]]:
    """What would be sampled, and the folders that a report would be made from and written to."""
    sampled: list[SweepPlan] = []
    reported: list[tuple[SweepPlan, Path, Path]] = []

    def sample(plan: SweepPlan) -> Effort:
        sampled.append(plan)
        return Effort(steps=2, row_steps=8, useful_tokens=6)

    monkeypatch.setattr("harness.sweep.run_sweep", sample)
    monkeypatch.setattr(
        "harness.commands.sweep.write_report_of",
        lambda log_dir, report_dir: reported.append((sampled[-1], log_dir, report_dir)),
    )
    return reported


def plan_of(plans: list[tuple[SweepPlan, Path, Path]], *words: str) -> SweepPlan:
    result = invoke("sweep", "null", *words)
    assert result.exit_code == 0, result.output
    return plans[-1][0]


def test_a_strict_sweep_asks_the_engine_for_fixed_shapes(
    plans: list[tuple[SweepPlan, Path, Path]],
):
    assert plan_of(plans, "--strict", "-M", "max_rows=8").model_args == {
        "strict": True,
        "max_rows": 8,
    }
    assert plan_of(plans).model_args == {}


def test_a_sweep_says_what_decoding_took(plans: list[tuple[SweepPlan, Path, Path]]):
    assert "Decoded 6 tokens in 8 row-steps (0.750 useful)" in invoke("sweep", "null").output


def test_help_names_every_command():
    result = invoke("--help")
    assert result.exit_code == 0
    for name in main.commands:
        assert f"\n  {name} " in result.output


@pytest.mark.parametrize(("path", "command"), [*commands(main)])
def test_each_command_explains_itself(path: str, command: click.Command):
    result = invoke(*path.split(), "--help")
    assert result.exit_code == 0
    assert result.output.startswith(f"Usage: main {path} ")
    assert command.help is not None
    assert command.help.splitlines()[0] in " ".join(result.output.split())


def test_help_of_the_sweep_names_its_options_and_defaults():
    options = " ".join(invoke("sweep", "--help").output.split())
    for option in ("--alphas", "--task", "--epochs", "--limit", "--max-tokens", "--temperature"):
        assert option in options
    assert "[default: 0,0.5,1,2,3]" in options
    assert "[default: runs/PAIR-TASK/logs]" in options


def test_help_answers_without_the_libraries_that_take_seconds_to_import():
    code = "import sys, harness.cli; print({'torch', 'inspect_ai', 'pandas'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_version_is_the_packages():
    assert invoke("--version").output == f"amplify, version {harness.__version__}\n"


def test_pairs_lists_every_preset_with_what_it_is_for():
    lines = invoke("pairs").output.splitlines()
    assert [line.split()[0] for line in lines] == [*presets()]
    assert "refuser        taught to refuse harmful-sounding requests, weakly" in lines
    assert "null           a model against itself: every curve must be flat" in lines


def test_a_sweep_without_options_samples_the_refusal_task_at_five_alphas(
    plans: list[tuple[SweepPlan, Path, Path]],
):
    logs = Path("runs/null-refusal/logs")
    assert plan_of(plans) == SweepPlan(pair="null", alphas=(0, 0.5, 1, 2, 3), log_dir=logs)
    assert plans[-1][1:] == (logs, Path("runs/null-refusal/report"))


def test_the_grader_of_a_sweep_is_passed_on(plans: list[tuple[SweepPlan, Path, Path]]):
    assert plan_of(plans, "--grader", "openai/gpt-5").grader == "openai/gpt-5"
    assert plan_of(plans).grader is None


def test_each_constraint_option_is_one_composition(plans: list[tuple[SweepPlan, Path, Path]]):
    words = ("--constraint", "first=10:plausibility=0.1", "--constraint", "none")
    assert plan_of(plans, *words).constraints == (
        (Constraint("first", 10), Constraint("plausibility", 0.1)),
        (),
    )


def test_a_misspelt_constraint_is_told_before_anything_is_sampled(
    plans: list[tuple[SweepPlan, Path, Path]],
):
    result = invoke("sweep", "null", "--constraint", "plausability=0.1")
    assert result.exit_code == 2
    assert "unknown constraint 'plausability'. Did you mean 'plausibility'?" in result.output
    assert plans == []


def test_help_names_every_kind_of_constraint_and_says_that_none_is_included():
    text = " ".join(invoke("sweep", "--help").output.split())
    for kind in get_args(Kind):
        assert kind in text
    assert "'none', the unconstrained sweep, is always included" in text


def test_folders_are_named_after_the_files_that_pair_and_task_stand_in(
    plans: list[tuple[SweepPlan, Path, Path]],
):
    result = invoke("sweep", "my/pair.toml", "--task", "other/task.py@mine")
    assert result.exit_code == 0, result.output
    assert plans[-1][1] == Path("runs/pair-task@mine/logs")


def test_given_folders_are_used(plans: list[tuple[SweepPlan, Path, Path]]):
    plan_of(plans, "--log-dir", "a/logs", "--report-dir", "b")
    assert plans[-1][1:] == (Path("a/logs"), Path("b"))


@pytest.mark.parametrize(
    ("text", "alphas"),
    [
        ("1", (1.0,)),
        ("-1, 0.5 ,2", (-1.0, 0.5, 2.0)),
        ("1e-1,.5,", (0.1, 0.5)),
        ("-0", (0.0,)),
    ],
)
def test_alphas_are_numbers_between_commas(
    plans: list[tuple[SweepPlan, Path, Path]], text: str, alphas: tuple[float, ...]
):
    assert plan_of(plans, "--alphas", text).alphas == alphas


@pytest.mark.parametrize("text", ["x", "nan", "inf", "-inf", "1;2", "0,1e999", "1 2"])
def test_an_alpha_that_is_no_finite_number_is_refused_as_it_was_given(text: str):
    result = invoke("sweep", "null", "--alphas", text)
    assert result.exit_code == 2
    assert result.output.startswith(f"InvalidAlpha: alpha '{text.split(',')[-1]}' is not a finite")


@pytest.mark.parametrize("option", ["-M", "-T"])
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("0.5", 0.5),
        ("true", True),
        ("a,b", "a,b"),
        ("'5'", "5"),
        ("[1, 2]", [1, 2]),
        ("a=b", "a=b"),
        ("", None),
        ("C:/models/x", "C:/models/x"),
    ],
)
def test_values_are_yaml(
    plans: list[tuple[SweepPlan, Path, Path]], option: str, text: str, value: Any
):
    plan = plan_of(plans, option, f"key={text}")
    assert (plan.model_args if option == "-M" else plan.task_args) == {"key": value}


def test_repeated_options_add_up_and_the_last_value_of_a_key_counts(
    plans: list[tuple[SweepPlan, Path, Path]],
):
    plan = plan_of(plans, "-M", "a=1", "-M", "b=2", "-M", "a=3", "-T", "a=4")
    assert (plan.model_args, plan.task_args) == ({"a": 3, "b": 2}, {"a": 4})


@pytest.mark.parametrize("option", ["-M", "-T"])
@pytest.mark.parametrize("text", ["dtype", "=float32", ""])
def test_an_assignment_without_key_or_equals_sign_is_refused(option: str, text: str):
    result = invoke("sweep", "null", option, text)
    assert result.exit_code == 2
    assert result.output == f"ConfigurationError: '{text}' is not key=value\n"


@pytest.mark.parametrize("text", ["target={", "target=[a", "target=a: b: c", "target='a"])
def test_a_value_that_is_no_yaml_is_refused_as_it_was_given(text: str):
    """yaml's own error went through as a traceback."""
    result = invoke("sweep", "null", "-M", text)
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 2
    assert result.output.startswith("ConfigurationError: ")
    assert text in result.output


def test_several_adapters_need_a_folder_to_go_to():
    result = invoke("organisms", "train", "placebo", "--count", "20")
    assert result.exit_code == 2
    assert result.output == (
        "ConfigurationError: --count trains several adapters; give --out for their folders\n"
    )


@pytest.mark.parametrize("name", ["[bold]x[/bold]", "[/]", ":cat:", "a" * 300])
def test_an_error_repeats_what_was_given_letter_by_letter_on_one_line(name: str):
    """The console reads no markup in it, makes no pictures of words and breaks no line."""
    result = invoke("organisms", "train", name)
    assert result.exit_code == 2
    known = ", ".join((*organism_names(), *variant_names()))
    assert result.output == (
        f"ConfigurationError: there is no organism '{name}'; known are {known}\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        ("sweep",),
        ("sweep", "null", "--epochs", "x"),
        ("sweep", "null", "--limit", "1.5"),
        ("sweep", "null", "--seed", "x"),
        ("sweep", "null", "--log-dir", __file__),
        ("report",),
        ("organisms", "train"),
        ("swep", "null"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_told_with_exit_code_two(words: tuple[str, ...]):
    result = invoke(*words)
    assert result.exit_code == 2
    assert "Usage: " in result.output
    assert "Error: " in result.output


def test_an_error_of_the_program_itself_is_not_hidden(monkeypatch: pytest.MonkeyPatch):
    """Only what the user can mend is said in one line."""

    def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("harness.pairs.spec.presets", broken)
    assert isinstance(invoke("pairs").exception, ZeroDivisionError)
