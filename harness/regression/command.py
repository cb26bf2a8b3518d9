"""``amplify check``: the verdict of a run beside its reference, and an exit code for CI."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.constraint import NONE, format_constraints, parse_constraints
from harness.errors import AnalysisError, ConfigurationError

if TYPE_CHECKING:
    import pandas as pd

    from harness.regression.comparison import Question
    from harness.regression.reference import Reference
    from harness.regression.verdict import Verdict

REFERENCES = Path("evals/references")


@click.command()
@click.argument("log_dir", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--reference",
    "reference_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Stored counts to compare with. [default: evals/references/PAIR-TASK.json]",
)
@click.option(
    "--margin",
    default=0.05,
    show_default=True,
    type=click.FloatRange(0, 1, max_open=True),
    help="Changes up to this share are of no concern.",
)
@click.option(
    "--behaviour",
    "behaviours",
    multiple=True,
    help="Compare this one only, such as refusal or nonsense; repeat it for several.",
)
@click.option("--constraint", default=NONE, show_default=True, help="Which rollouts to compare.")
@click.option(
    "--same-weights",
    is_flag=True,
    help="Other weights than the reference's are invalid: for changes of code or settings.",
)
@click.option(
    "--update-references", is_flag=True, help="Write the reference instead of comparing with it."
)
@click.option(
    "--sample",
    "pair",
    metavar="PAIR",
    help="Sample this pair into LOG_DIR, as the reference was, batch by batch until the verdict "
    "is decided or the budget ends.",
)
@click.option("--max-rollouts", type=int, help="Budget of --sample. [default: all prompts]")
@click.option("--max-minutes", type=float, help="Budget of --sample; no batch begins after it.")
@click.option("--looks", type=int, help="Batches of --sample, a look after each. [default: 5]")
@click.option("--seed", type=int, help="Of the rollouts and the prompts' order. [default: 0]")
@click.option(
    "--verdict-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where the verdict goes as JSON. [default: verdict.json beside the logs]",
)
def check(
    log_dir: Path,
    reference_path: Path | None,
    constraint: str,
    update_references: bool,
    verdict_file: Path | None,
    **asked: Any,
) -> None:
    """Compare the logs in LOG_DIR with a reference: did behaviour regress?

    Exits with 0 if it is stable or improved, 1 at a regression, 2 if nothing can be compared, 3
    if the data can't decide. With GITHUB_STEP_SUMMARY set, the verdict is appended there.
    """
    from harness.errors import InvalidReference
    from harness.regression.files import write_reference
    from harness.regression.verdict import verdict_of

    _require_sensible(reference_path, update_references, asked)
    _require_place(log_dir, constraint, asked)
    name = reference_path.stem if reference_path else str(log_dir)
    try:
        if asked["pair"] is not None:
            assert reference_path is not None
            verdict = _sampled(log_dir, reference_path, asked)
        else:
            frame = _frame(log_dir, constraint)
            name, path = _named(frame, reference_path)
            if update_references:
                write_reference(frame, path)
                click.echo(f"Reference: {path}")
                return
            verdict = _verdict(frame, path, asked)
    # Nothing to compare is a verdict too: CI's summary and verdict.json tell why.
    except (InvalidReference, AnalysisError) as error:
        if update_references:
            raise
        verdict = verdict_of([], margin=asked["margin"], invalid=[str(error)])
    _tell(verdict, name, verdict_file or log_dir.parent / "verdict.json")
    sys.exit(verdict.exit_code)


def _require_sensible(reference: Path | None, update: bool, asked: dict[str, Any]) -> None:
    if asked["pair"] is None:
        for name in ("max_rollouts", "max_minutes", "looks", "seed"):
            if asked[name] is not None:
                raise ConfigurationError(
                    f"--{name.replace('_', '-')} is of --sample PAIR; logs are read as they are"
                )
    elif reference is None or update:
        raise ConfigurationError(
            "--sample repeats what a reference holds: name it by --reference, and make it from a "
            "sweep's logs by --update-references"
        )


def _require_place(log_dir: Path, constraint: str, asked: dict[str, Any]) -> None:
    if asked["pair"] is not None and constraint != NONE:
        raise ConfigurationError(
            "--sample repeats what a reference holds, its constraint as well: leave out "
            f"--constraint {constraint}"
        )
    # A folder that was misspelled is not made for the sake of a verdict beside it.
    if asked["pair"] is None and not log_dir.parent.is_dir():
        raise ConfigurationError(f"no folder '{log_dir}': give the folder that a sweep logged to")


def _named(frame: "pd.DataFrame", given: Path | None) -> tuple[str, Path]:
    from harness.regression.files import reference_name

    path = given or REFERENCES / f"{reference_name(frame)}.json"
    return path.stem, path


def _tell(verdict: "Verdict", name: str, target: Path) -> None:
    from harness.regression.files import publish
    from harness.regression.summary import terminal

    click.echo(terminal(verdict, name))
    publish(verdict, name, target)
    click.echo(f"Verdict: {target}")


def _sampled(log_dir: Path, path: Path, asked: dict[str, Any]) -> "Verdict":
    """Sample until the verdict is decided or the budget ends; tell each look."""
    from harness.regression.gate import Budget, Gate
    from harness.regression.reference import read_reference

    stored = read_reference(path)
    budget = Budget(
        max_rollouts=asked["max_rollouts"],
        max_minutes=asked["max_minutes"],
        **({} if asked["looks"] is None else {"looks": asked["looks"]}),
    )
    gate = Gate(
        pair=asked["pair"],
        stored=stored,
        questions=_questions(stored, path, asked),
        log_dir=log_dir,
        seed=asked["seed"] or 0,
        same_weights=asked["same_weights"],
    )
    for look in gate.looks(budget):
        click.echo(
            f"look {look.number} of {look.of}: {look.n_prompts} prompts, {look.n_rollouts} "
            f"rollouts: {look.verdict.finding}"
        )
    return look.verdict


def _questions(stored: "Reference", path: Path, asked: dict[str, Any]) -> "tuple[Question, ...]":
    from harness.regression.checks import questions_of

    questions = questions_of(
        stored.counts, margin=asked["margin"], behaviours=asked["behaviours"] or None
    )
    if not questions:
        raise ConfigurationError(f"the reference {str(path)!r} holds no behaviour to compare")
    return questions


def _frame(log_dir: Path, constraint: str) -> "pd.DataFrame":
    from harness.analysis.frame import by_constraint, read_frame

    given = () if constraint == NONE else parse_constraints(constraint)
    under = format_constraints(given) if given else NONE
    frames = by_constraint(read_frame(log_dir))
    if under not in frames:
        raise AnalysisError(
            f"no rollouts under the constraint {under!r} in {str(log_dir)!r}; there are some "
            f"under {', '.join(frames)}"
        )
    return frames[under]


def _verdict(frame: "pd.DataFrame", path: Path, asked: dict[str, Any]) -> "Verdict":
    from harness.regression.checks import check_frame
    from harness.regression.reference import read_reference

    stored = read_reference(path)
    questions = _questions(stored, path, asked)
    return check_frame(frame, stored, questions, same_weights=asked["same_weights"]).verdict
