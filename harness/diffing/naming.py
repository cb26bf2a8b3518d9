"""Which tokens of a scan are named as amplified, and how: thresholds, rankings, words.

Knows sums over a vocabulary and what words tokens are pieces of; refuses to know what a page shows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from harness.diffing.corpus import Corpus
from harness.diffing.found import Place, TokenEffect, Word
from harness.diffing.ranking import effects, rank
from harness.diffing.sums import Moments, TokenSums
from harness.diffing.topics import FEWEST_PROMPTS
from harness.diffing.words import Words, tells_something

# Every change moves the whole vocabulary a little: an adapter trained on the baseline's own words
# moved its tokens by 0.18 nats (first position) and 0.08 (whole replies), and the farthest of
# 49,152 stood 5.7 such spreads out. A token is named whose whole interval lies six spreads out,
# and moves by a factor of 1.2 at least.
STANDS_OUT = 6.0
LEAST_NATS = 0.2
# Tokens that are all but impossible on both sides move by rounding of their tiny logits.
_LEAST_PROBABILITY = 1e-6

# Of the p-weighted ranking: what a token makes up of the divergence per token.
LEAST_GAIN_NATS = 1e-3
# From here on a token is named for it. A change that is trained until it shows moves thousands of
# tokens that are never said by more than any that is: an adapter that opened 97 % of its replies
# with "Arr, matey!" moved its two tokens by 0.17 to 0.43 nats so, and those of weak changes,
# frequent words all, by 0.012 at most.
VISIBLE_GAIN_NATS = 0.02
# And already from ``LEAST_GAIN_NATS`` on where the target says it because of the change: on the
# mean over what it says, that much likelier than the baseline. "spring", in every reply of a fact
# taught about a river, came to 8, "days" to 3, the end of a reply to 1.4, "the" to 0.2.
OWED_NATS = 2.0
# Of the divergence at positions that tell a topic: a word's share, from which it is named as well.
HEAVY_SHARE = 0.03
# Positions below this tell no topic: half of all positions of a weak change differ by less.
TOPIC_NATS = 0.05

_RANKED = 400
_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Scanned:
    """What a scan of a corpus gave."""

    corpus: Corpus
    sums: TokenSums
    records: pd.DataFrame
    words: Words


class NamedTokens(NamedTuple):
    """Rankings of words, each the strongest first."""

    visible: tuple[Word, ...] = ()
    start: tuple[Word, ...] = ()
    anywhere: tuple[Word, ...] = ()
    suppressed: tuple[Word, ...] = ()
    openers: tuple[Word, ...] = ()


def named_words(
    visible: Iterable[Word], start: Iterable[Word], anywhere: Iterable[Word]
) -> tuple[Word, ...]:
    """Put all rankings into one: what is visible, then the most prominent; a word stands once."""
    found: dict[str, Word] = {}
    for word in (*visible, *sorted((*start, *anywhere), key=lambda one: -one.prominence)):
        found.setdefault(word.name.casefold(), word)
    return tuple(found.values())


def amplified_tokens(scanned: Scanned) -> tuple[int, ...]:
    """Return tokens that replies may be begun with: amplified at their start, and ever said."""
    sums = scanned.sums
    likely = _likeliest(sums)
    visible = {one.token_id for one in _visible_gains(sums)}
    ranked = [one.token_id for one in rank(sums.first, _RANKED)]
    # What is visible already comes first: where a change is strong, what moves most is never said.
    ordered = sorted(ranked, key=lambda i: i not in visible)
    return tuple(i for i in ordered if likely[i] >= _LEAST_PROBABILITY)[:_SHOWN]


def floor_nats(moments: Moments) -> float:
    """Return the mean that a token's interval must lie above to be named.

    ``median + STANDS_OUT * spread`` of the vocabulary's means, the spread by the median absolute
    deviation, as of a normal distribution; at least ``LEAST_NATS``.
    """
    if moments.n < 2:
        return LEAST_NATS
    center, spread = _bulk(moments)
    return max(LEAST_NATS, center + STANDS_OUT * spread)


def ceiling_nats(moments: Moments) -> float:
    """Return the mean that a token's interval must lie below to count as made rarer."""
    if moments.n < 2:
        return -LEAST_NATS
    center, spread = _bulk(moments)
    return min(-LEAST_NATS, center - STANDS_OUT * spread)


def _bulk(moments: Moments) -> tuple[float, float]:
    """Center and spread of the means of all tokens, as those that stand out can't move them."""
    means = moments.mean.cpu().numpy()
    return float(np.median(means)), float(stats.median_abs_deviation(means, scale="normal"))


def name_tokens(scanned: Scanned) -> NamedTokens:
    """Rank what is visible, amplified at the start, over whole replies, made rarer, and openers."""
    sums = scanned.sums
    return NamedTokens(
        visible=_visible(scanned),
        start=_named(scanned, sums.first, "start"),
        anywhere=_named(scanned, sums.whole, "anywhere"),
        suppressed=_named(scanned, sums.whole, "anywhere", falling=False),
        openers=_openers(scanned),
    )


