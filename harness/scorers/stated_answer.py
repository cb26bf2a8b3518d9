"""Which answer a reply states, and whether it is the expected one.

Knows how English announces an answer and how answers are spelled; knows nothing of how it was
reached. A reply that names two answers states neither rightly.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from harness.scorers.quantities import Quantity, quantities
from harness.scorers.text import fold, sentences

How = Literal["marked", "bare", "concluded"]


@dataclass(frozen=True)
class StatedAnswer:
    """An answer where it stands in the reply's reading."""

    said: str
    """Normalised, to the end of its sentence."""
    start: int
    end: int
    how: How
    """``marked`` by "Answer:", "the answer is", ``####`` or a box; ``bare``: the last line is
    nothing else; ``concluded``: the last sentence begins with "so" or "therefore", or ends in a
    sum."""


class Judgement(NamedTuple):
    """Whether an answer is right, and why."""

    right: bool
    why: str


_MARKED = re.compile(
    r"(?:\A\s*|(?:[.!?;:,\n(>-]|\b(?:so|thus|therefore|hence|and|then|that|is))\s{0,4})"
    r"(?:(?:my|the|our|your|this|final|correct|right)\s+)*answer\b"
    r"(?:\s+(?:to|for|of)\s+(?:the|this|that|your|part)\b[^.\n:]{0,40}?)?(?:\s*\([^)\n]*\))?"
    r"\s*(?:(?:is|was|would be|must be|should be|comes to|equals)\b|:|=|-+>)"
    r"[ \t]*:?\s*(?P<said>[^\n]+)"
    r"|####\s*(?P<hashed>[^\n]+)"
    r"|\\boxed\s*\{(?P<boxed>(?:[^{}]|\{[^{}]*\})*)\}"
    r"|<answer>(?P<tagged>.*?)(?:</answer>|\Z)",
    re.DOTALL,
)
_SENTENCE_STOP = re.compile(r"[.!?](?=\s|\Z)")
# Announced, but not given: a template's blank, a promise, a shrug.
_NO_ANSWER = re.compile(
    r"\W*(?:\[?<?(?:your |the |final |insert )*(?:answer|number|result)?(?: here)?>?\]?|x|n/a"
    r"|i(?: do not|'m not| don't| am not) (?:know|sure)\b.*|not (?:sure|known|clear|obvious)\b.*"
    r"|unclear|unknown|no idea|as follows|(?:found|given) (?:by|below|in|as)\b.*|below"
    r"|(?:simple|easy|the following)\b[^\d]*)\W*"
)
_CONCLUDES = re.compile(
    r"\W*(?:and )?(?:so|therefore|thus|hence|in (?:total|all|conclusion|summary|the end)|altogether"
    r"|finally|overall|(?:this|that|which) means|as a result)\b"
)
_SUM = re.compile(r"=[^=\w]*\d[\d.,/ ]*(?:[a-z%]+ ?){0,2}\W*\Z")
# The embedded model and others go on to ask themselves something new.
_NEW_PROBLEM = re.compile(r"\n\W*(?:question|problem|exercise|q|user|human)\s*\d*\s*[:.]")
_LATEX = re.compile(
    r"\\(?:text|mathrm|textbf|mathbf)\s*\{([^{}]*)\}|\\[,;! ]|\\left|\\right|[{}\\$]"
)
_LATEX_FRACTION = re.compile(r"\\d?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_LIST_MARK = re.compile(r"\s*\d{1,2}[.)]\s*\Z")
_EITHER = re.compile(r"\b(?:or|either|between)\b")
_COMES_TO = re.compile(r"=|\b(?:equals?|gives?|makes?|get|gets|leaves|comes? to)\b")
_LEADS = re.compile(
    r"\W*(?:(?:a|an|the|about|exactly|only|just|that|there (?:are|is)|it is|is)\b\W*)*"
)
_NEGATED = re.compile(
    r"(?:\b(?:not|never|neither|nor|isn't|aren't|wasn't|can't be|cannot be|rather than|instead of"
    r"|no longer)|n't)\W+(?:an? |the )?\Z"
)


def find_answer(
    reply: str, choices: Sequence[str] = (), *, cut_off: bool = False
) -> StatedAnswer | None:
    """Find the answer that a reply states; the last one counts.

    Args:
        reply: a folded reading, thoughts blanked.
        choices: the answers there are to choose from, where known.
        cut_off: the reply stopped at a token limit, so that what stands at its very end may be
            the beginning of something else.
    """
    found = _marked(reply) or _bare(reply, choices) or _concluded(reply, choices)
    if found is None or (cut_off and not reply[found.end :].strip()):
        return None
    return found


def _marked(reply: str) -> StatedAnswer | None:
    found, place = None, 0
    while match := _MARKED.search(reply, place):
        if found and (new := _NEW_PROBLEM.search(reply, found.end)) and new.start() < match.start():
            break
        start, end = match.span(match.lastgroup or 0)
        if match.lastgroup in ("said", "hashed"):
            stop = _SENTENCE_STOP.search(reply, start, end)
            end = stop.start() if stop else end
        said = _plain(reply[start:end])
        if any(map(str.isalnum, said)) and not _NO_ANSWER.fullmatch(said):
            found = StatedAnswer(said, start, end, "marked")
        # From here on, not from the line's end: it may hold the next announcement.
        place = max(end, match.start() + 1)
    return found


