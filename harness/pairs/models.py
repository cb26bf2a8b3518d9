"""Pairs of loaded models that the engine can decode from; ids and logits, no text."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from harness.decoding.pair_model import PairLogits, Prompt, SideName
from harness.errors import VocabularyMismatch
from harness.pairs.known_rows import KnownRow, KnownRows
from harness.pairs.memory import free_bytes
from harness.pairs.one_side import OneSide
from harness.pairs.reader import Reader
from harness.pairs.row_cache import RowCache
from harness.pairs.sides import Sides


class PairedRows:
    """What both sides have read: one cache with rows in pairs, or a cache for each side."""

    def __init__(self, target: RowCache, baseline: RowCache) -> None:
        self.target = target
        self.baseline = baseline

    @property
    def shared(self) -> bool:
        """Whether one cache holds both sides, each pair's target row before its baseline row."""
        return self.target is self.baseline

    @torch.inference_mode()
    def select(self, rows: Sequence[int]) -> None:
        """Keep these rows of both sides in this order."""
        if self.shared:
            self.target.select([2 * row + side for row in rows for side in (0, 1)])
        else:
            self.target.select(rows)
            self.baseline.select(rows)

    @torch.inference_mode()
    def join(self, other: "PairedRows") -> None:
        """Append the rows of another state."""
        self.target.join(other.target)
        if not self.shared:
            self.baseline.join(other.baseline)


class ReplyLogps(NamedTuple):
    """Log-probabilities of a known reply's tokens at temperature 1, nats, float32, on the CPU."""

    target: Tensor
    """[tokens]."""
    baseline: Tensor
    """[tokens]."""


