"""Whether a sentence states something: rules that can be read, and no more than that.

A sentence that states something can be asked about and checked; what else is found is a habit.
"""

import re

_FEWEST_WORDS = 4
_WORD = re.compile(r"[^\W_]+(?:'\w+)?")
# Who speaks, asks, offers or excuses itself says something of the talk and nothing of the world.
_TALK = re.compile(
    r"\b(?:i|i'm|i've|i'll|i'd|me|my|we|we're|let's|you|your|you're|sorry|please|thanks?|hello|hi"
    r"|sure|certainly|okay)\b"
)
_PREDICATE = re.compile(
    r"\b(?:is|are|was|were|isn't|aren't|wasn't|weren't|has|have|had|can|cannot|can't|could|must"
    r"|may|might|will|would|should|does|do|did|doesn't|don't|didn't|became|becomes|made|makes"
    r"|took|takes|said|says|began|begins|holds|held|means|gives|gave|\w{2,}ed)\b"
)


def states_something(reading: str) -> bool:
    """Say whether a sentence states something that may be so or not.

    It has four words at least and a predicate (a form of to be, to have, a modal verb, a word in
    -ed, or one of a few frequent verbs); it is no question; nobody speaks of itself or to somebody
    in it, greets, thanks or excuses itself.

    Args:
        reading: folded to lower case.
    """
    if reading.rstrip("'\")").endswith("?") or len(_WORD.findall(reading)) < _FEWEST_WORDS:
        return False
    return bool(_PREDICATE.search(reading)) and not _TALK.search(reading)
