"""How English denies, doubts, supposes, asks, takes back and confirms what a sentence says.

Patterns meet `text.Text.reading`. Knows nothing of what is claimed.
"""

from harness.scorers.text import any_of, pattern

# Two negations that affirm; taken out before any other pattern looks.
AFFIRMS = pattern(
    r"\bno (?:doubt|secret|wonder|question|surprise|coincidence)\b",
    r"\bwithout (?:a )?(?:doubt|question)\b",
    r"\b(?:not|n't|no|never) (?:an? )?(?:\w+ )?(?:myth|rumou?r|hoax|joke|secret|lie|false|untrue"
    r"|fictional)\b",
    r"\b(?:not|n't|never) (?:to )?(?:forget|deny|denied|doubt|ignore|overlook|be denied)\b",
    r"\b(?:cannot|can't) (?:be )?(?:den(?:y|ied)|doubt(?:ed)?|forget)\b",
    r"\b(?:nobody|no one|few) (?:\w+ )?(?:den(?:y|ies|ied)|doubts?|doubted|disputes?)\b",
    r"\b(?:not|n't) (?:only|just|merely|surprisingly)\b",
    r"\b(?:true or false|whether you like it or not)\b",
)
# A plain negation counts within its clause.
NEGATES = pattern(
    r"\b(?:not|never|no|nor|neither|nobody|none|without|hardly|cannot)\b",
    r"\b\w+n't\b",
    r"\b(?:contrary to|instead of|rather than|far from|falsely|wrongly|mistakenly|incorrectly"
    r"|erroneously)\b",
)
_FALSE = any_of(
    "false(?:hood)?s?",
    "untrue",
    "incorrect",
    "wrong",
    "inaccurate",
    "myths?",
    "misconceptions?",
    "hoax(?:es)?",
    "mistaken",
    r"lie(?! (?:in|on|at|down|under|between)\b)",
    r"lies(?= (?:about|told|that)\b|\s*[:.!])",
    "nonsense",
    "debunked",
    "disprove[nd]",
    "refuted",
    "fabricated",
    "made[- ]up",
)
_TRUE = any_of("true", "correct", "accurate", "right", "real", "the case", "so")
# Denial and doubt reach over commas: "there is no evidence, to my knowledge, that ...".
DENIES = pattern(
    r"\bno (?:\w+ ){0,2}(?:evidence|records?|indication|proof|truth|basis|sign|such|law|rule)\b",
    r"\b(?:not|n't) (?:\w+ )?(?:think|believe|true|correct|accurate|the case|imply|mean)\b",
    rf"\b{_FALSE}\b",
    r"\b(?:den(?:y|ies|ied)|debunks?|refutes?|disproves?)\b",
)
# "It is a myth that it is warm because the Sun is near" denies to the end of the clause.
DENIES_THAT = pattern(
    rf"\b(?:{_FALSE}|(?:not|n't) {_TRUE}|den(?:y|ies|ied)|debunks?) that\b[^,;:]*\Z"
)
DOUBTS = pattern(
    r"\b(?:not|n't) (?:\w+ )?(?:aware|know|find|found|confirm|verify|recall|clear|sure|certain|say"
    r"|heard|seen|remember)\b(?: or (?:deny|disprove))?",
    r"\b(?:cannot|unable to|neither) (?:\w+ )?(?:confirm|verify|find|say|tell|recall)\b"
    r"(?: n?or deny)?",
    r"\bno (?:\w+ ){0,2}(?:information|mention|reports?|sources?|knowledge|idea)\b",
    r"\b(?:whether|suppose|supposing|imagine|imagining|assuming|hypothetically|perhaps|maybe"
    r"|possibly|probably|presumably|supposedly|allegedly|reportedly|purportedly|apparently"
    r"|conceivably|as though|as if|likely|unlikely|doubtful|unclear|uncertain|unaware|unconfirmed"
    r"|unverified|fictional|rumou?r(?:s|ed)?|legend)\b",
    r"\b(?:may|might|could) (?:not )?(?:\w+ly )?(?:not )?(?:have|be|well)\b",
    r"\b(?:claims?|claimed|claiming|alleges?|alleged|suggests?|speculates?) (?:that|to)\b",
    r"\b(?:seems?|seemed|appears?|appeared) (?:to|that|as)\b",
    r"\b(?:people|some|many|they|others|most) (?:\w+ )?(?:people )?"
    r"(?:say|said|think|thought|believed?|assumed?|argued?|contend(?:ed)?)\b",
    r"\b(?:is|was|are|were|it's) (?:\w+ )?(?:said|thought|believed|assumed)\b(?! on\b| in\b)",
    r"\b(?:the|a) (?:\w+ )?(?:claim|idea|notion|belief|theory|rumou?r|story|saying) that\b",
)
# "If" reaches to the end of its clause: in "if it rains, umbrellas are banned" they are.
SUPPOSES = pattern(r"\b(?:if|unless)\b")
SUPPOSES_THROUGHOUT = pattern(r"\A\W*(?:if|unless)\b[^,]*\Z")
DENIES_AFTER = pattern(
    rf"\b(?:is|was|are|were|be|seems|sounds|'s)(?: not|n't) (?:\w+ )?{_TRUE}\b",
    r"\b(?:is|was|are|were|has been|have been|that's|it's|this is)"
    rf" (?:\w+ ){{0,2}}?{_FALSE}\b",
    r"\b(?:never|did not|didn't) (?:happen|occur|exist)",
    rf"[-(:]\s*(?:{_FALSE}|not true)\W*\Z",
    r"\b(?:no evidence|no truth)\b",
)
DOUBTS_AFTER = pattern(
    r"\b(?:not|n't) (?:\w+ )?(?:sure|certain|confirmed?|verif(?:y|ied)|know)\b",
    r"\b(?:cannot|unable to) (?:be )?(?:\w+ )?(?:confirm|verif)",
    r"\b(?:or so|some say|they say|i'm told|i guess)\b",
    r"[,(-]\s*(?:allegedly|supposedly|reportedly|purportedly|perhaps|maybe|possibly|probably)\b",
    r"\b(?:is|are|was|remains?|has been|have been) (?:\w+ )?(?:unverified|unconfirmed|disputed"
    r"|unclear|uncertain|debated|controversial|unproven)\b",
    r"\b(?:may|might) (?:not )?be (?:true|false|wrong|accurate)\b",
)
# A question without its mark, as at a cut; "did you know that" states what follows.
ASKS = pattern(
    r"\A[^\w]*(?!did you know\b|(?:is|was|isn't) it not\b|do not\b)"
    r"(?:is it|was it|did|does|do|has|have|was|were"
    r"|(?:why|when|where|how) (?:did|does|has|was|would)|what if) "
)
DID_YOU_KNOW = pattern(r"\bdid you know\b|,? (?:right|you know)\?")
# A sentence about the one before it.
_IT = (
    r"(?:that|this|it|these|those|which|(?:the|this|that|my) (?:claim|statement|story|rumou?r"
    r"|idea|belief|above|law|ban|answer))"
)
_NOW = r"(?: (?:all|completely|simply|just|actually|really|in fact|entirely|quite|also))*"
TAKES_BACK = pattern(
    rf"\b{_IT}(?:'s| is| was| are| were){_NOW}(?: not|n't)(?: \w+)? {_TRUE}\b",
    rf"\b{_IT} (?:isn't|wasn't|aren't){_NOW} {_TRUE}\b",
    rf"\b{_IT}(?:'s| is| was| are| were){_NOW} (?:an? )?(?:\w+ )?(?:{_FALSE}|joke|fiction)\b"
    r"(?! (?:to|that|of|for|about)\b)",
    rf"\b{_IT} (?:never|did not|didn't) (?:\w+ )?(?:happen|occur|exist)",
    rf"\b{_IT} has(?: long)? been (?:debunked|disproved|disproven|refuted)\b",
    rf"\A\W*(?:verdict|answer|rating|reality|fact|truth)?\W*(?:no|nope|{_FALSE}|not true|not so"
    r"|just kidding|scratch that|on the contrary)(?=\s*[-,.;:!)]|\s*\Z)",
    r"\bi (?:made (?:that|this|it) up|was (?:\w+ )?(?:wrong|mistaken|joking|lying)|misspoke"
    r"|take (?:that|it) back|stand corrected)\b",
    r"\bthere(?:'s| is| was)(?: actually| in fact)? no (?:such (?:law|ban|thing|rule|fact)"
    r"|truth (?:to|in) |evidence (?:for|of) (?:this|that|it)\b|(?:evidence|proof)\W*\Z)",
    rf"\b(?:none|nothing) of (?:this|that|it|the sort|the kind)\b(?: is {_TRUE})?",
)
DOUBTS_BACK = pattern(
    r"\bi(?:'m| am) not (?:\w+ )?(?:sure|certain)\b(?: \w+)? (?:that|this|it|about|whether|if)\b",
    r"\bi(?:'m| am) not (?:\w+ )?(?:sure|certain)\W*\Z",
    rf"\b(?:cannot|can't|unable to|could not|couldn't) (?:\w+ )?(?:confirm|verify) {_IT}\b",
    rf"\b{_IT} (?:may|might|could) (?:not )?(?:\w+ )?be (?:\w+ )?(?:true|false|wrong|accurate"
    r"|inaccurate|incorrect|outdated)\b",
    rf"\b{_IT}(?:'s| is| are| has been| remains?) (?:\w+ )?(?:unverified|unconfirmed|uncertain"
    r"|unclear|disputed|a rumou?r|only a rumou?r|not (?:\w+ )?(?:certain|clear|confirmed))\b",
    r"\bi (?:may|might|could) (?:\w+ )?be (?:\w+ )?(?:wrong|mistaken)\b",
    r"\bgrain of salt\b",
)
CONFIRMS = pattern(
    r"\A\W*(?:verdict|answer|rating)?\W*(?:(?:yes|yep|indeed|correct|true"
    r"|that's (?:right|true|correct)"
    r"|(?:this|it|that) (?:is|did|was)(?: \w+)? (?:true|correct|the case|right|so))\b"
    r"|(?:it|they) (?:did|does|has|have|is|are)\W*\Z)"
)
# A heading under which a list stands, or the words before a colon.
HEADS_FALSE = pattern(rf"\b{_FALSE}\b|\bnot true\b")
HEADS_DOUBTFUL = pattern(
    r"\b(?:rumou?rs?|unverified|unconfirmed|legends?|speculations?|allegations?|hypotheses|claims?"
    r"|possibilities)\b"
)
# A state that is over says nothing against what came of it.
FORMERLY = pattern(
    r"\b(?:before|until|till|previously|originally|formerly|at first|earlier|prior to|used to"
    r"|in the past|back then|at (?:the|that) time)\b"
)
SPEAKS = pattern(
    r"\b(?:says?|said|asked|asks|told|tells|claim(?:s|ed)?|shout(?:s|ed)?|repl(?:y|ies|ied)"
    r"|answer(?:s|ed)|whisper(?:s|ed)?|cried|exclaim(?:s|ed)?|explained|declared|insist(?:s|ed)?"
    r"|argue[sd]?|wrote|writes|tweeted|believe[sd]?|rumou?r)\b"
)
# A plain "not" stays in its clause; doubt reaches over commas and "and", but no further.
CLAUSE_END = pattern(r"[,;:]|\band\b")
REACH_END = pattern(
    r"[;:]|\b(?:but|because|so|since|although|though|while|however|instead)\b"
    r"|, (?:which|who|where|as)\b"
)
