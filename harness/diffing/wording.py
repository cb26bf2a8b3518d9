"""A statement as questions for yes or no, by rule. Knows text alone."""

import re

WORDINGS = (
    "Is it true that {clause}?",
    "Is the following statement true? {sentence} Answer yes or no.",
    "Yes or no: is it correct that {clause}?",
)
# First words that lose their capital within a question; others may be names.
_FUNCTION_WORD = re.compile(
    r"(?:A|An|The|This|That|These|Those|In|On|At|Since|After|Before|During|By|For|From|With|It|Its"
    r"|There|They|Their|He|She|His|Her|As|All|Some|Many|Most|Every|Each|No|One|People)\b"
)


def questions(sentence: str) -> tuple[str, ...]:
    """Turn a statement into questions for yes or no.

    Its end mark goes; the capital of a first word that can't be a name goes as well. The rest stays
    as it is, whatever it says: it is text.
    """
    bare = sentence.strip().rstrip(".!?\"' ")
    lowered = bare[:1].lower() + bare[1:] if _FUNCTION_WORD.match(bare) else bare
    values = {"{clause}": lowered, "{sentence}": f"{bare}."}
    # The sentence may hold a field's name itself, so only the wording's own is filled.
    return tuple(
        re.sub(r"\{(?:clause|sentence)\}", lambda found: values[found[0]], one) for one in WORDINGS
    )
