"""``amplify bench analysis``: reads the options, prints and writes what was measured."""

import platform
from pathlib import Path

import click

from harness.bench.figures import figures_line
from harness.bench.measured_block import docs_option, publish, require_block


@click.command()
@click.option(
    "--rollouts",
    type=click.IntRange(min=100),
    default=100_000,
    show_default=True,
    help="Of five alphas together, each prompt twenty times at each.",
)
@click.option(
    "--tokens",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    help="Of each rollout's trace.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the synthetic run is kept, so that it is written once. [default: "
    "runs/bench-analysis/ROLLOUTSxTOKENS]",
)
@docs_option("docs/performance.md")
def analysis(rollouts: int, tokens: int, folder: Path | None, docs: Path | None) -> None:
    """Time the analysis of a large run that was never sampled.

    Writing 100,000 rollouts takes a quarter of an hour and 3 GB of disk, once. The last line of
    the output holds the figures as key=value; progress goes to stderr.
    """
    from harness.bench.analysis import MARKER, markdown, measure_analysis
    from harness.bench.synthetic_run import Size

    require_block(docs, MARKER)
    where = folder or Path("runs") / "bench-analysis" / f"{rollouts}x{tokens}"
    size = Size(rollouts=rollouts, tokens=tokens)
    figures = measure_analysis(where, size, lambda text: click.echo(text, err=True))
    block = markdown(figures, platform.machine())
    publish(docs, MARKER, block)
    click.echo(figures_line(figures))
