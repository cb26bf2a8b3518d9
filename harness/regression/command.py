"""``amplify check``: the verdict of a run beside its reference, and an exit code for CI."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.constraint import NONE, format_constraints, parse_constraints
from harness.errors import AnalysisError, ConfigurationError

if TYPE_CHECKING:
    import pandas as pd

    from harness.regression.verdict import Verdict

REFERENCES = Path("evals/references")
STEP_SUMMARY = "GITHUB_STEP_SUMMARY"


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
    **asked: object,
) -> None:
    """Compare the logs in LOG_DIR with a reference: did behaviour regress?

    Exits with 0 if it is stable or improved, 1 at a regression, 2 if nothing can be compared, 3
    if the data can't decide. With GITHUB_STEP_SUMMARY set, the verdict is appended there.
    """
    from harness.regression.files import reference_name, write_reference
    from harness.regression.summary import markdown, terminal, verdict_json
    from harness.reporting.render import replace_file

    frame = _frame(log_dir, constraint)
    name = reference_name(frame)
    path = reference_path or REFERENCES / f"{name}.json"
    if update_references:
        write_reference(frame, path)
        click.echo(f"Reference: {path}")
        return
    verdict = _verdict(frame, path, asked)
    click.echo(terminal(verdict, name))
    target = verdict_file or log_dir.parent / "verdict.json"
    replace_file(target, verdict_json(verdict, name))
    click.echo(f"Verdict: {target}")
    if summary := os.environ.get(STEP_SUMMARY):
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(markdown(verdict, name))
    sys.exit(verdict.exit_code)


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


def _verdict(frame: "pd.DataFrame", path: Path, asked: dict[str, object]) -> "Verdict":
    from harness.regression.checks import check_frame, questions_of
    from harness.regression.reference import read_reference

    margin, behaviours = asked["margin"], asked["behaviours"]
    assert isinstance(margin, float)
    assert isinstance(behaviours, tuple)
    stored = read_reference(path)
    questions = questions_of(stored.counts, margin=margin, behaviours=behaviours or None)
    if not questions:
        raise ConfigurationError(f"the reference {str(path)!r} holds no behaviour to compare")
    return check_frame(frame, stored, questions, same_weights=bool(asked["same_weights"])).verdict
