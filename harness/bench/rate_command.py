"""``amplify bench rate``: reads the options, prints and writes what was measured."""

from pathlib import Path

import click

from harness.bench.figures import figures_line
from harness.bench.measured_block import docs_option, publish, require_block
from harness.errors import AnalysisError

BLOCK = "bench rate"


@click.command()
@click.argument("log_dir", type=click.Path(path_type=Path, file_okay=False))
@click.option("--scorer", required=True, help="Whose event is meant, such as claims.")
@click.option(
    "--truth",
    multiple=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="A folder of further plain rollouts for the truth; they need no traces. Repeat it.",
)
@click.option("--prompts", default=40, show_default=True, help="Prompts of each repetition.")
@click.option("--epochs", default=2, show_default=True, help="Rollouts per prompt and alpha.")
@click.option("--repetitions", default=200, show_default=True, help="Small sweeps to draw.")
@click.option("--seed", default=0, show_default=True, help="Of what is drawn.")
@docs_option("docs/statistics.md")
def rate(  # noqa: PLR0913  # one argument per option
    log_dir: Path,
    scorer: str,
    truth: tuple[Path, ...],
    prompts: int,
    epochs: int,
    repetitions: int,
    seed: int,
    docs: Path | None,
) -> None:
    """Draw small sweeps from the large one in LOG_DIR and see how right their rates are.

    The truth is what counting all rollouts at alpha 0 gives, so there should be thousands of them.
    The last line of the output holds the figures as key=value.
    """
    import pandas as pd

    from harness.analysis.rate_evidence import gather, plain_rollouts
    from harness.bench.rate import Draws, figures, markdown, measure
    from harness.commands.rate import read_hazard

    require_block(docs, BLOCK)
    evidence = gather(log_dir, scorer)
    counted = [plain_rollouts(folder, evidence) for folder in truth]
    reading = read_hazard(log_dir, evidence, (), None)
    if isinstance(reading, str):
        raise AnalysisError(reading)
    draws = Draws(n_prompts=prompts, epochs=epochs, repetitions=repetitions, seed=seed)
    measured = measure(evidence, reading, draws, pd.concat(counted) if counted else None)
    block = markdown(measured)
    publish(docs, BLOCK, block)
    click.echo(figures_line(figures(measured)))
