"""``amplify bench regression``: false alarms and power of the gate, as a table for its page."""

from pathlib import Path

import click

from harness.bench.measured_block import docs_option, publish, require_block

BLOCK = "bench regression"
MARGIN = 0.05


@click.command()
@click.option("--models", default=1000, show_default=True, type=click.IntRange(min=20))
@click.option("--seed", default=0, show_default=True, help="Of the simulation.")
@docs_option("docs/regression.md")
def regression(models: int, seed: int, docs: Path | None) -> None:
    """Simulate models to see how often `amplify check` errs, beside naive thresholds.

    Takes some minutes of one core.
    """
    require_block(docs, BLOCK)
    block = _measure(models, seed)
    publish(docs, BLOCK, block)


def _measure(models: int, seed: int) -> str:
    from harness.bench.regression import World, alarms, anywhere, peeking, power
    from harness.bench.regression_report import report

    kinds = {f"{n} prompts": anywhere(n, n, World(n_prompts=n)) for n in (20, 50, 100)}
    kinds["20 to 100 prompts, 4 rollouts each"] = anywhere(20, 100, World(n_prompts=20, epochs=4))
    return report(
        models,
        tuple(kinds),
        alarms(list(kinds.values()), MARGIN, models, seed),
        peeking(World(n_prompts=100), MARGIN, models, seed),
        [power(m, e, max(20, models // 2), seed) for m in (0.05, 0.1) for e in (1, 4)],
    )
