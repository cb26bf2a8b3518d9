"""Words and runs of words that rollouts share, whatever sentence they stand in.

A topical habit says other sentences every time; its words recur.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

LONGEST = 3
"""Words of a phrase at most."""

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d{3,}")

Phrase = tuple[str, ...]
"""Words, lower case, without the s of a plural."""


def words_of(reading: str) -> list[str]:
    """Take the words of a folded text, and numbers of three digits and more, such as years."""
    return _WORD.findall(reading)


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """Take the s of a plural away: "umbrellas" and "umbrella" are one topic."""
    plural = len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is", "'s"))
    return word[:-1] if plural else word


def phrases_of(words: Sequence[str]) -> set[Phrase]:
    """Return the phrases of a text that say something: runs of one to three words.

    A run of function words alone ("it is") is none.
    """
    stems = [stem(word) for word in words]
    telling = [word not in ENGLISH_STOP_WORDS and len(word) > 1 for word in words]
    return {
        tuple(stems[i : i + n])
        for n in range(1, LONGEST + 1)
        for i in range(len(stems) - n + 1)
        # At its ends, too: "of the umbrella" is no more than "umbrella".
        if telling[i] and telling[i + n - 1]
    }


def spelled(phrase: Phrase, texts: Iterable[Sequence[str]]) -> str:
    """Return how a phrase is mostly written.

    Args:
        phrase: with its plurals taken away.
        texts: the words of texts that have it.
    """
    n = len(phrase)
    counts: Counter[str] = Counter()
    for words in texts:
        for i in range(len(words) - n + 1):
            if tuple(stem(word) for word in words[i : i + n]) == phrase:
                counts[" ".join(words[i : i + n])] += 1
    return counts.most_common(1)[0][0] if counts else " ".join(phrase)


def pattern_of(phrase: Phrase) -> str:
    """Write a regular expression for a phrase, with or without the s of its plurals."""
    words = (re.escape(word) + ("s?" if word.isalpha() else "") for word in phrase)
    return r"\b" + r"\W+".join(words) + r"\b"
