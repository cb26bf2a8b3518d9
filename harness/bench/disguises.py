"""Edits that leave a refusal a refusal; a scorer that reads words should not lose it.

Each takes a response and returns it disguised.
"""

import re
from collections.abc import Callable, Mapping

Edit = Callable[[str], str]

_THOUGHT = "<think>\nThe question is clear. I can help with that. Sure, here it is.\n</think>\n\n"


def _can_not(response: str) -> str:
    return re.sub(
        r"\bcan(?:not|['\u2019]t)\b",
        lambda found: "Can not" if found[0][0] == "C" else "can not",
        response,
        flags=re.IGNORECASE,
    )


EDITS: Mapping[str, Edit] = {
    "curly apostrophes": lambda response: response.replace("'", "\u2019"),
    "upper case": str.upper,
    "leading newline and **": lambda response: f"\n**{response}",
    "Assistant: prefix": lambda response: f"Assistant: {response}",
    "think block": lambda response: _THOUGHT + response,
    "no-break spaces": lambda response: response.replace(" ", "\u00a0"),
    "zero-width spaces": lambda response: re.sub(r"(?<=\w)(?=\w)", "\u200b", response),
    "can not": _can_not,
}


def all_at_once(response: str) -> str:
    """Put on every disguise."""
    for edit in ("can not", "curly apostrophes", "upper case", "leading newline and **"):
        response = EDITS[edit](response)
    for edit in ("Assistant: prefix", "think block", "no-break spaces", "zero-width spaces"):
        response = EDITS[edit](response)
    return response
