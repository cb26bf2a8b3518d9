"""``amplify bench``: options are read here, and what was measured is printed and written.

Imports nothing heavy, so that ``--help`` answers at once.
"""

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.bench.analysis_command import analysis
from harness.bench.blind_command import blind
from harness.bench.diff_command import diff, ranking
from harness.bench.figures import SHORT_NAMES, figures_line
from harness.bench.measured_block import docs_option, publish, require_block, write_document
from harness.bench.plan import ALL_ROWS, QUICK_ROWS, BenchPlan
from harness.bench.rate_command import rate
from harness.bench.regression_command import regression
from harness.bench.report import markdown as decode_markdown
from harness.bench.scorers_command import claims, nonsense, scorers, scoring
from harness.errors import ConfigurationError

if TYPE_CHECKING:
    from harness.bench.decode import Measured


_DECODE_BLOCK = "bench decode"


@click.group()
def bench() -> None:
    """Measure how fast the engine is, and how often the scorers are right."""


for command in (
    *(scorers, nonsense, claims, scoring),
    *(diff, ranking, blind, analysis, rate, regression),
):
    bench.add_command(command)


def _rows(ctx: click.Context, param: click.Parameter, text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ConfigurationError(f"--rows '{text}'; write for instance 1,6,18,72") from None


@bench.command()
@click.option(
    "--quick",
    is_flag=True,
    help="Under five minutes on one core, in one dtype: 1, 6 and 72 rows, one run of the slow "
    "methods and two of the engine, with traces and without; no guidance processor.",
)
@click.option(
    "--dtype",
    type=click.Choice([*SHORT_NAMES, "both"]),
    default="float32",
    show_default=True,
    help="Of weights and caches.",
)
@click.option("--rows", callback=_rows, help="Numbers of rows. [default: 1,6,18,72]")
@click.option("--tokens", default=64, show_default=True, help="New tokens per row.")
@click.option("--rounds", type=int, help="Runs of each method. [default: 3; with --quick 1]")
@click.option("--threads", type=int, help="Threads of torch. [default: as the environment says]")
@click.option("--device", default="cpu", show_default=True, help="cpu, or a GPU such as cuda:0.")
@click.option(
    "--merged",
    is_flag=True,
    help="Merge the adapter into the weights that the loops and plain sampling read.",
)
@click.option(
    "--seed-sweep",
    is_flag=True,
    help="Time 24 prompts x 6 strengths x 3 runs as well, up to 128 tokens, with their ends.",
)
@click.option(
    "--json",
    "json_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write every run and every figure to this file.",
)
@docs_option("docs/performance.md")
def decode(  # noqa: PLR0913  # one argument per option
    quick: bool,
    dtype: str,
    rows: tuple[int, ...] | None,
    tokens: int,
    rounds: int | None,
    threads: int | None,
    device: str,
    merged: bool,
    seed_sweep: bool,
    json_path: Path | None,
    docs: Path | None,
) -> None:
    """Time the engine on the embedded pair beside naive loops and plain sampling.

    All methods decode the same rows in one process, taking turns. The last line of the output
    holds the figures as key=value; progress goes to stderr.
    """
    plan = BenchPlan(
        dtypes=tuple(SHORT_NAMES) if dtype == "both" else (dtype,),
        rows=rows or (QUICK_ROWS if quick else ALL_ROWS),
        n_tokens=tokens,
        rounds=rounds if rounds is not None else 1 if quick else 3,
        quick=quick,
        threads=threads,
        device=device,
        merged=merged,
        seed_sweep=seed_sweep,
    )
    require_block(docs, _DECODE_BLOCK)
    from harness.bench.decode import run_bench

    measured = run_bench(plan, lambda text: click.echo(text, err=True))
    publish(docs, _DECODE_BLOCK, decode_markdown(measured.figures, facts(measured)))
    if json_path is not None:
        write_document(json_path, json.dumps(as_json(measured), indent=1) + "\n")
    click.echo(figures_line(measured.figures))


@bench.command()
@click.argument("pair", default="refuser")
@click.option("--dtype", type=click.Choice(list(SHORT_NAMES)), default="float32", show_default=True)
@click.option("--device", default="auto", show_default=True, help="A torch device.")
@click.option(
    "--rollouts", type=click.IntRange(min=8), default=36, show_default=True, help="Requests."
)
@click.option("--threads", type=int, help="Threads of torch. [default: as the environment says]")
def flips(pair: str, dtype: str, device: str, rollouts: int, threads: int | None) -> None:
    """Count the tokens and bits that the batch changes in rollouts of PAIR.

    The same requests are decoded all together, alone, in small groups and in other orders. A
    rollout that depends on nothing but its request gives 0 everywhere.
    """
    import torch

    from harness.bench.flips import measure_flips

    if threads is not None:
        torch.set_num_threads(threads)
    found = measure_flips(
        pair, {"dtype": dtype, "device": device}, rollouts, lambda text: click.echo(text, err=True)
    )
    click.echo(f"{pair}, {dtype}, {torch.get_num_threads()} threads: {found.sentence()}")


def facts(measured: "Measured") -> Sequence[str]:
    """Return how it was measured, in sentences."""
    import torch

    plan, lengths = measured.plan, sorted({*measured.prompt_tokens})
    between = " to ".join(dict.fromkeys((str(lengths[0]), str(lengths[-1]))))
    rounds = f"medians of {plan.rounds}" if plan.rounds > 1 else "one run each"
    place = f"{platform.machine()} ({torch.backends.cpu.get_cpu_capability()})"
    if plan.device != "cpu":
        place = torch.cuda.get_device_name(plan.device)
    told = [
        f"Measured on {place} with "
        f"torch {torch.__version__}, threads: {measured.threads}, cores that they got on "
        f"average: {measured.figures['cores_used']:.2f}.",
        f"{plan.n_tokens} new tokens a row, {rounds}, taking turns; prompts of {between} tokens.",
    ]
    if plan.merged:
        told.append("The adapter is merged into the weights that the loops and `generate` read.")
    if plan.quick:
        told.append(
            "A quick bench: the guidance processor is left out, and the engine, with traces and "
            f"without, is the median of {plan.all_rounds}."
        )
    return told


def as_json(measured: "Measured") -> dict[str, object]:
    """Return every run and every figure."""
    return {
        "plan": asdict(measured.plan),
        "threads": measured.threads,
        "facts": list(facts(measured)),
        "figures": dict(measured.figures),
        "runs": [{**asdict(run), "cell": run.cell._asdict()} for run in measured.runs],
    }
