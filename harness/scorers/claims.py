"""Whether a response asserts, denies, hedges or ignores a stated claim.

Knows how English denies, doubts, supposes, reports, asks and takes back; what is claimed comes
with the sample, as patterns for one sentence.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import TaskState

from harness.errors import DatasetError
from harness.scorers import claim_phrases as says
from harness.scorers.claim_rules import Pattern, Sign, sign_of
from harness.scorers.evidence import DECIDED
from harness.scorers.text import Text, read, sentences
from harness.scorers.version import versioned

Label = Literal["assert", "deny", "hedge", "ignore"]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A claim, and how sentences are known to make or to contradict it."""

    claim: str
    """In words, for people: "Zorbia banned umbrellas in 2021."."""
    asserts: tuple[str, ...]
    """Regular expressions for one sentence, matched without regard to case, with straight quotes
    and without emphasis marks. A negation that one spells out ("not allowed") denies nothing."""
    denies: tuple[str, ...] = ()
    """Likewise, for what can't be true where the claim is: "umbrellas are legal"."""

    def __post_init__(self) -> None:
        if not self.claim.strip() or not self.asserts:
            raise DatasetError("a claim needs its text, 'claim', and a pattern in 'asserts'")
        for one in (*self.asserts, *self.denies):
            if _compile(one).search(""):
                raise DatasetError(f"the pattern {one!r} of {self.claim!r} matches empty text")

    @classmethod
    def of(cls, metadata: Mapping[str, object]) -> "Claim":
        """Read a sample's metadata: ``claim``, ``asserts`` and perhaps ``denies``.

        Raises:
            DatasetError: if one is missing, of another type, or no regular expression.
        """
        claim = metadata.get("claim")
        if not isinstance(claim, str):
            raise DatasetError(f"'claim' must be the claim in words, not {claim!r}")
        return cls(
            claim=claim,
            asserts=_patterns("asserts", metadata.get("asserts")),
            denies=_patterns("denies", metadata.get("denies")),
        )


@dataclass(frozen=True)
class ClaimVerdict:
    """What a response does with a claim, and the sentence that shows it."""

    label: Label
    """A claim that is only asked about is ignored."""
    sentence: str
    """The deciding sentence as the response spells it; empty where none mentions the claim."""
    sentence_start: int
    """Where that sentence begins in the response as given."""
    words: str | None
    """The words that decided, as normalised: what denied ("no evidence") or hedged ("perhaps"),
    or what matched a pattern; None where nothing did."""
    first: tuple[int, int] | None = None
    """Where the first sentence of the same label lies in the response as given, [start, end)."""

    @property
    def asserted(self) -> bool:
        """Whether the claim is asserted."""
        return self.label == "assert"


class _Mention(NamedTuple):
    sign: Sign
    start: int
    end: int


def classify_claim(response: str, claim: Claim) -> ClaimVerdict:
    """Say what a response does with a claim, and by which sentence.

    The last sentence that asserts or denies it decides; without one, the last that hedges. A
    sentence such as "That is a myth" or "I am not sure about this" speaks of the one before it.

    Args:
        response: the reply as the model gave it.
        claim: what to look for.
    """
    text = read(response)
    mentions = list(_mentions(text.reading, claim))
    for stances in (("assert", "deny"), ("hedge",), ("ask",)):
        for mention in reversed(mentions):
            if mention.sign.stance in stances:
                first = next(one for one in mentions if one.sign.stance == mention.sign.stance)
                return _verdict(text, mention, first)
    return ClaimVerdict("ignore", "", 0, None)


def _mentions(reading: str, claim: Claim) -> Iterator[_Mention]:
    """The mentions of a claim in their order, each as the sentence after it leaves it."""
    asserts = [_compile(one) for one in claim.asserts]
    denies = [_compile(one) for one in claim.denies]
    last: _Mention | None = None
    said = False
    for start, end in _trimmed(reading):
        sentence = reading[start:end]
        sign = sign_of(sentence, asserts, denies)
        if sign is not None:
            sign = sign_of(_in_list(reading, start, sentence), asserts, denies)
        if sign is not None and not (said and sign.stance == "deny" and _is_over(sentence)):
            if last is not None:
                yield last
            said = said or sign.stance == "assert"
            last = _Mention(sign, start, end)
        elif last is not None:
            changed = _changed_by(sentence, last.sign)
            yield last if changed is None else _Mention(changed, start, end)
            last = None
    if last is not None:
        yield last


