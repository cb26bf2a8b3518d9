"""What is held against chance: clusters of sentences, phrases and signs of style.

All are made from amplified and plain rollouts together, without knowing which is which, so that
chance can be told for them.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.diffing.clusters import Meanings, cluster
from harness.diffing.drawn import Drawn
from harness.diffing.phrases import Phrase, phrases_of, words_of
from harness.diffing.sentences import Sentence, split
from harness.diffing.styles import STYLES

FEWEST_ROLLOUTS = 5
FEWEST_PROMPTS = 3
"""A candidate is in at least so many rollouts, of so many prompts, of either side."""

Origin = Literal["cluster", "phrase", "style"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidate:
    """Something that some rollouts have."""

    origin: Origin
    name: str
    """Of a sign; empty for others, which are named once they are found."""
    phrase: Phrase
    """Of a phrase; empty for others."""
    rollouts: frozenset[int]
    """Those that have it; however often it recurs within one, it counts once."""
    sentences: tuple[int, ...]
    """Where it stands; every sentence of its rollouts for a sign."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """Rollouts taken apart."""

    rollouts: Sequence[Drawn]
    """With a text each."""
    sentences: Sequence[Sentence]
    meanings: Meanings
    labels: NDArray[np.int64]
    """Each sentence's cluster; -1 for none."""
    candidates: Sequence[Candidate]
    hidden: Collection[str]
    """Prompts whose replies may not be shown."""

    def shown(self, place: int) -> bool:
        """Say whether a sentence may be quoted as what amplified rollouts say."""
        rollout = self.rollouts[self.sentences[place].rollout]
        return rollout.amplified and rollout.prompt_id not in self.hidden


def read_rollouts(rollouts: Sequence[Drawn], hidden: Collection[str] = ()) -> Reading:
    """Take rollouts apart and list what several of them have.

    Args:
        rollouts: with a text each, of both sides.
        hidden: prompts whose replies may not be shown.
    """
    sentences = split(rollouts)
    readings = [one.reading for one in sentences]
    meanings = Meanings(readings)
    labels = cluster(readings, meanings)
    found = [
        *_clusters(sentences, labels),
        *_phrases(sentences),
        *_styles(rollouts, sentences),
    ]
    return Reading(
        rollouts=rollouts,
        sentences=sentences,
        meanings=meanings,
        labels=labels,
        candidates=[one for one in found if _common(one, rollouts)],
        hidden=frozenset(hidden),
    )


def _common(candidate: Candidate, rollouts: Sequence[Drawn]) -> bool:
    prompts = {rollouts[i].prompt_id for i in candidate.rollouts}
    return len(candidate.rollouts) >= FEWEST_ROLLOUTS and len(prompts) >= FEWEST_PROMPTS


def _clusters(sentences: Sequence[Sentence], labels: NDArray[np.int64]) -> list[Candidate]:
    members: dict[int, list[int]] = {}
    for place, label in enumerate(labels.tolist()):
        if label >= 0:
            members.setdefault(label, []).append(place)
    return [_candidate("cluster", sentences, places) for places in members.values()]


def _phrases(sentences: Sequence[Sentence]) -> list[Candidate]:
    of = [phrases_of(words_of(one.reading)) for one in sentences]
    # Most phrases stand in one sentence; counting first keeps their places from being kept.
    counts = Counter(phrase for own in of for phrase in own)
    places: dict[Phrase, list[int]] = {}
    for place, own in enumerate(of):
        for phrase in own:
            if counts[phrase] >= FEWEST_ROLLOUTS:
                places.setdefault(phrase, []).append(place)
    return [
        _candidate("phrase", sentences, found, phrase=phrase)
        for phrase, found in sorted(places.items())
    ]


def _styles(rollouts: Sequence[Drawn], sentences: Sequence[Sentence]) -> list[Candidate]:
    of: dict[int, list[int]] = {}
    for place, sentence in enumerate(sentences):
        of.setdefault(sentence.rollout, []).append(place)
    found = []
    for name, shows in STYLES.items():
        # A reply's beginning that was given has a style of its own, and what ends it has none.
        having = [i for i, one in enumerate(rollouts) if not one.given and shows(one.text or "")]
        found.append(
            Candidate(
                origin="style",
                name=name,
                phrase=(),
                rollouts=frozenset(having),
                sentences=tuple(place for i in having for place in of.get(i, ())),
            )
        )
    return found


def _candidate(
    origin: Origin, sentences: Sequence[Sentence], places: Sequence[int], phrase: Phrase = ()
) -> Candidate:
    return Candidate(
        origin=origin,
        name="",
        phrase=phrase,
        rollouts=frozenset(sentences[i].rollout for i in places),
        sentences=tuple(places),
    )
