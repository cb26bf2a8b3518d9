"""The key-value cache of a batch whose rows come and go, as transformers' models want it.

Rows are padded on the left, so that every row's latest token stands in the last column.
"""

from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin

# Columns added when a cache is full. transformers' own dynamic layer copies the whole cache for
# every token; room for 64 more makes that one copy in 64.
_GROWTH = 64


class RoomyLayer(CacheLayerMixin):
    """One layer's keys and values, [rows, heads, columns, head_dim], with room to grow in place."""

    is_sliding = False

    def __init__(self, **_: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # transformers leaves it unannotated
        self._length = 0
        self._keys = self._values = torch.empty(0)

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Take dtype, device and shapes from the first states."""
        self._keys, self._values = key_states[:, :, :0], value_states[:, :, :0]
        self.is_initialized = True

    def update(
        self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor]:
        """Append the columns of one forward pass and return all of them."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        end = self._length + key_states.shape[-2]
        if end > self._keys.shape[-2]:
            # A whole prompt fits exactly; growth is for what follows it.
            room = end - self._keys.shape[-2] + (_GROWTH if self._length else 0)
            self._keys = F.pad(self._keys, (0, 0, 0, room))
            self._values = F.pad(self._values, (0, 0, 0, room))
        self._keys[:, :, self._length : end] = key_states
        self._values[:, :, self._length : end] = value_states
        self._length = end
        return self._keys[:, :, :end], self._values[:, :, :end]

    def get_seq_length(self) -> int:
        """Return the number of columns in use."""
        return self._length

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Return the columns that a mask must cover after the next pass, and their offset."""
        return self._length + query_length, 0

    def get_max_length(self) -> int:
        """Say that there is no bound."""
        return -1

    def select(self, rows: Tensor) -> None:
        """Keep these rows in this order, [n] int64."""
        self._keys, self._values = self._keys[rows], self._values[rows]

    def join(self, other: "RoomyLayer") -> None:
        """Append another layer's rows, both moved to the right so that their ends meet."""
        length = max(self._length, other._length)
        self._keys = torch.cat([_right_aligned(x._keys, x._length, length) for x in (self, other)])
        self._values = torch.cat(
            [_right_aligned(x._values, x._length, length) for x in (self, other)]
        )
        self._length = length


class RowCache:
    """What the rows of one forward pass have read: all layers' caches, and which columns count."""

    def __init__(self, mask: Tensor) -> None:
        self.layers = Cache(layer_class_to_replicate=RoomyLayer)
        self.mask = mask
        """1 where a column holds a token of its row, 0 for padding, [rows, columns], int64."""

    def extend_mask(self) -> None:
        """Add the column of one further token in every row."""
        self.mask = F.pad(self.mask, (0, 1), value=1)

    def positions(self) -> Tensor:
        """Each column's position in its row, [rows, columns], int64; padding counts as 0."""
        return (self.mask.cumsum(-1) - 1).clamp(min=0)

    def select(self, rows: Tensor) -> None:
        """Keep these rows in this order, [n] int64."""
        self.mask = self.mask[rows]
        for layer in self._roomy_layers():
            layer.select(rows)

    def join(self, other: "RowCache") -> None:
        """Append another cache's rows."""
        columns = max(self.mask.shape[1], other.mask.shape[1])
        self.mask = torch.cat(
            [F.pad(mask, (columns - mask.shape[1], 0)) for mask in (self.mask, other.mask)]
        )
        for mine, theirs in zip(self._roomy_layers(), other._roomy_layers(), strict=True):
            mine.join(theirs)

    def _roomy_layers(self) -> list[RoomyLayer]:
        return cast("list[RoomyLayer]", self.layers.layers)


def _right_aligned(states: Tensor, used: int, length: int) -> Tensor:
    return F.pad(states[:, :, :used], (0, 0, length - used, 0))
