"""How one forward pass attends: to prompts as they are read, or from one further token of each row.

In the second case row by row on a CPU; by products of all rows, as a GPU wants them, in
`product_pass`. Knows keys, queries and masks; knows no model.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from harness.pairs.attention import Heads, Pass
from harness.pairs.decode_attention import RowLengths, attend_rows, can_attend
from harness.pairs.product_pass import ProductPass, RowIndices, StepShape
from harness.pairs.row_cache import COLUMN_STEP, LayerStores, RowCache

# Columns that a row's reply has room for at least, where it is read row by row: room that is not
# used costs nothing then, and making more copies what is there.
_LEAST_ROOM = 64


class PromptPass:
    """Reads a stretch of every prompt, padded on the right; rows are the cache's prompts.

    On a CPU, ``COLUMN_STEP`` queries are answered at a time: the matrix library sums products of
    other sizes in another order, and a prompt's bits would tell how long those beside it are.

    Args:
        start: tokens that have been read of every prompt, whole steps of columns.
        stop: tokens that will have been, padding included.
        columns: that the longest prompt takes in the end.
    """

    def __init__(self, start: int, stop: int, columns: int) -> None:
        self._start, self._stop, self._columns = start, stop, columns
        self._hidden: dict[tuple[int, int, int | None, torch.device], Tensor] = {}

    def attend(
        self, layer: LayerStores, states: tuple[Tensor, Tensor, Tensor], heads: Heads
    ) -> Tensor:
        """Each token attends to its prompt up to itself."""
        queries, *read = states
        for store, new in zip(layer.prompts, read, strict=True):
            store.fit(len(new), self._columns, new)
            store.data[:, :, self._start : self._stop] = new
        keys, values = (
            _repeat(store.data[:, :, : self._stop], queries.shape[1]) for store in layer.prompts
        )
        step = COLUMN_STEP if queries.device.type == "cpu" else self._stop - self._start
        answers = []
        for start in range(self._start, self._stop, step):
            stop = min(start + step, self._stop)
            asked = queries[:, :, start - self._start : stop - self._start]
            hidden = self._later(start, stop, heads.window, queries.device)
            answers.append(_answer(asked, keys[:, :, :stop], values[:, :, :stop], heads, hidden))
        return torch.cat(answers, dim=2).transpose(1, 2)

    def _later(self, start: int, stop: int, window: int | None, device: torch.device) -> Tensor:
        """Where the keys are that a query does not attend to, [queries, keys]."""
        hidden = self._hidden.get((start, stop, window, device))
        if hidden is None:
            seen = torch.arange(stop, device=device)
            back = seen[start:, None] - seen[None]
            hidden = self._hidden[start, stop, window, device] = (back < 0) | (
                back >= (window or stop)
            )
        return hidden


def token_pass(cache: RowCache, dtype: torch.dtype) -> Pass:
    """Return what reads one further token of every row fastest here.

    Args:
        cache: of the rows, before the token.
        dtype: that keys and values are kept in.
    """
    if can_attend(cache.device, dtype):
        return CompiledTokenPass(cache)
    return ProductPass(RowIndices.of(cache, StepShape.of(cache)))


class CompiledTokenPass:
    """Reads one further token of every row on a CPU, row by row.

    Args:
        cache: of the rows, before the token.
    """

    def __init__(self, cache: RowCache) -> None:
        self._n_rows = len(cache)
        self._columns = max(_LEAST_ROOM, 1 << (cache.fit_reply_columns() - 1).bit_length())
        self._rows = RowLengths(
            *(np.array(each) for each in (cache.prompt_of, cache.continued, cache.reply_lengths))
        )

    def attend(
        self, layer: LayerStores, states: tuple[Tensor, Tensor, Tensor], heads: Heads
    ) -> Tensor:
        """Each row's token attends to its prompt and its reply, itself included."""
        for store, new in zip(layer.replies, states[1:], strict=True):
            store.fit(self._n_rows, self._columns, new, cleared=False)
        return attend_rows(
            layer,
            states,
            self._rows,
            scale=heads.scale,
            window=heads.window,
            softcap=heads.softcap,
        )


def _answer(queries: Tensor, keys: Tensor, values: Tensor, heads: Heads, hidden: Tensor) -> Tensor:
    if heads.softcap is None:
        return F.scaled_dot_product_attention(
            queries, keys, values, attn_mask=~hidden, scale=heads.scale
        )
    scores = heads.scores(queries * heads.scale, keys).masked_fill(hidden, -torch.inf)
    return torch.matmul(scores.softmax(-1).to(values.dtype), values)


def _repeat(states: Tensor, heads: int) -> Tensor:
    """Give every query head its keys or values: [rows, kv heads, ...] to [rows, heads, ...]."""
    times = heads // states.shape[1]
    return states if times == 1 else states.repeat_interleave(times, dim=1)
