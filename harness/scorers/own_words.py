"""What rules of declining read: the helper's own words, each a single space apart.

Dialogue, plays and stutter are taken out of a reading; every place is found again in the response
as given. Knows no behaviour.
"""

import re
from bisect import bisect_left
from dataclasses import dataclass

from harness.scorers.text import Text, read, without_dialogue, without_stutter

_GAP = re.compile(r"\s{2,}")


@dataclass(frozen=True)
class OwnWords:
    """A response's own words, and the way back to its spelling.

    Runs of white space are one character, a line break where they held one: fifty thousand
    spaces would cost a pattern of several words minutes.
    """

    text: Text
    words: str
    _begins: int
    """How much white space the reading begins with, which is none of the words."""
    _starts: list[int]
    """Where in ``words`` a run was shortened."""
    _removed: list[int]
    """How many characters were taken out up to and with that run."""

    def quote(self, start: int, end: int) -> tuple[str, int]:
        """A span of the words as the response spells it, and where that begins."""
        return self.text.quote(self._place(start), self._place(end - 1) + 1)

    def _place(self, position: int) -> int:
        run = bisect_left(self._starts, position)
        return self._begins + position + (self._removed[run - 1] if run else 0)


def own_words(response: str) -> OwnWords:
    """Read a response and keep what its writer says in its own voice."""
    text = read(response)
    whole = without_dialogue(without_stutter(text.reading))
    reading = whole.lstrip()
    starts: list[int] = []
    removed: list[int] = []
    taken = 0
    for gap in _GAP.finditer(reading):
        starts.append(gap.start() - taken)
        taken += len(gap[0]) - 1
        removed.append(taken)
    words = _GAP.sub(lambda gap: "\n" if "\n" in gap[0] else " ", reading) if starts else reading
    return OwnWords(text, words, len(whole) - len(reading), starts, removed)
