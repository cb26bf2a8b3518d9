"""What is left of two next-token distributions when only their likeliest tokens are known.

One rule for tokens that a list does not name, whether an API left them out or a local pair was
made to forget them, so that both can be compared on equal terms.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from harness.decoding.pair_model import PairLogits, PairModel, Prompt, SideName

NAMED_BY_NEITHER = -1e4
"""Logit of a token that neither side names: its probability is 0 in float32 at any alpha."""


class TopLogprobs(NamedTuple):
    """The likeliest tokens of each row; a shorter list repeats its first token."""

    ids: Tensor
    """[rows, k], int64."""
    logps_nats: Tensor
    """[rows, k], float32."""


def logits_of_known(target: TopLogprobs, baseline: TopLogprobs, vocab_size: int) -> PairLogits:
    """Write two lists of likeliest tokens as logits that can be subtracted.

    A token that both sides name has both log-probabilities. One that only one side names gets the
    other side's smallest named log-probability: the most that it can have there, since otherwise
    it would have been named. The difference between the sides is thereby never larger than it
    really is in favour of the side that names the token, so amplification makes nothing of a
    token that merely dropped off a list; filling in the unnamed mass spread over the vocabulary
    would make it differ by several nats. A token that neither side names can't be drawn.

    Args:
        target: after the change.
        baseline: before it.
        vocab_size: number of logits.

    Returns:
        Unnormalised logits, [rows, vocab], float32. Softmax makes them the target at alpha 0, but
        for the tokens that the baseline alone names: each is as likely as the target's last.
    """
    return PairLogits(
        _filled(target, baseline.ids, vocab_size), _filled(baseline, target.ids, vocab_size)
    )


def _filled(known: TopLogprobs, others: Tensor, vocab_size: int) -> Tensor:
    logits = known.logps_nats.new_full((len(known.ids), vocab_size), NAMED_BY_NEITHER)
    bound = known.logps_nats.min(dim=-1, keepdim=True).values
    logits.scatter_(-1, others, bound.expand_as(others))
    return logits.scatter_(-1, known.ids, known.logps_nats)


def top_logprobs(logits: Tensor, k: int) -> TopLogprobs:
    """Keep the k likeliest tokens of logits [rows, vocab]."""
    best = logits.float().log_softmax(-1).topk(min(k, logits.shape[-1]), dim=-1)
    return TopLogprobs(best.indices, best.values)


class TruncatedPair:
    """A pair of which only the k likeliest tokens of each side are known, as an API tells them.

    Args:
        inner: the pair.
        k: tokens per side and step.
    """

    def __init__(self, inner: PairModel[Any], k: int) -> None:
        self._inner = inner
        self._k = k

    @property
    def vocab_size(self) -> int:
        """As the inner pair's."""
        return self._inner.vocab_size

    @property
    def max_context(self) -> int:
        """As the inner pair's."""
        return self._inner.max_context

    @property
    def device(self) -> torch.device:
        """As the inner pair's."""
        return self._inner.device

    @property
    def bytes_per_token(self) -> int:
        """As the inner pair's."""
        return self._inner.bytes_per_token

    def free_bytes(self) -> int:
        """As the inner pair's."""
        return self._inner.free_bytes()

    def read_prompts(self, prompts: Sequence[Prompt]) -> tuple[Any, PairLogits]:
        """Read whole prompts."""
        state, logits = self._inner.read_prompts(prompts)
        return state, self._truncated(logits)

    def read_tokens(self, state: Any, tokens: Tensor) -> PairLogits:
        """Read one further token per row."""
        return self._truncated(self._inner.read_tokens(state, tokens))

    def alone(self, side: SideName) -> None:
        """Return None: either side's list names tokens that count on the other side as well."""

    def _truncated(self, logits: PairLogits) -> PairLogits:
        target, baseline = (top_logprobs(side, self._k) for side in logits)
        return logits_of_known(target, baseline, self.vocab_size)
