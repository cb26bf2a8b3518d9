"""Which strings of letters are words, and which no language spells so.

Knows the word lists of 39 languages and the triples of letters that occur in them; knows no
text. Lists are loaded when the first word asks for them.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from itertools import pairwise
from typing import Literal

from wordfreq import get_frequency_dict

Spelling = Literal["word", "unknown", "odd"]
"""In a list; in none, but spelled as words are; spelled as no language spells."""

LATIN = "LATIN"

# The languages of wordfreq by the first word of their letters' Unicode names.
_LANGUAGES: dict[str, tuple[str, ...]] = {
    LATIN: (
        *("en", "de", "fr", "es", "it", "pt", "nl", "pl", "cs", "sk", "hu", "ro", "fi", "sv"),
        *("da", "nb", "tr", "id", "vi", "ca", "sl", "sh", "lv", "lt", "is", "fil", "ms"),
    ),
    "CYRILLIC": ("ru", "uk", "bg", "mk"),
    "GREEK": ("el",),
    "ARABIC": ("ar", "fa", "ur"),
    "HEBREW": ("he",),
    "DEVANAGARI": ("hi",),
    "BENGALI": ("bn",),
    "TAMIL": ("ta",),
}

# Triples of letters are taken from each list's most frequent words, weighted by the square root of
# the frequency so that "the" doesn't decide alone; one that makes up less than this of every
# language's triples is odd. Of letters drawn at random 0.9 of the words have one such.
_WORDS_PER_LIST = 4000
_RAREST_TRIPLE = 1e-6

# One in ten million; of the short words in English's long list that are rarer most are typing
# errors, while the longer ones name drugs, plants and places.
_RAREST_WORD, _SHORT = 1e-7, 6

# Identifiers are taken apart: snake_case by whoever finds tokens, camelCase here.
_CAMEL = re.compile(r"[A-Z]?[a-z\u00df-\u024f]+|[A-Z]+(?![a-z])|[^A-Za-z]+")
_LETTERS_PER_PART = 4


@lru_cache(maxsize=1 << 16)
def is_english(token: str) -> bool:
    """Whether English has the word, or all parts of the identifier."""
    words = _full_english()
    return _bare(token) in words or (
        token.isascii()
        and not token.islower()
        and _is_camel(token)
        and all(len(part) > 2 and part.lower() in words for part in _CAMEL.findall(token))
    )


@lru_cache(maxsize=1 << 16)
def spelling(token: str) -> Spelling:
    """How a run of letters and digits is spelled, by the lists of its script.

    A script without lists has no unknown words.
    """
    if is_english(token):
        return "word"
    scripts = {script(char) for char in token} - {"DIGIT", "MARK"}
    if len(scripts) != 1:
        return "odd" if scripts else "word"
    (name,) = scripts
    if name not in _LANGUAGES:
        return "word"
    if _bare(token) in _words(name):
        return "word"
    if _switches(token):
        return "odd"
    parts = [part for part in _parts(token) if len(part) > 2 and not part.isdigit()]
    unknown = [_bare(part) for part in parts if _bare(part) not in _words(name)]
    if not unknown:
        return "word"
    return "odd" if any(not _is_spelled(part, name) for part in unknown) else "unknown"


@cache
def script(char: str) -> str:
    """The first word of a letter's Unicode name; else ``DIGIT``, ``MARK`` or ``BROKEN``."""
    category = unicodedata.category(char)
    if char == "\ufffd" or category in ("Co", "Cn", "Cc"):
        return "BROKEN"
    if category[0] == "N":
        return "DIGIT"
    if category[0] == "M" or not char.isalpha():
        return "MARK"
    name = unicodedata.name(char, "BROKEN").split()[0]
    return LATIN if name in ("FULLWIDTH", "MODIFIER", "FEMININE", "MASCULINE", "MICRO") else name


def has_lists(char: str) -> bool:
    """Whether words of this letter's script can be looked up."""
    return script(char) in _LANGUAGES


def _bare(token: str) -> str:
    # As the lists spell: "weiss", "\u03bb\u03bf\u03b3\u03bf\u03c3".
    return token.casefold().replace("\u2019", "'")


def _parts(token: str) -> list[str]:
    return _CAMEL.findall(token) if token.isascii() else [token]


def _is_camel(token: str) -> bool:
    """Whether the case changes no more often than between words."""
    return len(_CAMEL.findall(token)) <= 1 + len(token) / _LETTERS_PER_PART


def _switches(token: str) -> bool:
    """Whether case or digits jump about inside of the token."""
    digits = [char.isdigit() for char in token]
    if sum(first != second for first, second in pairwise(digits)) > 1:
        return True
    return token.isascii() and not _is_camel(token)


def _is_spelled(word: str, script_name: str) -> bool:
    """Whether all triples of letters occur, with or without the accents."""
    known = _triples(script_name)
    return any(all(one in known for one in _triples_of(form)) for form in {word, _plain(word)})


def _triples_of(word: str) -> Iterator[str]:
    padded = f"^{word}$"
    return (padded[i : i + 3] for i in range(len(padded) - 2))


def _plain(word: str) -> str:
    decomposed = unicodedata.normalize("NFD", word)
    return "".join(char for char in decomposed if not unicodedata.combining(char))


@cache
def _full_english() -> frozenset[str]:
    words = get_frequency_dict("en", "best")
    return frozenset(
        word for word, frequency in words.items() if frequency >= _RAREST_WORD or len(word) > _SHORT
    )


@cache
def _words(script_name: str) -> frozenset[str]:
    # The short lists: the long ones hold every typing error of the web.
    lists = (get_frequency_dict(one, "small") for one in _LANGUAGES[script_name])
    return frozenset().union(*lists)


@cache
def _triples(script_name: str) -> frozenset[str]:
    """Triples of letters that some language of the script has, ``^`` and ``$`` for the ends."""
    found: set[str] = set()
    for language in _LANGUAGES[script_name]:
        ranked = list(get_frequency_dict(language, "small").items())[:_WORDS_PER_LIST]
        found |= _frequent(word_and_frequency for word_and_frequency in ranked)
    return frozenset(found)


def _frequent(words: Iterable[tuple[str, float]]) -> set[str]:
    weights: Counter[str] = Counter()
    for word, frequency in words:
        if len(word) > 2 and word.isalpha():
            for form in {word, _plain(word)}:
                for triple in _triples_of(form):
                    weights[triple] += frequency**0.5
    total = sum(weights.values())
    return {triple for triple, weight in weights.items() if weight / total >= _RAREST_TRIPLE}
