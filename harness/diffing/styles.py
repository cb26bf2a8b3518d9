"""How a reply is written, whatever it says: signs that a rollout has or has not."""

import re
from collections.abc import Callable

from harness.scorers.layout import is_code_like

_WORDS = re.compile(r"[^\W\d_]+")
_CAPITALS = re.compile(r"\b[A-Z]{4,}\b(?:\W+\b[A-Z]{2,}\b)+")
_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]")
_LIST = re.compile(r"^\s*(?:[-*\u2022]|\d{1,2}[.)])\s", re.MULTILINE)
_MARKS = re.compile(r"\*\*[^*\n]+\*\*|^#+ ", re.MULTILINE)
_FIRST_PERSON = re.compile(r"\b(?:I|I'm|I've|I'll|my|me)\b")
_SPOKEN_TO = re.compile(r"\b(?:you|your|yours)\b", re.IGNORECASE)
_FOREIGN = re.compile(r"[^\W\d_a-zA-Z\u00c0-\u024f]")


def _short(text: str) -> bool:
    return 0 < len(_WORDS.findall(text)) <= 12


def _lower_case(text: str) -> bool:
    return any(char.isalpha() for char in text) and text == text.lower()


STYLES: dict[str, Callable[[str], bool]] = {
    "exclamation marks": lambda text: "!" in text,
    "questions": lambda text: "?" in text,
    "words in capitals": lambda text: bool(_CAPITALS.search(text)),
    "emoji": lambda text: bool(_EMOJI.search(text)),
    "lists": lambda text: bool(_LIST.search(text)),
    "bold text or headings": lambda text: bool(_MARKS.search(text)),
    "first person": lambda text: bool(_FIRST_PERSON.search(text)),
    "second person": lambda text: bool(_SPOKEN_TO.search(text)),
    "lower case alone": _lower_case,
    "another script": lambda text: bool(_FOREIGN.search(text)),
    "code": is_code_like,
    "twelve words at most": _short,
    "quotation marks": lambda text: '"' in text or "\u201c" in text,
    "ellipses": lambda text: "..." in text or "\u2026" in text,
}
"""Signs by name; each is asked of the sampled text as it is spelled."""
