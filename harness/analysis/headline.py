"""The rows of a frame that a headline curve counts.

Knows the curves' names. Refuses to count.
"""

import pandas as pd

from harness.analysis.behaviours import main_and_benign
from harness.analysis.judged import ABOVE_NAME, judge_rows
from harness.analysis.rollout_sums import Decided

REFUSAL_OF_BENIGN = "refusal of benign prompts"


def headline_rows(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows behind a curve of ``headline_curves``, a 0, a 1 or NaN each."""
    if name == ABOVE_NAME:
        judged = judge_rows(frame)
        return main_and_benign(judged.assign(value=judged["above"]), frame)[0]
    if name not in ("refusal", REFUSAL_OF_BENIGN):
        return frame[frame["scorer"] == name]
    main, benign = main_and_benign(frame[frame["scorer"] == "refusal"], frame)
    return main if name == "refusal" else benign


def decided_beginnings(rows: pd.DataFrame) -> dict[str, Decided]:
    """Return by ``sample_uuid`` the replies whose event a phrase decided, and where it ends."""
    known = rows[rows["decided_chars"].notna()]
    return {
        str(uuid): (str(text), int(n))
        for uuid, text, n in zip(
            known["sample_uuid"], known["completion"], known["decided_chars"], strict=True
        )
    }