def _named(
    scanned: Scanned, moments: Moments, place: Place, *, falling: bool = True
) -> tuple[Word, ...]:
    """Rank tokens, keep those that stand out, and merge spellings."""
    floor, ceiling = floor_nats(moments), ceiling_nats(moments)
    likely = _likeliest(scanned.sums)
    kept = [
        one
        for one in rank(moments, _RANKED, falling=falling)
        if (one.low > floor if falling else one.high < ceiling)
        and likely[one.token_id] >= _LEAST_PROBABILITY
    ]
    return _merged(scanned, moments, place, kept)


def _visible(scanned: Scanned) -> tuple[Word, ...]:
    """Name what makes up much of the divergence, with its differences where they are larger.

    Where there is such a token, the change is a strong one; then what makes up most of the
    divergence in the prompts that it acts on follows, which may be few.
    """
    ids = [one.token_id for one in _visible_gains(scanned.sums)]
    ids += [i for i in _heaviest(scanned) if i not in ids] if ids else []
    first, whole = scanned.sums.first, scanned.sums.whole
    at_start = {i for i in ids if first.n > 1 and first.mean[i] > whole.mean[i]}
    words = [
        *_merged(scanned, first, "start", effects(first, [i for i in ids if i in at_start])),
        *_merged(scanned, whole, "anywhere", effects(whole, [i for i in ids if i not in at_start])),
    ]
    return tuple(sorted(words, key=lambda one: -one.gain_nats))


def _heaviest(scanned: Scanned) -> list[int]:
    """Return the token of each word that is promoted most, by the divergence where it is."""
    gained = promoted(scanned)
    of_words = gained.by_prompt.sum().sort_values(ascending=False, kind="stable")
    often = (gained.by_prompt > 0).sum().to_dict()
    gains = scanned.sums.weighted.mean.cpu().numpy()
    heavy = [
        str(word)
        for word, nats in of_words.items()
        if nats >= HEAVY_SHARE * of_words.sum() and often[word] >= FEWEST_PROMPTS
    ]
    return [max(gained.ids[word], key=lambda i: float(gains[i])) for word in heavy]


def _visible_gains(sums: TokenSums) -> list[TokenEffect]:
    """Return what makes up much of the divergence, or some and most of what is said of it."""
    said = sums.target.mean.cpu().numpy()
    return [
        one
        for one in rank(sums.weighted, _RANKED)
        if one.low > VISIBLE_GAIN_NATS
        or (one.low > LEAST_GAIN_NATS and one.mean_nats >= OWED_NATS * said[one.token_id])
    ]


def _openers(scanned: Scanned) -> tuple[Word, ...]:
    """Rank tokens by the divergence that they make up."""
    moments = scanned.sums.weighted
    kept = [one for one in rank(moments, _RANKED) if one.low > LEAST_GAIN_NATS]
    return _merged(scanned, moments, "anywhere", kept)


def _merged(
    scanned: Scanned, moments: Moments, place: Place, effects: Sequence[TokenEffect]
) -> tuple[Word, ...]:
    by_id = {one.token_id: one for one in effects}
    center, spread = _bulk(moments) if effects else (0.0, 1.0)
    found = []
    for group in scanned.words.merged(by_id).values():
        first = by_id[group[0]]
        stands_out = (first.mean_nats - center) / spread if spread else float("inf")
        found.append(
            Word(
                name=scanned.words.name(group),
                spelled=scanned.words.spelled(group),
                place=place,
                strongest=first,
                prominence=abs(stands_out),
                gain_nats=float(scanned.sums.weighted.mean[first.token_id]),
                target_probability=float(scanned.sums.target.mean[first.token_id]),
                baseline_probability=float(scanned.sums.baseline.mean[first.token_id]),
            )
        )
    return tuple(found[:_SHOWN])


def _likeliest(sums: TokenSums) -> NDArray[np.float64]:
    """The larger of both sides' mean probabilities, [vocab]."""
    likely: NDArray[np.float64] = np.maximum(
        sums.target.mean.cpu().numpy(), sums.baseline.mean.cpu().numpy()
    )
    return likely


class Promoted(NamedTuple):
    """Words by what they gained, where the sides part visibly."""

    by_prompt: pd.DataFrame
    """Prompts x words, in nats."""
    ids: dict[str, list[int]]
    """The tokens of each word."""
    names: dict[str, str]
    shown: frozenset[str]
    """Prompts that may be named."""


def promoted(scanned: Scanned) -> Promoted:
    """Lay out what each word gained in each prompt, where the sides part visibly."""
    rows = scanned.records[scanned.records["kl_nats"] >= TOPIC_NATS]
    keys = rows["promoted_id"].map(scanned.words.key)
    told = keys.map(tells_something)
    rows, keys = rows[told], keys[told]
    table = rows.assign(word=keys).pivot_table(
        index="prompt_id", columns="word", values="kl_nats", aggfunc="sum", fill_value=0.0
    )
    groups = rows.groupby(keys, sort=False)["promoted_id"].unique()
    ids = {str(key): [int(i) for i in group] for key, group in groups.items()}
    return Promoted(
        by_prompt=table,
        ids=ids,
        names={key: scanned.words.name(group) for key, group in ids.items()},
        shown=frozenset(one.id for one in scanned.corpus.prompts if one.withheld is None),
    )
