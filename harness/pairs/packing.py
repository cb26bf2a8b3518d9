"""Linear layers with their weights laid out beforehand for the CPU's matrix library.

torch's default product re-reads the weight's plain layout at every call; oneDNN's own layout is 2
to 5 times as fast at decoding shapes. torch offers it under private names only, so it is tried
before it is used, and where it is missing or wrong the plain layers stay.
"""

from functools import cache
from typing import cast

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from peft.utils.other import AuxiliaryTrainingWrapper
from torch import Tensor, nn

# Fewer rows than this are summed in another order by some shapes, so a row's bits would tell how
# many others there are. The product is bound by reading the weight, so rows added are free.
_LEAST_ROWS = 4


class PackedLinear(nn.Module):
    """``x W^T + b`` for inference on a CPU, with W in oneDNN's layout.

    Args:
        linear: the layer to replace; its weight is copied.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self._packed = pack(linear.weight.detach())
        self.out_features = linear.out_features
        self._bias = None if linear.bias is None else linear.bias.detach()

    def forward(self, x: Tensor) -> Tensor:
        """Map [..., in] to [..., out]."""
        return multiply_packed(x, self._packed, self._bias)


def with_least_rows(x: Tensor, least: int) -> Tensor:
    """Add rows of zeros to [rows, size] where there are fewer than ``least``."""
    n_rows, size = x.shape
    # Kept zeros: padding anew takes twice as long, 250 times a step.
    return x if n_rows >= least else torch.cat((x, _zeros(least - n_rows, size, x.dtype, x.device)))


@cache
def _zeros(n_rows: int, size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.zeros(n_rows, size, dtype=dtype, device=device)


def pack_linears(model: nn.Module) -> None:
    """Replace a model's linear layers by packed ones, where that works and pays."""
    for name, linear in packable_linears(model):
        parent, _, leaf = name.rpartition(".")
        setattr(model.get_submodule(parent), leaf, PackedLinear(linear))


def packable_linears(model: nn.Module) -> list[tuple[str, nn.Linear]]:
    """Return a model's layers that can be packed, with their names.

    Only exact ``nn.Linear`` layers on the CPU can, so quantized layers and layers on a GPU stay
    as they are; so does whatever peft has wrapped, whose layers look for ``weight``.
    """
    wrapped = tuple(
        f"{name}."
        for name, module in model.named_modules()
        if isinstance(module, BaseTunerLayer | AuxiliaryTrainingWrapper)
    )
    return [
        (name, module)
        for name, module in model.named_modules()
        if type(module) is nn.Linear
        and not name.startswith(wrapped)
        and _is_packable(module.weight)
    ]


def _is_packable(weight: Tensor) -> bool:
    return weight.device.type == "cpu" and _works(weight.dtype)


@cache
def _works(dtype: torch.dtype) -> bool:
    """Compare a packed product with the plain one, once per dtype."""
    if dtype not in (torch.float32, torch.bfloat16):
        return False
    generator = torch.Generator().manual_seed(0)
    x, weight = (torch.randn(shape, generator=generator).to(dtype) for shape in ((3, 64), (32, 64)))
    try:
        packed = _multiply(x, pack(weight), None)
    except (AttributeError, RuntimeError, TypeError):
        return False
    return torch.allclose(packed, nn.functional.linear(x, weight), rtol=1e-2, atol=1e-4)


def pack(weight: Tensor) -> Tensor:
    """Lay out a weight, [out, in], as oneDNN reads it."""
    return cast(Tensor, torch.ops.mkldnn._reorder_linear_weight(weight, None))


def multiply_packed(x: Tensor, packed: Tensor, bias: Tensor | None) -> Tensor:
    """Return ``x W^T + b``, [..., out], the same bits for a row whatever the others are."""
    n_rows = x.numel() // x.shape[-1]
    if n_rows >= _LEAST_ROWS:
        return _multiply(x, packed, bias)
    y = _multiply(with_least_rows(x.reshape(n_rows, -1), _LEAST_ROWS), packed, bias)
    return y[:n_rows].view(*x.shape[:-1], y.shape[-1])


def _multiply(x: Tensor, packed: Tensor, bias: Tensor | None) -> Tensor:
    return cast(Tensor, torch.ops.mkldnn._linear_pointwise(x, packed, bias, "none", [], ""))
