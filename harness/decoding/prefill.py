"""Prompts read in parts of bounded size: activations and attention scores grow with a part."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from harness.decoding.pair_model import PairLogits, PairModel, Prompt

# Tokens per side, padding included, that one forward pass reads of prompts.
_PREFILL_TOKENS = 8192


def read_in_parts(model: PairModel[Any], prompts: Sequence[Prompt]) -> tuple[Any, PairLogits]:
    """Read prompts, each part padded to its own longest; one state and its logits come of it."""
    state: Any = None
    logits: list[PairLogits] = []
    for part in _parts(prompts, _PREFILL_TOKENS):
        part_state, part_logits = model.read_prompts(part)
        logits.append(part_logits)
        if state is None:
            state = part_state
        else:
            state.join(part_state)
    return state, PairLogits(*(torch.cat(side) for side in zip(*logits, strict=True)))


def _parts(prompts: Sequence[Prompt], budget: int) -> Iterator[list[Prompt]]:
    """Split prompts so that a part's rows times its longest prompt stay within the budget."""
    part: list[Prompt] = []
    for prompt in prompts:
        longest = max(one.longest for one in (*part, prompt))
        if part and (len(part) + 1) * longest > budget:
            yield part
            part = []
        part.append(prompt)
    if part:
        yield part
