"""From counts of a nonsense bench to tables in markdown and figures; counts nothing."""

from collections.abc import Iterator, Sequence

from benchmarks.corruptions import ORDER, SURFACE
from harness.bench.nonsense import BASELINE, TARGET, WITHOUT, Caught, Counts

_SENSIBLE = ("coherent", "coherent, cut off", "sampled", "hard")
_HEADS = {WITHOUT: "text alone", BASELINE: "embedded model's NLL", TARGET: "refuser's NLL"}

BARS = {
    **dict.fromkeys(SURFACE, 0.99),
    "late_loop": 0.95,
    "word_shuffle": 0.9,
    "unigram_salad": 0.9,
    "window_shuffle": 0.8,
}
"""The least share of each corruption that should be caught; of whole words only with an NLL."""


def markdown(counts: Counts, facts: Sequence[str]) -> str:
    """Return a paragraph of facts, a table of what was caught and one of false alarms."""
    told = [one for one in _HEADS if any(name == one for _, name in counts)]
    heads = [_HEADS[one] for one in told]
    hard = sorted({kind for kind, _ in counts if kind.startswith("hard:")})
    caught = [(kind, BARS[kind]) for kind in (*SURFACE, *ORDER)]
    parts = [
        " ".join(facts),
        _table(
            ["caught", "bar", *heads],
            [[kind, f"{bar:g}", *_cells(counts, kind, told)] for kind, bar in caught],
        ),
        _table(
            ["false alarms", *heads],
            [[kind, *_cells(counts, kind, told)] for kind in (*_SENSIBLE, *hard)],
        ),
    ]
    return "\n\n".join(parts) + "\n"


def figures(counts: Counts) -> dict[str, float]:
    """Return every rate and its n under stable names: ``late_loop``, ``late_loop_n``."""
    suffixes = {WITHOUT: "", BASELINE: "_nll", TARGET: "_target_nll"}
    found: dict[str, float] = {}
    for (kind, told), caught in counts.items():
        if not kind.startswith("hard:"):
            name = kind.replace(", ", "_").replace(" ", "_") + suffixes[told]
            found[name] = caught.rate
            found[f"{name}_n"] = caught.n
    return found


def _cells(counts: Counts, kind: str, told: Sequence[str]) -> Iterator[str]:
    for one in told:
        caught = counts.get((kind, one))
        yield "" if caught is None else _cell(caught)


def _cell(caught: Caught) -> str:
    low, high = caught.interval
    return f"{caught.k} of {caught.n}: {caught.rate:.3f} [{low:.3f}, {high:.3f}]"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
