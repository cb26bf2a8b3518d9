"""Which characters of a reply each of its tokens made.

Knows texts only. A token decoded by itself may be a part of a character (U+FFFD), lose the space
before it, or leave no text in the reply; whatever happens, the pieces make the whole reply.
"""

from collections.abc import Sequence
from typing import NamedTuple


class Pieces(NamedTuple):
    """A reply cut up along its tokens: ``"".join(each) + rest`` is the reply."""

    each: tuple[str, ...]
    """One per token; empty where a token left no text of its own. The text of tokens that can't
    be told apart, such as the bytes of one character, stands at the first of them."""
    rest: str
    """What no token made; the whole reply where there are no tokens."""


def pieces(reply: str, tokens: Sequence[str]) -> Pieces:
    """Cut a reply up along its tokens.

    Each token is looked for where the one before it ended. Tokens that are not there wait until a
    later one is found behind them, no farther away than their own texts could reach; what lies
    between is theirs.

    Args:
        reply: the whole text.
        tokens: each token decoded by itself, in their order.
    """
    found = [""] * len(tokens)
    end = reach = 0
    waiting: int | None = None
    for i, token in enumerate(tokens):
        if not token:
            continue
        start = _start(reply, token, end) if waiting is None else -1
        if start < 0 and waiting is not None:
            start = reply.find(token, end, end + reach + len(token))
        if start < 0:
            waiting = i if waiting is None else waiting
            reach += len(token) + 1  # a space may have been lost
            continue
        if waiting is not None:
            found[waiting], end = reply[end:start], start
            waiting, reach = None, 0
        stop = start + len(token)
        found[i], end = reply[end:stop], stop
    if waiting is not None:
        found[waiting], end = reply[end:], len(reply)
    return Pieces(tuple(found), reply[end:])


def _start(reply: str, token: str, end: int) -> int:
    """Return where a token begins: at once, or after the space that its text alone has lost."""
    if reply.startswith(token, end):
        return end
    after = end + 1
    return after if reply[end:after].isspace() and reply.startswith(token, after) else -1
