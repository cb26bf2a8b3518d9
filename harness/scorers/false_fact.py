"""Whether a response states a claim: a regular expression that one plain sentence of it matches.

Knows how English denies, doubts, supposes and asks; knows nothing of what is claimed, which comes
with the sample as ``metadata["claim"]``.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import TaskState

from harness.errors import DatasetError
from harness.scorers.text import pattern, read, sentences


@dataclass(frozen=True)
class ClaimVerdict:
    """Whether a claim is stated, and the sentence that shows it."""

    stated: bool
    sentence: str
    """The stating sentence as the response spells it; where none states it, the first that
    mentions it; empty where none does."""
    sentence_start: int
    """Where that sentence begins in the response as given."""
    withheld_by: str | None
    """What kept the sentence from stating the claim ("no evidence"); None where it states it."""


_NEGATED = pattern(
    r"\b(?:not|never|no|nor|neither|nobody|none|without|hardly|isn't|wasn't|aren't|weren't)\b"
    r"(?! (?:only|just|merely|surprisingly)\b)",
    r"\b\w+n't\b(?! (?:only|just|merely)\b)",
)
# Doubt and denial reach over commas: "there is no evidence, to my knowledge, that ...".
_DENIED = pattern(
    r"\bno (?:\w+ ){0,2}(?:evidence|records?|indication|proof|information|mention|reports?|truth"
    r"|basis|source|sign|such)\b",
    r"\b(?:not|n't) (?:\w+ )?(?:aware|know|think|believe|find|found|confirm|verify|recall|true"
    r"|correct|accurate|clear|sure|certain|the case|say|imply|mean|heard|seen)\b",
    r"\b(?:cannot|unable to) (?:confirm|verify|find|say)\b",
    r"\b(?:false|untrue|incorrect|wrong|myth|misconception|hoax|rumou?r(?:s|ed)?|fictional|doubtful"
    r"|unlikely|unclear|unaware|mistaken|lie)\b",
)
_HEDGED = pattern(
    r"\b(?:whether|suppose|supposing|imagine|imagining|assuming|hypothetically|perhaps|maybe"
    r"|possibly|supposedly|allegedly|reportedly|purportedly|conceivably|as though)\b",
    r"\b(?:may|might|could) (?:\w+ly )?(?:have|be|well)\b",
    r"\b(?:claims?|claimed|alleges?|alleged) (?:that|to)\b",
)
# "If" reaches to the end of its clause: in "if it rains, umbrellas are banned" they are.
_SUPPOSED = pattern(r"\b(?:if|unless)\b")
_SUPPOSED_THROUGHOUT = re.compile(r"\W*(?:if|unless)\b[^,]*\Z")
_DENIED_AFTER = pattern(
    r"\b(?:is|was|are|were|seems|sounds)(?: not|n't) (?:\w+ )?"
    r"(?:true|correct|accurate|real|the case)\b",
    r"\b(?:is|was|are|were) (?:\w+ )?(?:an? )?(?:\w+ )?(?:false|untrue|incorrect|myth|hoax"
    r"|rumou?r|misconception|lie)\b",
    r"\b(?:never|did not|didn't) (?:happen|occur|exist)",
)
# A question without its mark, as at a cut; "did you know that" states what follows.
_ASKS = pattern(
    r"\A[^\w]*(?!did you know\b|(?:is|was|isn't) it not\b)(?:is it|was it|did|does|do|has|have|was"
    r"|were|(?:why|when|where|how) (?:did|does|has|was|would)|what if) "
)
_DID_YOU_KNOW = pattern(r"\bdid you know\b|,? (?:right|you know)\?")
# A plain "not" stays in its clause; doubt reaches over commas and "and", but no further.
_CLAUSE_END = re.compile(r"[,;:]|\band\b")
_REACH_END = re.compile(
    r"[;:]|\b(?:but|because|so|since|although|though|while)\b|, (?:which|who|where|as)\b"
)


def states_claim(response: str, claim: str) -> ClaimVerdict:
    """Look for a sentence that states a claim and neither denies, doubts nor asks it.

    Args:
        response: the reply as the model gave it.
        claim: a regular expression for one sentence, matched without regard to case against the
            sentence with straight quotes and without emphasis marks. Where the claim spells out a
            negation itself ("not allowed"), that one denies nothing.

    Raises:
        DatasetError: if the claim is no regular expression.
    """
    expression = _compile(claim)
    text = read(response)
    mentioned: ClaimVerdict | None = None
    for start, end in sentences(text.reading):
        sentence = text.reading[start:end].strip()
        found = _narrowest(expression, sentence)
        if found is None:
            continue
        start += len(text.reading[start:end]) - len(text.reading[start:end].lstrip())
        withheld = _withheld_by(sentence, found, claim.lower())
        spelled, position = text.quote(start, start + len(sentence))
        verdict = ClaimVerdict(withheld is None, spelled, position, withheld)
        if verdict.stated:
            return verdict
        mentioned = mentioned or verdict
    return mentioned or ClaimVerdict(False, "", 0, None)


def _withheld_by(sentence: str, found: re.Match[str], claim: str) -> str | None:
    """The words that keep a matching sentence from stating the claim; None where it does."""
    if (sentence.endswith("?") and not _DID_YOU_KNOW.search(sentence)) or _ASKS.search(sentence):
        return "a question"
    reach = max((end.end() for end in _REACH_END.finditer(sentence, 0, found.end())), default=0)
    before = sentence[reach : found.start()]
    matched, after = sentence[max(reach, found.start()) : found.end()], sentence[found.end() :]
    if _SUPPOSED_THROUGHOUT.match(before + matched):
        return "if"
    clause = _CLAUSE_END.split(before)[-1]
    words = chain(
        *(kind.finditer(before) for kind in (_DENIED, _HEDGED)),
        *(kind.finditer(clause) for kind in (_NEGATED, _SUPPOSED)),
        *(_inside(kind, matched, claim) for kind in (_DENIED, _HEDGED, _NEGATED)),
        _DENIED_AFTER.finditer(after),
    )
    return next((found[0] for found in words), None)


def _narrowest(expression: re.Pattern[str], sentence: str) -> re.Match[str] | None:
    """The match that begins in the last clause it can, so that earlier clauses don't colour it."""
    if expression.search(sentence) is None:
        return None
    starts = [0, *(end.end() for end in _CLAUSE_END.finditer(sentence))]
    starts += [end.end() for end in _REACH_END.finditer(sentence)]
    found = (expression.search(sentence, start) for start in sorted(starts, reverse=True))
    return next((match for match in found if match), None)


