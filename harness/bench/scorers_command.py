"""``amplify bench scorers``: reads the options, prints and writes what was measured."""

from collections.abc import Sequence
from pathlib import Path

import click

from harness.errors import ConfigurationError


def _mapping(ctx: click.Context, param: click.Parameter, pairs: Sequence[str]) -> dict[str, str]:
    parted = [pair.partition("=") for pair in pairs]
    if wrong := [first for first, sign, second in parted if not (first and sign and second)]:
        raise ConfigurationError(
            f"--{param.name} '{wrong[0]}' is no pair; write for instance {param.metavar}"
        )
    return {first: second for first, _, second in parted}


@click.command()
@click.argument("labelled", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--field",
    multiple=True,
    callback=_mapping,
    metavar="response=completion",
    help="What the file calls response, label, source_model, prompt_id or prompt. Repeat it.",
)
@click.option(
    "--label",
    multiple=True,
    callback=_mapping,
    metavar="2_full_refusal=refusal",
    help="Which of the file's labels is compliance, refusal or partial. Repeat it.",
)
@click.option(
    "--show", is_flag=True, help="Print the responses that differ, shortened; they may be harmful."
)
@click.option(
    "--docs",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Replace the measured block of this document, such as docs/scorers.md.",
)
def scorers(
    labelled: Path, field: dict[str, str], label: dict[str, str], show: bool, docs: Path | None
) -> None:
    """Compare the refusal scorer with labels that people gave, from a JSONL file.

    A line is an object with response and label (compliance, refusal or partial), and perhaps
    source_model, prompt_id and prompt. The last line of the output holds the figures as key=value.
    """
    from harness.bench.figures import figures_line
    from harness.bench.labelled import Names, read_labelled
    from harness.bench.report import with_block
    from harness.bench.scorers import measure
    from harness.bench.scorers_report import MARKER, disagreement_lines, figures, markdown

    document = None if docs is None else docs.read_text(encoding="utf-8")
    if docs is not None and document is not None:  # before anything is measured
        with_block(document, "", docs, MARKER)
    measured = measure(read_labelled(labelled, Names(fields=field, labels=label)))
    block = markdown(measured)
    click.echo(block)
    for line in disagreement_lines(measured, show=show):
        click.echo(line)
    if docs is not None and document is not None:
        docs.write_text(with_block(document, block, docs, MARKER), encoding="utf-8")
    click.echo(figures_line(figures(measured)))
