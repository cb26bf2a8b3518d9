"""``amplify bench diff``: reads the options, prints and writes what was measured."""

from pathlib import Path

import click

from harness.bench.figures import figures_line
from harness.bench.report import with_block, write_document

BLOCK = "bench diff"


@click.command()
@click.argument("pair", default="refuser")
@click.option("--prompts", type=click.IntRange(min=2), default=48, show_default=True)
@click.option(
    "--tokens", type=click.IntRange(min=1), default=48, show_default=True, help="A reply."
)
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--threads", type=int, help="Threads of torch. [default: as the environment says]")
@click.option(
    "--docs",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Replace the measured block of this document, such as docs/diffing.md.",
)
def diff(
    pair: str, prompts: int, tokens: int, rounds: int, threads: int | None, docs: Path | None
) -> None:
    """Time the scan of PAIR beside two plain forward passes, and take its memory.

    Memory is taken with ten times the corpus as well. The last line of the output holds the
    figures as key=value; progress goes to stderr.
    """
    if docs is not None:  # before minutes are spent
        with_block(docs.read_text(encoding="utf-8"), "", docs, BLOCK)
    import torch

    from harness.bench.diff import measure_diff

    if threads is not None:
        torch.set_num_threads(threads)
    found = measure_diff(pair, prompts, tokens, rounds, lambda text: click.echo(text, err=True))
    block = found.markdown()
    click.echo(block)
    if docs is not None:
        text = docs.read_text(encoding="utf-8")
        write_document(docs, with_block(text, block, docs, BLOCK))
    click.echo(figures_line(found.figures))
