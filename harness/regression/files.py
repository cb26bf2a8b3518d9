"""Where references and verdicts lie, and writing them whole."""

import os
from pathlib import Path

import pandas as pd

from harness.constraint import NONE
from harness.regression.reference import reference_of, reference_text
from harness.regression.summary import markdown, verdict_json
from harness.regression.verdict import Verdict
from harness.whole_file import replace_file

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
"""Names the file whose markdown GitHub shows on a run's page."""


def reference_name(frame: pd.DataFrame, given: str | None = None) -> str:
    """Name a run by its pair and task, or as given, and by its constraint if there is one."""
    row = frame.iloc[0]
    # A colon is no part of a file's name everywhere.
    under = "" if row["constraint"] == NONE else f"-{row['constraint'].replace(':', '+')}"
    return f"{given or f'{Path(str(row.pair)).stem}-{row.task}'}{under}"


def write_reference(frame: pd.DataFrame, path: Path) -> None:
    """Write what a run under one constraint showed; an unchanged one stays as it is, byte by byte.

    Raises:
        InvalidReference: if its rollouts were drawn in more than one way.
    """
    replace_file(path, reference_text(reference_of(frame)))


def publish(verdict: Verdict, name: str, path: Path) -> None:
    """Write a verdict as JSON, and append it as markdown to CI's summary if there is one."""
    replace_file(path, verdict_json(verdict, name))
    if summary := os.environ.get(STEP_SUMMARY):
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(markdown(verdict, name))
