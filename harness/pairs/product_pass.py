"""Attention from one further token of each row by products of all rows, as a GPU wants them.

The rows of a prompt attend to its keys together, as one product, and each to its own reply; one
softmax runs over both. What depends on the rows is a handful of indices: a pass that finds them in
the same memory at each step is the same operations on the same memory, and can be recorded.
"""

from collections import Counter
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

import torch
from torch import Tensor

from harness.pairs.attention import Heads
from harness.pairs.row_cache import LayerStores, RowCache, Store

# Rows that a prompt's keys are multiplied with at least: the matrix library sums a single row's
# products in another order, and its bits would tell whether other rows share its prompt.
_LEAST_GROUP = 2

# Where sizes are to last, so many columns at least; they double up to the other number, and come in
# multiples of that beyond: what is masked is multiplied all the same.
_LEAST_ROOM, _MOST_ROOM = 64, 256

# Rows double up to this number, where sizes are to last, and come in multiples of it beyond.
_ROWS = 64


class StepShape(NamedTuple):
    """Sizes of the tensors of one step."""

    rows: int
    prompts: int
    members: int
    """Rows of a prompt, for which all prompts have places."""
    prompt_columns: int
    reply_columns: int

    @classmethod
    def of(cls, cache: RowCache) -> "StepShape":
        """Return the sizes that a cache's rows need."""
        return cls(
            rows=len(cache),
            prompts=len(cache.prompt_lengths),
            members=max(_LEAST_GROUP, *Counter(cache.prompt_of).values()),
            prompt_columns=cache.fit_prompt_columns(),
            reply_columns=cache.fit_reply_columns(),
        )

    def roomy(self) -> "StepShape":
        """Return sizes that stay the same for longer, while rows come and go and replies grow.

        Where memory counts, with many rows or long replies, the room is a small part of it.
        """
        return StepShape(
            rows=roomy_rows(self.rows),
            prompts=_power_of_two(self.prompts),
            members=_power_of_two(self.members),
            prompt_columns=_with_room(self.prompt_columns),
            reply_columns=_with_room(self.reply_columns),
        )


def roomy_rows(rows: int) -> int:
    """Return the rows of a step that has so many and is to keep its sizes for longer."""
    return _power_of_two(rows) if rows <= _ROWS else -(-rows // _ROWS) * _ROWS


class RowIndices:
    """Where each row's prompt and reply are, [n] int64 in one piece of memory.

    Args:
        shape: of the step; its rows beyond the cache's belong to the first prompt, of which they
            see nothing.
        kept: what changes with the set of rows only.
        replies: tokens of each row's reply before this one, [rows], int64.
    """

    def __init__(self, shape: StepShape, kept: Tensor, replies: Tensor) -> None:
        self.shape = shape
        self.kept, self.replies = kept, replies
        sizes = [shape.rows] * 3 + [shape.prompts * shape.members]
        self.prompts, self.place, self.member, self.members = kept.split(sizes)
        """Tokens of its prompt that each row continues; that prompt; the row's place among those
        that continue it; and the rows in the places of each prompt."""

    @classmethod
    def of(cls, cache: RowCache, shape: StepShape) -> "RowIndices":
        """Collect a cache's indices, on the CPU."""
        replies = torch.zeros(shape.rows, dtype=torch.int64)
        replies[: len(cache)] = torch.tensor(cache.reply_lengths)
        return cls(shape, cls.kept_of(cache, shape), replies)

    @staticmethod
    def kept_of(cache: RowCache, shape: StepShape) -> Tensor:
        """Collect what changes with the set of rows only."""
        spare = [0] * (shape.rows - len(cache))
        members: list[list[int]] = [[] for _ in range(shape.prompts)]
        member = []
        for row, prompt in enumerate(cache.prompt_of):
            member.append(len(members[prompt]))
            members[prompt].append(row)
        padded = [rows + [0] * (shape.members - len(rows)) for rows in members]
        each_row = [column + spare for column in (cache.continued, cache.prompt_of, member)]
        return torch.tensor([*chain(*each_row, *padded)], dtype=torch.int64)

    def to(self, device: torch.device) -> "RowIndices":
        """Return the same on a device."""
        return RowIndices(self.shape, self.kept.to(device), self.replies.to(device))


@dataclass
class _Derived:
    """What a pass makes of the indices, once for each device that layers are on."""

    indices: RowIndices
    masks: dict[int | None, Tensor] = field(default_factory=dict)
    places: dict[int, Tensor] = field(default_factory=dict)
    groups: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)

    def mask(self, window: int | None) -> Tensor:
        """0 where a row's token attends and -inf elsewhere, [rows, 1, 1, columns], float32."""
        mask = self.masks.get(window)
        if mask is None:
            own, shape = self.indices, self.indices.shape
            prompts, replies = own.prompts.unsqueeze(-1), own.replies.unsqueeze(-1)
            in_prompt = torch.arange(shape.prompt_columns, device=prompts.device)
            in_reply = torch.arange(shape.reply_columns, device=prompts.device)
            seen = torch.cat([in_prompt < prompts, in_reply <= replies], dim=-1)
            if window is not None:
                position = torch.cat([in_prompt.expand(shape.rows, -1), in_reply + prompts], -1)
                seen &= position > prompts + replies - window
            mask = torch.zeros(seen.shape, device=seen.device).masked_fill(~seen, -torch.inf)
            mask = self.masks[window] = mask[:, None, None]
        return mask

    def ends(self, heads: int) -> Tensor:
        """Where each (row, head) stores its key among (slot, head, column), [rows * heads]."""
        place = self.places.get(heads)
        if place is None:
            shape, replies = self.indices.shape, self.indices.replies
            first = torch.arange(shape.rows * heads, device=replies.device) * shape.reply_columns
            spread = replies.unsqueeze(-1).expand(-1, heads).flatten()
            place = self.places[heads] = first + spread
        return place

    def gather(self, states: Tensor) -> Tensor:
        """[rows, kv heads, n, size] to [prompts, kv heads, members * n, size]."""
        _, heads, n, size = states.shape
        shape = self.indices.shape
        grouped = states.view(-1, n * size).index_select(0, self._group(heads)[0])
        return grouped.view(shape.prompts, heads, shape.members * n, size)

    def split(self, states: Tensor, n: int) -> Tensor:
        """[prompts, kv heads, members * n, size] to [rows, kv heads, n, size]."""
        _, heads, _, size = states.shape
        apart = states.view(-1, n * size).index_select(0, self._group(heads)[1])
        return apart.view(-1, heads, n, size)

    def _group(self, heads: int) -> tuple[Tensor, Tensor]:
        """Return where each (prompt, head, member) is among (row, head), and the other way."""
        if heads not in self.groups:
            own, shape = self.indices, self.indices.shape
            head = torch.arange(heads, device=own.place.device).unsqueeze(-1)
            there = own.members.view(shape.prompts, 1, shape.members) * heads + head
            back = (own.place * heads + head) * shape.members + own.member
            self.groups[heads] = there.flatten(), back.t().flatten()
        return self.groups[heads]


