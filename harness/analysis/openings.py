"""How refusals begin along alpha: the words of the model, not a list made by hand."""

from dataclasses import dataclass

import pandas as pd

N_OPENINGS = 5
REFUSING = ("refusal", "partial")


@dataclass(frozen=True, kw_only=True)
class Opening:
    """One opening among the refusals and partial refusals at one alpha, over all categories."""

    alpha: float
    opening: str
    k: int
    n: int
    """Rollouts labelled refusal or partial at this alpha."""


def openings(frame: pd.DataFrame) -> tuple[Opening, ...]:
    """Count the most frequent refusal openings at each alpha, ties in the alphabet's order."""
    labelled = frame[(frame["scorer"] == "refusal") & frame["value"].notna()]
    refusing = labelled[labelled["label"].isin(REFUSING)]
    return tuple(
        opening
        for alpha, rows in refusing.groupby("alpha")
        for opening in _most_frequent(float(str(alpha)), rows)
    )


def _most_frequent(alpha: float, rows: pd.DataFrame) -> list[Opening]:
    counts = rows["opening"].dropna().value_counts()
    ranked = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    return [
        Opening(alpha=alpha, opening=str(text), k=int(k), n=len(rows))
        for text, k in ranked[:N_OPENINGS]
    ]
