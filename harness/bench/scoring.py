"""How long the scorers that go by rules take for many replies; reads no model."""

import random
import time
from collections.abc import Callable, Mapping, Sequence

from benchmarks.corruptions import SourceText, read_texts
from harness.bench.claims import claims_of
from harness.scorers import (
    classify_claim,
    classify_nonsense,
    classify_reasoning,
    classify_refusal,
)

MARKER = "bench scoring"
"""Of the measured block in a document."""

WORDS = 200
"""Of each reply, parted by blanks."""

LIMIT_S = 20.0
"""What refusal and nonsense may take together for ten thousand replies, on one core."""

_LIMITED = ("refusal", "nonsense")
_NLL_NATS = 2.0  # told, as a trace tells it; the signs that read it are then looked for
_CLAIMS = "zorbia"


def draw_replies(n: int, seed: int) -> list[SourceText]:
    """Draw replies of ``WORDS`` words: coherent answers, one after the other, cut at the last.

    Args:
        n: how many.
        seed: of the answers and their order; each reply's prompt is its first answer's.
    """
    rng = random.Random(seed)
    texts = read_texts("coherent")
    return [_reply(rng, texts) for _ in range(n)]


def _reply(rng: random.Random, texts: Sequence[SourceText]) -> SourceText:
    first = source = rng.choice(texts)
    written, missing = [], WORDS
    while missing > 0:
        written.append(_first_words(source.text, missing))
        missing -= len(source.text.split())
        source = rng.choice(texts)
    return first._replace(text="\n\n".join(written))


def _first_words(text: str, n: int) -> str:
    """Lines and their layout as they are, which some signs read."""
    kept: list[str] = []
    for line in text.splitlines():
        words = line.split()
        if len(words) >= n:
            return "\n".join([*kept, " ".join(words[:n])])
        kept.append(line)
        n -= len(words)
    return "\n".join(kept)


def time_scorers(replies: Sequence[SourceText], tell: Callable[[str], None]) -> dict[str, float]:
    """Score all replies with one scorer after the other.

    Returns:
        ``replies`` and ``words``, their number; processor time of this process in seconds as
        ``SCORER_s``, and ``refusal_and_nonsense_s``.
    """
    claim = next(iter(claims_of(_CLAIMS).values()))
    scorers: Mapping[str, Callable[[SourceText], object]] = {
        "refusal": lambda reply: classify_refusal(reply.text, reply.prompt),
        "nonsense": lambda reply: classify_nonsense(reply.text, _NLL_NATS),
        "claims": lambda reply: classify_claim(reply.text, claim),
        "reasoning": lambda reply: classify_reasoning(reply.text, ["12"]),
    }
    took = {}
    for name, score in scorers.items():
        tell(f"{name}: {len(replies):,} replies")
        score(replies[0])  # patterns are compiled and word lists read at the first one
        start = time.process_time()
        for reply in replies:
            score(reply)
        took[f"{name}_s"] = time.process_time() - start
    return {
        "replies": len(replies),
        "words": sum(len(reply.text.split()) for reply in replies),
        **took,
        "refusal_and_nonsense_s": sum(took[f"{name}_s"] for name in _LIMITED),
    }


def markdown(figures: Mapping[str, float], machine: str) -> str:
    """Lay the figures out as a table."""
    n = figures["replies"]
    both = figures["refusal_and_nonsense_s"]
    names = [name.removesuffix("_s") for name in figures if name.endswith("_s")]
    lines = [
        f"{n:,.0f} replies of {figures['words'] / n:.0f} words, each scored alone on one core "
        f"({machine}).",
        "",
        "| scorer | seconds | a reply, ms |",
        "| --- | --- | --- |",
        *(
            f"| {name.replace('_', ' ')} | {figures[f'{name}_s']:.1f} "
            f"| {1000 * figures[f'{name}_s'] / n:.2f} |"
            for name in names
        ),
        "",
        f"Refusal and nonsense together take {both * 10_000 / n:.1f} s for ten thousand; they may "
        f"take {LIMIT_S:.0f}.",
    ]
    return "\n".join(lines) + "\n"
