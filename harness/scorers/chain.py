"""A response read as a chain of thought: what was thought, what was replied, in which sentences.

Knows `<think>` blocks and sentences; knows nothing of what reasoning looks like.
"""

import re
from dataclasses import dataclass
from functools import cached_property

from harness.scorers.text import Text, fold, sentences, thoughts, without_dialogue

_TAG = re.compile(r"</?(?:think|thinking|thought|reasoning|scratchpad)>")
_CLAUSE_START = re.compile(r"[;:]\s+|\s-+\s+|\s-+(?=[a-z])|(?<=\d)-(?=[a-z])")
# "Hmm, but wait": what may stand before the words that tell what a clause does.
_LEAD = re.compile(
    r"[\W\d]{0,12}(?:(?:oh|ah|hm+|um|uh|ok|okay|but|so|and|no|yes|well|alright|now|then|first|next)\b"
    r"[\s,.!-]{0,6}){0,6}"
)


@dataclass(frozen=True)
class Evidence:
    """Words of the response that show something."""

    text: str
    """As the response spells it."""
    start: int
    """Where it begins in the response as given."""


@dataclass(frozen=True)
class Sentence:
    """A sentence of the reading, and the places in it where clauses open."""

    start: int
    end: int
    openings: tuple[int, ...]
    """Behind "hmm, but" and the like; the sentence's own first."""


@dataclass(frozen=True)
class Chain:
    """A response, normalised like `text.Text`, with its thoughts told from its reply.

    All readings have the same length, so that a place in one is a place in all.
    """

    text: Text

    @cached_property
    def reply(self) -> str:
        """The reading with the thoughts blanked; blank throughout where they never end."""
        reading = self.text.reading
        for start, end in thoughts(reading):
            reading = reading[:start] + " " * (end - start) + reading[end:]
        return reading

    @cached_property
    def said(self) -> str:
        """Thoughts and reply, without the tags between them and without what others say."""
        return without_dialogue(_TAG.sub(lambda tag: "\n" * len(tag[0]), self.text.reading))

    @property
    def n_words(self) -> int:
        """Words of thoughts and reply, quoted ones included: what spaces part."""
        plain = _TAG.sub(" ", self.text.reading)
        return sum(any(char.isalnum() for char in word) for word in plain.split())

    @cached_property
    def sentences(self) -> list[Sentence]:
        """The sentences of thoughts and reply; one said over and over stands here once.

        A loop says the same thing a hundred times, which is not a hundred thoughts.
        """
        found: dict[str, Sentence] = {}
        for start, end in sentences(self.said):
            places = [start, *(m.end() for m in _CLAUSE_START.finditer(self.said, start, end))]
            openings = tuple(self._behind_lead(place, end) for place in places)
            words = " ".join(self.said[start:end].split())
            found.setdefault(words, Sentence(start, end, openings))
        return list(found.values())

    def _behind_lead(self, start: int, end: int) -> int:
        lead = _LEAD.match(self.said, start, end)
        return lead.end() if lead else start

    def evidence(self, start: int, end: int) -> Evidence:
        """Quote a span of the reading as the response spells it."""
        quoted, place = self.text.quote(start, end)
        return Evidence(" ".join(quoted.split()), place)


def read_chain(response: str) -> Chain:
    """Normalise a response, keeping thoughts and reply apart."""
    return Chain(Text(given=response, reading=fold(response)))
