"""``amplify rate``: how often a behaviour really happens at alpha 0."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.errors import ConfigurationError

if TYPE_CHECKING:
    from harness.analysis.rate_evidence import Evidence
    from harness.analysis.true_rate import MarkerReading


@click.command()
@click.argument("log_dir", type=click.Path(path_type=Path, file_okay=False))
@click.option("--scorer", required=True, help="Whose event is meant, such as refusal or claims.")
@click.option(
    "--category",
    "categories",
    multiple=True,
    help="Count prompts of this category only; may be repeated. [default: all, but for benign ones "
    "beside others]",
)
@click.option(
    "--marker",
    "markers",
    multiple=True,
    metavar="TEXT",
    help="What the behaviour begins with; may be repeated. [default: found in the amplified "
    "rollouts, where the scorer says what decided]",
)
@click.option(
    "--pair",
    help="The pair that drew the rollouts, where the logs' name for it is not found here.",
)
@click.option("--no-hazard", is_flag=True, help="Load no weights, so leave out that estimate.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def rate(  # noqa: PLR0913  # one argument per option
    log_dir: Path,
    scorer: str,
    categories: tuple[str, ...],
    markers: tuple[str, ...],
    pair: str | None,
    no_hazard: bool,
    as_json: bool,
) -> None:
    """Estimate how often the behaviour that SCORER sees happens at alpha 0.

    Three estimates stand side by side: counting, the whole sweep weighed down to alpha 0, and the
    hazard, which asks the target how likely the behaviour's first token was along every plain
    rollout. What can't be trusted is withheld, with the reason.
    """
    from rich.console import Console

    from harness.analysis.rate_evidence import gather
    from harness.analysis.true_rate import true_rate
    from harness.reporting.rate import rate_json, rate_sentences, rate_table

    if no_hazard and (markers or pair):
        raise ConfigurationError("--marker and --pair have no effect with --no-hazard")
    evidence = gather(log_dir, scorer, categories)
    reading: MarkerReading | str = "not asked for (--no-hazard)"
    if not no_hazard:
        reading = read_hazard(log_dir, evidence, markers, pair)
    result = true_rate(evidence, reading)
    if as_json:
        click.echo(rate_json(result))
        return
    console = Console(highlight=False)
    console.print(rate_table(result))
    for line in rate_sentences(result):
        console.print(line, markup=False, soft_wrap=True)


def read_hazard(
    log_dir: Path, evidence: "Evidence", words: tuple[str, ...], name: str | None
) -> "MarkerReading | str":
    """Load the pair of the logs and ask its target about the behaviour's first token.

    Args:
        log_dir: where the evidence is from.
        evidence: of one scorer.
        words: what the behaviour begins with; without any it is found in the amplified rollouts.
        name: of the pair, where it is not the logs'.

    Returns:
        The reading; or why there is none.
    """
    from rich.console import Console
    from rich.progress import Progress

    from harness.marker_reading import find_marker, name_marker, read_marker
    from harness.pairs.loading import load_pair
    from harness.pairs.spec import PAIR_ARGUMENTS, resolve_pair

    marker = None if words else find_marker(evidence)
    if isinstance(marker, str):
        return marker
    spelled = {k: v for k, v in evidence.model_args.items() if k in PAIR_ARGUMENTS}
    spec = resolve_pair(name) if name else resolve_pair(evidence.pair, spelled)
    loaded = load_pair(spec)
    if marker is None:
        marker = name_marker(evidence, loaded, words)
    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task("Reading plain rollouts", total=1.0)
        return read_marker(
            log_dir, evidence, loaded, marker, lambda share: progress.advance(bar, share)
        )
