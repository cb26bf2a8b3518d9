"""Which prompts the transcripts show: a stated rule, so that nobody picks by hand.

Knows scores and sizes only. What is chosen is there to be read, not to be counted: the rule
prefers prompts whose scores move with alpha.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

import pandas as pd

from harness.analysis.behaviours import BENIGN
from harness.analysis.frame import rollouts

MIN_PROMPTS = 25
"""Repeats are left out before there is room for fewer prompts than this."""
CHARS_PER_TOKEN = 4
"""About as many in English text, for what comes without a count of tokens."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How much the transcripts may hold; the first prompt is shown whatever its size."""

    n_rollouts: int = 1000
    n_tokens: int = 128_000
    """Of replies and prompts together. 128 for each of 1,000 rollouts, about 4 MB in a page."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The rollouts that are shown, and how many are not."""

    rows: pd.DataFrame
    """One per rollout, as in the frame."""
    sample_ids: tuple[str, ...]
    """In the order in which they were chosen."""
    rule: str
    """What was chosen and why, in words."""


def choose(frame: pd.DataFrame, budget: Budget) -> Choice:
    """Choose whole prompts, in turn from each category, those first whose scores differ most.

    A prompt's scores differ by the largest minus the smallest of its mean scores under each alpha
    and constraint, summed over the scorers that give 0 to 1. Repeats beyond the first few are left
    out of all prompts alike where otherwise fewer than 25 prompts had room.

    Args:
        frame: from ``read_frame``.
        budget: how much to choose.
    """
    each = rollouts(frame)
    kept = each[each["epoch"].isin(_epochs(each, budget))]
    sizes = _sizes(kept)
    chosen: list[str] = []
    n_rollouts = n_tokens = 0
    for sample_id in _ranked(frame):
        more_rollouts, more_tokens = sizes[sample_id]
        fits = (
            n_rollouts + more_rollouts <= budget.n_rollouts
            and n_tokens + more_tokens <= budget.n_tokens
        )
        if fits or not chosen:
            chosen.append(sample_id)
            n_rollouts, n_tokens = n_rollouts + more_rollouts, n_tokens + more_tokens
    rows = kept[kept["sample_id"].isin(chosen)]
    return Choice(rows=rows, sample_ids=tuple(chosen), rule=_rule(each, rows, budget))


def _epochs(each: pd.DataFrame, budget: Budget) -> list[int]:
    """Return the repeats that are shown of every prompt, the first ones."""
    epochs = sorted(int(epoch) for epoch in each["epoch"].unique())
    n_conditions = len(each[["constraint", "alpha"]].drop_duplicates())
    n_prompts = min(each["sample_id"].nunique(), MIN_PROMPTS)
    room = budget.n_rollouts // (n_conditions * n_prompts)
    return epochs[: max(1, room)]


def _sizes(rows: pd.DataFrame) -> dict[str, tuple[int, int]]:
    """Count rollouts and tokens of each prompt."""
    estimated = rows["n_chars"].fillna(0) / CHARS_PER_TOKEN
    tokens = rows["n_tokens"].fillna(estimated).groupby(rows["sample_id"]).sum()
    asked = rows.groupby("sample_id")["prompt"].first().str.len() / CHARS_PER_TOKEN
    counts = rows.groupby("sample_id").size()
    return {
        str(sample_id): (int(counts[sample_id]), int(tokens[sample_id] + asked[sample_id]))
        for sample_id in counts.index
    }


def _ranked(frame: pd.DataFrame) -> Iterator[str]:
    """Yield prompts in turn from each category, benign ones first."""
    telling = _telling(frame)
    prompts = frame.drop_duplicates("sample_id")[["sample_id", "category"]]
    by_category: dict[str, list[str]] = {}
    for sample_id, category in zip(prompts["sample_id"], prompts["category"], strict=True):
        by_category.setdefault(category, []).append(sample_id)
    queues = [
        sorted(by_category[name], key=lambda one: (-telling.get(one, 0.0), one))
        for name in sorted(by_category, key=lambda name: (name != BENIGN, name))
    ]
    for turn in zip_longest(*queues):
        yield from (sample_id for sample_id in turn if sample_id is not None)


def _telling(frame: pd.DataFrame) -> dict[str, float]:
    """Sum up by how much each prompt's scores move with alpha and constraint."""
    graded = frame[frame["value"].between(0, 1) & frame["unit"].isna()]
    means = graded.groupby(["sample_id", "scorer", "constraint", "alpha"])["value"].mean()
    moved = means.groupby(["sample_id", "scorer"]).agg(lambda along: along.max() - along.min())
    # Rounded, so that sums of thirds that are equal on paper are equal here.
    return {
        str(name): round(float(sum_), 6) for name, sum_ in moved.groupby("sample_id").sum().items()
    }


def _rule(each: pd.DataFrame, rows: pd.DataFrame, budget: Budget) -> str:
    n_prompts, n_all = rows["sample_id"].nunique(), each["sample_id"].nunique()
    if len(rows) == len(each):
        return f"All {len(each):,} rollouts of all {n_all:,} prompts."
    repeats, all_repeats = rows["epoch"].nunique(), each["epoch"].nunique()
    first = f", the first {repeats} of {all_repeats} of each" if repeats < all_repeats else ""
    return (
        f"{len(rows):,} of {len(each):,} rollouts: {n_prompts:,} of {n_all:,} prompts with all "
        f"their rollouts along alpha{first}. They were taken in turn from each category, those "
        "first whose scores differ most between alphas, up to "
        f"{budget.n_rollouts:,} rollouts or {budget.n_tokens:,} tokens. So they are chosen to be "
        "read, not to be counted: rates are in the tables."
    )
