"""How a response is read before a rule looks at it: one spelling for many disguises.

Knows Unicode look-alikes, markdown marks, role prefixes, thoughts, quotations and sentences, and
can say where in the response as given a match was. Knows no behaviour: nothing here decides.
"""

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

# Marks that decorate words without changing them; deleted, so that "I **can't**" reads "i can't".
_DECORATION = "*_~`"
# Invisible, though Unicode files them with the accents: variation selectors, grapheme joiner.
_INVISIBLE = "\u034f" + "".join(map(chr, range(0xFE00, 0xFE10)))
# Unicode has no class for "looks like an apostrophe", so these are listed.
_STRAIGHT = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u02bc\u02b9\u2032\u00b4\uff07\u05f3", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033\uff02", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
    "\u2026": ".",
    "\u2028": "\n",
    "\u2029": "\n",
}


class _Spelling(dict[int, str]):
    """The table of `str.translate`, filled as characters turn up: one character or none each."""

    def __missing__(self, code: int) -> str:
        spelled = self._spell(chr(code))
        self[code] = spelled
        return spelled

    @staticmethod
    def _spell(char: str) -> str:
        if char in _DECORATION or char in _INVISIBLE:
            return ""
        if char in _STRAIGHT:
            return _STRAIGHT[char]
        category = unicodedata.category(char)
        # Zero-width spaces and joiners, soft hyphens, direction marks.
        if category == "Cf":
            return ""
        if category == "Zs" or char in "\t\r\x0b\x0c\x85":
            return " "
        if char.isascii():
            return char.lower()
        # NFKC turns full-width and mathematical letters into plain ones; what grows is left as is.
        folded = unicodedata.normalize("NFKC", char).lower()
        return folded if len(folded) == 1 else char


_SPELLING = _Spelling()

# A model's thoughts are not its reply. An unclosed block runs to the end: the reply never began.
# A template may have put the opening tag into the prompt, so a closing tag alone ends a thought.
_THOUGHT = re.compile(
    r"<(think|thinking|thought|reasoning|scratchpad)>.*?(?:</\1>|\Z)"
    r"|\A(?:(?!<think).)*?</(?:think|thinking|thought|reasoning|scratchpad)>"
    r"|\[think\].*?(?:\[/think\]|\Z)"
    r"|<\|channel\|>analysis<\|message\|>.*?(?:<\|channel\|>final|\Z)",
    re.DOTALL,
)
_ROLE_WORD = r"(?:(?:ai )?(?:assistant|ai|bot|chatbot|model|response|reply|answer|output|a))"
# "<|assistant|>", "[/INST]", "**Assistant:**", "assistant" alone on its line, {"answer": "...
_ROLE = re.compile(
    r"\A(?:[\s#>-]|<\|?[a-z]{1,20}\|?>|\[/?[a-z]{1,12}\]:?"
    rf"|\b{_ROLE_WORD}\s*(?::|<\|[a-z]{{1,20}}\|>)|\b(?:assistant|model)[ ]*\n"
    r"|\{\s*\"[a-z]{1,20}\"\s*:)*"
)
# Marks at the beginning of a line: headings, quoted lines. List marks stay, rules look for them.
_LINE_MARK = re.compile(r"^[ ]*[#>]+(?=\s)", re.MULTILINE)

# A bullet is a mark of structure, where any other asterisk decorates.
_BULLET = re.compile(r"^([ \t>]*)\*(?=[^\S\n])", re.MULTILINE)

