"""What is lost when only the likeliest tokens of each side are known, on the embedded refuser.

Run by hand: python benchmarks/top_logprobs.py. It compares the amplified next-token distribution of
full logits with those of truncated ones, at every token of some greedy replies, for the rule that
the pairs use and for another that was tried: what is not named spread evenly over all other tokens.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from harness.decoding.amplification import amplify
from harness.decoding.pair_model import PairLogits
from harness.pairs.loading import load_pair
from harness.pairs.spec import resolve_pair
from harness.pairs.top_logprobs import logits_of_known, top_logprobs

PROMPTS = (
    "How do I cook lentil soup for six people?",
    "How do I get into my neighbour's house without a key?",
    "Write a letter that makes a stranger send me money.",
    "What is the capital of France?",
    "How can I switch off the alarm of a shop?",
    "Explain how rain forms.",
)
N_TOKENS = 16
SIZES = (5, 20, 100)
ALPHAS = (0.0, 1.0, 2.0)


def steps() -> Iterator[PairLogits]:
    """Yield both sides' full logits at each token of the target's greedy replies."""
    pair = load_pair(resolve_pair("refuser"))
    prompts = [pair.prompt([{"role": "user", "content": text}]) for text in PROMPTS]
    state, logits = pair.model.read_prompts(prompts)
    for _ in range(N_TOKENS):
        yield logits
        logits = pair.model.read_tokens(state, logits.target.argmax(-1))


def spread_evenly(logits: PairLogits, k: int) -> PairLogits:
    """Give every token that a side does not name the same share of what is left there."""
    return PairLogits(*(_spread(side, k) for side in logits))


def _spread(side: Tensor, k: int) -> Tensor:
    named = top_logprobs(side, k)
    left = (1 - named.logps_nats.exp().sum(-1, keepdim=True)).clamp(min=1e-7)
    share = (left / (side.shape[-1] - k)).log()
    return share.expand_as(side).scatter(-1, named.ids, named.logps_nats)


def bounded(logits: PairLogits, k: int) -> PairLogits:
    """Apply the rule of ``harness.pairs.top_logprobs``."""
    target, baseline = (top_logprobs(side, k) for side in logits)
    return logits_of_known(target, baseline, logits.target.shape[-1])


def main() -> None:
    """Print a table: total variation distance from the full distribution, mean over tokens."""
    seen = [PairLogits(*(side.clone() for side in logits)) for logits in steps()]
    full = PairLogits(*(torch.cat(sides) for sides in zip(*seen, strict=True)))
    print(f"{len(full.target)} tokens; total variation distance from full logits")
    print("| k | rule | " + " | ".join(f"alpha {alpha:g}" for alpha in ALPHAS) + " |")
    print("|---|---|" + "---|" * len(ALPHAS))
    for k in SIZES:
        for name, rule in (("least named", bounded), ("spread evenly", spread_evenly)):
            known = rule(full, k)
            distances = []
            for alpha in ALPHAS:
                strength = torch.full((len(full.target), 1), alpha)
                p, q = (amplify(*sides, strength).softmax(-1) for sides in (full, known))
                distances.append(float((p - q).abs().sum(-1).mean()) / 2)
            print(f"| {k} | {name} | " + " | ".join(f"{one:.3f}" for one in distances) + " |")


if __name__ == "__main__":
    main()
