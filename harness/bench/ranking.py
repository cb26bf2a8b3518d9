"""Whether a scan ranks tokens as a plain float64 computation over the same tokens does.

The reference is transformers' own models, each side by itself and one reply at a time, everything
in float64: slow, and without a line of the scan's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from harness.bench.diff import make_corpus
from harness.bench.methods import load_sides
from harness.diffing.ranking import rank
from harness.diffing.scan import Replies, scan
from harness.diffing.sums import Moments, TokenSums
from harness.pairs.loading import load_pair
from harness.pairs.spec import resolve_pair

RANKED = 100

Tell = Callable[[int], object]


@dataclass(frozen=True, kw_only=True)
class RankingBench:
    """How far two rankings agree."""

    pair: str
    n_tokens: int
    n_prompts: int
    n_ranked: dict[str, int]
    """By ranking: tokens beyond chance in the reference, ``RANKED`` at most."""
    n_same: dict[str, int]
    """Of them, those in the same place."""
    nats: float
    """The largest difference between the means of any token of the vocabulary."""
    nats_out_of_place: float
    """Among those in another place: the largest difference in the reference between the means of
    the two tokens that claim it."""

    @property
    def figures(self) -> dict[str, float]:
        """For machines."""
        same = {f"ranking_same_{name}": float(n) for name, n in self.n_same.items()}
        ranked = {f"ranking_ranked_{name}": float(n) for name, n in self.n_ranked.items()}
        return {
            "ranking_tokens": float(self.n_tokens),
            **ranked,
            **same,
            "ranking_micronats": self.nats * 1e6,
        }

    def markdown(self) -> str:
        """For people."""
        told = [
            f"{self.n_same[name]} of the first {self.n_ranked[name]} tokens {where}"
            for name, where in (("first", "at the start of replies"), ("whole", "over whole ones"))
        ]
        rest = (
            f" Where another token stands, the two differ by {self.nats_out_of_place:.1e} nats."
            if self.n_same != self.n_ranked
            else ""
        )
        return (
            f"Pair `{self.pair}`, {self.n_tokens} tokens of {self.n_prompts} replies: "
            f"{' and '.join(told)} stand in the same place as by float64 models read one reply at "
            f"a time. No token's mean differs by more than {self.nats:.1e} nats.{rest}\n"
        )


def measure_ranking(
    pair_name: str, n_prompts: int, n_tokens: int, tell: Tell = lambda n: None
) -> RankingBench:
    """Scan replies of random tokens, and rank them by the reference as well.

    Args:
        pair_name: a preset or a pair file of local weights.
        n_prompts: with one reply each.
        n_tokens: of a reply.
        tell: is told of each reply that the reference has read.
    """
    spec = resolve_pair(pair_name, {"device": "cpu"})
    pair = load_pair(spec)
    corpus = make_corpus(pair, n_prompts, n_tokens)
    sums = TokenSums(pair.model.vocab_size, pair.model.device)
    for _ in scan(pair.model, corpus, sums):
        pass
    first, whole = reference(load_sides(spec), corpus, pair.model.vocab_size, tell)
    compared = {"first": (sums.first, first), "whole": (sums.whole, whole)}
    places = {name: _places(*both) for name, both in compared.items()}
    apart = [float((own.mean - slow.mean).abs().max()) for own, slow in compared.values()]
    return RankingBench(
        pair=pair_name,
        n_tokens=n_prompts * n_tokens,
        n_prompts=n_prompts,
        n_ranked={name: len(found) for name, found in places.items()},
        n_same={name: sum(one == 0 for one in found) for name, found in places.items()},
        nats=max(apart),
        nats_out_of_place=max((one for found in places.values() for one in found), default=0.0),
    )


def reference(
    sides: Sequence[Any], corpus: Sequence[Replies], vocab_size: int, tell: Tell
) -> tuple[Moments, Moments]:
    """Sum log p(target) - log p(baseline) at the first position and over whole replies.

    Args:
        sides: target and baseline, as transformers runs them; they become float64.
        corpus: one reply to each prompt.
        vocab_size: tokens that are compared.
        tell: is told of each reply.
    """
    target, baseline = (side.double() for side in sides)
    first, whole = (Moments(vocab_size, torch.device("cpu")) for _ in range(2))
    for one in corpus:
        (reply,) = one.replies
        moved = _logps(target, one.prompt.target_ids, reply, vocab_size) - _logps(
            baseline, one.prompt.baseline_ids, reply, vocab_size
        )
        first.add(moved[0])
        whole.add(moved.mean(0))
        tell(1)
    return first, whole


@torch.inference_mode()
def _logps(
    model: Any, prompt: tuple[int, ...], reply: tuple[int, ...], vocab_size: int
) -> torch.Tensor:
    """Log-probabilities in the place of each token of a reply, [tokens, vocab], float64."""
    ids = torch.tensor([prompt + reply])
    logits = model(input_ids=ids, logits_to_keep=len(reply) + 1, use_cache=False).logits[0]
    found: torch.Tensor = logits[:-1, :vocab_size].log_softmax(-1)
    return found


def _places(own: Moments, slow: Moments) -> list[float]:
    """Of each place of the reference's ranking: how far the token that the scan has there is."""
    expected = [one.token_id for one in rank(slow, RANKED)]
    found = [one.token_id for one in rank(own, RANKED)]
    found += [-1] * (len(expected) - len(found))
    means = slow.mean.numpy()
    return [
        0.0 if i == j else float(np.abs(means[i] - means[j])) if j >= 0 else float("inf")
        for i, j in zip(expected, found, strict=False)
    ]