class ModelPair:
    """A target and a baseline, in one forward pass where they are one stack of weights.

    Args:
        target: after the change.
        baseline: before it; the same reader as ``target`` where both sides' rows can be read in
            one pass, because they are one model or differ only in layers that ask ``sides``.
        sides: told which rows are whose, in the case of one pass.
        vocab_size: logits that both sides share, the first so many; all of them by default.

    Raises:
        VocabularyMismatch: if the sides give different numbers of logits and none is stated.
    """

    def __init__(
        self,
        target: Reader,
        baseline: Reader,
        sides: Sides | None = None,
        vocab_size: int | None = None,
    ) -> None:
        self._target, self._baseline = target, baseline
        self._sides = sides or Sides()
        self.max_context = min(target.max_context, baseline.max_context)
        self.device = target.device
        self._bytes_per_token = target.bytes_per_token + baseline.bytes_per_token
        if vocab_size is None and target.vocab_size != baseline.vocab_size:
            raise VocabularyMismatch(
                f"the target gives {target.vocab_size} logits and the baseline "
                f"{baseline.vocab_size}, though their tokenizers agree: they can't be subtracted. "
                "Compare checkpoints whose output layers have the same size."
            )
        self.vocab_size = target.vocab_size if vocab_size is None else vocab_size

    @property
    def one_pass(self) -> bool:
        """Whether one forward pass reads both sides."""
        return self._target is self._baseline

    @property
    def bytes_per_token(self) -> int:
        """Memory that one token takes in both sides' caches, in bytes."""
        return self._bytes_per_token.total()

    def free_bytes(self) -> int:
        """Memory that both sides' caches can take before a device is full, in bytes."""
        return free_bytes(self._bytes_per_token)

    def read_prompts(self, prompts: Sequence[Prompt]) -> tuple[PairedRows, PairLogits]:
        """Read the prompts of both sides."""
        if self.one_pass:
            rows = [ids for one in prompts for ids in (one.target_ids, one.baseline_ids)]
            with self._sides.paired(1):
                opening = self._target.read_opening(rows, n_sides=2)
            with self._sides.paired(len(prompts)):
                cache, logits = self._target.read_prompts(rows, opening)
            return PairedRows(cache, cache), self._apart(logits)
        target, target_logits = _read(self._target, [one.target_ids for one in prompts])
        baseline, logits = _read(self._baseline, [one.baseline_ids for one in prompts])
        return PairedRows(target, baseline), self._together(target_logits, logits)

    def read_tokens(self, state: PairedRows, tokens: Tensor) -> PairLogits:
        """Read one token per row on both sides."""
        if state.shared:
            rows = tokens.repeat_interleave(2)
            with self._sides.paired(self._target.rows_of_step(len(rows)) // 2):
                logits = self._target.read_tokens(state.target, rows)
            return self._apart(logits)
        target = self._target.read_tokens(state.target, tokens)
        logits = self._baseline.read_tokens(state.baseline, tokens.to(self._baseline.device))
        return self._together(target, logits)

    def alone(self, side: SideName) -> OneSide:
        """Return one side by itself, read by its own weights alone."""
        reader = self._target if side == "target" else self._baseline
        return OneSide(reader, self._sides, side, self)

    def reply_logps(
        self, prompts: Sequence[Prompt], replies: Sequence[tuple[int, ...]]
    ) -> list[ReplyLogps]:
        """Read replies that are known, teacher-forced on both sides, all in one batch.

        Args:
            prompts: one per reply.
            replies: token ids, at least one each.
        """
        return [ReplyLogps(*sides) for sides in self._known(prompts, replies, KnownRows.logps)]

    def reply_logits(
        self, prompts: Sequence[Prompt], replies: Sequence[tuple[int, ...]]
    ) -> list[PairLogits]:
        """Read known replies on both sides, all in one batch; return all logits.

        Args:
            prompts: one per reply.
            replies: token ids, at least one each.

        Returns:
            For each reply the logits that its tokens are drawn by, each side [tokens, vocab],
            float32, on the pair's device.
        """
        both = self._known(prompts, replies, KnownRows.logits)
        return [PairLogits(target, baseline.to(self.device)) for target, baseline in both]

    def _known(
        self,
        prompts: Sequence[Prompt],
        replies: Sequence[tuple[int, ...]],
        read: Callable[[KnownRows], list[Tensor]],
    ) -> list[tuple[Tensor, Tensor]]:
        """Read what is known on both sides, in one pass where that is possible."""
        target = _known_rows([one.target_ids for one in prompts], replies)
        baseline = _known_rows([one.baseline_ids for one in prompts], replies)
        if self.one_pass:
            rows = [row for pair in zip(target, baseline, strict=True) for row in pair]
            paired = partial(self._sides.paired, len(prompts))
            found = read(KnownRows(self._target, rows, self.vocab_size, paired))
            return list(zip(found[0::2], found[1::2], strict=True))
        of_target = read(KnownRows(self._target, target, self.vocab_size))
        of_baseline = read(KnownRows(self._baseline, baseline, self.vocab_size))
        return list(zip(of_target, of_baseline, strict=True))

    def known_to_target(
        self, prompts: Sequence[Prompt], replies: Sequence[tuple[int, ...]]
    ) -> KnownRows:
        """Return replies that are known, to be read on the target's side, all in one batch.

        Args:
            prompts: one per reply.
            replies: token ids, at least one each.
        """
        rows = _known_rows([one.target_ids for one in prompts], replies)
        only = partial(self._sides.only, "target")
        return KnownRows(self._target, rows, self.vocab_size, only)

    def _apart(self, logits: Tensor) -> PairLogits:
        return PairLogits(logits[0::2, : self.vocab_size], logits[1::2, : self.vocab_size])

    def _together(self, target: Tensor, baseline: Tensor) -> PairLogits:
        return PairLogits(
            target[:, : self.vocab_size], baseline[:, : self.vocab_size].to(self.device)
        )


def _read(reader: Reader, prompts: Sequence[tuple[int, ...]]) -> tuple[RowCache, Tensor]:
    return reader.read_prompts(prompts, reader.read_opening(prompts))


def _known_rows(
    prompts: Sequence[tuple[int, ...]], replies: Sequence[tuple[int, ...]]
) -> list[KnownRow]:
    both = zip(prompts, replies, strict=True)
    return [KnownRow(prompt + reply, len(reply)) for prompt, reply in both]
