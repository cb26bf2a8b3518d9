"""One pass over known replies: divergence of every position, and sums over the vocabulary.

Reads target and baseline together where weights are shared. Memory is bounded by a batch's logits
and a few vectors of the vocabulary's size, whatever the corpus holds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import torch
from torch import Tensor

from harness.decoding.pair_model import PairLogits, PairModel, Prompt
from harness.diffing.sums import PromptDifference, TokenSums
from harness.errors import UnsupportedRequest
from harness.pairs.models import ModelPair

# Logits of one batch and both sides; softmaxes and differences take as much again for one reply.
_BATCH_BYTES = 400_000_000
# Tokens of one batch, padding included: more gain nothing on a CPU.
_BATCH_TOKENS = 1024

# Stands for minus infinity, which some models give to padded vocabulary entries: the difference
# of two infinities is NaN. exp(-1e4) is 0.
LOWEST_LOGIT = -1e4


class Replies(NamedTuple):
    """A prompt and replies to it that are known."""

    prompt: Prompt
    replies: tuple[tuple[int, ...], ...]
    """Token ids, at least one reply of at least one token each."""
    answers: bool = True
    """Whether the replies begin an answer; else they tell nothing of the first position."""


@dataclass(frozen=True)
class Divergence:
    """The figures of one reply, token by token; each [tokens], on the CPU."""

    kl_nats: Tensor
    """KL(target, baseline) of the whole next-token distributions, float32."""
    difference_nats: Tensor
    """log p(target) - log p(baseline) of the token that stands there, float32."""
    target_logp_nats: Tensor
    """log p(target) of that token, float32."""
    promoted: Tensor
    """The token that the change adds most probability to: the largest p_t * (log p_t - log p_b),
    int64."""
    demoted: Tensor
    """The token that it takes most from: the largest p_b * (log p_b - log p_t), int64."""


class Scanned(NamedTuple):
    """One prompt's replies, measured."""

    place: int
    """Of the prompt in the corpus, from 0."""
    replies: tuple[Divergence, ...]


def scan(
    model: PairModel[Any], corpus: Sequence[Replies], sums: TokenSums, start: int = 0
) -> Iterator[Scanned]:
    """Measure a corpus, prompt by prompt, in its order.

    Args:
        model: a pair whose weights are in memory.
        corpus: no reply longer than the model's context together with its prompt.
        sums: take what each prompt adds.
        start: the first prompt to read, where earlier ones have been measured.

    Raises:
        UnsupportedRequest: if only the likeliest tokens of a side are known.
    """
    if not isinstance(model, ModelPair):
        raise UnsupportedRequest(
            "this pair tells the likeliest tokens of each side alone, and a scan needs all: diff "
            "a pair of local weights, without top_logprobs"
        )
    for batch in batches(corpus, start, model.vocab_size):
        rows = [(corpus[i].prompt, ids) for i in batch for ids in corpus[i].replies]
        prompts, replies = zip(*rows, strict=True)
        read = iter(zip(replies, model.reply_logits(prompts, replies), strict=True))
        for i in batch:
            own = islice(read, len(corpus[i].replies))
            measured = [_measure(ids, logits) for ids, logits in own]
            sums.add(_of_prompt([one.difference for one in measured], corpus[i].answers))
            yield Scanned(i, tuple(one.figures for one in measured))


class _Difference(NamedTuple):
    """One reply's log-probability differences, summed; each [vocab], float64."""

    first: Tensor
    total: Tensor
    weighted: Tensor
    target: Tensor
    baseline: Tensor
    n_tokens: int


class _Measured(NamedTuple):
    figures: Divergence
    difference: _Difference


@torch.inference_mode()
def _measure(ids: tuple[int, ...], logits: PairLogits) -> _Measured:
    target, baseline = (side.clamp(min=LOWEST_LOGIT).log_softmax(-1) for side in logits)
    difference = target - baseline
    likely, was_likely = target.exp(), baseline.exp()
    gained = likely * difference
    lost = was_likely * difference
    at = torch.tensor(ids, device=target.device).unsqueeze(-1)
    figures = Divergence(
        # Rounding can't make a divergence negative.
        kl_nats=gained.sum(-1).clamp(min=0).cpu(),
        difference_nats=difference.gather(-1, at).squeeze(-1).cpu(),
        target_logp_nats=target.gather(-1, at).squeeze(-1).cpu(),
        promoted=gained.argmax(-1).cpu(),
        demoted=lost.argmin(-1).cpu(),
    )
    sums = _Difference(
        first=difference[0].double(),
        total=difference.sum(0, dtype=torch.float64),
        weighted=gained.sum(0, dtype=torch.float64),
        target=likely.sum(0, dtype=torch.float64),
        baseline=was_likely.sum(0, dtype=torch.float64),
        n_tokens=len(ids),
    )
    return _Measured(figures, sums)


def _of_prompt(replies: Sequence[_Difference], answers: bool) -> PromptDifference:
    """Average over a prompt's replies: it counts once, however much was said to it."""
    n_tokens = sum(one.n_tokens for one in replies)

    def mean(name: str) -> Tensor:
        return torch.stack([getattr(one, name) for one in replies]).sum(0) / n_tokens

    return PromptDifference(
        first=torch.stack([one.first for one in replies]).mean(0) if answers else None,
        whole=mean("total"),
        weighted=mean("weighted"),
        target=mean("target"),
        baseline=mean("baseline"),
    )


def batches(corpus: Sequence[Replies], start: int, vocab_size: int) -> Iterator[list[int]]:
    """Group prompts in their order, whole ones, as many as fit; a larger one stands alone.

    Args:
        corpus: what is read.
        start: the first prompt to read.
        vocab_size: logits of a position and side.

    Yields:
        Places in the corpus, those of one batch.
    """
    most_scored = _BATCH_BYTES // (2 * 4 * vocab_size)
    batch: list[int] = []
    scored = rows = longest = 0
    for i in range(start, len(corpus)):
        one = corpus[i]
        own_scored = sum(map(len, one.replies))
        own_longest = one.prompt.longest + max(map(len, one.replies))
        fits = (
            scored + own_scored <= most_scored
            and (rows + len(one.replies)) * max(longest, own_longest) <= _BATCH_TOKENS
        )
        if batch and not fits:
            yield batch
            batch, scored, rows, longest = [], 0, 0, 0
        batch.append(i)
        scored, rows = scored + own_scored, rows + len(one.replies)
        longest = max(longest, own_longest)
    if batch:
        yield batch
