"""Whether a text is made of letters that form no words: keyboard noise, script soup, broken bytes.

A word list alone would call code and every other language noise, so two things must come together:
words that English does not know, and letters that no writer puts next to each other.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from wordfreq import get_frequency_dict

# Identifiers are taken apart: snake_case here, camelCase in `_parts`.
_TOKEN = re.compile(r"(?:[^\W_]|[\u0300-\u036f\ufffd])+(?:['\u2019][^\W_]+)?")
_CAMEL = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^A-Za-z]+")
_HEXADECIMAL = re.compile(r"(?:0x)?[0-9a-f]*[0-9][0-9a-f]*", re.IGNORECASE)
_VOWELS = "aeiouyw"
_LONGEST_CLUSTER = 5

# Small texts can't show a rate: "Ok, xkcd!" is a sentence.
_FEWEST_LETTERS = 12
_MOST_UNKNOWN = 0.5
# Letters drawn at random break the rules of spelling in 0.26 of six-letter words and 0.39 of
# eight-letter ones; of 1,326 pieces of source code 0.995 stay below 0.04.
_MOST_ODD = 0.15

# The languages of wordfreq by the first word of their letters' Unicode names.
_LANGUAGES: dict[str, tuple[str, ...]] = {
    "CYRILLIC": ("ru", "uk", "bg", "mk"),
    "GREEK": ("el",),
    "ARABIC": ("ar", "fa", "ur"),
    "HEBREW": ("he",),
    "DEVANAGARI": ("hi",),
    "BENGALI": ("bn",),
    "TAMIL": ("ta",),
}
_LATIN = (
    "de",
    "fr",
    "es",
    "it",
    "pt",
    "nl",
    "pl",
    "cs",
    "sk",
    "hu",
    "ro",
    "fi",
    "sv",
    "da",
    "nb",
    "tr",
    "id",
    "vi",
    "ca",
    "sl",
    "sh",
    "lv",
    "lt",
    "is",
    "fil",
    "ms",
)
# Written together in one language, so their mixture is no soup.
_EAST_ASIAN = frozenset(("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL"))


@dataclass(frozen=True)
class Randomness:
    """Shares of a text's letters, 0 to 1; both 0 where it is too short to say."""

    unknown_share: float
    """In words that are in no word list of their script."""
    odd_share: float
    """In words that no language spells so: mixed scripts, digits amid letters, no vowels."""
    random: bool
    """Whether both are higher than sensible text, code or another language has them."""


def measure_randomness(text: str, cut_off: bool = False) -> Randomness:
    """Weigh unknown and oddly spelled words by their length.

    Args:
        text: the response.
        cut_off: whether a token limit ended it, so that the last word may be half a word.
    """
    tokens = [token for token in _TOKEN.findall(text) if not _HEXADECIMAL.fullmatch(token)]
    if cut_off:
        tokens = tokens[:-1]
    total = sum(map(len, tokens))
    if total < _FEWEST_LETTERS:
        return Randomness(0.0, 0.0, False)
    unknown = [token for token in tokens if not _is_known(token)]
    unknown_share = sum(map(len, unknown)) / total
    if unknown_share < _MOST_UNKNOWN:
        return Randomness(unknown_share, 0.0, False)
    odd_tokens = [token for token in unknown if _is_odd(token) and not _is_foreign(token)]
    odd = max(sum(map(len, odd_tokens)), _scattered(unknown))
    return Randomness(unknown_share, odd / total, odd / total >= _MOST_ODD)


def _is_known(token: str) -> bool:
    return _in_a_list(token) or all(map(_in_a_list, _parts(token)))


def _parts(token: str) -> list[str]:
    """The words of an identifier; a token whose case jumps about has none."""
    parts = _CAMEL.findall(token)
    return parts if len(parts) <= 1 + len(token) / 4 else [token]


def _in_a_list(token: str) -> bool:
    word = token.lower().replace("\u2019", "'")
    script = _script(word[0])
    if script in _EAST_ASIAN:
        # Words are not set apart there, so a list of words can't be asked.
        return all(_script(char) in _EAST_ASIAN for char in word)
    return any(word in _words(language) for language in _LANGUAGES.get(script, ("en",)))


def _is_foreign(token: str) -> bool:
    """Whether some other language in Latin letters has the word; loads their short lists."""
    word = token.lower()
    return any(word in _words(language) for language in _LATIN)


def _is_odd(token: str) -> bool:
    kinds = [_script(char) for char in token]
    scripts = set(kinds) - {"DIGIT", "MARK"}
    if len(scripts) > 1 or "BROKEN" in scripts:
        return not scripts <= _EAST_ASIAN
    if sum("DIGIT" in pair and pair[0] != pair[1] for pair in pairwise(kinds)) > 1:
        return True
    cases = [char.isupper() for char in token if char.isalpha()]
    if sum(first != second for first, second in pairwise(cases)) > max(2, len(token) / 2.5):
        return True
    return scripts == {"LATIN"} and any(map(_is_unpronounceable, _parts(token)))


def _is_unpronounceable(word: str) -> bool:
    # Short words in capitals are abbreviations.
    if len(word) < 4 or (word.isupper() and len(word) < 7):
        return False
    bare = "".join(char for char in unicodedata.normalize("NFD", word.lower()) if char.isalpha())
    clusters = re.split(f"[{_VOWELS}]+", bare)
    return len(clusters) == 1 or max(map(len, clusters)) >= _LONGEST_CLUSTER


def _scattered(unknown: list[str]) -> int:
    """Letters of unknown words whose neighbours are unknown words of other scripts."""
    scripts = [_script(token[0]) for token in unknown]
    if len(set(scripts)) < 3:
        return 0
    changes = sum(first != second for first, second in pairwise(scripts))
    return sum(map(len, unknown)) if changes >= len(unknown) / 2 else 0


@cache
def _script(char: str) -> str:
    category = unicodedata.category(char)
    if char == "\ufffd" or category in ("Co", "Cn", "Cc"):
        return "BROKEN"
    if category[0] == "N":
        return "DIGIT"
    if category[0] == "M" or not char.isalpha():
        return "MARK"
    name = unicodedata.name(char, "BROKEN").split()[0]
    return "LATIN" if name in ("FULLWIDTH", "MODIFIER", "FEMININE", "MASCULINE") else name


@cache
def _words(language: str) -> frozenset[str]:
    # English in full, as it decides alone; other lists only keep a phrase book from being soup.
    size = "best" if language == "en" else "small"
    return frozenset(get_frequency_dict(language, size))
