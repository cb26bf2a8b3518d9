"""Untrusted text as a judge is shown it: quoted line by line, between marks that it can't contain.

Knows characters only, and nothing of what is judged. The text can't close its own fence: its writer
can't know the boundary, none of its lines can begin like one of ours, nothing in it is invisible,
and nothing in it reads as a control token to a judge's tokenizer.
"""

import re
import secrets
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

MAX_CHARS = 20_000
"""A longer text is shown without its middle. About 5,000 tokens of English."""
_HEAD_CHARS = 15_000

_LINE_MARK = "| "
# Controls, formats (zero-width, bidi overrides, tags), surrogates, private use: what a reader does
# not see. Tag characters and variation selectors can carry a whole hidden message; a lone surrogate
# would fail to be sent at all.
_INVISIBLE = {"Cc", "Cf", "Cs", "Co"}
_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
# <|im_end|>, </s>, <start_of_turn>, [INST], [/INST]: a tokenizer takes such a name for the control
# token wherever it stands, so a space is put into every one, known or not.
_TOKEN_LIKE = re.compile(r"([<\[])(?=[^\s<>\[\]]{1,80}[>\]])|(<)(?=[|\uff5c])")


@dataclass(frozen=True, kw_only=True)
class Fence:
    """What one call is fenced with."""

    boundary: str
    """Stands on every line that begins or ends a text."""
    code: str
    """The verdict must repeat it: a verdict that the text dictated can't hold it."""

    def around(self, name: str, quoted: str) -> str:
        """Put a quoted text between its two lines; the name says what it is."""
        return f"BEGIN {name} {self.boundary}\n{quoted}\nEND {name} {self.boundary}"


def draw_fence(*quoted: str) -> Fence:
    """Draw a boundary of 128 bits and a code of 32, neither of which the texts contain.

    From the operating system's randomness, not from the run's seed or the texts: whoever wrote a
    text may know this code, and could search for one that holds what is derived from it. The price
    is that a judge is asked anew at each scoring, since no cache holds the same question twice.
    """
    boundary, code = _absent_from(quoted, 16), _absent_from(quoted, 4)
    return Fence(boundary=boundary, code=code)


def _absent_from(texts: tuple[str, ...], n_bytes: int) -> str:
    while True:
        drawn = secrets.token_hex(n_bytes)
        if not any(drawn in text for text in texts):
            return drawn


def quote(text: str) -> str:
    r"""Write a text so that each line is marked as quoted and every character can be seen.

    Each line begins with ``| ``. Invisible characters are spelled out (``\u200b``), control tokens
    are broken by a space (``< |im_end|>``), and of a long text the middle is left out, which a
    line without the mark says.
    """
    lines = [_seen(line) for line in text.splitlines()] or [""]
    shown = "\n".join(lines)
    if len(shown) <= MAX_CHARS:
        return _marked(shown)
    n_left_out = len(shown) - MAX_CHARS
    head, tail = shown[:_HEAD_CHARS], shown[_HEAD_CHARS + n_left_out :]
    return f"{_marked(head)}\n({n_left_out} characters are left out here)\n{_marked(tail)}"


def _marked(shown: str) -> str:
    return "\n".join(_LINE_MARK + line for line in shown.split("\n"))


def _seen(line: str) -> str:
    # The token-like last: an invisible character inside of one already breaks it.
    return _TOKEN_LIKE.sub(r"\g<0> ", "".join(_spelled(line)))


def _spelled(line: str) -> Iterator[str]:
    for char in line:
        if char == "\t" or not _is_invisible(char):
            yield char
        elif ord(char) <= 0xFFFF:
            yield f"\\u{ord(char):04x}"
        else:
            yield f"\\U{ord(char):08x}"


def _is_invisible(char: str) -> bool:
    if " " <= char <= "~":
        return False
    return unicodedata.category(char) in _INVISIBLE or any(ord(char) in one for one in _SELECTORS)
