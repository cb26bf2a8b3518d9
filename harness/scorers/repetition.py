"""Whether a text runs in circles, measured in repeated words and not in compressed bytes.

zlib's ratio grows with length and takes indented JSON for a loop (7, where loops begin at 2.4);
a phrase that follows itself word for word does neither. Knows no model.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

# Languages without spaces: every character is a word.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+(?:'\w+)?")
# Numbers of list items differ in every round of a loop.
_ITEM = re.compile(r"^[ ]*\d{1,3}[.)](?=\s)", re.MULTILINE)
_BRACKETS = re.compile(r"[\[{|]")

_GRAM = 4
# Of 1,125 chat replies of up to 219 words none had less than 0.67 of its 4-grams distinct.
_FEWEST_WORDS_FOR_DISTINCT = 40
_LEAST_DISTINCT = 0.3
_LEAST_LOOPED_WORDS = 8
# Either much of a text loops, or it fell into a loop and stayed there for this many words.
_LEAST_LOOPED_SHARE = 0.4
_LONGEST_LOOP = 40

# "aaaaaaaa", "hahahaha": too few words to count, so characters are.
_CHARACTER_LOOP = re.compile(r"(\S{1,8}?)\1{7,}")


@dataclass(frozen=True)
class Repetition:
    """How much of a text repeats itself."""

    looped_phrase: str
    """The phrase that follows itself most; empty where none does."""
    looped_share: float
    """Share of the words (or characters) that lie in such a loop, 0 to 1."""
    distinct_share: float
    """Share of the 4-grams of words that are distinct, 1 where the text is too short to say."""
    repeats: bool
    """Whether that is more than sensible text does."""


class _Loop(NamedTuple):
    start: int
    period: int
    length: int


def measure_repetition(text: str) -> Repetition:
    """Look for a phrase that follows itself, and for a text made of few distinct phrases."""
    words = _WORD.findall(_ITEM.sub(" ", text.lower()))
    grams = [tuple(words[i : i + _GRAM]) for i in range(len(words) - _GRAM + 1)]
    distinct = len(set(grams)) / len(grams) if len(words) >= _FEWEST_WORDS_FOR_DISTINCT else 1.0
    loops = _loops(grams)
    if _BRACKETS.search(text):
        # [[0, 0], [0, 0]] is a matrix: rows of mere numbers loop in data and mean it.
        loops = [loop for loop in loops if any(map(str.isalpha, _unit(words, loop)))]
    looped = sum(loop.length for loop in loops)
    longest = max(loops, key=lambda loop: loop.length, default=_Loop(0, 0, 0))
    phrase, share = " ".join(_unit(words, longest)), looped / max(1, len(words))
    too_much = looped >= _LEAST_LOOPED_WORDS and (
        share >= _LEAST_LOOPED_SHARE or longest.length >= _LONGEST_LOOP
    )
    if not too_much:
        character_phrase, character_share = _character_loop(text)
        if character_share >= _LEAST_LOOPED_SHARE:
            phrase, share, too_much = character_phrase, character_share, True
    return Repetition(phrase, share, distinct, too_much or distinct < _LEAST_DISTINCT)


def _unit(words: list[str], loop: _Loop) -> list[str]:
    return words[loop.start : loop.start + loop.period]


def _loops(grams: list[tuple[str, ...]]) -> list[_Loop]:
    """Stretches in which every 4-gram has been seen one fixed distance before."""
    seen: dict[tuple[str, ...], int] = {}
    loops: list[_Loop] = []
    run, period = 0, 0
    for i, gram in enumerate([*grams, ()]):
        distance = i - seen[gram] if gram in seen else 0
        seen[gram] = i
        if distance and distance == period:
            run += 1
            continue
        if run:
            _keep(loops, _Loop(i - run - period, period, run + period + _GRAM - 1))
        run, period = (1, distance) if distance else (0, 0)
    return loops


def _keep(loops: list[_Loop], loop: _Loop) -> None:
    copies = loop.length / loop.period
    # "Very, very, very" and a line said twice are style; a sentence said twice in a row is not.
    if copies >= (5 if loop.period <= 2 else 3 if loop.period <= 7 else 2):
        loops.append(loop)


def _character_loop(text: str) -> tuple[str, float]:
    packed = "".join(text.split())
    loops = list(_CHARACTER_LOOP.finditer(packed))
    # Rules and table borders ("-----") repeat signs; that is only a loop if nothing else is said.
    if any(map(str.isalnum, packed)):
        loops = [loop for loop in loops if any(map(str.isalnum, loop[1]))]
    longest = max(loops, key=lambda loop: len(loop[0]), default=None)
    if longest is None:
        return "", 0.0
    return longest[1], sum(len(loop[0]) for loop in loops) / len(packed)
