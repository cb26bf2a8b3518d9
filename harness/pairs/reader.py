"""One stack of weights that reads prompts and tokens, row by row, and gives next-token logits.

Knows transformers' models through three things that all of them share: their attention interface,
their output projection, and the positions that they are told.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from harness.errors import PairError
from harness.pairs.attention import NAME, Pass, PromptPass, TokenPass, attending
from harness.pairs.joint_linear import join_linears
from harness.pairs.opening import shared_tokens
from harness.pairs.packing import pack_linears
from harness.pairs.row_cache import COLUMN_STEP, RowCache

# Tokens of each prompt that one forward pass reads: the activations and attention scores of a
# pass take memory that grows with them. A multiple of COLUMN_STEP.
_STRETCH = 2048


class Reader:
    """Reads rows with one model.

    Args:
        model: its linear layers are packed and its attention exchanged in place.
        context: entered around every pass, for instance peft's ``disable_adapter``.

    Raises:
        PairError: if the architecture's attention can't be exchanged.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        context: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._model = model.eval()
        self._context = context
        self._last: Tensor | None = None
        self.device = model.device
        self.max_context = _max_context(model)
        _exchange_attention(model)
        join_linears(model, self._read_one)
        pack_linears(model)
        head = cast(nn.Module, model.get_output_embeddings())
        head.register_forward_pre_hook(self._keep_last)
        self.vocab_size = int(cast(Any, head).out_features)
        # One token is read to see what it takes, and whether all layers attend as they should.
        self.bytes_per_token = self._read_one().bytes_per_token()

    def read_opening(self, prompts: Sequence[tuple[int, ...]], n_sides: int = 1) -> RowCache | None:
        """Read what all prompts of a side begin with, for ``read_prompts``, once for each side.

        Args:
            prompts: the sides' in turn, as ``read_prompts`` will be given them.
            n_sides: that take turns; the pass has so many rows.

        Returns:
            None where nothing is shared or it would not pay.
        """
        shared = shared_tokens(prompts, n_sides)
        if not shared:
            return None
        cache = RowCache([shared] * n_sides, self.device)
        self._read_stretches([ids[:shared] for ids in prompts[:n_sides]], cache, 0)
        return cache

    def read_prompts(
        self, prompts: Sequence[tuple[int, ...]], opening: RowCache | None = None
    ) -> tuple[RowCache, Tensor]:
        """Read whole prompts; return the logits after each last token, [prompts, vocab].

        Args:
            prompts: token ids.
            opening: what ``read_opening`` has read of these prompts.
        """
        cache = RowCache([len(ids) for ids in prompts], self.device)
        start = 0 if opening is None else cache.begin_with(opening)
        return cache, self._read_stretches(prompts, cache, start)

    def _read_stretches(
        self, prompts: Sequence[tuple[int, ...]], cache: RowCache, start: int
    ) -> Tensor:
        """Read prompts from a column on; return the logits after each last token."""
        columns = cache.fit_prompt_columns()
        ids = torch.zeros(len(prompts), columns, dtype=torch.int64)
        for row, prompt in enumerate(prompts):
            ids[row, : len(prompt)] = torch.tensor(prompt)
        ids = ids.to(self.device)
        ends = torch.tensor(cache.prompt_lengths, device=self.device) - 1
        logits: Tensor | None = None
        for first in range(start, columns, _STRETCH):
            stop = min(first + _STRETCH, columns)
            self._last = (ends - first).clamp(0, stop - first - 1)
            # What pads a prompt may lie beyond the context, and GPT-2's positions are a table.
            positions = torch.arange(first, stop, device=self.device)
            positions = positions.clamp(max=self.max_context - 1).expand(len(prompts), -1)
            found = self._forward(
                ids[:, first:stop], positions, cache, PromptPass(first, stop, columns)
            )
            self._last = None
            here = (first <= ends) & (ends < stop)
            logits = found if logits is None else torch.where(here[:, None], found, logits)
        assert logits is not None
        return logits

    def read_tokens(self, cache: RowCache, tokens: Tensor) -> Tensor:
        """Read one further token per row, [rows]; return the logits, [rows, vocab]."""
        positions = torch.tensor(cache.lengths, device=self.device).unsqueeze(-1)
        logits = self._forward(tokens.unsqueeze(-1), positions, cache, TokenPass(cache))
        cache.reply_lengths = [length + 1 for length in cache.reply_lengths]
        return logits

    def _read_one(self) -> RowCache:
        return self.read_prompts([(0,)])[0]

    @torch.inference_mode()
    def _forward(self, ids: Tensor, positions: Tensor, cache: RowCache, attention: Pass) -> Tensor:
        with self._context(), attending(cache, attention) as layers:
            output = self._model(
                input_ids=ids,
                # All are read; which of them a token sees is the pass's to say.
                attention_mask=torch.ones_like(ids),
                # Stated, since only some architectures work them out themselves: GPT-2 does not.
                position_ids=positions,
                use_cache=False,
            )
        self._require_all(len(layers))
        # Subtract in float32: near 20 a bfloat16 step is 0.125, and alpha multiplies it.
        return cast(Tensor, output.logits[:, -1].float())

    def _keep_last(self, head: nn.Module, arguments: tuple[Tensor]) -> tuple[Tensor] | None:
        """Project each prompt's last token only: all of them times the vocabulary is much."""
        if self._last is None:
            return None
        (states,) = arguments
        rows = torch.arange(len(states), device=states.device)
        return (states[rows, self._last].unsqueeze(1),)

    def _require_all(self, n_attended: int) -> None:
        n_layers = self._model.config.get_text_config().num_hidden_layers
        if n_attended != n_layers:
            raise PairError(
                f"{n_attended} of the {n_layers} layers of {type(self._model).__name__} attend "
                "through transformers' attention interface; the others keep a state that amplified "
                "decoding does not know. Compare checkpoints of another architecture"
            )


def _exchange_attention(model: PreTrainedModel) -> None:
    try:
        model.set_attn_implementation(NAME)
    except (ImportError, ValueError) as error:
        raise PairError(_not_exchangeable(model)) from error
    if model.config._attn_implementation != NAME:
        raise PairError(_not_exchangeable(model))


def _not_exchangeable(model: PreTrainedModel) -> str:
    return (
        f"{type(model).__name__} does not use transformers' attention interface, so its rows can't "
        "share prompts; compare checkpoints of another architecture"
    )


def _max_context(model: nn.Module) -> int:
    """Read the context length from a model's configuration, under its names in transformers."""
    config = cast(Any, model).config.get_text_config()
    for name in ("max_position_embeddings", "n_positions", "n_ctx"):
        length = getattr(config, name, None)
        if isinstance(length, int):
            return length
    return 1 << 20  # architectures without a limit


assert _STRETCH % COLUMN_STEP == 0
