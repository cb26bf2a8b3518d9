"""Which token of a rollout decided its event: from characters of the reply back to tokens.

Knows tokens decoded one by one, as trace files keep them, and the reply that they make together.
Refuses to know behaviours: where an event was decided is what its scorer says.
"""

from collections.abc import Sequence

# What a token decodes to that is a part of a character: several together make the character.
_PIECE = "\ufffd"


def token_ends(texts: Sequence[str], completion: str) -> list[int]:
    """Find where in a reply each of its tokens ends.

    A token that left no text, such as the one that ends a reply, ends where the one before it did.
    A piece of a character ends where the last piece of its run does, so that a place is never told
    earlier than it is; and so does what decodes otherwise alone than among others.

    Args:
        texts: each token decoded by itself.
        completion: the reply, which may have been cut at a stop string.

    Returns:
        The number of characters that the reply has with each token, rising.
    """
    ends: list[int] = []
    place, pieces = 0, 0
    for text in texts:
        if not place and not completion[:1].isspace():
            text = text.lstrip()  # as the reply was
        if _PIECE in text or not text:
            pieces += len(text)
            ends.append(-1)
            continue
        start = _start(text, completion, place, pieces)
        if start is None:
            ends.append(-1 if pieces else place)
            continue
        ends = [start if end < 0 else end for end in ends]
        place, pieces = start + len(text), 0
        ends.append(place)
    # What runs to the end of the reply ends there.
    return [len(completion) if end < 0 else end for end in ends]


def _start(text: str, completion: str, place: int, pieces: int) -> int | None:
    """Find where a token's text begins: here, behind a lost blank, or behind pieces."""
    reach = place + pieces + 1 + len(text)
    found = completion.find(text, place, reach)
    if found < 0 or (not pieces and completion[place:found].strip()):
        return None
    return found


def token_at(ends: Sequence[int], character: int) -> int | None:
    """Return the token that brings a character of the reply, from 0; None if none does."""
    return next((i for i, end in enumerate(ends) if end > character), None)


def tokens_to(texts: Sequence[str], completion: str, chars: int) -> int:
    """Count the tokens that bring a reply's first characters; all where some are not brought."""
    ends = token_ends(texts, completion)
    place = token_at(ends, chars - 1)
    if place is None:
        return len(texts)
    rest = range(place + 1, len(texts))
    return next((i for i in rest if ends[i] > ends[place] or _PIECE not in texts[i]), len(texts))
