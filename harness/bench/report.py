"""From a bench's figures to tables in markdown; computes nothing."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from harness.bench.figures import SHORT_NAMES, Figures, dtypes_of, number, rows_of

_LABELS = {
    "loop": "two-model batched loop",
    "cfg": "guidance processor in `generate`",
    "generate": "plain `generate` of the target alone",
    "engine": "**engine, all traces**",
    "engine_untraced": "engine without traces",
    "engine_unrecorded": "engine, one operation at a time",
    "grid": "engine, and a grid of 16 strengths",
}


class _Line(NamedTuple):
    """One line of a table: a figure at each number of rows."""

    label: str
    figure: str
    """Its name, up to the dtype."""


_TABLES: dict[str, tuple[_Line, ...]] = {
    "tokens per second at rows": tuple(_Line(label, method) for method, label in _LABELS.items()),
    "times as fast at rows": (
        _Line("engine as the loop over single rows", "engine_over_single"),
        _Line("engine as the two-model batched loop", "engine_over_loop"),
        _Line("engine as the guidance processor", "engine_over_cfg"),
        _Line("engine as plain `generate` of the target", "engine_over_generate"),
        _Line("engine as one operation at a time", "engine_over_unrecorded"),
        _Line("engine with the grid as without", "grid_over_engine"),
    ),
    "% of the time without traces, at rows": (
        _Line("all traces add", "trace_cost_pct"),
        _Line("all traces and a grid of 16 strengths add", "grid_cost_pct"),
    ),
    "the engine's parts at rows": (
        _Line("reading the prompts, s", "prefill_s"),
        _Line("steps alone, tokens/s", "steady"),
        _Line("limit of a step, tokens/s", "limit"),
        _Line("share of the limit", "share"),
        _Line("a step's products, plain, GFLOP/s", "gemm_plain"),
        _Line("a step's products, packed, GFLOP/s", "gemm_packed"),
    ),
    "MB that it adds while it runs, at rows": tuple(
        _Line(label, f"{method}_mb") for method, label in _LABELS.items()
    ),
}


def markdown(figures: Figures, facts: Sequence[str]) -> str:
    """Return one paragraph of facts and the tables of each dtype.

    Args:
        figures: under the names of ``decode_figures`` and ``Machine.figures``.
        facts: sentences on how they were measured.
    """
    parts = [" ".join(facts)]
    for dtype in dtypes_of(figures):
        name, rows = SHORT_NAMES[dtype], rows_of(figures, dtype)
        parts.append(f"### {name}")
        parts.append(
            f"Loop over single rows: {number(figures[f'single_{name}_1'])} tokens/s. Fastest "
            f"product: {number(figures[f'gemm_peak_{name}'])} GFLOP/s. Memory: "
            f"{number(figures['bandwidth_gb_s'])} GB/s."
        )
        for title, lines in _TABLES.items():
            names = [(line.label, [f"{line.figure}_{name}_{n}" for n in rows]) for line in lines]
            parts.append(_table(title, rows, names, figures))
        if f"seed_sweep_engine_{name}" in figures:
            parts.append(_seed_sweep(figures, name))
    both = rows_of(figures, "bfloat16")
    if any(f"engine_bf16_over_fp32_{n}" in figures for n in both):
        names = [("engine in bf16 as in fp32", [f"engine_bf16_over_fp32_{n}" for n in both])]
        parts.append(_table("times as fast at rows", both, names, figures))
    return "\n\n".join(parts) + "\n"


def _seed_sweep(figures: Figures, name: str) -> str:
    found = {
        figure: number(figures[f"seed_sweep_{figure}_{name}"])
        for figure in ("tokens", "s", "engine", "rows", "single", "engine_over_single")
    }
    return (
        f"Seed sweep, {figures[f'seed_sweep_rollouts_{name}']:.0f} rollouts: {found['tokens']} "
        f"tokens in {found['s']} s, {found['engine']} tokens/s at {found['rows']} rows a step; "
        f"loop over single rows, on a sample: {found['single']} tokens/s. The engine is "
        f"{found['engine_over_single']} times as fast."
    )


def _table(
    title: str, rows: Sequence[int], lines: Sequence[tuple[str, list[str]]], figures: Figures
) -> str:
    """Write a table; a line that was not measured at any number of rows is left out."""

    def texts() -> Iterator[str]:
        yield " | ".join([title, *map(str, rows)])
        yield " | ".join(["---"] * (len(rows) + 1))
        for label, names in lines:
            if any(name in figures for name in names):
                cells = [number(figures[name]) if name in figures else "" for name in names]
                yield " | ".join([label, *cells])

    return "\n".join(f"| {text} |" for text in texts())
