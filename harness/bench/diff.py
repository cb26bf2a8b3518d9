"""How fast a scan reads known replies beside plain forward passes, and what memory it takes.

The plain passes are transformers' own over the same rows, one of each side, logits included: the
least that reading both sides takes without this project.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch

from harness.allocator import release_unused
from harness.bench.figures import number
from harness.bench.memory import PeakMemory
from harness.bench.methods import load_sides
from harness.diffing.prompts import neutral_prompts, read_prompt
from harness.diffing.scan import Replies, batches, scan
from harness.diffing.sums import TokenSums
from harness.pairs.loading import LoadedPair, load_pair
from harness.pairs.spec import resolve_pair

BAR = 0.85
"""Least throughput of a scan, as a share of the plain passes'."""

Tell = Callable[[str], object]


@dataclass(frozen=True, kw_only=True)
class DiffBench:
    """What was measured."""

    pair: str
    threads: int
    rounds: int
    n_tokens: int
    """Scored tokens of the corpus, the prompts' not among them."""
    n_larger: int
    """Of the larger corpus."""
    scan_per_s: float
    """Scored tokens per second, median over rounds."""
    plain_per_s: float
    """The same tokens by two plain forward passes."""
    peak_mb: float
    """Above the weights, in 1e6 bytes."""
    larger_peak_mb: float
    """With the larger corpus."""

    @property
    def figures(self) -> dict[str, float]:
        """For machines."""
        return {
            "diff_scan_tokens_per_s": self.scan_per_s,
            "diff_plain_tokens_per_s": self.plain_per_s,
            "diff_throughput_share": self.scan_per_s / self.plain_per_s,
            "diff_peak_mb": self.peak_mb,
            "diff_larger_peak_mb": self.larger_peak_mb,
        }

    def markdown(self) -> str:
        """For people."""
        share = self.scan_per_s / self.plain_per_s
        return (
            f"Pair `{self.pair}`, threads: {self.threads}, medians of {self.rounds} rounds that "
            "take turns.\n\n"
            "| | scored tokens per second | share | peak above the weights (MB) |\n"
            "| --- | --- | --- | --- |\n"
            f"| two plain forward passes | {number(self.plain_per_s)} | 100% | |\n"
            f"| scan of {self.n_tokens} tokens | {number(self.scan_per_s)} | {share:.0%} | "
            f"{self.peak_mb:.0f} |\n"
            f"| scan of {self.n_larger} tokens | | | {self.larger_peak_mb:.0f} |\n"
        )


def measure_diff(
    pair_name: str, n_prompts: int, n_tokens: int, rounds: int, tell: Tell, times: int = 10
) -> DiffBench:
    """Time a scan beside plain passes, and take its memory with a larger corpus as well.

    Args:
        pair_name: a preset or a pair file of local weights.
        n_prompts: of the corpus, with one reply each; its ids are drawn at random.
        n_tokens: of a reply.
        rounds: runs of each.
        tell: is told what is being measured.
        times: how much larger the larger corpus is.
    """
    spec = resolve_pair(pair_name, {"device": "cpu"})
    pair = load_pair(spec)
    corpus = make_corpus(pair, n_prompts, n_tokens)
    sides = load_sides(spec)
    scans, plains = [], []
    for i in range(rounds):
        tell(f"round {i + 1} of {rounds}")
        scans.append(_seconds(lambda: _scan(pair, corpus)))
        plains.append(
            _seconds(
                lambda: [_plain(side, pair, corpus) for side in (sides.target, sides.baseline)]
            )
        )
    tell("memory")
    peaks = [_peak_mb(pair, corpus * n) for n in (1, times)]
    scored = n_prompts * n_tokens
    return DiffBench(
        pair=pair_name,
        threads=torch.get_num_threads(),
        rounds=rounds,
        n_tokens=scored,
        n_larger=scored * times,
        scan_per_s=scored / median(scans),
        plain_per_s=scored / median(plains),
        peak_mb=peaks[0],
        larger_peak_mb=peaks[1],
    )


def make_corpus(pair: LoadedPair, n_prompts: int, n_tokens: int) -> list[Replies]:
    """Give neutral prompts replies of random ids: speed does not depend on what they say."""
    draw = random.Random(0)
    asked = neutral_prompts()
    return [
        Replies(
            read_prompt(pair, asked[i % len(asked)].text),
            (tuple(draw.randrange(pair.model.vocab_size) for _ in range(n_tokens)),),
        )
        for i in range(n_prompts)
    ]


def _scan(pair: LoadedPair, corpus: Sequence[Replies]) -> None:
    for _ in scan(pair.model, corpus, TokenSums(pair.model.vocab_size, pair.model.device)):
        pass


@torch.inference_mode()
def _plain(model: Any, pair: LoadedPair, corpus: Sequence[Replies]) -> None:
    """Read the same rows in the same batches, padded to the left; logits of replies alone."""
    for batch in batches(corpus, 0, pair.model.vocab_size):
        rows = [corpus[i].prompt.target_ids + reply for i in batch for reply in corpus[i].replies]
        longest = max(map(len, rows))
        ids = torch.tensor([(0,) * (longest - len(row)) + row for row in rows])
        mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows])
        kept = max(len(reply) for i in batch for reply in corpus[i].replies) + 1
        model(input_ids=ids, attention_mask=mask, logits_to_keep=kept, use_cache=False)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _peak_mb(pair: LoadedPair, corpus: Sequence[Replies]) -> float:
    release_unused()
    with PeakMemory() as memory:
        _scan(pair, corpus)
    return memory.peak_mb
