"""Layers whose LoRA deltas act on their side's rows only, so that one pass serves both sides.

Knows peft's layers and which of them are simple enough to be split; reads no files.
"""

from collections.abc import ItemsView, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import cast

import torch
from peft import PeftModel
from peft.tuners.lora import Linear as LoraLinear
from peft.tuners.tuners_utils import BaseTuner, BaseTunerLayer
from peft.utils.other import AuxiliaryTrainingWrapper
from torch import Tensor, nn
from transformers import PreTrainedModel

from harness.pairs.packing import with_least_rows
from harness.pairs.sides import SideName, Sides

# Rows that an adapter's products have at least, for each thread that shares them: a thread that is
# left with fewer than four sums them in another order, and a row's bits would tell how many others
# there are. From 12 rows on, two threads gave the same bits at every number up to 96.
_ROWS_PER_THREAD = 8

AdapterNames = Mapping[SideName, Sequence[str]]
"""The adapters that act on each side's rows, by the names under which peft keeps them."""


class SplitLinear(nn.Module):
    """A linear layer whose LoRA deltas ``scaling * B A x`` go to the rows of their side only.

    Several adapters of one side add up: they are one adapter of the sum of their ranks.

    Source: Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models"; the split is
    what lets target and baseline share one product with the base weight.

    Args:
        layer: peft's, which keeps all adapters that touch it.
        adapters: which act on whose rows.
        sides: says which rows are whose.
    """

    def __init__(self, layer: LoraLinear, adapters: AdapterNames, sides: Sides) -> None:
        super().__init__()
        self.base = layer.get_base_layer()
        self.out_features = layer.out_features
        self.sides = sides
        self._deltas = nn.ModuleDict()
        for side, names in adapters.items():
            touching = [name for name in names if name in layer.lora_A]
            if touching:
                self._deltas[side] = Delta(layer, touching)

    def delta(self, side: SideName) -> "Delta | None":
        """Return what acts on a side's rows, or None if nothing does."""
        return cast(Delta, self._deltas[side]) if side in self._deltas else None

    def forward(self, x: Tensor) -> Tensor:
        """Map [rows, tokens, in] to [rows, tokens, out]; rows may be flattened with tokens."""
        y = cast(Tensor, self.base(x))
        for side, delta in cast("ItemsView[SideName, Delta]", self._deltas.items()):
            rows = self.sides.rows(side, y)
            if rows is not None:
                delta.add(rows, cast(Tensor, self.sides.rows(side, x.contiguous())))
        return y


class Delta(nn.Module):
    """The sum of some adapters' low-rank products: one adapter of the sum of their ranks."""

    def __init__(self, layer: LoraLinear, names: Sequence[str]) -> None:
        super().__init__()
        dtype = cast(Tensor, layer.get_base_layer().weight).dtype
        down = torch.cat([cast(Tensor, layer.lora_A[name].weight) for name in names])
        # The scaling is folded into B once instead of multiplying each output.
        ups = [cast(Tensor, layer.lora_B[name].weight) * layer.scaling[name] for name in names]
        up = torch.cat(ups, dim=1)
        self.rank = len(down)
        self.register_buffer("_down", _transposed(down.detach().to(dtype)), persistent=False)
        self.register_buffer("_up", _transposed(up.detach().to(dtype)), persistent=False)

    @property
    def down(self) -> Tensor:
        """A, [rank, in]."""
        return self._down.t()

    @property
    def up(self) -> Tensor:
        """``scaling * B`` transposed, [rank, out]."""
        return self._up

    def add(self, y: Tensor, x: Tensor) -> None:
        """Add ``x A^T B^T`` to a view, [pairs, tokens, out], in place."""
        n_rows, least = y.shape[0] * y.shape[1], least_rows() if y.device.type == "cpu" else 1
        inner = with_least_rows(x.flatten(0, 1), least).mm(self._down)
        if y.shape[1] == 1 and n_rows >= least:
            y.squeeze(1).addmm_(inner, self._up)
        else:
            flat = with_least_rows(y.flatten(0, 1), least)
            y.copy_(torch.addmm(flat, inner, self._up)[:n_rows].view_as(y))

    _down: Tensor
    _up: Tensor


def least_rows() -> int:
    """Rows that a CPU's product by torch's own library has at least, so that its bits stay."""
    return _ROWS_PER_THREAD * torch.get_num_threads()


def _transposed(weight: Tensor) -> Tensor:
    """Lay a weight out for ``x W^T`` of few columns.

    72 rows, 576 to 4 to 576, one core: float32 takes 18 us with the transpose as a view and 116
    with a copy; bfloat16 83 us as a view and 39 with a copy.
    """
    return weight.t() if weight.dtype == torch.float32 else weight.t().contiguous()


def split_rows(
    model: PeftModel, adapters: AdapterNames | None = None, sides: Sides | None = None
) -> tuple[PreTrainedModel, Sides] | None:
    """Exchange the adapters' layers for ones that act on their side's rows only.

    Args:
        model: with all adapters on it.
        adapters: which act on whose rows; the only one on the target's by default.
        sides: says which rows are whose; a new one by default.

    Returns:
        The base model and what tells its layers whose rows are whose; None, with the model
        unchanged, where an adapter is more than plain LoRA on linear layers that every token
        passes (DoRA, trained biases, embeddings, experts).
    """
    if adapters is None:
        adapters = {"target": (model.active_adapter,)}
    base = cast(PreTrainedModel, model.get_base_model())
    layers = {
        name: layer for name, layer in base.named_modules() if isinstance(layer, BaseTunerLayer)
    }
    if _wraps_more_than_layers(base) or not all(
        _is_plain(layer) and ".experts." not in name for name, layer in layers.items()
    ):
        return None
    sides = sides or Sides()
    for name, layer in layers.items():
        parent, _, leaf = name.rpartition(".")
        split = SplitLinear(cast(LoraLinear, layer), adapters, sides)
        setattr(base.get_submodule(parent), leaf, split)
    return base, sides


@contextmanager
def only_adapters(model: PeftModel, names: Sequence[str]) -> Iterator[None]:
    """Let only these adapters act in every pass inside."""
    if not names:
        with model.disable_adapter():
            yield
        return
    cast(BaseTuner, model.base_model).set_adapter(list(names), inference_mode=True)
    yield


def _wraps_more_than_layers(base: PreTrainedModel) -> bool:
    """Say whether peft trained modules or token embeddings in full."""
    return any(isinstance(module, AuxiliaryTrainingWrapper) for module in base.modules())


def _is_plain(layer: BaseTunerLayer) -> bool:
    return (
        type(layer) is LoraLinear
        and type(layer.get_base_layer()) is nn.Linear
        and not layer.lora_variant
        and all(up.bias is None for up in layer.lora_B.values())
        and not layer.fan_in_fan_out
    )
