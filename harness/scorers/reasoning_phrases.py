"""How reasoning shows in words: taking back, checking, supposing.

Patterns meet `chain.Chain.said`. Those called OPENS stand where a clause opens, the others
anywhere; each needs the words around it that tell "wait, that is wrong" from "wait for the bus".
"""

import re

from harness.scorers import text
from harness.scorers.text import any_of


def pattern(*phrases: str) -> re.Pattern[str]:
    """As `text.pattern`; a space with a question mark stands for white space or none."""
    return text.pattern(*(phrase.replace(" ?", r"\s*") for phrase in phrases))


_I_DO = any_of(
    r"let me",
    r"let's",
    r"let us",
    r"(?:i|we)(?:'ll| will| should| must| need to| have to| want to| can| could)?",
    r"i'm going to",
)
_ADVERB = r"(?:(?:just|also|quickly|now|briefly|first|then|carefully|quick) )?"
_PART_OF_PROOF = (
    r"(?:answers?|results?|maths?|calculations?|work|working|sums?|totals?|numbers?|conditions?"
    r"|constraints?|clues?|solutions?|statements?|order|ordering|steps?|arithmetic|logic|cases?"
    r"|reasoning|assumptions?|products?|equations?|claims?|problem|question|count|possibilities)"
)
# What one checks of one's own: "check the sum", never "check the oven".
_OWN_OBJECT = any_of(
    r" (?:this|that|these|it)(?= (?:by|again|with|against|now|quickly|once|is|holds?|works?)\b)",
    r" (?:this|that|these|it)(?= ?[.,:;!?\n]| ?\Z)",
    rf" (?:that|this|whether|if) (?:\S+ ){{0,6}}?(?:\d|{_PART_OF_PROOF}\b|right\b|correct\b"
    r"|could be\b|can be\b|holds?\b|works?\b|makes? sense|fits?\b|true\b|consistent\b"
    r"|matches\b|adds? up)",
    r" (?:by|against) (?:\w+ing\b|the (?:other|original|clues?|numbers?))",
    rf" (?:this|that|these|the|my|our|all|each|every|both)(?: of)?(?: the)? (?:\S+ ){{0,2}}?"
    rf"{_PART_OF_PROOF}\b",
    r" (?:again|everything|for (?:errors|mistakes|consistency))\b",
    r" ?(?=[.,:;!?\n]|\Z)",
)

