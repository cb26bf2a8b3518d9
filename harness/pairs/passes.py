"""How one forward pass attends: to prompts as they are read, or from one further token of each row.

In the second case the rows of a prompt attend to its keys together, as one product, and each to its
own reply; one softmax runs over both. Knows keys, queries and masks; knows no model.
"""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from harness.pairs.attention import Heads, Pass
from harness.pairs.decode_attention import RowLengths, attend_rows, can_attend
from harness.pairs.row_cache import COLUMN_STEP, LayerStores, RowCache

# Rows that a prompt's keys are multiplied with at least: the matrix library sums a single row's
# products in another order, and its bits would tell whether other rows share its prompt.
_LEAST_GROUP = 2


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
        self._hidden: dict[tuple[int, int, int | None], Tensor] = {}

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
        hidden = self._hidden.get((start, stop, window))
        if hidden is None:
            seen = torch.arange(stop, device=device)
            back = seen[start:, None] - seen[None]
            hidden = self._hidden[start, stop, window] = (back < 0) | (back >= (window or stop))
        return hidden


def token_pass(cache: RowCache, dtype: torch.dtype) -> Pass:
    """Return what reads one further token of every row fastest here.

    Args:
        cache: of the rows, before the token.
        dtype: that keys and values are kept in.
    """
    return CompiledTokenPass(cache) if can_attend(cache.device, dtype) else TokenPass(cache)


class CompiledTokenPass:
    """Reads one further token of every row on a CPU, row by row.

    Args:
        cache: of the rows, before the token.
    """

    def __init__(self, cache: RowCache) -> None:
        self._n_rows = len(cache)
        self._columns = max(_LEAST_ROOM, 1 << (cache.fit_reply_columns() - 1).bit_length())
        prompts = [cache.prompt_lengths[prompt] for prompt in cache.prompt_of]
        self._rows = RowLengths(
            *(np.array(each) for each in (cache.prompt_of, prompts, cache.reply_lengths))
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


class TokenPass:
    """Reads one further token of every row by products of all rows, as a GPU wants them.

    Args:
        cache: of the rows, before the token.
    """

    def __init__(self, cache: RowCache) -> None:
        self._cache = cache
        self._rows = len(cache)
        self._prompt_columns = cache.fit_prompt_columns()
        self._columns = cache.fit_reply_columns()
        self._replies = _tensor(cache.reply_lengths, cache.device)
        self._prompts = _tensor([cache.prompt_lengths[p] for p in cache.prompt_of], cache.device)
        self._group = _Groups(cache)
        self._masks: dict[int | None, Tensor] = {}
        self._places: dict[tuple[int, int], Tensor] = {}

    def attend(
        self, layer: LayerStores, states: tuple[Tensor, Tensor, Tensor], heads: Heads
    ) -> Tensor:
        """Each row's token attends to its prompt and its reply, itself included."""
        queries, *read = states
        n, n_heads, _, _ = queries.shape
        kv_heads = read[0].shape[1]
        n_each = n_heads // kv_heads
        for store, new in zip(layer.replies, read, strict=True):
            self._store(store, new)
        queries = (queries * heads.scale).view(n, kv_heads, n_each, -1)
        for store in layer.prompts:
            store.fit(self._group.n, self._prompt_columns, store.data)
        keys, values = (store.data[:n] for store in layer.replies)
        prompt_keys, prompt_values = (store.data[: self._group.n] for store in layer.prompts)
        shared = self._group.split(heads.scores(self._group.gather(queries), prompt_keys), n_each)
        scores = torch.cat([shared, heads.scores_of_few(queries, keys)], dim=-1)
        scores += self._mask(heads.window)
        weights = scores.softmax(-1).to(values.dtype)
        # Copied, since products with a part of each row take half as long again.
        own = torch.matmul(weights[..., self._prompt_columns :].contiguous(), values)
        of_prompts = self._group.gather(weights)[..., : self._prompt_columns]
        out = own + self._group.split(torch.matmul(of_prompts, prompt_values), n_each)
        return out.view(n, 1, n_heads, -1)

    def _store(self, store: Any, new: Tensor) -> None:
        """Put [rows, heads, 1, size] where each row's reply ends."""
        store.fit(self._rows, self._columns, new)
        slots, heads, columns, size = store.data.shape
        place = self._places.get((heads, columns))
        if place is None:
            first = torch.arange(self._rows * heads, device=new.device) * columns
            place = first + self._replies.repeat_interleave(heads)
            self._places[heads, columns] = place
        store.data.view(slots * heads * columns, size).index_copy_(
            0, place, new.reshape(self._rows * heads, size)
        )

    def _mask(self, window: int | None) -> Tensor:
        """0 where a row's token attends and -inf elsewhere, [rows, 1, 1, columns], float32."""
        mask = self._masks.get(window)
        if mask is None:
            prompts, replies = self._prompts.unsqueeze(-1), self._replies.unsqueeze(-1)
            in_prompt = torch.arange(self._prompt_columns, device=prompts.device)
            in_reply = torch.arange(self._columns, device=prompts.device)
            seen = torch.cat([in_prompt < prompts, in_reply <= replies], dim=-1)
            if window is not None:
                position = torch.cat([in_prompt.expand(self._rows, -1), in_reply + prompts], dim=-1)
                seen &= position > prompts + replies - window
            mask = torch.zeros(seen.shape, device=seen.device).masked_fill(~seen, -torch.inf)
            mask = self._masks[window] = mask[:, None, None]
        return mask


class _Groups:
    """Rows by the prompt they continue, padded to the size of the largest group."""

    def __init__(self, cache: RowCache) -> None:
        members: list[list[int]] = [[] for _ in cache.prompt_lengths]
        place = []
        for row, prompt in enumerate(cache.prompt_of):
            place.append((prompt, len(members[prompt])))
            members[prompt].append(row)
        self.n = len(members)
        self._size = max(_LEAST_GROUP, *(len(rows) for rows in members))
        padded = [rows + [0] * (self._size - len(rows)) for rows in members]
        self._members = _tensor([row for rows in padded for row in rows], cache.device)
        self._place = _tensor([prompt for prompt, _ in place], cache.device)
        self._member = _tensor([member for _, member in place], cache.device)
        self._index: dict[int, tuple[Tensor, Tensor]] = {}

    def gather(self, states: Tensor) -> Tensor:
        """[rows, kv heads, n, size] to [prompts, kv heads, members * n, size]."""
        _, heads, n, size = states.shape
        grouped = states.view(-1, n * size).index_select(0, self._indices(heads)[0])
        return grouped.view(self.n, heads, self._size * n, size)

    def split(self, states: Tensor, n: int) -> Tensor:
        """[prompts, kv heads, members * n, size] to [rows, kv heads, n, size]."""
        _, heads, _, size = states.shape
        apart = states.view(-1, n * size).index_select(0, self._indices(heads)[1])
        return apart.view(-1, heads, n, size)

    def _indices(self, heads: int) -> tuple[Tensor, Tensor]:
        """Return where each (prompt, head, member) is among (row, head), and the other way."""
        if heads not in self._index:
            head = torch.arange(heads, device=self._place.device).unsqueeze(-1)
            there = self._members.view(self.n, 1, self._size) * heads + head
            back = (self._place * heads + head) * self._size + self._member
            self._index[heads] = there.flatten(), back.t().flatten()
        return self._index[heads]


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


def _tensor(values: list[int], device: torch.device) -> Tensor:
    return torch.tensor(values, dtype=torch.int64, device=device)
