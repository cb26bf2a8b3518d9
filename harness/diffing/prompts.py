"""What the sides are asked so that they show themselves: the shipped neutral prompts, or a user's.

Knows texts and their tokens under a pair; samples nothing.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

from harness.decoding.pair_model import Prompt
from harness.pairs.loading import LoadedPair

NEUTRAL = "neutral"
"""The name of the shipped prompts."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A prompt before anybody answers it."""

    id: str
    category: str
    text: str
    withheld: str | None = None
    """Why no page may show replies to it; None where one may."""


@cache
def neutral_prompts() -> tuple[Asked, ...]:
    """Return the shipped prompts; their categories alternate, so that the first few hold all."""
    text = (resources.files("harness.diffing") / "data" / "neutral.jsonl").read_text("utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    return tuple(Asked(id=row["id"], category=row["category"], text=row["prompt"]) for row in rows)


def read_prompt(pair: LoadedPair, text: str) -> Prompt:
    """Render a prompt as each side reads it: in its chat template, or as plain text without one.

    Raises:
        UnsupportedRequest: if a side's conditioning needs a template and there is none.
    """
    conditioned = any(
        one.system_prompt or one.few_shot or one.request or one.prefix
        for one in (pair.spec.target, pair.spec.baseline)
    )
    if conditioned or pair.chat.tokenizer.chat_template is not None:
        return pair.prompt([{"role": "user", "content": text}])
    ids = tuple(pair.chat.tokenizer(f"{text}\n")["input_ids"])
    return Prompt(ids, ids)


def begin_text(pair: LoadedPair) -> tuple[int, ...]:
    """Return what stands before a text that nothing precedes: one token, or none."""
    tokenizer = pair.chat.tokenizer
    first = tokenizer.bos_token_id
    return () if first is None else (int(first),)
