"""What prompts begin with in common, a chat template's preamble say, so that it is read once."""

from collections.abc import Sequence

from harness.pairs.row_cache import COLUMN_STEP

# A pass of its own reads all weights once more, which takes as long as some hundred tokens beside
# others; so an opening is only shared where that saves more.
_LEAST_SAVED = 192


def shared_tokens(prompts: Sequence[tuple[int, ...]], n_sides: int = 1) -> int:
    """Return how many tokens all prompts of each side begin with, where reading them once pays.

    Whole steps of columns only: attention to a prompt is computed a step at a time, so the bits
    don't tell where reading began. One token of each prompt is left, for its logits.

    Args:
        prompts: the sides' in turn: with two, the target's first, the baseline's first, and so on.
        n_sides: that take turns.
    """
    sides = [prompts[side::n_sides] for side in range(n_sides)]
    alike = min(_alike(min(side), max(side)) for side in sides)
    shortest = min(map(len, prompts)) - 1
    shared = min(alike, shortest) // COLUMN_STEP * COLUMN_STEP
    return shared if (len(prompts) - n_sides) * shared >= _LEAST_SAVED else 0


def _alike(first: tuple[int, ...], last: tuple[int, ...]) -> int:
    """Count what two begin with in common; of the first and last in order, what all do."""
    pairs = enumerate(zip(first, last, strict=False))
    return next((i for i, (one, other) in pairs if one != other), min(len(first), len(last)))
