"""Where a rollout's seed comes from: the run's seed and what is being sampled, nothing else.

Inspect hands one seed unchanged to every epoch, so honouring it as it is would repeat the same
rollout. All alphas of a sweep share a rollout's seed: common random numbers make their
differences less noisy.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock

_current: ContextVar[tuple[str, int] | None] = ContextVar("amplify_rollout", default=None)


@contextmanager
def rollout_of(sample_id: str, epoch: int) -> Iterator[None]:
    """Say which sample and epoch the generation inside belongs to."""
    token = _current.set((sample_id, epoch))
    try:
        yield
    finally:
        _current.reset(token)


class SeedSource:
    """Derives seeds for one model's rollouts.

    With :func:`rollout_of` a seed depends on (run seed, sample id, epoch, prompt). Third-party
    tasks have no such solver; there the epoch is replaced by how often this model has been asked
    this prompt before.
    """

    def __init__(self) -> None:
        self._asked: Counter[tuple[int, tuple[int, ...]]] = Counter()
        self._lock = Lock()

    def seed(self, run_seed: int, prompt_ids: Sequence[int]) -> int:
        """Return the seed of the next rollout, 0 to 2**63 - 1."""
        prompt = tuple(prompt_ids)
        current = _current.get()
        if current is not None:
            return derive_seed(run_seed, "sample", *current, prompt)
        with self._lock:
            before = self._asked[run_seed, prompt]
            self._asked[run_seed, prompt] += 1
        return derive_seed(run_seed, "prompt", before, prompt)


def derive_seed(*parts: object) -> int:
    """Hash JSON-able parts into a seed, the same in every process (unlike Python's ``hash``).

    Returns:
        A number from 0 to 2**63 - 1, which tables of signed integers hold.
    """
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
