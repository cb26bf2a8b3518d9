"""Linear layers that read the same input, as one packed product, their LoRA deltas included.

A block's queries, keys and values are three small products over one input; together they are one
larger one, and the adapters' down projections are a few further columns of it. Which layers belong
together is seen by watching one pass, so no architecture is named here.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, NamedTuple, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from harness.decoding.compiled import as_array, on_threads
from harness.pairs.packing import multiply_packed, pack, packable_linears
from harness.pairs.row_kernels import add_low_rank
from harness.pairs.sides import SideName, Sides
from harness.pairs.split_linear import Delta, SplitLinear

# Columns of a product come in multiples of a cache line, so that every row begins on one.
_COLUMN_STEP = 16

# In bfloat16 the library's products are as fast as loops from this rank of a layer on.
_MOST_RANK = 8

_SIDES: tuple[SideName, ...] = ("target", "baseline")


class _Blocks(NamedTuple):
    """The same weight without what is zero in it, for loops over it."""

    weights: NDArray[np.float32]
    """``scaling * B`` of one layer behind the other, [rank, outputs] each, in one row."""
    places: NDArray[np.int64]
    """As ``add_low_rank`` takes them."""


class _Up(NamedTuple):
    """What one side's adapters add to a product."""

    side: SideName
    inner: slice
    """The columns that hold ``A x``."""
    weight: Tensor
    """``scaling * B`` of all layers, block by block, [rank of all, outputs of all]."""
    blocks: _Blocks
    rank: int
    """The largest of a layer."""


class JointProduct:
    """``x W^T + b`` of several layers at once, and each side's ``scaling * B A x`` on its rows.

    Args:
        layers: plain or with adapters, in the order in which they are called; their weights can
            be packed.
    """

    def __init__(self, layers: Sequence[nn.Linear | SplitLinear]) -> None:
        bases = [_base(layer) for layer in layers]
        self.sizes = [base.out_features for base in bases]
        self._n_out = sum(self.sizes)
        self._ups, downs = _adapters(layers, self.sizes)
        self._sides: Sides | None = next(
            (layer.sides for layer in layers if isinstance(layer, SplitLinear)), None
        )
        weight = torch.cat([*(base.weight.detach() for base in bases), *downs])
        weight = F.pad(weight, (0, 0, 0, -len(weight) % _COLUMN_STEP))
        self._packed = pack(weight)
        self._bias = _biases(bases, len(weight))
        self._input: Tensor | None = None
        self._parts: list[Tensor | None] = []

    @property
    def adapted(self) -> bool:
        """Whether an adapter acts in it."""
        return bool(self._ups)

    def part(self, index: int, x: Tensor) -> Tensor:
        """Return one layer's outputs, [..., out]; computed with the others' at the first call.

        Args:
            index: of the layer.
            x: [..., in]; it must not be changed between the calls of the layers.
        """
        if self._input is not x or self._parts[index] is None:
            parts = self._compute(x)[..., : self._n_out].split(self.sizes, -1)
            self._input, self._parts = x, list(parts)
        found = self._parts[index]
        assert found is not None
        self._parts[index] = None
        if not any(part is not None for part in self._parts):
            self._input = None
        return found

    def _compute(self, x: Tensor) -> Tensor:
        y = multiply_packed(x, self._packed, self._bias)
        if self._sides is not None:
            for up in self._ups:
                if y.dtype == torch.float32 or up.rank <= _MOST_RANK:
                    self._add_by_loops(y, up, self._sides)
                else:
                    self._add_by_products(y, up, self._sides)
        return y

    def _add_by_loops(self, y: Tensor, up: _Up, sides: Sides) -> None:
        """Add ``scaling * B`` times the inner columns in place, row by row."""
        states = y.view(-1, y.shape[-1])
        places = sides.places(up.side, states.shape[0])
        if places is not None:
            on_threads(add_low_rank, as_array(states), *places, up.blocks.weights, up.blocks.places)

    def _add_by_products(self, y: Tensor, up: _Up, sides: Sides) -> None:
        """Do the same by the library, whose bits were the same at 1 to 144 rows in bfloat16."""
        rows = sides.rows(up.side, y)
        if rows is None:
            return
        out, inner = rows[..., : self._n_out], rows[..., up.inner]
        if rows.shape[1] > 1:
            out.baddbmm_(inner, up.weight.expand(rows.shape[0], -1, -1))
        else:
            out.squeeze(1).addmm_(inner.squeeze(1), up.weight)


class JointLinear(nn.Module):
    """One layer's part of a joint product.

    Args:
        product: which computes it together with others.
        index: of the layer among them.
    """

    def __init__(self, product: JointProduct, index: int) -> None:
        super().__init__()
        self.product = product
        self._index = index
        self.out_features = product.sizes[index]

    def forward(self, x: Tensor) -> Tensor:
        """Map [..., in] to [..., out]."""
        return self.product.part(self._index, x)