class ProductPass:
    """Reads one further token of every row by products of all rows.

    Args:
        indices: of the rows, before the token; on whatever device.
    """

    def __init__(self, indices: RowIndices) -> None:
        self._indices = indices
        self._derived: dict[torch.device, _Derived] = {}

    def attend(
        self, layer: LayerStores, states: tuple[Tensor, Tensor, Tensor], heads: Heads
    ) -> Tensor:
        """Each row's token attends to its prompt and its reply, itself included."""
        queries, *read = states
        derived, shape = self._on(queries.device), self._indices.shape
        n, n_heads, _, _ = queries.shape
        kv_heads = read[0].shape[1]
        n_each = n_heads // kv_heads
        for store, new in zip(layer.replies, read, strict=True):
            _put(store, new, shape, derived.ends(kv_heads))
        queries = (queries * heads.scale).view(n, kv_heads, n_each, -1)
        for store in layer.prompts:
            store.fit(shape.prompts, shape.prompt_columns, store.data)
        keys, values = (store.data[:n] for store in layer.replies)
        prompt_keys, prompt_values = (store.data[: shape.prompts] for store in layer.prompts)
        shared = derived.split(heads.scores(derived.gather(queries), prompt_keys), n_each)
        scores = torch.cat([shared, heads.scores_of_few(queries, keys)], dim=-1)
        scores += derived.mask(heads.window)
        weights = scores.softmax(-1).to(values.dtype)
        # Copied, since products with a part of each row take half as long again.
        own = torch.matmul(weights[..., shape.prompt_columns :].contiguous(), values)
        of_prompts = derived.gather(weights)[..., : shape.prompt_columns]
        out = own + derived.split(torch.matmul(of_prompts, prompt_values), n_each)
        return out.view(n, 1, n_heads, -1)

    def _on(self, device: torch.device) -> _Derived:
        derived = self._derived.get(device)
        if derived is None:
            derived = self._derived[device] = _Derived(self._indices.to(device))
        return derived


def _put(store: Store, new: Tensor, shape: StepShape, place: Tensor) -> None:
    """Put [rows, heads, 1, size] where each row's reply ends."""
    store.fit(shape.rows, shape.reply_columns, new)
    slots, heads, columns, size = store.data.shape
    store.data.view(slots * heads * columns, size).index_copy_(0, place, new.reshape(-1, size))


def _power_of_two(n: int) -> int:
    return 1 << (n - 1).bit_length()


def _with_room(columns: int) -> int:
    if columns <= _MOST_ROOM:
        return max(_LEAST_ROOM, _power_of_two(columns))
    return -(-columns // _MOST_ROOM) * _MOST_ROOM
