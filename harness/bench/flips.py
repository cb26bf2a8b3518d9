"""Whether a rollout depends on who else is in the batch: how many tokens and bits change."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from harness.bench.work import Work
from harness.decoding.engine import Engine
from harness.decoding.pair_model import Prompt
from harness.decoding.rollout import Rollout, RolloutRequest
from harness.decoding.settings import RolloutSettings
from harness.pairs.loading import load_pair
from harness.pairs.spec import resolve_pair


@dataclass(frozen=True, kw_only=True)
class Flips:
    """What another batch changed, over all arrangements that were tried."""

    n_rollouts: int
    """Rollouts compared with the one of the same request in the first batch."""
    n_tokens: int
    """Tokens of these, up to the first that differs."""
    n_flipped: int
    """Rollouts in which a token differs."""
    n_bits: int
    """Rollouts with the same tokens, but a figure of the trace that differs in any bit."""
    worst_nats: float
    """Largest change of a sampled token's log-probability under target or baseline."""

    def sentence(self) -> str:
        """Say it in one line."""
        rate = self.n_flipped / self.n_tokens if self.n_tokens else 0.0
        return (
            f"{self.n_rollouts} rollouts in other batches: {self.n_flipped} with another token "
            f"({rate:.2g} per token), {self.n_bits} with the same tokens and other bits; largest "
            f"change of a log-probability {self.worst_nats:.2g} nats"
        )


def measure_flips(
    pair_name: str, arguments: dict[str, object], n_rollouts: int, say: Callable[[str], None]
) -> Flips:
    """Decode requests in one batch, then alone, in small groups, and in other orders.

    Args:
        pair_name: a preset or a pair file.
        arguments: dtype and device, as ``-M`` takes them.
        n_rollouts: requests, at least 8: six strengths for every prompt, replies of 8 to 24 tokens.
        say: told of progress.
    """
    pair = load_pair(resolve_pair(pair_name, arguments))
    asked = Work.of(pair.chat).rows(n_rollouts, 1)
    requests = [
        RolloutRequest(
            prompt=Prompt(ids, ids),
            settings=RolloutSettings(alpha=alpha, seed=i, max_tokens=8 + i % 17),
        )
        for i, (ids, alpha) in enumerate(zip(asked.prompts, asked.alphas, strict=True))
    ]

    def decode(chosen: Sequence[int]) -> list[Rollout]:
        return Engine(pair.model, pair.chat.eos_ids).run([requests[i] for i in chosen])

    first = decode(range(n_rollouts))
    pairs: list[tuple[Rollout, Rollout]] = []
    for chosen in arrangements(n_rollouts):
        say(f"{len(chosen)} rollouts in a batch")
        pairs += zip([first[i] for i in chosen], decode(chosen), strict=True)
    return compare(pairs)


def arrangements(n: int) -> list[list[int]]:
    """Return which requests are decoded together, beside all of them in their order."""
    order = random.Random(0)
    shuffled = order.sample(range(n), n)
    parts = [[0], [n // 2], [1, 2], [3, 4, 5], list(range(0, n, 7)), sorted(shuffled[: n // 2])]
    return [*parts, shuffled[n // 2 :], shuffled]


def compare(pairs: Sequence[tuple[Rollout, Rollout]]) -> Flips:
    """Count what differs between rollouts of the same requests, all of them traced."""
    flipped = bits = tokens = 0
    worst = 0.0
    for one, other in pairs:
        assert one.trace is not None
        assert other.trace is not None
        same = _n_same(one.ids, other.ids)
        tokens += same
        if one.ids != other.ids:
            flipped += 1
        elif not torch.equal(one.trace.figures, other.trace.figures):
            bits += 1
        for side in ("target", "baseline"):
            field = f"{side}_logp_nats"
            change = (one.trace[field][:same] - other.trace[field][:same]).abs()
            worst = max(worst, float(change.max()) if same else 0.0)
    return Flips(
        n_rollouts=len(pairs), n_tokens=tokens, n_flipped=flipped, n_bits=bits, worst_nats=worst
    )


def _n_same(one: Sequence[int], other: Sequence[int]) -> int:
    same = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        same += 1
    return same
