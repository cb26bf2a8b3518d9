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
from harness.pairs.architecture import exchange_attention, is_split, max_context
from harness.pairs.attention import Pass, attending
from harness.pairs.joint_linear import join_linears
from harness.pairs.norms import fuse_norms
from harness.pairs.opening import shared_tokens
from harness.pairs.packing import pack_linears
from harness.pairs.passes import PromptPass, token_pass
from harness.pairs.row_cache import COLUMN_STEP, RowCache
from harness.pairs.step_graphs import StepGraphs, graph_maker

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
        self._pick: Callable[[Tensor], Tensor] | None = None
        self.device = model.device
        self.max_context = max_context(model)
        exchange_attention(model)
        join_linears(model, self._read_one)
        pack_linears(model)
        fuse_norms(model)
        # Work on one device is recorded.
        new_graph = None if is_split(model) else graph_maker(self.device)
        self._graphs = new_graph and StepGraphs(self._forward, self.device, new_graph)
        head = cast(nn.Module, model.get_output_embeddings())
        head.register_forward_pre_hook(self._keep_picked)
        self.vocab_size = int(cast(Any, head).out_features)
        # One token is read to see what it takes, and whether all layers attend as they should.
        self.bytes_per_token = self._read_one().bytes_per_token()
        """Memory that one token of one row takes, by device."""

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
        ids = self.laid_out(prompts, cache)
        columns = ids.shape[1]
        ends = torch.tensor(cache.prompt_lengths, device=self.device) - 1
        logits: Tensor | None = None
        for first in range(start, columns, _STRETCH):
            stop = min(first + _STRETCH, columns)
            last = _states_at((ends - first).clamp(0, stop - first - 1))
            found = self.read_stretch(ids, cache, (first, stop), last)[:, -1]
            here = (first <= ends) & (ends < stop)
            logits = found if logits is None else torch.where(here[:, None], found, logits)
        assert logits is not None
        return logits

    def laid_out(self, rows: Sequence[tuple[int, ...]], cache: RowCache) -> Tensor:
        """Return rows' ids, padded to the columns of a cache that is theirs, [rows, columns]."""
        ids = torch.zeros(len(rows), cache.fit_prompt_columns(), dtype=torch.int64)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = torch.tensor(row)
        return ids.to(self.device)

    def read_stretch(
        self,
        ids: Tensor,
        cache: RowCache,
        stretch: tuple[int, int],
        pick: Callable[[Tensor], Tensor],
    ) -> Tensor:
        """Read some columns of prompts; return the logits after the picked states.

        Args:
            ids: as ``laid_out`` gives them.
            cache: the prompts', which holds the columns before.
            stretch: the first column, in whole steps of ``COLUMN_STEP``, and the first one after.
            pick: takes the states, [rows, tokens, width], that are projected to the vocabulary.
        """
        start, stop = stretch
        # What pads a prompt may lie beyond the context, and GPT-2's positions are a table.
        positions = torch.arange(start, stop, device=self.device)
        positions = positions.clamp(max=self.max_context - 1).expand(len(ids), -1)
        self._pick = pick
        try:
            return self._forward(
                ids[:, start:stop], positions, cache, PromptPass(start, stop, ids.shape[1])
            )
        finally:
            self._pick = None

    def rows_of_step(self, rows: int) -> int:
        """Return how many rows ``read_tokens`` computes for so many; the rest are its own."""
        return rows if self._graphs is None else self._graphs.rows_of_step(rows)

    def read_tokens(self, cache: RowCache, tokens: Tensor) -> Tensor:
        """Read one further token per row, [rows]; return the logits, [rows, vocab]."""
        if self._graphs is None:
            positions = torch.tensor(cache.lengths, device=self.device).unsqueeze(-1)
            attention = token_pass(cache, self._model.dtype)
            logits = self._forward(tokens.unsqueeze(-1), positions, cache, attention)[:, -1]
        else:
            logits = self._graphs.read(cache, tokens)
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
        return cast(Tensor, output.logits)

    def _keep_picked(self, head: nn.Module, arguments: tuple[Tensor]) -> tuple[Tensor] | None:
        """Project what is asked about only: all of a prompt times the vocabulary is much."""
        return None if self._pick is None else (self._pick(arguments[0]),)

    def _require_all(self, n_attended: int) -> None:
        n_layers = self._model.config.get_text_config().num_hidden_layers
        if n_attended != n_layers:
            raise PairError(
                f"{n_attended} of the {n_layers} layers of {type(self._model).__name__} attend "
                "through transformers' attention interface; the others keep a state that amplified "
                "decoding does not know. Compare checkpoints of another architecture"
            )


def _states_at(columns: Tensor) -> Callable[[Tensor], Tensor]:
    """Pick one state of each row, [rows] -> [rows, 1, width]."""

    def pick(states: Tensor) -> Tensor:
        rows = torch.arange(len(states), device=states.device)
        return states[rows, columns.to(states.device)].unsqueeze(1)

    return pick


assert _STRETCH % COLUMN_STEP == 0