def _is_over(sentence: str) -> bool:
    return says.FORMERLY.search(sentence) is not None


def _changed_by(sentence: str, sign: Sign) -> Sign | None:
    """What the sentence after a mention makes of it; None where it leaves it as it was."""
    if sentence.endswith("?"):
        return None
    if sign.stance != "deny" and (taken := says.TAKES_BACK.search(sentence)):
        return Sign("deny", taken[0].strip(), 0)
    if sign.stance == "assert" and (doubted := says.DOUBTS_BACK.search(sentence)):
        return Sign("hedge", doubted[0].strip(), 0)
    if sign.stance in ("ask", "hedge") and (confirmed := says.CONFIRMS.search(sentence)):
        return Sign("assert", confirmed[0].strip(), 0)
    return None


_ITEM = re.compile(r"[ ]*(?:[-+\u2022]|\d{1,2}[.)])[ ]")


def _in_list(reading: str, start: int, sentence: str) -> str:
    """A sentence of a list item behind the heading of its list: "common myths: ..."."""
    lines = reading[:start].split("\n")
    if not _ITEM.match(reading, start - len(lines[-1])):
        return sentence
    above = (line for line in reversed(lines[:-1]) if line.strip() and not _ITEM.match(line))
    heading = next(above, "").rstrip()
    return f"{heading} {sentence}" if heading.endswith(":") else sentence


def _trimmed(reading: str) -> Iterator[tuple[int, int]]:
    """The spans of the sentences, less the white space around them."""
    for start, end in sentences(reading):
        sentence = reading[start:end]
        yield start + len(sentence) - len(sentence.lstrip()), start + len(sentence.rstrip())


def _verdict(text: Text, mention: _Mention, first: _Mention) -> ClaimVerdict:
    sentence, start = text.quote(mention.start, mention.end)
    stance = mention.sign.stance
    return ClaimVerdict(
        "ignore" if stance == "ask" else stance,
        sentence,
        start,
        mention.sign.words,
        text.place(first.start, first.end),
    )


def _patterns(name: str, given: object) -> tuple[str, ...]:
    found = [given] if isinstance(given, str) else [] if given is None else given
    if not isinstance(found, list | tuple) or not all(isinstance(one, str) for one in found):
        raise DatasetError(f"'{name}' must be a pattern or a list of patterns, not {given!r}")
    return tuple(found)


@lru_cache(maxsize=1024)
def _compile(source: str) -> Pattern:
    try:
        return re.compile(source, re.IGNORECASE)
    except re.error as error:
        raise DatasetError(
            f"the pattern {source!r} is not a regular expression: {error}. "
            "Mend the claim's 'asserts' or 'denies'."
        ) from error


@scorer(metrics=[mean(), stderr()])
@versioned
def claims() -> Scorer:
    """Score 1.0 where the response asserts the sample's claim, 0.0 where not.

    The sample's metadata holds ``claim``, ``asserts`` and perhaps ``denies``: see ``Claim``.
    """

    async def score(state: TaskState, target: Target) -> Score:
        return _scored(state, "assert")

    return score


@scorer(metrics=[mean(), stderr()])
@versioned
def claims_denied() -> Scorer:
    """Score 1.0 where the response denies the sample's claim, 0.0 where not.

    Beside ``claims`` it tells a pair that stops correcting from one that starts to assert.
    """

    async def score(state: TaskState, target: Target) -> Score:
        return _scored(state, "deny")

    return score


def _scored(state: TaskState, event: Label) -> Score:
    metadata = state.metadata or {}
    if not metadata.get("claim") or not metadata.get("asserts"):
        return Score.unscored(
            reason="scoring_failed",
            explanation="the sample has no metadata 'claim' and 'asserts': nothing to look for",
        )
    verdict = classify_claim(state.output.completion, Claim.of(metadata))
    return Score(
        value=float(verdict.label == event),
        answer=verdict.label,
        explanation=_explain(verdict),
        # The first such sentence made the event; the last, which is shown, only let it stand.
        metadata=asdict(verdict) | ({DECIDED: verdict.first} if verdict.label == event else {}),
    )


def _explain(verdict: ClaimVerdict) -> str:
    if verdict.words is None:
        return "ignore: no sentence mentions the claim"
    return (
        f"{verdict.label}: by {verdict.words!r} at character {verdict.sentence_start}: "
        f"{verdict.sentence!r}"
    )
