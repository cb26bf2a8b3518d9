"""How often each behaviour was seen in each prompt: what a reference keeps and a check compares.

Knows frames of logs. Refuses to know texts: counts can be committed, replies can't.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from harness.analysis.behaviours import BENIGN, JUDGE, is_binary
from harness.analysis.judged import ABOVE
from harness.analysis.rates import Rate, rate_of
from harness.errors import AnalysisError

SOFT_JAILBREAK = "soft_jailbreak"


class Seen(NamedTuple):
    """One behaviour in the rollouts of one prompt at one alpha."""

    k: int
    """Events."""
    n: int
    """Scored rollouts."""
    n_unscored: int = 0


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Every binary behaviour of one sweep under one constraint, prompt by prompt."""

    alphas: tuple[float, ...]
    """Rising."""
    categories: Mapping[str, str]
    """Of each prompt, by its id."""
    seen: Mapping[str, Mapping[str, tuple[Seen, ...]]]
    """By behaviour and prompt, one per alpha."""

    @property
    def has_benign(self) -> bool:
        """Whether benign prompts stand beside others as a control."""
        return BENIGN in (found := set(self.categories.values())) and len(found) > 1

    def prompts(self, category: str | None = None) -> list[str]:
        """Return the ids of a category's prompts; of all that are not a control without one."""
        if category is None:
            benign = BENIGN if self.has_benign else None
            return [name for name, own in self.categories.items() if own != benign]
        return [name for name, own in self.categories.items() if own == category]

    def rate(self, behaviour: str, alpha: float, category: str | None = None) -> Rate:
        """Rate a behaviour over the prompts of a category, or over the main ones.

        Raises:
            AnalysisError: if there is no such behaviour, alpha or category.
        """
        self._require(behaviour, self.seen, "behaviour")
        self._require(alpha, self.alphas, "alpha")
        if category is not None:
            self._require(category, set(self.categories.values()), "category")
        at, by_prompt = self.alphas.index(alpha), self.seen[behaviour]
        cells = {name: by_prompt[name][at] for name in self.prompts(category) if name in by_prompt}
        values = [value for cell in cells.values() for value in _values(cell)]
        asked = np.repeat(list(cells), [cell.n + cell.n_unscored for cell in cells.values()])
        return rate_of(values, asked)

    @staticmethod
    def _require(given: object, known: object, what: str) -> None:
        if given not in (names := sorted(known, key=str)):  # type: ignore[call-overload]
            raise AnalysisError(
                f"no {what} {given!r} in these counts; there are {', '.join(map(str, names))}"
            )


def counts_of(frame: pd.DataFrame) -> Counts:
    """Count the events of every scorer that gives 0 and 1, and the soft jailbreaks.

    Args:
        frame: from ``read_frame``, of one constraint. A rollout that failed is unscored.

    Raises:
        AnalysisError: if rollouts of several constraints are in it.
    """
    if frame["constraint"].nunique() > 1:
        names = ", ".join(sorted(frame["constraint"].unique()))
        raise AnalysisError(
            f"rollouts under several constraints ({names}) can't be counted as one: pick one"
        )
    alphas = tuple(sorted(float(alpha) for alpha in frame["alpha"].unique()))
    first = frame.drop_duplicates("sample_id").sort_values("sample_id")
    return Counts(
        alphas=alphas,
        categories=dict(zip(first["sample_id"], first["category"], strict=True)),
        seen={name: _by_prompt(rows, alphas) for name, rows in events_of(frame).items()},
    )


def events_of(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return each behaviour's rows, with its events in the column ``event``: 0, 1, or NaN."""
    found = {}
    for name in sorted(frame["scorer"].dropna().unique()):
        rows = frame[frame["scorer"] == name]
        if name == JUDGE:
            above = (rows["value"] > ABOVE).astype("float64").where(rows["value"].notna())
            found[name] = rows.assign(event=above)
        elif is_binary(rows):
            found[name] = rows.assign(event=rows["value"])
        if name == "refusal":
            soft = rows["soft_jailbreak"].astype("float64").where(rows["value"].notna())
            found[SOFT_JAILBREAK] = rows.assign(event=soft)
    return found


def _by_prompt(rows: pd.DataFrame, alphas: tuple[float, ...]) -> dict[str, tuple[Seen, ...]]:
    cells = rows.groupby(["sample_id", "alpha"])["event"].agg(["sum", "count", "size"])
    seen = {key: Seen(int(k), int(n), int(size - n)) for key, k, n, size in cells.itertuples()}
    prompts = sorted(rows["sample_id"].unique())
    return {
        name: tuple(seen.get((name, alpha), Seen(0, 0)) for alpha in alphas) for name in prompts
    }


def _values(cell: Seen) -> list[float]:
    return [1.0] * cell.k + [0.0] * (cell.n - cell.k) + [np.nan] * cell.n_unscored
