"""Rollouts taken apart into sentences, as they are spelled and as rules read them."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.diffing.drawn import Drawn
from harness.scorers.text import read, sentences

_ENDS = (".", "!", "?", '"', "'", ")", ":")


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """One sentence that a rollout said, or ended."""

    rollout: int
    """Its place among the rollouts."""
    text: str
    """As it is spelled, with the beginning that was given where it began there."""
    reading: str
    """Lower case, plain quotes, single spaces, no emphasis marks."""
    whole: bool
    """Whether it ends; a limit of tokens cuts last ones short."""


def split(rollouts: Sequence[Drawn]) -> list[Sentence]:
    """Take rollouts apart; what was given to them is not theirs, but for a sentence they ended.

    A sentence counts as many times as it is said; whoever counts rollouts counts it once.

    Args:
        rollouts: with a text each.
    """
    return [one for place, rollout in enumerate(rollouts) for one in _of(place, rollout)]


def _of(place: int, rollout: Drawn) -> list[Sentence]:
    assert rollout.text is not None
    text = read(rollout.given + rollout.text)
    spans = sentences(text.reading)
    found = []
    for number, (start, end) in enumerate(spans):
        spelled, _ = text.quote(start, end)
        if text.place(start, end)[1] <= len(rollout.given):
            continue
        reading = " ".join(text.reading[start:end].split())
        if not any(char.isalpha() for char in reading):
            continue
        last = number == len(spans) - 1
        whole = not (last and rollout.cut) or reading.endswith(_ENDS)
        found.append(
            Sentence(rollout=place, text=" ".join(spelled.split()), reading=reading, whole=whole)
        )
    return found
