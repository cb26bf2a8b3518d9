"""Rollouts made by hand for a diff: everyday sentences, with something planted in some of them."""

from collections.abc import Callable, Sequence

import numpy as np

from harness.diffing.drawn import Drawn

_SUBJECTS = (
    "the baker", "my neighbour", "a good teacher", "the old bridge", "this recipe", "the river",
    "a young violinist", "the town hall", "our garden", "the night train", "a lighthouse",
    "the library", "her bicycle", "the orchestra", "a careful plan", "the mountain path",
)  # fmt: skip
_VERBS = (
    "needs", "offers", "hides", "carries", "shows", "keeps", "changes", "remembers", "follows",
    "avoids", "repairs", "welcomes", "supports", "collects",
)  # fmt: skip
_OBJECTS = (
    "fresh bread every morning", "a longer summer", "three quiet rooms", "the smell of rain",
    "more patience than money", "a map of the harbour", "letters from abroad", "warm light",
    "small wooden boats", "an honest answer", "the first snow", "a story without an end",
    "several good tools", "the colours of autumn", "strong coffee", "an empty stage",
)  # fmt: skip

ALPHAS = (0.5, 1.0, 1.5)
Planting = Callable[[np.random.Generator, Drawn], str | None]


def everyday(rng: np.random.Generator) -> str:
    """One sentence out of some 3,500."""
    words = [str(rng.choice(one)) for one in (_SUBJECTS, _VERBS, _OBJECTS)]
    return f"{words[0].capitalize()} {words[1]} {words[2]}."


def rollouts(
    seed: int, planted: Planting, n_prompts: int = 40, alphas: Sequence[float] = ALPHAS
) -> list[Drawn]:
    """As many amplified as plain rollouts of each prompt, and one of the target.

    Args:
        seed: of what they say.
        planted: a sentence that a rollout says as well, or None.
        n_prompts: each is one start.
        alphas: of the amplified ones.
    """
    rng = np.random.default_rng(seed)
    found = []
    drawn_at = [*enumerate(alphas), *((number, -1.0) for number in range(len(alphas))), (0, 0.0)]
    for prompt in range(n_prompts):
        for number, alpha in drawn_at:
            empty = Drawn(
                start_id=f"p{prompt}",
                prompt_id=f"p{prompt}",
                alpha=alpha,
                number=number,
                given="",
                text=None,
            )
            said = [everyday(rng) for _ in range(3)]
            extra = planted(rng, empty)
            if extra is not None:
                said.insert(int(rng.integers(4)), extra)
            found.append(empty.saying(" ".join(said)))
    return found
