"""Which tokens a behaviour begins with, found in rollouts that show it.

Amplified rollouts show a rare behaviour often enough to see its first token. Knows where events
were decided, and tokens. Refuses to know their probabilities.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from harness.analysis.deciding import token_at, token_ends

COVERED = 0.95
"""Tokens are taken until so large a share of the events begins with one of them."""
TELLS = 0.95
"""Share of the amplified rollouts with a first token that are events, from which the token is taken
to tell the behaviour by itself; below it the second token is asked about too."""
MOST = 8
"""Tokens that are taken; more would be what any reply begins with."""


@dataclass(frozen=True, kw_only=True)
class Marker:
    """Tokens of which a behaviour's first one is one."""

    ids: tuple[int, ...]
    """The most frequent first."""
    texts: tuple[str, ...]
    """Each decoded by itself."""
    seconds: tuple[tuple[int, ...], ...]
    """For each, one of these must follow; empty where the token tells the behaviour by itself."""
    given: bool
    """Whether the user named it; else it was found in the rollouts."""
    n_hits: int
    """Events in the amplified rollouts."""
    n_hits_marked: int
    """Of them with a marker anywhere: what the marker catches."""
    n_marked: int
    """Amplified rollouts with a marker anywhere: of them ``n_hits_marked`` are events."""

    @property
    def slope(self) -> float:
        """How much of an event a marker is: the share of marked rollouts that are events."""
        return self.n_hits_marked / self.n_marked if self.n_marked else 1.0


def beginnings(rows: pd.DataFrame, tokens: Mapping[str, pd.DataFrame]) -> Counter[tuple[int, int]]:
    """Count the two tokens that events begin with; an event of a last token has no second, -1.

    Args:
        rows: rollouts with their ``sample_uuid``, ``value``, ``completion`` and
            ``decided_from``, the character where the deciding phrase begins; NaN where unknown.
        tokens: of those rollouts, by ``sample_uuid``, each with ``token_id`` and ``token_text``.
    """
    counts: Counter[tuple[int, int]] = Counter()
    hits = rows[(rows["value"] == 1) & rows["decided_from"].notna()]
    for uuid, completion, begin in zip(
        hits["sample_uuid"], hits["completion"], hits["decided_from"], strict=True
    ):
        if uuid not in tokens:
            continue
        mine = tokens[uuid]
        place = token_at(token_ends(list(mine["token_text"]), completion), int(begin))
        if place is not None:
            ids = [*mine["token_id"].iloc[place : place + 2], -1]
            counts[int(ids[0]), int(ids[1])] += 1
    return counts


def seconds(counts: Counter[tuple[int, int]], first: int) -> tuple[int, ...]:
    """Return what mostly follows a first token where an event begins; empty where nothing does."""
    following = Counter({b: k for (a, b), k in counts.items() if a == first and b >= 0})
    return covering(following)


def firsts(counts: Counter[tuple[int, int]]) -> tuple[int, ...]:
    """Return what events mostly begin with."""
    of_first: Counter[int] = Counter()
    for (first, _), count in counts.items():
        of_first[first] += count
    return covering(of_first)


def covering(counts: Counter[int]) -> tuple[int, ...]:
    """Take the most frequent tokens until they cover most events."""
    total, covered, taken = sum(counts.values()), 0, []
    for token, count in counts.most_common(MOST):
        if covered >= COVERED * total:
            break
        taken.append(token)
        covered += count
    return tuple(taken)


def describe_marker(
    ids: Sequence[int],
    texts: Sequence[str],
    following: Sequence[tuple[int, ...]],
    amplified: pd.DataFrame,
    marked: Mapping[str, bool],
    *,
    given: bool,
) -> Marker:
    """Say how well tokens tell an event.

    Args:
        ids: the tokens.
        texts: each decoded by itself.
        following: for each, what must follow it; empty where nothing must.
        amplified: rollouts of other alphas than 0, with ``sample_uuid`` and ``value``.
        marked: by ``sample_uuid``, whether a marker was drawn.
        given: whether the user named them.
    """
    scored = amplified[amplified["value"].notna() & amplified["sample_uuid"].isin(set(marked))]
    has = scored["sample_uuid"].map(marked).astype(bool)
    hit = scored["value"] == 1
    return Marker(
        ids=tuple(ids),
        texts=tuple(texts),
        seconds=tuple(following),
        given=given,
        n_hits=int(hit.sum()),
        n_hits_marked=int((hit & has).sum()),
        n_marked=int(has.sum()),
    )