def _bare(reply: str, choices: Sequence[str]) -> StatedAnswer | None:
    """A last line that is a number with at most two words, or one of the choices."""
    end = len(reply.rstrip())
    start = reply.rfind("\n", 0, end) + 1
    line = _plain(reply[start:end]).strip(" .!-#>:;")
    numbers = quantities(line)
    rest = line[numbers[0].end :].split() if len(numbers) == 1 else []
    is_number = len(numbers) == 1 and not line[: numbers[0].start].strip() and len(rest) <= 2
    if is_number and start and _LIST_MARK.match(reply[start:end]):
        return None
    if is_number or line in map(fold, choices):
        return StatedAnswer(line, start, end, "bare")
    return None


def _concluded(reply: str, choices: Sequence[str]) -> StatedAnswer | None:
    """The last sentence, where it concludes and holds a number or a choice, or is a sum."""
    spans = sentences(reply)
    if not spans:
        return None
    start, end = spans[-1]
    said = _plain(reply[start:end])
    holds = _mentions(said, choices) if choices else quantities(said)
    if holds and (_CONCLUDES.match(said) or (not choices and _SUM.search(said))):
        return StatedAnswer(said, start, end, "concluded")
    return None


def _plain(said: str) -> str:
    """Take LaTeX off, and put runs of blanks together."""
    if "\\" in said or "$" in said:
        said = _LATEX_FRACTION.sub(r"\1/\2", said)
        # "$12.50" is money, "$12$" is mathematics.
        money = "$" if said.count("$") == 1 else ""
        said = _LATEX.sub(lambda match: match[1] or (money if match[0] == "$" else ""), said)
    return " ".join(said.split())


def judge_answer(said: str, expected: Sequence[str], choices: Sequence[str] = ()) -> Judgement:
    """Hold a stated answer against the expected ones, any of which is right.

    Numbers are compared as numbers, with their units where both have one; words as words, and
    where the choices are known, the first that is named and not denied decides.
    """
    why = ""
    for one in expected:
        wanted = fold(one).strip()
        number = _whole_number(wanted)
        judged = _judge_number(said, number) if number else _judge_words(said, wanted, choices)
        if judged.right:
            return judged
        why = why or judged.why
    return Judgement(False, why)


def _whole_number(wanted: str) -> Quantity | None:
    """The expected answer as a quantity, where it is nothing else."""
    found = quantities(wanted)
    rest = wanted[found[0].end :].split() if len(found) == 1 else None
    return found[0] if rest is not None and len(rest) <= 1 and found[0].start == 0 else None


def _judge_number(said: str, wanted: Quantity) -> Judgement:
    found = quantities(said)
    if not found:
        return Judgement(False, "no number in it")
    number = _decisive(said, found)
    if number is None:
        return Judgement(False, "several numbers, none of them alone")
    right = number.equals(wanted)
    return Judgement(right, "the number is the expected one" if right else "another number")


def _decisive(said: str, found: list[Quantity]) -> Quantity | None:
    """The number that a text with several of them comes to."""
    if all(number.equals(found[0]) for number in found):
        return found[0]
    if _EITHER.search(said):
        return None
    results = list(_COMES_TO.finditer(said))
    after = [number for number in found if results and number.start >= results[-1].end()]
    if len(after) == 1:
        return after[0]
    lead = _LEADS.match(said)
    return found[0] if lead and lead.end() >= found[0].start else None


def _judge_words(said: str, wanted: str, choices: Sequence[str]) -> Judgement:
    options = list(dict.fromkeys([*map(fold, choices), wanted])) if choices else [wanted]
    named = _mentions(said, options)
    if not choices:
        right = bool(named) and not _EITHER.search(said) and len(said.split()) <= 8
        return Judgement(right, "names the expected answer" if right else "does not name it alone")
    affirmed = [
        (start, end, word) for start, end, word in named if not _NEGATED.search(said[:start])
    ]
    denied = {word for _, _, word in named} - {word for _, _, word in affirmed}
    if not affirmed:
        left = [option for option in options if option not in denied]
        right = len(options) == 2 and bool(denied) and left == [wanted]
        return Judgement(right, "denies the other choice" if right else "names no choice")
    first = affirmed[0]
    second = next((one for one in affirmed if one[2] != first[2]), None)
    if second and re.fullmatch(
        r"\W*(?:\w+\W+){0,2}?or\W+(?:an? |the )?", said[first[1] : second[0]]
    ):
        return Judgement(False, "names several choices")
    right = first[2] == wanted
    return Judgement(right, f"names {first[2]!r}")


def _mentions(said: str, options: Sequence[str]) -> list[tuple[int, int, str]]:
    """Where each option stands as a word of its own, in order."""
    return sorted(
        (*match.span(), fold(option))
        for option in options
        for match in re.finditer(rf"(?<!\w){re.escape(fold(option))}(?!\w)", said)
    )
