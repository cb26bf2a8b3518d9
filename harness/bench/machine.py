"""What a CPU or GPU could do: its measured peak and bandwidth, and what a decoding step needs."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import nn

from harness.bench.figures import SHORT_NAMES
from harness.bench.reference_loops import Asked
from harness.pairs.packing import pack_linears

# 256 MB of float32: more than any cache that a CPU has.
_LARGE = 1 << 26

# The best of so many repeats: the peak is what nothing disturbed.
_REPEATS = 5


class Shape(NamedTuple):
    """Of a linear layer."""

    n_in: int
    n_out: int


@dataclass(frozen=True, kw_only=True)
class ModelSize:
    """What a model's decoding multiplies and reads."""

    linears: Mapping[Shape, int]
    """How many linear layers have each shape, the output projection among them."""
    cache_floats: int
    """Numbers in keys and values of one token, all layers together."""

    @classmethod
    def of(cls, model: Any) -> "ModelSize":
        """Read the sizes off a transformers model that has no adapter."""
        linears = Counter(
            Shape(module.in_features, module.out_features)
            for module in model.modules()
            if type(module) is nn.Linear
        )
        config = model.config
        size = config.num_key_value_heads * config.head_dim
        return cls(linears=linears, cache_floats=2 * config.num_hidden_layers * size)

    @property
    def parameters(self) -> int:
        """In linear layers."""
        return sum(count * shape.n_in * shape.n_out for shape, count in self.linears.items())


class StepCost(NamedTuple):
    """The least that one step of n pairs takes."""

    flops: float
    bytes: float


def step_cost(size: ModelSize, asked: Asked, itemsize: int) -> StepCost:
    """Count one step's work, half-way through the replies.

    ``flops = 2 n x 2 x parameters`` of the linear layers: n pairs are 2 n rows, and a row
    multiplies and adds each parameter once. ``bytes``: the weights once for all rows; keys and
    values of each distinct prompt once per side, and of each row's reply. Left out, as too small
    or not needed by every method: attention's own products, the adapter, sampling and traces.

    Args:
        size: of the model.
        asked: the rows.
        itemsize: bytes of one weight, and of one number in the cache.
    """
    n = len(asked.prompts)
    prompt_tokens = sum(len(ids) for ids in set(asked.prompts))
    cached = 2 * (prompt_tokens + n * asked.n_tokens / 2) * size.cache_floats
    return StepCost(2 * n * 2 * size.parameters, itemsize * (size.parameters + cached))


class Gemm(NamedTuple):
    """The model's linear layers on so many rows, one pass through all of them."""

    dtype: str
    n_rows: int
    plain_flops: float
    """Per second, by torch's own linear layer."""
    packed_flops: float
    """Per second, with the weights laid out beforehand; the plain rate where that doesn't work."""
    best_flops: float
    """Per second, of the fastest single layer of either kind."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What was measured of this machine, with the threads that torch uses."""

    bandwidth: float
    """Bytes per second."""
    gemms: Sequence[Gemm]

    def peak(self, dtype: str) -> float:
        """FLOPs per second of the fastest product at any number of rows that was tried."""
        return max(gemm.best_flops for gemm in self.gemms if gemm.dtype == dtype)

    def limit_s(self, cost: StepCost, dtype: str) -> float:
        """Least time of a step: ``max(FLOPs / peak, bytes / bandwidth)``."""
        return max(cost.flops / self.peak(dtype), cost.bytes / self.bandwidth)

    def figures(self) -> dict[str, float]:
        """Return GFLOP/s and GB/s under stable names; ``gemm_..._ROWS`` counts pairs."""
        figures = {"bandwidth_gb_s": self.bandwidth / 1e9}
        for gemm in self.gemms:
            name = SHORT_NAMES[gemm.dtype]
            figures[f"gemm_plain_{name}_{gemm.n_rows // 2}"] = gemm.plain_flops / 1e9
            figures[f"gemm_packed_{name}_{gemm.n_rows // 2}"] = gemm.packed_flops / 1e9
            figures[f"gemm_peak_{name}"] = self.peak(gemm.dtype) / 1e9
        return figures


@torch.inference_mode()
def measure_machine(
    size: ModelSize, dtypes: Sequence[str], pairs: Sequence[int], device: torch.device
) -> Machine:
    """Measure bandwidth, and the products of a step for each dtype and number of pairs."""
    return Machine(
        bandwidth=_bandwidth(device),
        gemms=[_gemm(size, dtype, 2 * n, device) for dtype in dtypes for n in pairs],
    )


def _bandwidth(device: torch.device) -> float:
    """Return the better of a large copy, read and written, and a large maximum, read only."""
    source = torch.ones(_LARGE, device=device)
    goal = torch.empty_like(source)
    size = source.numel() * source.itemsize
    copied, read = (_best_s(work, device) for work in (lambda: goal.copy_(source), source.amax))
    return max(2 * size / copied, size / read)


def _gemm(size: ModelSize, dtype: str, n_rows: int, device: torch.device) -> Gemm:
    timed = list(_timed(size, getattr(torch, dtype), n_rows, device))
    flops = 2.0 * n_rows * size.parameters
    totals = [sum(count * times[kind] for count, _, times in timed) for kind in (0, 1)]
    best = max(2 * n_rows * shape.n_in * shape.n_out / min(times) for _, shape, times in timed)
    return Gemm(dtype, n_rows, flops / totals[0], flops / totals[1], best)


def _timed(
    size: ModelSize, dtype: torch.dtype, n_rows: int, device: torch.device
) -> Iterator[tuple[int, Shape, tuple[float, float]]]:
    """Yield each shape with its count and the seconds of one plain and one packed product."""
    for shape, count in size.linears.items():
        x = torch.ones(n_rows, shape.n_in, dtype=dtype, device=device)
        layers = nn.Sequential(nn.Linear(*shape, bias=False, dtype=dtype, device=device))
        plain_s = _best_s(partial(layers, x), device)
        pack_linears(layers)
        yield count, shape, (plain_s, _best_s(partial(layers, x), device))


def _best_s(work: Callable[[], object], device: torch.device) -> float:
    """Return the shortest time of one call; several calls are timed together where one is short."""
    work()
    n_calls = max(1, int(0.005 / _seconds(work, 1, device)))
    return min(_seconds(work, n_calls, device) for _ in range(_REPEATS)) / n_calls


def _seconds(work: Callable[[], object], n_calls: int, device: torch.device) -> float:
    """Time calls; a GPU has been asked for all of them long before it is done."""
    on_gpu = device.type == "cuda"
    if on_gpu:
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    for _ in range(n_calls):
        work()
    if on_gpu:
        torch.cuda.synchronize(device)
    return time.perf_counter() - start
