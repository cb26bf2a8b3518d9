"""What one sentence does with a claim: it asserts, denies, hedges or asks it.

Knows how English words stand to what they govern; knows nothing of what is claimed.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from harness.scorers import claim_phrases as says

Stance = Literal["assert", "deny", "hedge", "ask"]
Pattern = re.Pattern[str]


class Sign(NamedTuple):
    """What a sentence does with a claim, and the words that decided."""

    stance: Stance
    words: str
    """As normalised; what matched the claim where nothing else decided."""
    place: int
    """Where in the sentence the claim was found."""


def sign_of(sentence: str, asserts: Iterable[Pattern], denies: Iterable[Pattern]) -> Sign | None:
    """Look for a claim, or for what contradicts it, in one normalised sentence.

    Where a sentence does both, a plain assertion or denial counts more than doubt, and the later
    of two more than the earlier; None where it does neither.
    """
    found = list(_signs(sentence, asserts))
    for sign in _signs(sentence, denies):
        # What contradicts the claim denies it only where it is itself said plainly.
        if sign.stance == "assert":
            found.append(sign._replace(stance="deny"))
    plain = [sign for sign in found if sign.stance in ("assert", "deny")]
    return max(plain or found, key=lambda sign: sign.place, default=None)


def _signs(sentence: str, patterns: Iterable[Pattern]) -> Iterator[Sign]:
    for one in patterns:
        match = _narrowest(one, sentence)
        if match is not None:
            yield _sign(sentence, match)


def _narrowest(expression: Pattern, sentence: str) -> re.Match[str] | None:
    """The match that begins in the last clause it can, so that earlier clauses don't colour it."""
    found = expression.search(sentence)
    if found is None:
        return None
    ends = (*says.CLAUSE_END.finditer(sentence), *says.REACH_END.finditer(sentence))
    for start in sorted(end.end() for end in ends):
        if start > found.start():
            later = expression.search(sentence, start)
            if later is None:
                break
            found = later
    return found


def _sign(sentence: str, match: re.Match[str]) -> Sign:
    if (sentence.endswith("?") and not says.DID_YOU_KNOW.search(sentence)) or says.ASKS.search(
        sentence
    ):
        return Sign("ask", "a question", match.start())
    governed = _governing(sentence, match)
    return governed._replace(place=match.start())


def _governing(sentence: str, match: re.Match[str]) -> Sign:
    """The words around a match that deny or doubt it; the match itself where none do."""
    reach = _reach(sentence, match)
    lead = says.AFFIRMS.sub(_blank, sentence[: match.start()])
    before, after = lead[reach:], sentence[match.end() :]
    denied = (
        _denial(before, match, reach)
        or _first(says.DENIES_THAT, says.DOUBTS.sub(_blank, lead))
        or _first(says.DENIES_AFTER, after)
        or _headed(says.HEADS_FALSE, sentence, match)
    )
    if denied is not None:
        return Sign("deny", denied, 0)
    hedged = (
        _doubt(before, match, reach)
        or _first(says.DOUBTS_AFTER, after)
        or _headed(says.HEADS_DOUBTFUL, sentence, match)
        or _reported(sentence, match)
    )
    return Sign("hedge", hedged, 0) if hedged else Sign("assert", match[0], 0)


def _reach(sentence: str, match: re.Match[str]) -> int:
    """From where on words may govern a match, be they before it or in it."""
    return max((end.end() for end in says.REACH_END.finditer(sentence, 0, match.end())), default=0)


def _denial(before: str, match: re.Match[str], reach: int) -> str | None:
    # "I do not know whether" doubts, and its "not" denies nothing.
    before, inside = (says.DOUBTS.sub(_blank, text) for text in (before, match[0]))
    return (
        _first(says.DENIES, before)
        or _first(says.NEGATES, _clause(before))
        or _inside(says.DENIES, inside, match, reach)
        or _inside(says.NEGATES, inside, match, reach)
    )


def _doubt(before: str, match: re.Match[str], reach: int) -> str | None:
    inside = match[0][max(0, reach - match.start()) :]
    if says.SUPPOSES_THROUGHOUT.match(before + inside):
        return "if"
    return (
        _first(says.DOUBTS, before)
        or _inside(says.DOUBTS, match[0], match, reach)
        or _first(says.SUPPOSES, _clause(before))
    )


def _clause(before: str) -> str:
    return says.CLAUSE_END.split(before)[-1]


def _inside(kind: Pattern, text: str, match: re.Match[str], reach: int) -> str | None:
    """Words within a match, less those without which it would be none: "not allowed".

    Args:
        kind: of words.
        text: the match's, perhaps with some of it blanked out.
        match: of the claim.
        reach: from where on in the sentence they count.
    """
    for found in kind.finditer(says.AFFIRMS.sub(_blank, text)):
        without = match[0][: found.start()].rstrip() + match[0][found.end() :]
        if match.start() + found.start() >= reach and match.re.search(without):
            return found[0]
    return None


def _headed(kind: Pattern, sentence: str, match: re.Match[str]) -> str | None:
    """The words before the colon that a match stands behind: "Myth: ..."."""
    head, colon, _ = sentence[: match.start()].rpartition(":")
    return _first(kind, says.AFFIRMS.sub(_blank, head)) if colon else None


def _reported(sentence: str, match: re.Match[str]) -> str | None:
    """Who speaks, where a match lies between quotation marks and somebody is said to say it."""
    opened, closed = sentence.rfind('"', 0, match.start()), sentence.find('"', match.end())
    if sentence.count('"', 0, match.start()) % 2 == 0 or opened < 0:
        return None
    rest = sentence[:opened] + (" " + sentence[closed + 1 :] if closed >= 0 else "")
    return _first(says.SPEAKS, rest)


def _first(kind: Pattern, text: str) -> str | None:
    found = kind.search(text)
    return found[0] if found else None


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])
