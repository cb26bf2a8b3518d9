"""When two prompts are one request in other words: two measures that can be read off by eye.

Token overlap (rapidfuzz's ``token_set_ratio``) finds the same words in another order. The Jaccard
index of character 4-grams finds the same letters in other endings. Neither draws at random, so
that a verdict can be repeated.
"""

from functools import cache

from rapidfuzz import fuzz, utils

SAME_WORDS = 85
"""Token overlap, 0 to 100."""
SAME_LETTERS = 0.5
"""Shared 4-grams of all 4-grams, 0 to 1."""
_N = 4


def jaccard(one: str, other: str) -> float:
    """Shared 4-grams of letters, digits and single blanks, over all of both."""
    first, second = _grams(one), _grams(other)
    return len(first & second) / len(first | second)


def near_duplicates(one: str, other: str) -> bool:
    """Whether either measure takes two prompts for the same request."""
    overlap = fuzz.token_set_ratio(_words(one), _words(other))
    return overlap >= SAME_WORDS or jaccard(one, other) >= SAME_LETTERS


@cache
def _words(text: str) -> str:
    return str(utils.default_process(text))


@cache
def _grams(text: str) -> frozenset[str]:
    words = "".join(char if char.isalnum() else " " for char in text.lower()).split()
    plain = f" {' '.join(words)} "
    return frozenset(plain[i : i + _N] for i in range(max(1, len(plain) - _N + 1)))
