"""Whether rounding depends on who else is in the batch, found out on a few tokens."""

from typing import Any

import torch
from torch import Tensor

from harness.decoding.pair_model import PairModel, Prompt

# Companies of a row: libraries change their order of summation at few rows, and again at many.
_FEW, _MANY = 3, 32

_TOKENS = 24


def is_bit_stable(model: PairModel[Any], max_rows: int) -> bool:
    """Read the same prompt and token alone, with few and with many rows; compare all bits.

    A spot check of one prompt: ``amplify bench flips`` decodes many.

    Args:
        model: a pair.
        max_rows: most rows of a batch.

    Returns:
        Whether the row had the same logits, to the bit, in every company.
    """
    alone = _logits(model, 1)
    companies = {min(n, max_rows) for n in (_FEW, _MANY)} - {1}
    return all(
        torch.equal(one, other)
        for n_rows in sorted(companies)
        for one, other in zip(alone, _logits(model, n_rows), strict=True)
    )


def _logits(model: PairModel[Any], n_rows: int) -> list[Tensor]:
    """Return the first row's logits, of both sides, after its prompt and after a token."""
    longest = min(_TOKENS, model.max_context - 1)
    ids = tuple(i % model.vocab_size for i in range(longest))
    short = Prompt(ids[: longest // 2 or 1], ids[: longest // 2 or 1])
    distinct = [short, Prompt(ids, ids)][: min(n_rows, 2)]
    state, first = model.read_prompts(distinct)
    # Half of the company continues the row's own prompt.
    state.select([i % len(distinct) for i in range(n_rows)])
    tokens = torch.arange(n_rows, device=model.device) % model.vocab_size
    return [side[0] for logits in (first, model.read_tokens(state, tokens)) for side in logits]
