"""How likely the target was, in every place of known replies, to say what something begins with."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from harness.decoding.pair_model import PairModel
from harness.pairs.known_rows import Branch, KnownRows
from harness.pairs.teacher_forcing import KnownReply, in_batches, require_whole


class Marker(NamedTuple):
    """One token of several, or one token and behind it one of several."""

    firsts: tuple[int, ...]
    """Without repetition; a single one where there are ``seconds``."""
    seconds: tuple[int, ...] = ()
    """Without repetition; empty where the first token says it all."""


def marker_logps(
    model: PairModel[Any],
    replies: Sequence[KnownReply],
    markers: Sequence[Marker],
    tell: Callable[[int], object] = lambda n: None,
    *,
    least: float = 0.0,
    followed: Sequence[int] | None = None,
) -> list[Tensor]:
    """Return how likely each marker was to begin in the place of each token of replies.

    Each reply is read once whatever the number of markers, and one token more for each place in
    which a second one is asked about.

    Args:
        model: a pair whose weights are in memory.
        replies: none longer than the model's context.
        markers: at least one.
        tell: is told how many replies each batch has finished.
        least: a first token that is less likely is not followed by a second.
        followed: for each reply, in how many of its places a first token may be followed; in all
            of them unless given.

    Returns:
        For each reply, in the same order, log-probabilities under the target at temperature 1,
        nats, [tokens, markers], float32 on the CPU; minus infinity where a first token was not
        followed.

    Raises:
        UnsupportedRequest: if only the likeliest tokens of a side are known.
    """
    whole = require_whole(model)

    def read(batch: Sequence[int]) -> list[Tensor]:
        known = [replies[i] for i in batch]
        most = [len(replies[i].ids) if followed is None else followed[i] for i in batch]
        rows = whole.known_to_target([one.prompt for one in known], [one.ids for one in known])
        found = [logps.clone() for logps in rows.set_logps([one.firsts for one in markers])]
        for number, marker in enumerate(markers):
            if marker.seconds:
                _follow(rows, marker, [one[:, number] for one in found], known, least, most)
        return found

    return in_batches(replies, read, tell)


def _follow(
    rows: KnownRows,
    marker: Marker,
    logps: Sequence[Tensor],
    known: Sequence[KnownReply],
    least: float,
    most: Sequence[int],
) -> None:
    """Make each reply's log-probabilities of a first token those of both tokens, in place."""
    (first,) = marker.firsts
    likely = [
        (own[:n].exp() > least).nonzero().squeeze(-1) for own, n in zip(logps, most, strict=True)
    ]
    branches = [
        Branch(row, len(known[row].prompt.target_ids) + place, first)
        for row, places in enumerate(likely)
        for place in places.tolist()
    ]
    behind = rows.branch_logps(branches, marker.seconds)
    parts = behind.split([len(places) for places in likely])
    for own, places, after in zip(logps, likely, parts, strict=True):
        both = own[places] + after
        own.fill_(-torch.inf)
        own[places] = both
