"""Pairs of loaded models that the engine can decode from.

:class:`SharedWeightsPair` reads target and baseline rows in one forward pass;
:class:`TwoPassPair` reads each side by itself. Both know ids and logits, no text.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from harness.decoding.pair_model import PairLogits, Prompt
from harness.errors import VocabularyMismatch
from harness.pairs.kv_cache import RowCache
from harness.pairs.lora import RowSplit
from harness.pairs.packing import pack_linears


class _Reader:
    """One stack of weights, reading rows with a cache."""

    def __init__(self, model: PreTrainedModel) -> None:
        self._model = model.eval()
        self.device = model.device
        self.vocab_size = int(model.get_output_embeddings().out_features)
        self.max_context = _max_context(model)
        pack_linears(model)

    def read_prompts(self, prompts: Sequence[tuple[int, ...]]) -> tuple[RowCache, Tensor]:
        """Read whole prompts, padded on the left; return the logits after each last token."""
        columns = max(len(ids) for ids in prompts)
        ids = torch.zeros(len(prompts), columns, dtype=torch.int64)
        mask = torch.zeros_like(ids)
        for row, prompt in enumerate(prompts):
            ids[row, columns - len(prompt) :] = torch.tensor(prompt)
            mask[row, columns - len(prompt) :] = 1
        cache = RowCache(mask.to(self.device))
        return cache, self._forward(ids.to(self.device), cache)

    def read_tokens(self, cache: RowCache, tokens: Tensor) -> Tensor:
        """Read one further token per row, [rows]; return the logits, [rows, vocab]."""
        cache.extend_mask()
        return self._forward(tokens.unsqueeze(-1), cache)

    @torch.inference_mode()
    def _forward(self, ids: Tensor, cache: RowCache) -> Tensor:
        output = self._model(
            input_ids=ids,
            attention_mask=cache.mask,
            # Stated, since only some architectures work it out from the mask: GPT-2 does not.
            position_ids=cache.positions()[:, -ids.shape[1] :],
            past_key_values=cache.layers,
            use_cache=True,
            logits_to_keep=1,
        )
        # Subtract in float32: near 20 a bfloat16 step is 0.125, and alpha multiplies it.
        return cast(Tensor, output.logits[:, -1].float())


class SharedState:
    """One cache that holds the target rows first and then the baseline rows."""

    def __init__(self, cache: RowCache) -> None:
        self.cache = cache

    @property
    def n_rows(self) -> int:
        """Number of pairs of rows."""
        return len(self.cache.mask) // 2

    def select(self, rows: Tensor) -> None:
        """Keep these rows on both sides."""
        self.cache.select(torch.cat([rows, rows + self.n_rows]))

    def join(self, other: "SharedState") -> None:
        """Append the rows of another state on both sides."""
        mine, theirs = self.n_rows, other.n_rows
        self.cache.join(other.cache)
        # [target, baseline, their target, their baseline] -> targets first, then baselines.
        order = torch.arange(2 * (mine + theirs), device=self.cache.mask.device)
        order = torch.cat(
            [
                order[:mine],
                order[2 * mine : 2 * mine + theirs],
                order[mine : 2 * mine],
                order[2 * mine + theirs :],
            ]
        )
        self.cache.select(order)


class SharedWeightsPair:
    """A LoRA on and off over one copy of the weights: one forward pass serves both sides.

    Args:
        model: the base, with every adapted layer split by rows (``harness.pairs.lora``).
        split: tells those layers that the first half of the rows are the target's.
    """

    def __init__(self, model: PreTrainedModel, split: RowSplit) -> None:
        self._reader = _Reader(model)
        self._split = split
        self.vocab_size = self._reader.vocab_size
        self.max_context = self._reader.max_context
        self.device = self._reader.device

    def read_prompts(self, prompts: Sequence[Prompt]) -> tuple[SharedState, PairLogits]:
        """Read the prompts of both sides in one pass."""
        rows = [prompt.target_ids for prompt in prompts]
        rows += [prompt.baseline_ids for prompt in prompts]
        with self._split.first_half():
            cache, logits = self._reader.read_prompts(rows)
        return SharedState(cache), PairLogits(*logits.chunk(2))

    def read_tokens(self, state: SharedState, tokens: Tensor) -> PairLogits:
        """Read one token per row on both sides in one pass."""
        with self._split.first_half():
            logits = self._reader.read_tokens(state.cache, tokens.repeat(2))
        return PairLogits(*logits.chunk(2))


class TwoPassState:
    """A cache for each side."""

    def __init__(self, target: RowCache, baseline: RowCache) -> None:
        self.target = target
        self.baseline = baseline

    def select(self, rows: Tensor) -> None:
        """Keep these rows on both sides."""
        self.target.select(rows)
        self.baseline.select(rows)

    def join(self, other: "TwoPassState") -> None:
        """Append the rows of another state on both sides."""
        self.target.join(other.target)
        self.baseline.join(other.baseline)


class TwoPassPair:
    """Two models, each read by its own forward pass; they may be one model in two conditions.

    Args:
        target: after the change.
        baseline: before it; the same object as ``target`` where only a condition differs.
        as_baseline: entered around each pass of the baseline, for instance peft's
            ``disable_adapter``.
    """

    def __init__(
        self,
        target: PreTrainedModel,
        baseline: PreTrainedModel,
        as_baseline: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._target = _Reader(target)
        self._baseline = self._target if baseline is target else _Reader(baseline)
        self._as_baseline = as_baseline
        self.vocab_size = self._target.vocab_size
        self.max_context = min(self._target.max_context, self._baseline.max_context)
        self.device = self._target.device

    def require_equal_logits(self) -> None:
        """Raise VocabularyMismatch if the sides give different numbers of logits."""
        sizes = self._target.vocab_size, self._baseline.vocab_size
        if sizes[0] != sizes[1]:
            raise VocabularyMismatch(
                f"the target gives {sizes[0]} logits and the baseline {sizes[1]}, though their "
                "tokenizers agree: they can't be subtracted. Compare checkpoints whose output "
                "layers have the same size."
            )

    def read_prompts(self, prompts: Sequence[Prompt]) -> tuple[TwoPassState, PairLogits]:
        """Read each side's prompts with its own weights."""
        target, target_logits = self._target.read_prompts([p.target_ids for p in prompts])
        with self._as_baseline():
            baseline, logits = self._baseline.read_prompts([p.baseline_ids for p in prompts])
        return TwoPassState(target, baseline), PairLogits(target_logits, logits.to(self.device))

    def read_tokens(self, state: TwoPassState, tokens: Tensor) -> PairLogits:
        """Read one token per row with each side's weights."""
        target_logits = self._target.read_tokens(state.target, tokens)
        with self._as_baseline():
            logits = self._baseline.read_tokens(state.baseline, tokens.to(self._baseline.device))
        return PairLogits(target_logits, logits.to(self.device))


def _max_context(model: nn.Module) -> int:
    """Read the context length from a model's configuration, under its names in transformers."""
    config = model.config.get_text_config()  # type: ignore[union-attr, operator]
    for name in ("max_position_embeddings", "n_positions", "n_ctx"):
        length = getattr(config, name, None)
        if isinstance(length, int):
            return length
    return 1 << 20  # architectures without a limit, such as recurrent ones
