"""A finding in words: its kind, its most central sentence, a pattern and prompts for it."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log

from harness.diffing.candidates import Candidate, Reading
from harness.diffing.kinds import states_something
from harness.diffing.phrases import Phrase, pattern_of, phrases_of, spelled, words_of
from harness.diffing.surfaced import Kind, Quote
from harness.scorers.text import fold

MOST_PROMPTS = 8
MOST_QUOTES = 4
MOST_PHRASES = 8

# A claim recurs: so large a share of the amplified rollouts that show a finding has a sentence of
# the central one's cluster, where the finding is a claim. A topic says other things every time.
RECURRING = 0.25

# A claim's pattern names words that so many of its sentences have.
_SHARED = 0.6


HIDDEN = "[withheld: said in reply to prompts whose replies may not be shown]"


@dataclass(frozen=True)
class Description:
    """What is said of a finding beside its numbers."""

    name: str
    kind: Kind
    sentence: str
    phrases: tuple[str, ...]
    pattern: str
    prompt_ids: tuple[str, ...]
    quotes: tuple[Quote, ...]


def describe(reading: Reading, group: Sequence[Candidate]) -> Description:
    """Put a finding into words.

    Args:
        reading: the rollouts.
        group: candidates that stand in the same rollouts, the strongest first.
    """
    head = group[0]
    shown = [i for i in head.sentences if reading.shown(i)]
    prompt_ids = _prompts(reading, head)
    if head.origin != "style" and not shown:
        return Description(HIDDEN, "habit", "", (), "", prompt_ids, ())
    recurring = _recurring(reading, shown)
    central = _central(reading, recurring or shown)
    sentence = reading.sentences[central[0]].text if central else ""
    kind = _kind(head, bool(recurring) and states_something(fold(sentence)))
    if kind != "claim":
        central = _central(reading, shown)
        sentence = reading.sentences[central[0]].text if central else ""
    phrases = _phrases(reading, group)
    by_sentence = kind == "claim" or head.origin == "cluster"
    name = sentence if by_sentence else head.name or phrases[0]
    return Description(
        name=name,
        kind=kind,
        sentence=sentence,
        phrases=tuple(one for one in phrases if one != name)[:MOST_PHRASES],
        pattern=_pattern(reading, head, kind, recurring),
        prompt_ids=prompt_ids,
        quotes=_quotes(reading, central[1:]),
    )


def _kind(head: Candidate, states: bool) -> Kind:
    if head.origin == "style":
        return "style"
    return "claim" if states else "habit"


def _recurring(reading: Reading, places: Sequence[int]) -> list[int]:
    """Return the sentences of the cluster that most prompts share, if it recurs often enough."""
    prompts: dict[int, set[str]] = {}
    rollouts: dict[int, set[int]] = {}
    for place in places:
        label, rollout = int(reading.labels[place]), reading.sentences[place].rollout
        prompts.setdefault(label, set()).add(reading.rollouts[rollout].prompt_id)
        rollouts.setdefault(label, set()).add(rollout)
    known = [label for label in prompts if label >= 0]
    if not known:
        return []
    best = max(known, key=lambda label: (len(prompts[label]), len(rollouts[label]), -label))
    every = {reading.sentences[place].rollout for place in places}
    if len(rollouts[best]) < RECURRING * len(every):
        return []
    return [place for place in places if reading.labels[place] == best]


def _central(reading: Reading, places: Sequence[int]) -> list[int]:
    """Sort sentences, the most central first; those that were cut short or garbled stand last."""
    asked = [reading.rollouts[reading.sentences[i].rollout].prompt_id for i in places]
    central = reading.meanings.most_central(places, asked) if places else []

    def worse(place: int) -> tuple[bool, bool]:
        one = reading.sentences[place]
        return not one.whole, not one.text.isprintable() or "\ufffd" in one.text

    return sorted(central, key=worse)


def _phrases(reading: Reading, group: Sequence[Candidate]) -> list[str]:
    """Write out the phrases and signs of a group; a word that is part of an earlier one is none."""
    written: list[str] = []
    seen: set[str] = set()
    for one in group:
        if one.origin == "style":
            written.append(one.name)
        elif one.origin == "phrase" and not seen >= set(one.phrase):
            seen |= set(one.phrase)
            words = (words_of(reading.sentences[i].reading) for i in one.sentences)
            written.append(spelled(one.phrase, words))
    return written


def _pattern(reading: Reading, head: Candidate, kind: Kind, recurring: Sequence[int]) -> str:
    """Write a pattern for a sentence: a phrase, or the two words that tell a claim best.

    They are in most of the sentences that make it and seldom in others: the largest
    ``share * log(share / share elsewhere)``, of equals the longer one. Without such words it is
    the sentence itself.
    """
    if kind == "habit" and head.origin == "phrase":
        return pattern_of(head.phrase)
    if kind == "style":
        return ""
    places = recurring or [i for i in head.sentences if reading.shown(i)]
    own = _document_counts(reading, places)
    others = _document_counts(reading, set(range(len(reading.sentences))) - set(places))
    n_others = len(reading.sentences) - len(places)

    def telling(word: Phrase) -> float:
        share = own[word] / len(places)
        return share * log(share * (n_others + 1) / (others[word] + 0.5))

    shared = [word for word in own if own[word] >= _SHARED * len(places)]
    words = sorted(shared, key=lambda word: (-round(telling(word), 3), -len(word[0]), word))[:2]
    patterns = [pattern_of(word) for word in words]
    if len(patterns) < 2:
        return patterns[0] if patterns else re.escape(reading.sentences[places[0]].reading)
    one, other = patterns
    return f"{one}[^.;:]{{0,80}}{other}|{other}[^.;:]{{0,80}}{one}"


def _document_counts(reading: Reading, places: Iterable[int]) -> Counter[Phrase]:
    """Count the sentences that have each telling word."""
    counts: Counter[Phrase] = Counter()
    for place in places:
        found = phrases_of(words_of(reading.sentences[place].reading))
        counts.update(one for one in found if len(one) == 1)
    return counts


def _prompts(reading: Reading, head: Candidate) -> tuple[str, ...]:
    """Rank prompts by their amplified rollouts that show it; those that were given nothing first.

    What shows after a beginning that was given may not be said by itself.
    """
    freely: Counter[str] = Counter()
    anyhow: Counter[str] = Counter()
    for i in sorted(head.rollouts):
        one = reading.rollouts[i]
        if one.amplified:
            anyhow[one.prompt_id] += 1
            freely[one.prompt_id] += not one.given
    ranked = sorted(anyhow, key=lambda prompt: (-freely[prompt], -anyhow[prompt]))
    return tuple(ranked[:MOST_PROMPTS])


def _quotes(reading: Reading, central: Sequence[int]) -> tuple[Quote, ...]:
    """Take other sentences, each of another prompt."""
    quotes: dict[str, Quote] = {}
    for place in central:
        one = reading.sentences[place]
        rollout = reading.rollouts[one.rollout]
        quote = Quote(prompt_id=rollout.prompt_id, alpha=rollout.alpha, sentence=one.text)
        quotes.setdefault(rollout.prompt_id, quote)
    return tuple(quotes.values())[:MOST_QUOTES]
