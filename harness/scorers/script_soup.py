"""Whether letters of many scripts are stirred together, within words or from word to word.

A phrase book also holds many scripts, but marks stand between them; East Asian scripts are written
together in one language, and with Latin words amid them. Knows nothing of words.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

from harness.scorers.spelling import LATIN, script

_WORD = re.compile(r"(?:[^\W\d_]|[\u0300-\u036f\ufffd\ue000-\uf8ff])+")

_EAST_ASIAN = frozenset(("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL"))
# Units and variables: the Greek letter of "kΩ" or "Δx" makes no soup.
_SHORT = 3

_FEWEST_LETTERS = 12
_MOST_MIXED = 0.2
_MOST_BROKEN = 0.1
_FEWEST_STEPS, _MOST_CHANGES, _FEWEST_SCRIPTS = 4, 0.5, 3


@dataclass(frozen=True)
class ScriptSoup:
    """How scripts are mixed, shares of 0 to 1; all 0 in plain ASCII."""

    mixed_share: float
    """Of the letters, those in words of several scripts."""
    change_share: float
    """Of the steps from one word to the next over a mere blank, those into another script."""
    broken_share: float
    """Of the letters, those that stand for none: replacement characters, unassigned code points."""
    soup: bool
    """Whether any of these is higher than sensible text has it."""


def measure_script_soup(text: str) -> ScriptSoup:
    """Look at each word's letters, and at the words beside it."""
    if text.isascii():
        return ScriptSoup(0.0, 0.0, 0.0, False)
    words = [(found.start(), found.end(), _scripts(found[0])) for found in _WORD.finditer(text)]
    total = sum(end - start for start, end, _ in words)
    if total < _FEWEST_LETTERS:
        return ScriptSoup(0.0, 0.0, 0.0, False)
    mixed = sum(end - start for start, end, scripts in words if _is_mixed(scripts, end - start))
    broken = sum(script(char) == "BROKEN" for char in text if not char.isascii())
    steps = [
        (first[2], second[2])
        for first, second in pairwise(words)
        if second[0] == first[1] + 1 and text[first[1]] == " "
    ]
    changes = sum(_changes(first, second) for first, second in steps)
    used = {one for _, _, scripts in words for one in scripts}
    change_share = changes / len(steps) if steps else 0.0
    return ScriptSoup(
        mixed / total,
        change_share,
        min(1.0, broken / total),
        mixed >= _MOST_MIXED * total
        or broken >= _MOST_BROKEN * total
        or (
            len(steps) >= _FEWEST_STEPS
            and change_share >= _MOST_CHANGES
            and len(used) >= _FEWEST_SCRIPTS
        ),
    )


def _scripts(word: str) -> frozenset[str]:
    if word.isascii():
        return frozenset((LATIN,))
    return frozenset(map(script, word)) - {"DIGIT", "MARK", "BROKEN"}


def _is_mixed(scripts: frozenset[str], length: int) -> bool:
    return len(scripts) > 1 and length > _SHORT and not scripts <= _EAST_ASIAN | {LATIN}


def _changes(first: frozenset[str], second: frozenset[str]) -> bool:
    return first.isdisjoint(second) and not first | second <= _EAST_ASIAN
