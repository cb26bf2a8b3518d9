"""RMS norms in one call instead of the six operations that models spell out.

A step of one row is many small calls. Which norms are the same is tried: no architecture is named.

Source: Zhang & Sennrich 2019, "Root Mean Square Layer Normalization".
"""

from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from harness.decoding.compiled import as_array, on_threads
from harness.pairs.row_kernels import norm_rows

# How far a compiled norm may be from a model's own, relative: what the order of a sum changes in
# float32, and a last bit in bfloat16.
_TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 2**-7}


class CompiledRMSNorm(nn.Module):
    """``weight * x / sqrt(mean(x^2) + eps)`` on a CPU, row by row.

    In bfloat16 it is computed in float32 and rounded before the weight and after it.

    Args:
        weight: [size].
        eps: added to the mean square.
    """

    def __init__(self, weight: nn.Parameter, eps: float) -> None:
        super().__init__()
        self.weight = weight
        self._eps = np.float32(eps)

    def forward(self, x: Tensor) -> Tensor:
        """Norm each row, [..., size]."""
        x = x.contiguous()
        out = torch.empty_like(x)
        size = x.shape[-1]
        rows, into = (as_array(states.view(-1, size)) for states in (x, out))
        on_threads(norm_rows, rows, as_array(self.weight.detach()), self._eps, into)
        return out


def fuse_norms(model: nn.Module) -> None:
    """Replace a model's RMS norms by compiled ones that round as finely.

    Args:
        model: changed in place, for inference; its weights are shared.
    """
    for name, norm in list(model.named_modules()):
        fused = _fused(norm)
        if fused is not None:
            parent, _, leaf = name.rpartition(".")
            setattr(model.get_submodule(parent), leaf, fused)


def _fused(norm: nn.Module) -> CompiledRMSNorm | None:
    """Return a norm with the same weight, or None where the norm is another function."""
    eps = getattr(norm, "variance_epsilon", getattr(norm, "eps", None))
    weights = dict(norm.named_parameters())
    if list(weights) != ["weight"] or not isinstance(eps, float):
        return None
    weight = weights["weight"]
    plain = weight.dim() == 1 and weight.device.type == "cpu" and weight.dtype in _TOLERANCE
    if not plain or type(norm) is CompiledRMSNorm:
        return None
    fused = CompiledRMSNorm(weight, eps)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, 1, len(weight), generator=generator).to(weight.dtype)
    with torch.inference_mode():
        # Small ones tell where eps is added.
        same = all(_is_same(cast(Any, norm)(tried), fused(tried)) for tried in (x, 1e-3 * x))
    return fused if same else None


def _is_same(one: Tensor, other: Tensor) -> bool:
    tolerance = _TOLERANCE[one.dtype]
    return one.dtype == other.dtype and torch.allclose(one, other, rtol=tolerance, atol=1e-7)