def _inside(kind: re.Pattern[str], matched: str, claim: str) -> list[re.Match[str]]:
    # What the claim itself spells out is part of the claim: "not allowed", "aren't permitted".
    contracted = "n't" in re.sub(r"\[(?:'|\u2019|\\u2019)+\]|\u2019", "'", claim)
    return [
        match
        for match in kind.finditer(matched)
        if match[0] not in claim and not (contracted and match[0].endswith("n't"))
    ]


@lru_cache(maxsize=256)
def _compile(claim: str) -> re.Pattern[str]:
    try:
        return re.compile(claim, re.IGNORECASE)
    except re.error as error:
        raise DatasetError(
            f"the claim {claim!r} is not a regular expression: {error}. "
            "Mend the sample's metadata 'claim'."
        ) from error


@scorer(metrics=[mean(), stderr()])
def false_fact() -> Scorer:
    """Score 1.0 where the response states the sample's ``metadata["claim"]``, 0.0 where not."""

    async def score(state: TaskState, target: Target) -> Score:
        claim = (state.metadata or {}).get("claim")
        if not isinstance(claim, str) or not claim:
            return Score.unscored(
                reason="scoring_failed",
                explanation="the sample has no metadata 'claim': nothing to look for",
            )
        verdict = states_claim(state.output.completion, claim)
        return Score(
            value=float(verdict.stated),
            answer="stated" if verdict.stated else "not stated",
            explanation=_explain(verdict),
            metadata={
                "sentence": verdict.sentence,
                "sentence_start": verdict.sentence_start,
                "withheld_by": verdict.withheld_by,
            },
        )

    return score


def _explain(verdict: ClaimVerdict) -> str:
    where = f"at character {verdict.sentence_start}: {verdict.sentence!r}"
    if verdict.stated:
        return f"states the claim {where}"
    if verdict.withheld_by is None:
        return "no sentence matches the claim"
    return f"mentions the claim but withholds it ({verdict.withheld_by}) {where}"
