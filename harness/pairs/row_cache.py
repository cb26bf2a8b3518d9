"""What the rows of one stack of weights have read: keys and values, layer by layer.

A prompt is kept once, as an entry, however many rows continue it; a row keeps its reply alone.
Both begin in column 0, so nothing moves when rows of other lengths come and go. Knows tensors and
lengths; knows no attention.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

# Columns come in multiples of this many floats, the widest vector of a CPU: sums over a row then
# meet the same partial sums whatever the batch's longest row is, and so give the same bits.
COLUMN_STEP = 16


class Store:
    """One layer's keys or values, [slots, heads, columns, size], without a gap between rows.

    Without gaps since the matrix library needs 10 ms for 72 pairs' products with keys of 48 columns
    in a step, and 25 where each row has room for 64 (float32, 30 layers of 3 heads of 64). Growing
    by ``COLUMN_STEP`` copies all of them, 1 ms a step. Columns without content are 0: a masked
    column has weight 0, and 0 times whatever memory held may be NaN.
    """

    def __init__(self) -> None:
        self.data = torch.empty(0, 0, 0, 0)

    def fit(self, slots: int, columns: int, like: Tensor, *, cleared: bool = True) -> None:
        """Have at least so many slots and exactly so many columns.

        Args:
            slots: first dimension, at least.
            columns: third dimension; what stands beyond it is dropped.
            like: [rows, heads, columns, size], for the other sizes and the type.
            cleared: whether columns without content are 0. Those that nobody reads before they
                are written need not be, and take no memory until then.
        """
        have = self.data
        if slots <= have.shape[0] and columns == have.shape[2]:
            return
        slots = max(slots, have.shape[0])
        self.data = like.new_empty(slots, like.shape[1], columns, like.shape[3])
        kept = min(columns, have.shape[2])
        if kept:
            self.data[: have.shape[0], :, :kept] = have[:, :, :kept]
        if cleared:
            self.data[have.shape[0] :, :, :kept] = 0
            self.data[:, :, kept:] = 0

    def move(self, to: Tensor, source: Tensor) -> None:
        """Copy slots ``source`` over slots ``to``, both [n] int64."""
        if self.data.numel():
            self.data[to.to(self.data.device)] = self.data[source.to(self.data.device)]

    def take(self, slots: Tensor) -> None:
        """Keep these slots in this order, [n] int64."""
        if self.data.numel():
            self.data = self.data[slots.to(self.data.device)]

    def append(self, other: "Store", mine: int, theirs: int) -> None:
        """Put another's first ``theirs`` slots behind the first ``mine`` of this one."""
        if self.data.numel():
            # Slots also for rows that have read nothing yet: they may be moved before they do.
            self.fit(mine + theirs, self.data.shape[2], self.data)
        # What ended rows left there may be NaN, which a weight of 0 does not silence.
        self.data[mine : mine + theirs] = 0
        if other.data.numel():
            columns = other.data.shape[2]
            self.fit(mine + theirs, max(columns, self.data.shape[2]), other.data)
            self.data[mine : mine + theirs, :, :columns] = other.data[:theirs]


@dataclass
class LayerStores:
    """One layer's keys and values of prompts and of replies."""

    prompt_keys: Store = field(default_factory=Store)
    prompt_values: Store = field(default_factory=Store)
    reply_keys: Store = field(default_factory=Store)
    reply_values: Store = field(default_factory=Store)

    @property
    def prompts(self) -> tuple[Store, Store]:
        """Keys and values of the prompts."""
        return self.prompt_keys, self.prompt_values

    @property
    def replies(self) -> tuple[Store, Store]:
        """Keys and values of the replies."""
        return self.reply_keys, self.reply_values


