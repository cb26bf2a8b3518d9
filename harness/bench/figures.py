"""From runs that were timed to figures with stable names; computes, measures nothing.

A name is ``what_dtype_rows``, such as ``engine_fp32_72``. Rates are tokens of amplified text per
second; plain ``generate`` amplifies nothing, and its tokens are the target's own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal, NamedTuple, get_args

Method = Literal[
    "single",
    "loop",
    "cfg",
    "generate",
    "engine",
    "engine_untraced",
    "engine_unrecorded",
    "grid",
]
"""The loop over single rows, the batched loop, the guidance processor in ``generate``, plain
``generate`` of the target, the engine, the engine without traces, the engine whose steps are no
graphs, and the engine that traces a grid of strengths as well."""

METHODS: tuple[Method, ...] = get_args(Method)

SHORT_NAMES = {"float32": "fp32", "bfloat16": "bf16"}
"""How a dtype is called in a figure's name."""

Figures = Mapping[str, float]


class Cell(NamedTuple):
    """What is compared: runs of one cell are repeats of each other."""

    method: Method
    dtype: str
    """``float32`` or ``bfloat16``."""
    rows: int

    @property
    def name(self) -> str:
        """Of its rate among the figures."""
        return f"{self.method}_{self.suffix}"

    @property
    def suffix(self) -> str:
        """What every figure of this dtype and number of rows ends with."""
        return f"{SHORT_NAMES[self.dtype]}_{self.rows}"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One timed run."""

    cell: Cell
    n_tokens: int
    """New tokens, of all rows together."""
    wall_s: float
    cpu_s: float
    """Time that the process computed, all of its threads together."""
    peak_mb: float
    """Growth of memory while it ran, in 1e6 bytes: of the resident set, or of a GPU's."""
    prefill_s: float | None = None
    """Reading the prompts; only the engine tells it apart."""
    step_s: float | None = None
    """Mean time of the steps that sample and read on; only the engine tells it."""


# Which rate is divided by which: (over, by, under).
_RATIOS: tuple[tuple[Method, str, Method], ...] = (
    ("engine", "engine_over_loop", "loop"),
    ("engine", "engine_over_cfg", "cfg"),
    ("engine", "engine_over_generate", "generate"),
    ("engine", "engine_over_unrecorded", "engine_unrecorded"),
    ("grid", "grid_over_engine", "engine"),
)

# What measuring costs, beside the engine that measures nothing.
_COSTS: dict[str, Method] = {"trace_cost_pct": "engine", "grid_cost_pct": "grid"}


def decode_figures(runs: Sequence[Run]) -> dict[str, float]:
    """Return medians over repeats, and ratios of these medians.

    A rate is ``new tokens / median(wall time)``. Beside the rates: ``METHOD_mb_...``, the largest
    growth of memory; ``prefill_s_...`` and ``steady_...`` of the engine, the latter in tokens per
    second; ``engine_over_METHOD_...``; ``trace_cost_pct_...`` and ``grid_cost_pct_...``, the time
    that traces add, and traces with a grid, in percent of the time without either; and
    ``engine_bf16_over_fp32_ROWS``. The loop over single rows is timed on one row;
    ``engine_over_single_DTYPE_ROWS`` takes its rate as that of any number of rows, since it reads
    them one after the other.
    """
    repeats: dict[Cell, list[Run]] = {}
    for run in runs:
        repeats.setdefault(run.cell, []).append(run)
    rates = {cell: _rate(of_cell) for cell, of_cell in repeats.items()}
    figures = {cell.name: rate for cell, rate in rates.items()}
    for cell, of_cell in repeats.items():
        if cell.method == "engine":
            figures |= _apart(cell, of_cell)
    figures |= dict(_ratios(rates)) | dict(_costs(rates))
    figures |= {
        f"{cell.method}_mb_{cell.suffix}": max(run.peak_mb for run in of_cell)
        for cell, of_cell in repeats.items()
    }
    figures["cores_used"] = sum(run.cpu_s for run in runs) / sum(run.wall_s for run in runs)
    return figures


def _rate(repeats: Sequence[Run]) -> float:
    (n_tokens,) = {run.n_tokens for run in repeats}
    return n_tokens / median(run.wall_s for run in repeats)


def _apart(cell: Cell, repeats: Sequence[Run]) -> dict[str, float]:
    prefills = [run.prefill_s for run in repeats if run.prefill_s is not None]
    steps = [run.step_s for run in repeats if run.step_s is not None]
    return {
        f"prefill_s_{cell.suffix}": median(prefills),
        f"steady_{cell.suffix}": cell.rows / median(steps),
    }


def _ratios(rates: Mapping[Cell, float]) -> Iterator[tuple[str, float]]:
    for over, name, under in _RATIOS:
        for cell, rate in rates.items():
            other = rates.get(cell._replace(method=under))
            if cell.method == over and other is not None:
                yield f"{name}_{cell.suffix}", rate / other
    singles = {cell.dtype: rate for cell, rate in rates.items() if cell.method == "single"}
    for cell, rate in rates.items():
        if cell.method != "engine":
            continue
        if cell.dtype in singles:
            yield f"engine_over_single_{cell.suffix}", rate / singles[cell.dtype]
        full = rates.get(cell._replace(dtype="float32"))
        if cell.dtype == "bfloat16" and full is not None:
            yield f"engine_bf16_over_fp32_{cell.rows}", rate / full


def _costs(rates: Mapping[Cell, float]) -> Iterator[tuple[str, float]]:
    for name, method in _COSTS.items():
        for cell, rate in rates.items():
            other = rates.get(cell._replace(method=method))
            if cell.method == "engine_untraced" and other is not None:
                yield f"{name}_{cell.suffix}", 100 * (rate / other - 1)


def rows_of(figures: Figures, dtype: str) -> list[int]:
    """Return at which numbers of rows the engine was measured."""
    start = f"engine_{SHORT_NAMES[dtype]}_"
    return sorted(int(name.removeprefix(start)) for name in figures if _is_count(name, start))


def _is_count(name: str, start: str) -> bool:
    return name.startswith(start) and name.removeprefix(start).isdecimal()


def dtypes_of(figures: Figures) -> list[str]:
    """Return the dtypes that were measured."""
    return [dtype for dtype in SHORT_NAMES if rows_of(figures, dtype)]


def figures_line(figures: Figures) -> str:
    """Write figures as ``key=value``, four significant digits each, parted by blanks."""
    return " ".join(f"{name}={number(value)}" for name, value in figures.items())


def read_line(line: str) -> dict[str, float]:
    """Read what ``figures_line`` wrote."""
    return {name: float(value) for name, value in (part.split("=") for part in line.split())}


def number(value: float) -> str:
    """Write a figure with four significant digits, without an exponent."""
    digits = max(0, 3 - _exponent(value))
    return f"{value:.{digits}f}"


def _exponent(value: float) -> int:
    return int(f"{abs(value):e}".partition("e")[2])
