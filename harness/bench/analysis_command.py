"""``amplify bench analysis``: reads the options, prints and writes what was measured."""

import platform
from pathlib import Path

import click

from harness.bench.figures import figures_line
from harness.bench.report import with_block, write_document


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
@click.option(
    "--docs",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Replace the measured block of this document, such as docs/performance.md.",
)
def analysis(rollouts: int, tokens: int, folder: Path | None, docs: Path | None) -> None:
    """Time the analysis of a large run that was never sampled.

    Writing 100,000 rollouts takes a quarter of an hour and 3 GB of disk, once. The last line of
    the output holds the figures as key=value; progress goes to stderr.
    """
    from harness.bench.analysis import MARKER, markdown, measure_analysis
    from harness.bench.synthetic_run import Size

    if docs is not None:  # before minutes are spent
        with_block(docs.read_text(encoding="utf-8"), "", docs, MARKER)
    where = folder or Path("runs") / "bench-analysis" / f"{rollouts}x{tokens}"
    size = Size(rollouts=rollouts, tokens=tokens)
    figures = measure_analysis(where, size, lambda text: click.echo(text, err=True))
    block = markdown(figures, platform.machine())
    click.echo(block)
    if docs is not None:
        write_document(docs, with_block(docs.read_text(encoding="utf-8"), block, docs, MARKER))
    click.echo(figures_line(figures))
