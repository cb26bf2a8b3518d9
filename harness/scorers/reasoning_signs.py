"""Where a chain of thought counts its steps, takes something back, checks itself, or supposes.

Knows sentences and the phrases of `reasoning_phrases`; knows nothing of answers.
"""

import re
from dataclasses import dataclass

from harness.scorers import reasoning_phrases as phrases
from harness.scorers.chain import Chain, Evidence, Sentence

_LINE = re.compile(r"[^\n]+")

Span = tuple[int, int]


@dataclass(frozen=True)
class Signs:
    """What a chain of thought does, each time with its words."""

    steps: tuple[Evidence, ...]
    backtracks: tuple[Evidence, ...]
    checks: tuple[Evidence, ...]
    hypotheses: tuple[Evidence, ...]


def find_signs(chain: Chain) -> Signs:
    """Look for each sign; a sentence shows each at most once, and steps by their marks."""
    # What comes first has nothing before it that it could take back.
    later = chain.sentences[1:]
    back = [_backtrack(chain, sentence) for sentence in later]
    checks = [_any(chain, s, phrases.OPENS_CHECK, phrases.CHECK) for s in chain.sentences]
    supposed = [
        _any(chain, s, phrases.OPENS_HYPOTHESIS, phrases.HYPOTHESIS) for s in chain.sentences
    ]
    return Signs(
        _steps(chain), _evidence(chain, back), _evidence(chain, checks), _evidence(chain, supposed)
    )


def _evidence(chain: Chain, spans: list[Span | None]) -> tuple[Evidence, ...]:
    return tuple(chain.evidence(*span) for span in spans if span)


def _any(
    chain: Chain, sentence: Sentence, opens: re.Pattern[str], anywhere: re.Pattern[str]
) -> Span | None:
    """The first phrase of a sentence: one that a clause opens with, or one that stands anywhere."""
    for place in sentence.openings:
        if found := opens.match(chain.said, place, sentence.end):
            return found.span()
    found = anywhere.search(chain.said, sentence.start, sentence.end)
    return found.span() if found else None


def _backtrack(chain: Chain, sentence: Sentence) -> Span | None:
    span = _any(chain, sentence, phrases.OPENS_BACKTRACK, phrases.BACKTRACK)
    if span:
        return span
    owned = phrases.OWNS_UP.search(chain.said, sentence.start, sentence.end)
    if owned is None or phrases.SUPPOSED.search(chain.said[sentence.start : owned.start()]):
        return None
    return owned.span()


def _steps(chain: Chain) -> tuple[Evidence, ...]:
    """Marks of steps: "Step 2:", a number that counts on, or "First," and "Next we".

    A line that begins with a number is one step, whatever words it goes on with; a line said over
    and over counts once.
    """
    spans: list[Span] = []
    seen: set[str] = set()
    last = 0
    for line in _LINE.finditer(chain.said):
        words = " ".join(line[0].split())
        if words in seen:
            continue
        seen.add(words)
        number = phrases.NUMBERED_STEP.match(chain.said, *line.span())
        if number and int(number[1]) not in (1, last + 1):
            number = None  # "20. So": wrapped text, no list
        last = int(number[1]) if number else last
        named = list(phrases.NAMED_STEP.finditer(chain.said, *line.span()))
        ordinal = [] if number else list(phrases.ORDINAL_STEP.finditer(chain.said, *line.span()))
        spans += [found.span() for found in named or ([number] if number else ordinal)]
    return tuple(chain.evidence(*_trimmed(chain.said, *span)) for span in spans)


def _trimmed(said: str, start: int, end: int) -> Span:
    """Leave out what came before the mark: the end of a sentence, blanks, "so"."""
    marked = said[start:end]
    mark = re.search(r"[^\W\d]", marked) or re.search(r"\d", marked)
    return (start + mark.start() if mark else start), end
