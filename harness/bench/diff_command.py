"""``amplify bench diff`` and ``ranking``: read options, print and write what was measured."""

from pathlib import Path

import click

from harness.bench.figures import figures_line
from harness.bench.measured_block import docs_option, publish, require_block

BLOCK = "bench diff"
RANKING = "bench ranking"


@click.command()
@click.argument("pair", default="refuser")
@click.option("--prompts", type=click.IntRange(min=2), default=48, show_default=True)
@click.option(
    "--tokens", type=click.IntRange(min=1), default=48, show_default=True, help="A reply."
)
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--threads", type=int, help="Threads of torch. [default: as the environment says]")
@docs_option("docs/diffing.md")
def diff(
    pair: str, prompts: int, tokens: int, rounds: int, threads: int | None, docs: Path | None
) -> None:
    """Time the scan of PAIR beside two plain forward passes, and take its memory.

    Memory is taken with ten times the corpus as well. The last line of the output holds the
    figures as key=value; progress goes to stderr.
    """
    require_block(docs, BLOCK)
    import torch

    from harness.bench.diff import measure_diff

    if threads is not None:
        torch.set_num_threads(threads)
    found = measure_diff(pair, prompts, tokens, rounds, lambda text: click.echo(text, err=True))
    publish(docs, BLOCK, found.markdown())
    click.echo(figures_line(found.figures))


@click.command()
@click.argument("pair", default="refuser")
@click.option("--prompts", type=click.IntRange(min=2), default=1000, show_default=True)
@click.option(
    "--tokens", type=click.IntRange(min=1), default=100, show_default=True, help="A reply."
)
@docs_option("docs/diffing.md")
def ranking(pair: str, prompts: int, tokens: int, docs: Path | None) -> None:
    """Hold the scan's ranking of tokens against a plain computation in float64.

    100,000 tokens take the reference about an hour of one core. The last line of the output holds
    the figures as key=value; progress goes to stderr.
    """
    require_block(docs, RANKING)
    from rich.console import Console
    from rich.progress import Progress

    from harness.bench.ranking import measure_ranking

    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task("Reading replies in float64", total=prompts)
        found = measure_ranking(pair, prompts, tokens, lambda n: progress.advance(bar, n))
    publish(docs, RANKING, found.markdown())
    click.echo(figures_line(found.figures))
