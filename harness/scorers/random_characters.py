"""Whether a text is made of letters that form no words: keyboard noise, noise over a text.

A word list alone would call code and every other language noise, so two things must come together:
words that no list has, and spellings that no language has. Code has both here and there, so it
is held to a level of its own.
"""

import re
from dataclasses import dataclass, replace

from harness.scorers.layout import is_code_like
from harness.scorers.spelling import has_lists, is_english, spelling

# Three characters or more: shorter ones are words, variables and units in every text.
_TOKEN = re.compile(r"(?:[^\W_]|[\u0300-\u036f\ufffd]){3,}(?:['\u2019][^\W_]+)?")
_WORD = re.compile(r"[^\W\d_]{2,}")
# Web and mail addresses, and LaTeX's commands.
_ADDRESS = re.compile(r"\b(?:https?://|www\.)\S+|\S+@\S+\.\w+|\\[A-Za-z]{2,}(?:\{[a-z]{3,}\*?\})?")
_HEXADECIMAL = re.compile(r"(?:0x)?[0-9a-f]*[0-9][0-9a-f]*", re.IGNORECASE)
# Keys and the like, which a text may quote.
_KEY = re.compile(r"(?=(?:\D*\d){3})\w{20,}")
# Genes and the like: many letters of few kinds.
_FEW_KINDS, _LONG = 5, 12

# Small texts can't show a rate: "Ok, xkcd!" is a sentence, a password a reply.
_FEWEST_LETTERS = 20

_LEAST_UNKNOWN = 0.25
_LEAST_ODD = 0.2
_LEAST_ODD_IN_CODE = 0.6
# In the words of languages that have no list, odd ones are the smaller part: Welsh 0.4, Zulu 0.1.
_LEAST_ODD_OF_UNKNOWN = 0.5

# Where English stands between the unknown words, they are no other language: noise over English
# leaves one in seven of these whole. Words that are also Python's are left out.
_ENGLISH = frozenset(
    "the of and to that you are this have but by they it can will his her she their your when what"
    " which how than then them some would could should has had were been into most about because"
    " there only also more was".split()
)
_LEAST_ENGLISH, _FEWEST_ENGLISH = 0.03, 2
_LEAST_UNKNOWN_AMID_ENGLISH, _LEAST_ODD_AMID_ENGLISH = 0.35, 0.1

# Where there are hardly any words: of 30 characters drawn from all that print, 10 are signs, of 9
# kinds; a formula of that length has up to 7.
_FEWEST_CHARACTERS, _FEWEST_KINDS_OF_SIGN = 28, 8
_SIGN = re.compile(r"[!-/:-@\[-`{-~]")
_SPACE = re.compile(r"\s+")
# Signs inside words: of noise drawn from all that print, three words in ten hold one, of many
# kinds; a line of code has one word in seven.
_PIERCED = re.compile(r"[A-Za-z][!-&(),*+;<-@\[-^`{-~]+(?=[A-Za-z])")
_MOST_PIERCED, _FEWEST_PIERCING_KINDS, _FEWEST_CHUNKS = 0.2, 4, 8
_CHARACTER_RANGE = re.compile(r"[aA]-[zZ]|0-9|\\[dws]\b|\(\?")


@dataclass(frozen=True)
class Randomness:
    """Shares of a text's letters, 0 to 1; both 0 where it is too short to say."""

    unknown_share: float
    """In words that are in no word list of their script."""
    odd_share: float
    """In words that no language spells so: digits amid letters, jumping case, unheard-of triples;
    0 where too few are unknown for it to matter."""
    random: bool
    """Whether both are higher than sensible text, code or another language has them."""


def measure_randomness(text: str, cut_off: bool = False) -> Randomness:
    """Weigh unknown and oddly spelled words by their length.

    Args:
        text: the response.
        cut_off: whether a token limit ended it, so that the last word may be half a word.
    """
    tokens = _words(text)
    if cut_off:
        tokens = tokens[:-1]
    total = sum(map(len, tokens))
    foreign = [token for token in tokens if not is_english(token)]
    unknown = sum(map(len, foreign))
    if total < _FEWEST_LETTERS:
        return Randomness(0.0, 0.0, _is_sign_soup(text, total - unknown))
    # Most responses end here, without the other languages' lists.
    if unknown < _LEAST_UNKNOWN * total:
        return Randomness(unknown / total, 0.0, False)
    spelled = [(len(token), spelling(token)) for token in foreign]
    unknown = sum(length for length, how in spelled if how != "word")
    odd = sum(length for length, how in spelled if how == "odd")
    found = Randomness(unknown / total, odd / total, False)
    noise = _is_random(found, text) or _is_sign_soup(text, total - unknown) or _is_pierced(text)
    return replace(found, random=noise)


def _is_random(found: Randomness, text: str) -> bool:
    unknown, odd = found.unknown_share, found.odd_share
    words = [word.lower() for word in _WORD.findall(text)]
    n_english = sum(word in _ENGLISH for word in words)
    amid_english = n_english >= max(_FEWEST_ENGLISH, _LEAST_ENGLISH * len(words))
    if is_code_like(text) and not (amid_english and "\n" not in text):
        return odd >= _LEAST_ODD_IN_CODE
    if amid_english and unknown >= _LEAST_UNKNOWN_AMID_ENGLISH:
        return odd >= _LEAST_ODD_AMID_ENGLISH
    return (
        unknown >= _LEAST_UNKNOWN and odd >= _LEAST_ODD and odd >= _LEAST_ODD_OF_UNKNOWN * unknown
    )


def _is_sign_soup(text: str, letters_in_words: int) -> bool:
    """Whether signs of many kinds stand where words should."""
    if len(set(_SIGN.findall(text))) < _FEWEST_KINDS_OF_SIGN:
        return False
    n = len(_SPACE.sub("", text))
    return (
        n >= _FEWEST_CHARACTERS
        and letters_in_words <= 0.15 * n
        and not _CHARACTER_RANGE.search(text)
        and not (is_code_like(text) and "\n" in text)
    )


def _is_pierced(text: str) -> bool:
    """Whether signs of several kinds stand inside of many words."""
    chunks = text.split()
    if len(chunks) < _FEWEST_CHUNKS or ("\n" in text and is_code_like(text)):
        return False
    pierced = [found for found in map(_PIERCED.search, chunks) if found]
    kinds = {char for found in pierced for char in found[0][1:]}
    return len(pierced) >= _MOST_PIERCED * len(chunks) and len(kinds) >= _FEWEST_PIERCING_KINDS


def _words(text: str) -> list[str]:
    """The runs of letters that could be words of a language with lists."""
    if "://" in text or "www." in text or "@" in text or "\\" in text:
        text = _ADDRESS.sub(" ", text)
    tokens = [
        token
        for token in _TOKEN.findall(text)
        if (token.isascii() or any(map(has_lists, token)))
        and not token.isdigit()
        and not _HEXADECIMAL.fullmatch(token)
        and not (len(token) >= _LONG and len(set(token)) <= _FEW_KINDS)
    ]
    others = [token for token in tokens if not _KEY.fullmatch(token)]
    return others if sum(map(is_english, others)) > 1 else tokens
