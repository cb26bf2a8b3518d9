"""``amplify score``: how much the responses of other providers' logs surprise a pair."""

from functools import partial
from pathlib import Path

import click
from rich.console import Console

from harness.commands.arguments import assignments


@click.command()
@click.argument("logs", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--pair", required=True, help="A preset, a pair file, or a label for -M's models.")
@click.option(
    "-M",
    "model_args",
    multiple=True,
    metavar="KEY=VALUE",
    callback=assignments,
    help="How the pair is spelled or loaded: target, baseline, adapter, dtype, device, ...",
)
def score(logs: tuple[Path, ...], pair: str, model_args: dict[str, object]) -> None:
    """Add to LOGS of other providers how much their responses surprise PAIR.

    Each response gets target_nll and baseline_nll, mean nats per token, and nonsense is judged
    again with them. Responses stay as they are, and a log is replaced in one step.
    """
    from rich.progress import Progress

    from harness.pairs.loading import load_pair
    from harness.pairs.spec import PAIR_ARGUMENTS, resolve_pair
    from harness.pairs.spelling import refuse_unknown
    from harness.rescoring import find_log_files, read_unscored_log, rescore_log

    refuse_unknown("-M", model_args, PAIR_ARGUMENTS)
    spec = resolve_pair(pair, model_args)
    files = find_log_files(logs)
    for file in files:  # before the weights are loaded
        read_unscored_log(file)
    loaded = load_pair(spec)
    with Progress(console=Console(stderr=True)) as progress:
        for file in files:
            log = read_unscored_log(file)
            bar = progress.add_task(file.name, total=len(log.samples or []))
            found = rescore_log(file, log, loaded, partial(progress.advance, bar))
            click.echo(
                f"{file}: target_nll {found.target_nll_nats:.2f} nats per token over "
                f"{found.n_scored} responses, {found.n_unscored} without; nonsense "
                f"{found.n_nonsense} of {found.n_scored + found.n_unscored}"
            )