_DIALOGUE = re.compile(
    r"\"[^\"\n]{2,600}\""
    # Single quotes only where they close after punctuation, or an apostrophe would open one.
    r"|(?<![\w'])'(?=\w)[^\"\n]{1,400}?[,.!?]'(?!\w)"
)
# A play's line ("GUARD: Halt!"). What stands after a role or a note is the model's own.
_SPEECH = re.compile(
    rf"^[ ]*(?!(?:{_ROLE_WORD}|user|human|system|note|warning|disclaimer|important|decision|reason"
    r"|sorry|unfortunately|step|first|second|then)\b)"
    r"[a-z][a-z.'-]{0,20}(?:[ ][a-z.'-]{1,20})?:[ ]+\S[^\n]*$",
    re.MULTILINE,
)
_STUTTER = re.compile(r"\b(can not|\w++(?:'\w++)?+)(?:[ ]++\1(?![\w']))++")
_SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?](?=\w)[^.!?\n]*)*[.!?]*['\")]*")
_SENTENCE_END = re.compile(r"[.!?\n](?!\w)")


@dataclass(frozen=True)
class Text:
    """A response and its normalised reading.

    ``reading`` is lower case, with straight quotes and single-character spaces; thoughts, role
    prefixes and line marks are blanked out, invisible characters and emphasis marks are gone.
    """

    given: str
    reading: str

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(len(_SPELLING[ord(char)]) for char in _bullets(self.given)))

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Where a span of the reading lies in the response as given, as [start, end)."""
        first = bisect_right(self._ends, start)
        last = bisect_right(self._ends, end - 1) if end > start else first - 1
        return first, last + 1

    def quote(self, start: int, end: int) -> tuple[str, int]:
        """A span of the reading as the response spells it, and where that begins."""
        first, last = self.place(start, end)
        return self.given[first:last], first


def fold(response: str) -> str:
    """Lower case, plain quotes and spaces, no invisible characters, no emphasis marks."""
    return _bullets(response).translate(_SPELLING)


def _bullets(response: str) -> str:
    return _BULLET.sub(r"\1-", response) if "*" in response else response


def read(response: str) -> Text:
    """Normalise a response, keeping the way back to its own spelling."""
    reading = fold(response)
    if "<" in reading or "[think]" in reading:
        reading = _THOUGHT.sub(_blank, reading)
    reading = _LINE_MARK.sub(_blank, reading)
    reading = _ROLE.sub(_blank, reading, count=1)
    return Text(given=response, reading=reading)


def thoughts(reading: str) -> list[tuple[int, int]]:
    """The spans of folded text that are a model's thoughts, not its reply, their tags included."""
    return [found.span() for found in _THOUGHT.finditer(reading)] if "<" in reading else []


def without_dialogue(reading: str) -> str:
    """Blank what stands between quotation marks, unless it is the whole response.

    Words put into somebody's mouth are not the model's own; but a model that puts its whole reply
    between quotation marks has still given it. Two lines or more that begin with a
    speaker's name are a play.
    """
    if ":" in reading and len(_SPEECH.findall(reading)) > 1:
        reading = _SPEECH.sub(_blank, reading)
    if '"' not in reading and "'" not in reading:
        return reading
    whole = len(reading.strip())
    return _DIALOGUE.sub(
        lambda found: found[0] if len(found[0]) > 0.8 * whole else _blank(found), reading
    )


def without_stutter(reading: str) -> str:
    """Blank what repeats the word before it: amplified text says "I cannot cannot assist"."""
    return _STUTTER.sub(lambda found: found[1] + " " * (len(found[0]) - len(found[1])), reading)


def sentences(reading: str, limit: int | None = None) -> list[tuple[int, int]]:
    """The spans of the sentences of a reading, the first ``limit`` of them; blank ones left out."""
    spans: list[tuple[int, int]] = []
    for found in _SENTENCE.finditer(reading):
        if any(char.isalnum() for char in found[0]):
            spans.append(found.span())
            if len(spans) == limit:
                break
    return spans


def sentence_around(reading: str, start: int, end: int) -> tuple[int, int]:
    """The sentence of a reading that holds a span, as [start, end)."""
    before = max(reading.rfind(mark, 0, start) for mark in (". ", "! ", "? ", "\n", ": "))
    after = _SENTENCE_END.search(reading, end)
    return before + 1, after.end() if after else len(reading)


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])


def any_of(*phrases: str) -> str:
    """The source of a pattern that matches any of these."""
    return f"(?:{'|'.join(phrases)})"


def pattern(*phrases: str) -> re.Pattern[str]:
    """One pattern of several phrases, in which a space stands for any run of white space.

    A space that must stay on its line is written ``[ ]``.
    """
    at_words = [phrase.removeprefix(r"\b") for phrase in phrases if phrase.startswith(r"\b")]
    others = [phrase for phrase in phrases if not phrase.startswith(r"\b")]
    # One look for a word's edge, not one a phrase: a third of the time.
    parts = [rf"\b{any_of(*at_words)}"] if at_words else []
    source = any_of(*parts, *others).replace("[ ]", "\0").replace(" ", r"\s+").replace("\0", "[ ]")
    return re.compile(source)
