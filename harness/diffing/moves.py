"""Where target and baseline part: by prompt, by position, by whose words, and in single replies.

Knows a scan's records and its corpus; every mean has its interval over prompts.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from harness.analysis.dose import Estimate, mean_per_token
from harness.diffing.corpus import Corpus
from harness.diffing.found import PositionMove, PromptMove, SourceMove, Strip, StripToken
from harness.diffing.words import Words, tells_something

# Positions by themselves at first, then as many as there were before.
_POSITIONS = (
    (0, 0),
    (1, 1),
    (2, 3),
    (4, 7),
    (8, 15),
    (16, 31),
    (32, 63),
    (64, 127),
    (128, 1 << 30),
)
_PROMPTS_SHOWN = 20
_WORDS_SHOWN = 4
_STRIPS = 8
_STRIP_TOKENS = 120
_FEWEST_TOKENS = 8


def whole_move(records: pd.DataFrame) -> Estimate:
    """Mean KL(target, baseline) per token, in nats."""
    return _estimate(records)


def source_moves(records: pd.DataFrame) -> tuple[SourceMove, ...]:
    """Take each side's own words by themselves, and whatever else was read."""
    return tuple(
        SourceMove(
            source=str(source),
            kl_nats=_estimate(rows),
            n_prompts=int(rows["prompt_id"].nunique()),
            n_tokens=len(rows),
        )
        for source, rows in records.groupby("source", sort=False)
    )


def position_moves(records: pd.DataFrame, corpus: Corpus) -> tuple[PositionMove, ...]:
    """Go along replies from their start; stretches of texts begin anywhere and are left out."""
    answers = {one.id for one in corpus.prompts if one.answers}
    rows = records[records["prompt_id"].isin(answers)]
    found = []
    for first, last in _POSITIONS:
        own = rows[rows["position"].between(first, last)]
        if len(own):
            found.append(
                PositionMove(
                    first=first,
                    last=int(own["position"].max()),
                    kl_nats=_estimate(own),
                    n_prompts=int(own["prompt_id"].nunique()),
                    n_tokens=len(own),
                )
            )
    return tuple(found)


def prompt_moves(records: pd.DataFrame, corpus: Corpus, words: Words) -> tuple[PromptMove, ...]:
    """Rank prompts by mean KL per token over the replies to them, the most affected first."""
    grouped = records.groupby("prompt_id", sort=False)["kl_nats"]
    means = grouped.mean().sort_values(ascending=False, kind="stable")
    sizes = grouped.size()
    known = {one.id: one for one in corpus.prompts}
    found = []
    for name in means.index[:_PROMPTS_SHOWN]:
        own = records[records["prompt_id"] == name]
        gained = own.groupby("promoted_id", sort=False)["kl_nats"].sum()
        gained = gained.groupby(words.key, sort=False).sum().sort_values(ascending=False)
        promoted = [str(key) for key, nats in gained.items() if nats > 0]
        promoted = [key for key in promoted if tells_something(key)][:_WORDS_SHOWN]
        found.append(
            PromptMove(
                prompt_id=str(name),
                category=known[str(name)].category,
                text=known[str(name)].text or None,
                kl_nats=float(means[name]),
                n_tokens=int(sizes[name]),
                promoted=tuple(promoted),
            )
        )
    return tuple(found)


def strips(records: pd.DataFrame, corpus: Corpus) -> tuple[Strip, ...]:
    """Take the replies with the largest mean KL, one a prompt, of those that may be shown."""
    shown = {one.id: one for one in corpus.prompts if one.withheld is None}
    rows = records[records["prompt_id"].isin(shown)]
    grouped = rows.groupby(["prompt_id", "reply"], sort=False)["kl_nats"]
    means = grouped.mean()[grouped.size() >= _FEWEST_TOKENS]
    found: dict[str, Strip] = {}
    for name, reply in means.sort_values(ascending=False, kind="stable").index:
        if name in found or len(found) == _STRIPS:
            continue
        own = rows[(rows["prompt_id"] == name) & (rows["reply"] == reply)]
        found[name] = Strip(
            prompt_id=name,
            prompt=shown[name].text,
            source=str(own["source"].iloc[0]),
            kl_nats=float(means[name, reply]),
            tokens=_tokens(own["token"], own["difference_nats"]),
        )
    return tuple(found.values())


def _tokens(texts: Sequence[str], differences: Sequence[float]) -> tuple[StripToken, ...]:
    pairs = list(zip(texts, differences, strict=True))[:_STRIP_TOKENS]
    return tuple(StripToken(text=text, difference_nats=float(moved)) for text, moved in pairs)


def _estimate(rows: pd.DataFrame) -> Estimate:
    found = mean_per_token(
        rows["kl_nats"].to_numpy(dtype=np.float64),
        np.ones(len(rows)),
        rows["prompt_id"].tolist(),
    )
    assert found is not None  # there is a row
    return found
