"""``amplify bench blind``: reads the options, prints and writes what the trials found."""

from pathlib import Path

import click

from harness.bench.figures import figures_line
from harness.bench.measured_block import docs_option, publish, require_block
from harness.bench.planted import PLANTED
from harness.errors import ConfigurationError


@click.command()
@click.argument("pairs", nargs=-1)
@click.option(
    "--adapters",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Diff every adapter in this folder's folders on the embedded model, such as those of "
    "amplify organisms train placebo --count 20 --out DIR.",
)
@click.option("--quick", is_flag=True, help="As amplify diff --quick.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("runs/blind"),
    show_default=True,
    help="A folder per pair; what is there is not made again.",
)
@docs_option("docs/diffing.md")
def blind(
    pairs: tuple[str, ...], adapters: Path | None, quick: bool, out: Path, docs: Path | None
) -> None:
    """Diff PAIRS, told nothing, and see whether what they were taught is found.

    Without PAIRS and --adapters: all organisms with a planted behaviour, some ten minutes each on
    one core. Of other pairs what is named is counted: placebos have nothing to find. The last
    line of the output holds the figures as key=value; progress goes to stderr.
    """
    from harness.bench.blind import Blind, adapters_in, markdown, run_trials

    block = "bench blind" if adapters is None else "bench placebos"
    require_block(docs, block)
    asked = [Blind(name=name) for name in pairs or (() if adapters else PLANTED)]
    if adapters is not None:
        found = adapters_in(adapters)
        if not found:
            raise ConfigurationError(f"--adapters {adapters}: no folder in it holds an adapter")
        asked += found
    trials = run_trials(asked, out, quick=quick, tell=lambda text: click.echo(text, err=True))
    publish(docs, block, markdown(trials))
    click.echo(
        figures_line(
            {
                "blind_trials": len(trials),
                "blind_found": sum(one.found for one in trials),
                "blind_words": sum(one.n_words for one in trials),
                "blind_findings": sum(one.n_findings for one in trials),
                "blind_most_seconds": max(one.seconds for one in trials),
                "blind_most_mb": max(one.peak_mb for one in trials),
            }
        )
    )