def join_linears(model: nn.Module, read: Callable[[], object]) -> None:
    """Replace layers that read the same input by parts of one product, where that can be packed.

    Layers with adapters are replaced even when they stand alone.

    Args:
        model: changed in place.
        read: lets the model read something, so that it is seen which layers belong together.
    """
    for names in _reading_together(model, read):
        layers = [cast(nn.Linear | SplitLinear, model.get_submodule(name)) for name in names]
        if len(layers) > 1 or isinstance(layers[0], SplitLinear):
            set_product(model, names, JointProduct(layers))


def set_product(model: nn.Module, names: Sequence[str], product: JointProduct) -> None:
    """Put the parts of a product where a model has these layers."""
    for index, name in enumerate(names):
        parent, _, leaf = name.rpartition(".")
        setattr(model.get_submodule(parent), leaf, JointLinear(product, index))


def joint_products(model: nn.Module) -> dict[tuple[str, ...], JointProduct]:
    """Return a model's joint products by the names of their layers."""
    names: dict[JointProduct, list[str]] = {}
    for name, module in model.named_modules():
        if isinstance(module, JointLinear):
            names.setdefault(module.product, []).append(name)
    return {tuple(layers): product for product, layers in names.items()}


def _reading_together(model: nn.Module, read: Callable[[], object]) -> list[list[str]]:
    """Names of the layers that are given the very same tensor in a row, each called once."""
    calls: list[tuple[str, Tensor]] = []
    handles = [
        module.register_forward_pre_hook(_recorder(name, calls))
        for name, module in _candidates(model).items()
    ]
    if not handles:
        return []
    try:
        read()
    finally:
        for handle in handles:
            handle.remove()
    times = Counter(name for name, _ in calls)
    together = groupby(calls, key=lambda call: id(call[1]))
    groups = ([name for name, _ in group if times[name] == 1] for _, group in together)
    return [group for group in groups if group]


def _recorder(name: str, calls: list[tuple[str, Tensor]]) -> Any:
    def record(module: nn.Module, arguments: tuple[Any, ...]) -> None:
        if arguments:
            calls.append((name, arguments[0]))

    return record


def _candidates(model: nn.Module) -> dict[str, nn.Module]:
    """Layers that can be packed, by name; those inside of split layers stand as the split ones."""
    split = {
        f"{name}.base": (name, module)
        for name, module in model.named_modules()
        if isinstance(module, SplitLinear)
    }
    return dict(split.get(name, (name, linear)) for name, linear in packable_linears(model))


def _base(layer: nn.Linear | SplitLinear) -> nn.Linear:
    return cast(nn.Linear, layer.base) if isinstance(layer, SplitLinear) else layer


def _adapters(
    layers: Sequence[nn.Linear | SplitLinear], sizes: Sequence[int]
) -> tuple[list[_Up], list[Tensor]]:
    """Each side's up projections as one, and the down projections in the columns' order."""
    ups: list[_Up] = []
    downs: list[Tensor] = []
    column = sum(sizes)
    for side in _SIDES:
        deltas = [layer.delta(side) if isinstance(layer, SplitLinear) else None for layer in layers]
        ranks = [0 if delta is None else delta.rank for delta in deltas]
        if not any(ranks):
            continue
        found = next(delta for delta in deltas if delta is not None)
        weight = found.up.new_zeros(sum(ranks), sum(sizes))
        blocks = zip(weight.split(ranks), deltas, strict=True)
        for index, (rows, delta) in enumerate(blocks):
            if delta is not None:
                rows.split(list(sizes), -1)[index].copy_(delta.up)
                downs.append(delta.down)
        inner = slice(column, column + sum(ranks))
        ups.append(_Up(side, inner, weight, _blocks(deltas, sizes, column), max(ranks)))
        column += sum(ranks)
    return ups, downs


def _blocks(deltas: Sequence[Delta | None], sizes: Sequence[int], column: int) -> _Blocks:
    """Lay one side's up projections out; their inner columns begin at a column."""
    weights, places = [], []
    start = at = 0
    for delta, size in zip(deltas, sizes, strict=True):
        if delta is not None:
            weights.append(delta.up.float().flatten())
            places.append((start, start + size, column, column + delta.rank, at))
            column, at = column + delta.rank, at + delta.rank * size
        start += size
    return _Blocks(torch.cat(weights).numpy(), np.array(places, dtype=np.int64))


def _biases(bases: Sequence[nn.Linear], n_columns: int) -> Tensor | None:
    """All biases side by side, zero where a layer or an adapter's column has none."""
    if all(base.bias is None for base in bases):
        return None
    biases = [
        base.weight.new_zeros(base.out_features) if base.bias is None else base.bias.detach()
        for base in bases
    ]
    bias = torch.cat(biases)
    return F.pad(bias, (0, n_columns - len(bias)))
