"""Rows whose tokens are all known, read at once: what each was drawn by, and what might have come.

Knows a reader and logits; knows no sides.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import torch
from torch import Tensor

from harness.pairs.reader import Reader
from harness.pairs.row_cache import COLUMN_STEP, RowCache

# Tokens of each row that one pass reads: 512 logits over a vocabulary of 49,152 take 100 MB.
_STRETCH = 512
# Branches that one pass reads.
_BRANCHES = 128


class KnownRow(NamedTuple):
    """A row of which every token is known."""

    ids: tuple[int, ...]
    n_scored: int
    """How many of its last tokens are asked about; at least one token comes before them."""


class Branch(NamedTuple):
    """Another token in the place of a row's own."""

    row: int
    place: int
    """Counted from 0, at least 1."""
    token: int


class _Scored(NamedTuple):
    """What one stretch of the rows gave, row by row."""

    logits: Tensor
    """Before each scored token, [tokens, vocab], float32."""
    following: Tensor
    """The scored tokens, [tokens], int64."""
    counts: list[int]
    """How many of them are each row's."""


class KnownRows:
    """Rows that are read together, each padded to the longest, teacher-forced.

    Each method but ``branch_logps`` reads them.

    Args:
        reader: of the model.
        rows: at least one.
        vocab_size: logits that count, the first so many.
        context: entered around every reading, to say whose rows they are.
    """

    def __init__(
        self,
        reader: Reader,
        rows: Sequence[KnownRow],
        vocab_size: int,
        context: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._reader, self._rows, self._vocab_size = reader, rows, vocab_size
        self._context = context
        self._cache = RowCache([len(row.ids) for row in rows], reader.device)

    def logps(self) -> list[Tensor]:
        """Return the log-probabilities of each row's scored tokens.

        Returns:
            For each row [n_scored], at temperature 1, in nats, float32 on the CPU.
        """
        return self._each(
            lambda found: (
                found.logits.gather(-1, found.following.unsqueeze(-1)).squeeze(-1)
                - found.logits.logsumexp(-1)
            ).cpu()
        )

    def set_logps(self, sets: Sequence[Sequence[int]]) -> list[Tensor]:
        """Return how likely it was that one token of a set stood in each scored token's place.

        Args:
            sets: of token ids, at least one, each without repetition.

        Returns:
            For each row the log of each set's summed probability, [n_scored, sets], at temperature
            1, in nats, float32 on the CPU.
        """
        return self._each(lambda found: _set_logps(found.logits, sets).cpu())

    def logits(self) -> list[Tensor]:
        """Return the logits that each scored token was drawn by.

        Returns:
            For each row [n_scored, vocab_size], float32, on the reader's device: 200 kB a token
            for a vocabulary of 49,152.
        """
        return self._each(lambda found: found.logits)

    def branch_logps(self, branches: Sequence[Branch], among: Sequence[int]) -> Tensor:
        """Return how likely one token of a set is behind other tokens than the rows' own.

        The rows have been read: each branch costs one token more.

        Args:
            branches: of these rows.
            among: token ids, at least one, without repetition.

        Returns:
            The log of the set's summed probability behind each branch, [branches], at temperature
            1, in nats, float32 on the CPU.
        """
        found = [torch.empty(0)]
        for start in range(0, len(branches), _BRANCHES):
            some = branches[start : start + _BRANCHES]
            self._cache.branch([one.row for one in some], [one.place for one in some])
            tokens = torch.tensor([one.token for one in some], device=self._reader.device)
            with self._context():
                logits = self._reader.read_tokens(self._cache, tokens)
            found.append(_set_logps(logits[:, : self._vocab_size].float(), [among])[:, 0].cpu())
        return torch.cat(found)

    def _each(self, measure: Callable[[_Scored], Tensor]) -> list[Tensor]:
        """Measure stretch by stretch; return what was found, row by row."""
        parts: list[list[Tensor]] = [[] for _ in self._rows]
        for found in self._stretches():
            of_rows = measure(found).split(found.counts)
            for own, part in zip(parts, of_rows, strict=True):
                own.append(part)
        return [own[0] if len(own) == 1 else torch.cat(own) for own in parts]

    def _stretches(self) -> Iterator[_Scored]:
        ids = self._reader.laid_out([row.ids for row in self._rows], self._cache)
        columns = ids.shape[1]
        wanted = torch.zeros(ids.shape, dtype=torch.bool)
        for i, row in enumerate(self._rows):
            # What predicts a token is read one token before it.
            wanted[i, len(row.ids) - row.n_scored - 1 : len(row.ids) - 1] = True
        following = ids.roll(-1, dims=1)
        for start in range(0, columns, _STRETCH):
            stop = min(start + _STRETCH, columns)
            here, counts = wanted[:, start:stop], wanted[:, start:stop].sum(1).tolist()
            picked = here.clone()
            if not any(counts):
                picked[0, 0] = True  # the projection is of something all the same
            with self._context():
                logits = self._reader.read_stretch(
                    ids, self._cache, (start, stop), _states_in(picked)
                )
            if any(counts):
                there = following[:, start:stop][here]
                yield _Scored(logits[0, :, : self._vocab_size].float(), there, counts)


def _set_logps(logits: Tensor, sets: Sequence[Sequence[int]]) -> Tensor:
    """[tokens, vocab] to [tokens, sets]."""
    asked = torch.stack([logits[:, list(one)].logsumexp(-1) for one in sets], dim=-1)
    return asked - logits.logsumexp(-1, keepdim=True)


def _states_in(mask: Tensor) -> Callable[[Tensor], Tensor]:
    """Pick the states that a mask, [rows, columns], tells, as one row, [1, picked, width]."""
    return lambda states: states[mask].unsqueeze(0)


assert _STRETCH % COLUMN_STEP == 0