class RowCache:
    """All layers' stores, each where its layer is, and which prompt each row continues.

    Args:
        prompt_lengths: tokens of each prompt; there is one row per prompt at first.
        device: where the indices live.
    """

    def __init__(self, prompt_lengths: Sequence[int], device: torch.device) -> None:
        self.device = device
        self.layers: dict[int, LayerStores] = {}
        self.prompt_lengths = list(prompt_lengths)
        """Tokens of each prompt."""
        self.prompt_of = list(range(len(self.prompt_lengths)))
        """Which prompt each row continues."""
        self.continued = list(self.prompt_lengths)
        """Tokens of that prompt that it continues: all of them, or a beginning."""
        self.reply_lengths = [0] * len(self.prompt_lengths)
        """Tokens of the reply that each row has read."""
        self._prompt_columns = self._reply_columns = 0
        self.version = 0
        """Changes with the set of rows."""

    def __len__(self) -> int:
        return len(self.prompt_of)

    @property
    def lengths(self) -> list[int]:
        """Tokens that each row has read, prompt and reply together."""
        return [
            prompt + reply for prompt, reply in zip(self.continued, self.reply_lengths, strict=True)
        ]

    def layer(self, index: int) -> LayerStores:
        """Return one layer's stores, new ones at first use."""
        return self.layers.setdefault(index, LayerStores())

    @property
    def stores(self) -> list[Store]:
        """All layers' stores, prompts' and replies'."""
        return [
            store for layer in self.layers.values() for store in (*layer.prompts, *layer.replies)
        ]

    def bytes_per_token(self) -> Counter[torch.device]:
        """Memory that one token of one row takes on each device, over all layers, in bytes."""
        taken: Counter[torch.device] = Counter()
        for layer in self.layers.values():
            for data in (store.data for store in layer.prompts):
                taken[data.device] += data.shape[1] * data.shape[3] * data.element_size()
        return taken

    def fit_prompt_columns(self) -> int:
        """Return how many columns the prompts' stores should have now."""
        self._prompt_columns = _fitting(max(self.prompt_lengths), self._prompt_columns)
        return self._prompt_columns

    def fit_reply_columns(self) -> int:
        """Return how many columns the replies' stores should have now, for one more token each."""
        self._reply_columns = _fitting(max(self.reply_lengths) + 1, self._reply_columns)
        return self._reply_columns

    def select(self, rows: Sequence[int]) -> None:
        """Keep these rows in this order; a row may be repeated.

        Rows that keep their place cost nothing: let the last rows fill the places of those that
        end.
        """
        moves = [(to, source) for to, source in enumerate(rows) if to != source]
        replies = [store for layer in self.layers.values() for store in layer.replies]
        if len(rows) > len(self):
            index = self._index(rows)
            self._each(replies, lambda store: store.take(index))
        elif moves:
            to, source = (self._index(side) for side in zip(*moves, strict=True))
            self._each(replies, lambda store: store.move(to, source))
        self.prompt_of = [self.prompt_of[row] for row in rows]
        self.continued = [self.continued[row] for row in rows]
        self.reply_lengths = [self.reply_lengths[row] for row in rows]
        self._drop_unread_prompts()
        self.version += 1

    def branch(self, prompts: Sequence[int], lengths: Sequence[int]) -> None:
        """Let the rows be others, without a reply: each continues the beginning of a prompt.

        Args:
            prompts: which, for each row; all prompts stay.
            lengths: tokens of it, at least one, for each row.
        """
        self.prompt_of, self.continued = list(prompts), list(lengths)
        self.reply_lengths = [0] * len(self.prompt_of)
        self.version += 1

    def begin_with(self, opening: "RowCache") -> int:
        """Let every prompt begin with what another cache's prompts have read, taking turns.

        Args:
            opening: its prompts are of one length.

        Returns:
            That length, in tokens.
        """
        n_opening = len(opening.prompt_lengths)
        index = self._index([row % n_opening for row in range(len(self.prompt_lengths))])
        for number, layer in opening.layers.items():
            for store, read in zip(self.layer(number).prompts, layer.prompts, strict=True):
                store.data = read.data[index.to(read.data.device)]
        return opening.prompt_lengths[0]

    def join(self, other: "RowCache") -> None:
        """Append another cache's prompts and rows."""
        mine, prompts = len(self), len(self.prompt_lengths)
        for index, layer in other.layers.items():
            own = self.layer(index)
            for store, theirs in zip(own.prompts, layer.prompts, strict=True):
                store.append(theirs, prompts, len(other.prompt_lengths))
            for store, theirs in zip(own.replies, layer.replies, strict=True):
                store.append(theirs, mine, len(other))
        self._prompt_columns = max(self._prompt_columns, other._prompt_columns)
        self._reply_columns = max(self._reply_columns, other._reply_columns)
        self.prompt_lengths += other.prompt_lengths
        self.prompt_of += [prompts + prompt for prompt in other.prompt_of]
        self.continued += other.continued
        self.reply_lengths += other.reply_lengths
        self.version += 1

    def _drop_unread_prompts(self) -> None:
        """Let the last prompts fill the places of those that no row continues any more."""
        read = sorted(set(self.prompt_of))
        n = len(read)
        if n == len(self.prompt_lengths):
            return
        holes = sorted(set(range(n)) - set(read))
        moved = dict(zip(read[n - len(holes) :], holes, strict=True))
        if moved:
            to, source = self._index(list(moved.values())), self._index(list(moved))
            stores = [store for layer in self.layers.values() for store in layer.prompts]
            self._each(stores, lambda store: store.move(to, source))
        for source_prompt, place in moved.items():
            self.prompt_lengths[place] = self.prompt_lengths[source_prompt]
        del self.prompt_lengths[n:]
        self.prompt_of = [moved.get(prompt, prompt) for prompt in self.prompt_of]

    def _index(self, values: Sequence[int]) -> Tensor:
        return torch.tensor(values, dtype=torch.int64, device=self.device)

    @staticmethod
    def _each(stores: Sequence[Store], change: Callable[[Store], None]) -> None:
        for store in stores:
            change(store)


def _fitting(needed: int, have: int) -> int:
    """Return whole steps of columns that hold so many tokens.

    Once the longest has left, columns stay until a quarter can go: masked ones cost little, and
    letting them go is a copy.
    """
    columns = -(-needed // COLUMN_STEP) * COLUMN_STEP
    return have if 3 * have < 4 * columns and columns <= have else columns