OPENS_BACKTRACK = pattern(
    # Never "wait for", "wait until", "wait 5 minutes", nor a bare "Wait." of a recipe.
    r"wait(?! ?, (?:and|then|please|until|for|to|\d))(?= ?(?:,|!|\?|-(?!(?:list|time|free|er)\b)"
    r"|\.\.))",
    r"wait (?=(?:no|that's|that is|that isn't|that can't|that doesn't|this is|this isn't|it's"
    r"|let me|let's|but|actually|what|maybe|i (?:made|think|forgot|need|misread|should|was|have|did"
    r"|must))\b)",
    r"(?:wait|hold on|hang on) (?:a|one) (?:minute|second|sec|moment)(?= ?(?:[,.!?:;-]|\Z))",
    r"(?:hold on|hold up|hang on)(?= ?(?:[,.!:;-]|\Z)| (?:that|this|i|let)\b)",
    r"actually(?= ?-| ?, (?!(?:it's a|i (?:actually )?(?:like|love|enjoy|prefer|live|work|am|have"
    r"|used))\b)| (?:no|wait|that|this|it|let|the answer|we|i (?:made|think|need|should|was|forgot"
    r"|misread))\b)",
    r"(?:that|this|it)(?:'s| is| was| must be| seems| looks)? (?:wrong|incorrect|a mistake|an error"
    r"|not (?:quite )?(?:right|correct))\b(?! (?:to|of|that|for|if)\b)",
    r"(?:that|this|it) (?:isn't|can't be|cannot be|wasn't|couldn't be|doesn't (?:seem|look|sound))"
    r" (?:quite )?(?:right|correct|possible)\b",
    r"(?:that|this) (?:doesn't|does not|won't|can't) (?:work|add up|make sense|fit)\b",
    r"(?:oops|whoops)\b",
    r"(?:scratch|strike) that\b(?= ?[.,:;!-]| ?\Z)",
    r"correction(?= ?[:,-])",
    r"on second thoughts?\b",
    r"my (?:mistake|bad)\b(?= ?[.,:;!-]| ?\Z)",
    r"sorry,? (?:that's|that is|that was|it should|i meant)\b",
    r"i was wrong\b",
    r"(?:starting over|going back)\b(?= ?[.,:;!-]| ?\Z| to (?:the )?(?:start|clue|first))",
)
BACKTRACK = pattern(
    rf"\b{_I_DO} {_ADVERB}(?:re-?(?:check|think|consider|calculate|compute|count|read|examine"
    r"|evaluate|trace|assess)|backtrack|start (?:over|again)|try (?:that |this |it )?again)\b",
    rf"\b{_I_DO} {_ADVERB}(?:re-?(?:do|work|visit|start)|fix|correct){_OWN_OBJECT}",
    rf"\b{_I_DO} {_ADVERB}(?:read|look at|go over|go through) (?:this|that|it|the \w+)(?: \w+)?"
    r" again\b",
    rf"\b{_I_DO} {_ADVERB}(?:go back to (?:the|my) (?:\w+ )?{_PART_OF_PROOF}"
    r"|try (?:a different|another) (?:approach|way|method|order|case|value|assumption))\b",
    r", (?:no,? )?wait ?[,-](?! (?:and|then)\b)",
    r"\bno,? wait\b(?= ?[,.!-])",
    r", actually,? (?:no|that's|it's|the answer)\b",
)
# ... unless supposed only: "see if I made a mistake".
OWNS_UP = pattern(
    r"\bi (?:think i |may have |must have |have |'ve |just )?(?:made (?:a|an) (?:\w+ )?(?:mistake"
    r"|error|slip)|got (?:that|it|this) wrong|misread|miscounted|miscalculated|misunderstood"
    r"|overlooked|forgot (?:to (?:add|subtract|count|include|multiply|divide|carry|account|consider"
    r"|convert)|about the|that the))\b",
)
SUPPOSED = pattern(r"\b(?:if|unless|whether|in case|make sure|don't think)\W+(?:\w+\W+){0,2}\Z")

OPENS_CHECK = pattern(
    r"(?:sanity |quick |self-|double[- ]|final )?(?:check|verification|proof)(?= ?:)",
    r"(?:to )?(?:double[- ]?check(?:ing)?|check(?:ing)?|verify(?:ing)?|confirm(?:ing)?)"
    rf"{_OWN_OBJECT}",
    r"as a (?:\w+ )?check\b",
    r"(?:is|was) (?:this|that|it) (?:right|correct|possible|consistent)\b ?(?=\?)",
    r"(?:that|this) (?:works|fits|holds)(?: out)?(?= ?(?:[.,!;]|\Z))",
    r"does (?:this|that|it) (?:work|make sense|fit|hold|add up|check out|match)\b",
)
CHECK = pattern(
    rf"\b{_I_DO} {_ADVERB}(?:double[- ]?check|re-?check|check|verify|confirm|validate|test)"
    rf"{_OWN_OBJECT}",
    rf"\b{_I_DO} {_ADVERB}make sure(?= (?:that )?(?:this|that|it|the|my|our|all|i|we)\b)",
    rf"\b{_I_DO} {_ADVERB}see (?:if|whether) (?:this|that|it|the \w+|everything)"
    r" (?:works?|holds?|fits?|is right|is correct|makes? sense|adds? up|match(?:es)?)\b",
    r"\b(?:this|that|it|which|everything|answer|result|sum|total) (?:all )?checks out\b",
    r"\b(?:matches|satisf(?:y|ies)|fits|agrees with|fulfils?|meets|is consistent with) (?:the"
    r"|all|both|every|each|our)(?: of)?(?: the)? (?:\w+ ){0,2}?(?:clues?|conditions?|constraints?"
    r"|totals?|statements?|problem|puzzle|requirements?|facts?|numbers?|information|rules?"
    r"|answer|result)\b",
    r"\ball (?:the )?(?:\w+ )?(?:conditions|clues|constraints|statements) (?:are (?:met|satisfied"
    r"|true)|hold|fit|check)\b",
    r"\b(?:plug(?:ging)?|substitut(?:e|ing)|put(?:ting)?) (?:\S+ ){1,4}?back in(?:to)?\b",
    r"\b(?:plugging|substituting) (?:\S+ ){1,4}?into (?:the|this|our) (?:\w+ )?(?:equation|formula"
    r"|expression)\b",
    r"\bwork(?:ing)? backwards?\b",
)

