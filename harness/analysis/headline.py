"""The rows of a frame that a headline curve counts.

Knows the curves' names. Refuses to count.
"""

import pandas as pd

from harness.analysis.behaviours import BENIGN, has_benign
from harness.analysis.judged import ABOVE_NAME, rows_above

REFUSAL_OF_BENIGN = "refusal of benign prompts"
WITHOUT_BENIGN = ("refusal", ABOVE_NAME)
"""Benign prompts are the control of these, where any stand beside others."""


def headline_rows(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows behind a curve of ``headline_curves``, a 0, a 1 or NaN each."""
    if name == ABOVE_NAME:
        rows = rows_above(frame)
    else:
        rows = frame[frame["scorer"] == ("refusal" if name == REFUSAL_OF_BENIGN else name)]
    if has_benign(frame) and name in (*WITHOUT_BENIGN, REFUSAL_OF_BENIGN):
        return rows[(rows["category"] == BENIGN) == (name == REFUSAL_OF_BENIGN)]
    return rows


def decided_beginnings(rows: pd.DataFrame) -> dict[str, str]:
    """Return by ``sample_uuid`` the replies up to the phrase that decided an event."""
    known = rows[rows["decided_chars"].notna()]
    return {
        str(uuid): str(text)[: int(n)]
        for uuid, text, n in zip(
            known["sample_uuid"], known["completion"], known["decided_chars"], strict=True
        )
    }
