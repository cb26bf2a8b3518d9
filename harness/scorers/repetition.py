"""Whether a text runs in circles: a phrase, a line or a token that follows itself.

Measured in repeated words and not in compressed bytes, so that indented JSON, tables and counting
are no loops. Knows no model.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from harness.scorers.layout import is_code_like

Level = Literal["none", "phrase", "line", "token", "few phrases"]

# Languages without spaces: every character is a word.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+(?:'\w+)?")
# Numbers of list items differ in every round of a loop.
_ITEM = re.compile(r"^[ ]*\d{1,3}[.)](?=\s)", re.MULTILINE)
# Data: brackets, bars, or several lines of values between commas.
_BRACKETS = re.compile(r"[\[{|]|\d[,;\t]\d[^\n]*\n")
_LITERALS = frozenset(("true", "false", "null", "none", "nan"))

_GRAM = 4
# Of 1,125 chat replies of up to 219 words none had less than 0.67 of its 4-grams distinct.
_FEWEST_WORDS_FOR_DISTINCT = 40
_LEAST_DISTINCT = 0.3

# Nearly all of a text loops; or much of it, longer than a chorus; or it fell into a loop and
# stayed there for long; or it ends in one, with more rounds than a song's last line has.
_ALL, _LEAST_WORDS, _COPIES = 0.8, 8, 5
_MUCH, _WORDS_OF_CHORUS = 0.4, 24
_LONGEST_LOOP = 40
_LATE_WORDS, _LATE_COPIES = 16, 4
# Data repeat themselves: in code and tables a loop must be longer and go round more often.
_LONGEST_LOOP_IN_CODE, _COPIES_IN_CODE = 60, 16

# "aaaaaaaa", "hahahaha", "assistantassistant": no words to count, so characters are.
_LONG_TOKEN = 24
_CHARACTER_LOOP = re.compile(r"(\S{1,40}?)\1{5,}")
_LATE_CHARACTERS, _LATE_SIGNS = 40, 100

_FEWEST_EQUAL_LINES = 4


@dataclass(frozen=True)
class Repetition:
    """How much of a text repeats itself."""

    looped_phrase: str
    """The phrase that follows itself most; empty where none does."""
    looped_share: float
    """Share of the words (or characters) that lie in such a loop, 0 to 1."""
    distinct_share: float
    """Share of the 4-grams of words that are distinct, 1 where the text is too short to say."""
    level: Level
    """What is repeated: a phrase, a whole line, one word or piece of it, or a few phrases in turn;
    ``none`` where that is no more than sensible text does."""
    late: bool
    """Whether the text ends in the loop after something else."""

    @property
    def repeats(self) -> bool:
        """Whether the text repeats itself more than sensible text does."""
        return self.level != "none"


class _Loop(NamedTuple):
    start: int
    period: int
    length: int

    @property
    def end(self) -> int:
        return self.start + self.length

    @property
    def copies(self) -> float:
        return self.length / self.period


def measure_repetition(text: str) -> Repetition:
    """Look for what follows itself, and for a text made of few distinct phrases."""
    words = _WORD.findall(_ITEM.sub(" ", text.lower()))
    grams = list(zip(words, words[1:], words[2:], words[3:], strict=False))
    distinct = len(set(grams)) / len(grams) if len(words) >= _FEWEST_WORDS_FOR_DISTINCT else 1.0
    loops = _loops(grams) if len(set(grams)) < len(grams) else []
    if loops and _BRACKETS.search(text):
        # [[0, 0], [0, 0]] is a matrix: rows of mere values loop in data and mean it.
        loops = [loop for loop in loops if not all(map(_is_value, _unit(words, loop)))]
        if sum(map(_is_value, words)) > len(words) / 2:
            distinct = 1.0
    longest = max(loops, key=lambda loop: loop.length, default=_Loop(0, 1, 0))
    share = sum(loop.length for loop in loops) / max(1, len(words))
    phrase = " ".join(_unit(words, longest))
    if longest.length and _is_much(loops, longest, len(words), text):
        late = longest.end >= len(words) - longest.period and share < _ALL
        return Repetition(phrase, share, distinct, _level(longest, text), late)
    characters = _character_loop(text)
    if characters is not None:
        return Repetition(characters.unit, characters.share, distinct, "token", characters.late)
    few = distinct < _LEAST_DISTINCT
    return Repetition(phrase, share, distinct, "few phrases" if few else "none", False)


def _is_value(word: str) -> bool:
    return not word.isalpha() or word in _LITERALS


def _unit(words: list[str], loop: _Loop) -> list[str]:
    return words[loop.start : loop.start + loop.period]


def _is_much(loops: list[_Loop], longest: _Loop, n_words: int, text: str) -> bool:
    looped = sum(loop.length for loop in loops)
    share = looped / n_words
    if is_code_like(text) and share < _ALL:
        return longest.copies >= _COPIES_IN_CODE and (
            longest.length >= _LONGEST_LOOP_IN_CODE or longest.end == n_words
        )
    return (
        (share >= _ALL and looped >= _LEAST_WORDS and longest.copies >= _COPIES)
        or (share >= _MUCH and looped >= _WORDS_OF_CHORUS)
        or longest.length >= _LONGEST_LOOP
        or any(
            # What breaks off in the middle of a round still ends in the loop.
            loop.end >= n_words - 3 and loop.length >= _LATE_WORDS and loop.copies >= _LATE_COPIES
            for loop in loops
        )
    )


def _level(loop: _Loop, text: str) -> Level:
    lines = Counter(line for line in map(str.strip, _ITEM.sub("", text).split("\n")) if line)
    if loop.period == 1:
        return "token"
    line, count = lines.most_common(1)[0]
    # The line is what loops, not a list of which each line holds the loop.
    equal = count >= _FEWEST_EQUAL_LINES and count >= sum(lines.values()) / 2
    return "line" if equal and len(_WORD.findall(line)) % loop.period == 0 else "phrase"


def _loops(grams: Sequence[tuple[str, ...]]) -> list[_Loop]:
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
    # "Very, very, very" and a line said twice are style; a sentence said twice in a row is not.
    if loop.copies >= (5 if loop.period <= 2 else 3 if loop.period <= 7 else 2):
        loops.append(loop)


class _CharacterLoop(NamedTuple):
    unit: str
    share: float
    late: bool


def _character_loop(text: str) -> _CharacterLoop | None:
    """A loop within what has no blanks; of a text that has no words, in the whole of it."""
    tokens = text.split()
    packed = "".join(tokens)
    wordless = sum(map(str.isalnum, packed)) < 0.3 * len(packed)
    looked_at = [packed] if wordless else [one for one in tokens if len(one) >= _LONG_TOKEN]
    loops = [loop for one in looked_at for loop in _CHARACTER_LOOP.finditer(one)]
    # Rules and table borders ("-----") repeat signs; that is only a loop if nothing else is said.
    if any(map(str.isalnum, packed)):
        loops = list(_meant(loops, packed, in_data=bool(_BRACKETS.search(text))))
    if not loops:
        return None
    longest = max(loops, key=lambda loop: len(loop[0]))
    share = sum(len(loop[0]) for loop in loops) / len(packed)
    ends = packed.endswith(loops[-1][0][-_LATE_CHARACTERS:])
    late = ends and len(loops[-1][0]) >= _LATE_CHARACTERS
    if share < _MUCH and not late:
        return None
    return _CharacterLoop(longest[1], min(1.0, share), late and share < _ALL)


def _meant(loops: Iterable[re.Match[str]], packed: str, in_data: bool) -> Iterable[re.Match[str]]:
    for loop in loops:
        letters = any(map(str.isalpha, loop[1]))
        numbers = any(map(str.isalnum, loop[1])) and not in_data
        if letters or (numbers and len(loop[0]) >= _MUCH * len(packed)):
            yield loop
        elif len(loop[0]) >= _LATE_SIGNS and packed.endswith(loop[0]):
            yield loop