OPENS_HYPOTHESIS = pattern(
    r"(?:suppose|supposing|assume|assuming)\b(?! (?:so|not|is|office|the (?:role|debt))\b)",
    r"imagine that\b",
    r"alternatively,? (?:\S+ ){1,4}?(?:could|might|may|would)\b",
    r"(?:i'll|i will|we|we'll|we will|we can|we could|we may) (?:suppose|assume)\b",
    r"(?:case|scenario|possibility|option) (?:\d|[a-d]|i{1,3}|one|two|three|four)\b(?= ?[:.,(-])",
    r"(?:maybe|perhaps|possibly),? (?!(?:you|your|next|later|some|one day|not)\b)(?:\S+ ){2,}?\S+",
    r"(?:could|might|can) it be\b",
    r"hypothesis(?: \d)? ?(?=:)",
    r"(?:my|our) (?:\w+ )?(?:hypothesis|guess|assumption) (?:is|would be)\b",
)
HYPOTHESIS = pattern(
    r"\b(?:let's|let us|let me) (?:first |now |just |also )?(?:assume|suppose|say|imagine|pretend"
    r"|guess|hypothesi[sz]e|try \w+ ?=)(?!\w)(?! (?:goodbye|hello|thanks?)\b)",
    r"\bif (?:we|i|you) (?:assume|suppose|guess|imagine|say that)\b",
    r"\bwhat if\b",
    r"\bconsider (?:the case|both|two|each|all|the (?:two|three|possible|following|other)) ?"
    r"(?:where|that|when|if|in which|cases|possibilities|options|scenarios)\b",
    r"\b(?:one|another|the (?:first|second|other|only)) (?:possibility|hypothesis|scenario) (?:is"
    r"|would be)\b",
    r"\bthe answer (?:could|might|may) be\b",
    r"\bfor the sake of (?:argument|contradiction)\b",
)

_ORDINAL = (
    r"(?:first(?:ly)?|second(?:ly)?|third(?:ly)?|fourth(?:ly)?|fifth(?:ly)?|next|then|finally"
)
_ORDINAL += r"|lastly|after that)"
_GOES_ON = (
    r"(?:we|i|you|let's|let|note|consider|calculate|compute|find|add|subtract|multiply|divide|work"
    r"|determine|look|write|count|convert)"
)
# No two runs of blanks beside each other: on a line of 80,000 blanks that takes hours.
_LINE_MARKS = r"[ ]*(?:[#>]+[ ]*)?(?:[-\u2022][ ]*)?"
NUMBERED_STEP = pattern(rf"{_LINE_MARKS}\(?(\d{{1,2}})[.)](?!\d)[ ]*(?=[^\s.)])")
NAMED_STEP = pattern(
    rf"(?:(?:^|(?<=\n)){_LINE_MARKS}(?:\(?\d{{1,2}}[.)][ ]*)?|[.!?;] )step ?(?:\d{{1,2}}|one|two"
    r"|three|four|five|six|seven|eight|nine|ten)\b(?= ?[:.,)-]| (?!of\b)\w| ?\Z)",
)
ORDINAL_STEP = pattern(
    rf"(?:^|(?<=\n)|[.!?;]\s)\W{{0,6}}(?:(?:so|and|but|okay|ok|now),? )?(?:{_ORDINAL},"
    rf"(?! (?:second|third|and|then)\b)(?= \w)|{_ORDINAL} {_GOES_ON}\b)",
)
