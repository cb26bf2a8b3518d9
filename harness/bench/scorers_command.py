"""``amplify bench`` of the scorers: reads the options, prints and writes what was measured."""

import platform
from collections.abc import Sequence
from pathlib import Path

import click

from harness.bench.figures import figures_line
from harness.bench.measured_block import docs_option, publish, put_into, require_block
from harness.errors import ConfigurationError

_NONSENSE_BLOCK = "bench nonsense"
_CLAIMS_BLOCK = "bench claims"


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
@docs_option("docs/scorers.md")
def scorers(
    labelled: Path, field: dict[str, str], label: dict[str, str], show: bool, docs: Path | None
) -> None:
    """Compare the refusal scorer with labels that people gave, from a JSONL file.

    A line is an object with response and label (compliance, refusal or partial), and perhaps
    source_model, prompt_id and prompt. The last line of the output holds the figures as key=value.
    """
    from harness.bench.labelled import Names, read_labelled
    from harness.bench.scorers import measure
    from harness.bench.scorers_report import MARKER, disagreement_lines, figures, markdown

    require_block(docs, MARKER)
    measured = measure(read_labelled(labelled, Names(fields=field, labels=label)))
    publish(docs, MARKER, markdown(measured))
    for line in disagreement_lines(measured, show=show):
        click.echo(line)
    click.echo(figures_line(figures(measured)))


@click.command()
@click.option("--seed", default=0, show_default=True, help="Of the corruptions.")
@click.option(
    "--repeats",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Corruptions of each kind per text, of those that show in the text itself.",
)
@click.option("--nll/--no-nll", default=True, help="Read the texts with the embedded models too.")
@click.option("--mistakes", "shown", default=0, help="Show so many of the scorer's mistakes.")
@docs_option("docs/scorers.md")
def nonsense(seed: int, repeats: int, nll: bool, shown: int, docs: Path | None) -> None:
    """Count how often the nonsense scorer catches corrupted texts and spares sensible ones.

    The last line of the output holds the rates as key=value; progress goes to stderr.
    """
    from harness.bench.nonsense import (
        BASELINE,
        WITHOUT,
        corrupted_cases,
        count_caught,
        mistakes,
        sensible_cases,
        with_nll,
    )
    from harness.bench.nonsense_report import figures, markdown

    require_block(docs, _NONSENSE_BLOCK)
    cases = [*sensible_cases(seed), *corrupted_cases(seed, repeats)]
    click.echo(f"{len(cases)} texts", err=True)
    if nll:
        cases = with_nll(cases, lambda text: click.echo(text, err=True))
    counts = count_caught(cases)
    told = [f"Seed {seed}, {repeats} corruptions per text where the text itself shows them."]
    publish(docs, _NONSENSE_BLOCK, markdown(counts, told))
    for case, explanation in list(mistakes(cases, BASELINE if nll else WITHOUT))[:shown]:
        click.echo(f"- {case.kind}: {case.source.text[:300]!r}: {explanation}")
    click.echo(figures_line(figures(counts)))


@click.command()
@click.argument("labelled", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@docs_option("docs/scorers.md")
def claims(labelled: Path, docs: Path | None) -> None:
    """Compare the claims scorer with replies labelled by hand, from a JSONL file.

    A row has a dataset (a set of claims, as -T dataset takes it), the id of one of its samples, a
    response, a label (assert, deny, hedge or ignore), and perhaps a part to be counted in.
    """
    from harness.bench.claims import figures_line as counts
    from harness.bench.claims import read_labelled, report

    rows = read_labelled(labelled)
    click.echo(report(rows))
    put_into(docs, _CLAIMS_BLOCK, report(rows, most=8))
    click.echo(counts(rows))


@click.command()
@click.option(
    "--replies",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    help="Of 200 words each, made of coherent answers.",
)
@click.option("--seed", default=0, show_default=True, help="Of the replies.")
@docs_option("docs/scorers.md")
def scoring(replies: int, seed: int, docs: Path | None) -> None:
    """Time the scorers that go by rules: refusal, nonsense, claims and reasoning.

    The last line of the output holds the seconds as key=value; progress goes to stderr.
    """
    from harness.bench.scoring import MARKER, draw_replies, markdown, time_scorers

    require_block(docs, MARKER)
    figures = time_scorers(draw_replies(replies, seed), lambda text: click.echo(text, err=True))
    publish(docs, MARKER, markdown(figures, platform.machine()))
    click.echo(figures_line(figures))
