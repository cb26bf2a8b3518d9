"""``amplify organisms``: trains and measures pairs whose answer is known."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click

from harness.errors import ConfigurationError
from harness.organisms.recipe import Recipe, read_recipe, variant_names
from harness.pairs.side import EMBEDDED, ORGANISM


@click.group()
def organisms() -> None:
    """Pairs trained to have a known behaviour, to test against."""


@organisms.command()
@click.argument("name")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the adapter goes. [default: into the organism's own folder]",
)
@click.option(
    "--count",
    type=click.IntRange(min=1),
    help="Train so many, with the seeds 1, 2, ..., each into a folder of --out by its seed.",
)
def train(name: str, out: Path | None, count: int | None) -> None:
    """Train organism NAME from its recipe; takes some minutes on two cores."""
    from rich.console import Console
    from rich.progress import Progress

    from harness.organisms.training import train_organism

    if count is not None and out is None:
        raise ConfigurationError("--count trains several adapters; give --out for their folders")
    recipe = read_recipe(name)
    for one, folder in _trained(recipe, out, count):
        with Progress(console=Console(stderr=True)) as progress:
            train_organism(one, folder, progress)
        click.echo(f"Adapter: {folder}")
    if out is None:
        click.echo(f"Measure it and write its card: amplify organisms card {name}")


def _trained(recipe: Recipe, out: Path | None, count: int | None) -> Iterator[tuple[Recipe, Path]]:
    """Yield what is trained and where it goes: the recipe, or one of each seed."""
    if out is None or count is None:
        yield recipe, out or recipe.folder / "adapter"
        return
    for seed in range(1, count + 1):
        yield replace(recipe, seed=seed), out / str(seed)


@organisms.command()
@click.argument("name")
@click.option("--epochs", default=2, show_default=True, help="Rollouts per prompt and alpha.")
@click.option("--limit", type=int, help="Ask the first so many prompts. [default: all]")
def card(name: str, epochs: int, limit: int | None) -> None:
    """Measure organism NAME along alpha and write its card beside its recipe."""
    from harness.analysis.frame import read_frame
    from harness.analysis.results import analyse
    from harness.reporting.card import write_card
    from harness.sweep import SweepPlan, run_sweep

    recipe = read_recipe(name)
    # A variant is no preset, so its pair is spelled.
    spelled = {"baseline": EMBEDDED, "adapter": f"{ORGANISM}{name}"}
    plan = SweepPlan(
        pair=recipe.folder.name,
        model_args=spelled if name in variant_names() else {},
        alphas=(-1.0, 0.0, 0.5, 1.0, 2.0, 3.0),
        task=recipe.task,
        task_args=recipe.task_args,
        epochs=epochs,
        limit=limit,
        log_dir=Path("runs") / f"card-{recipe.folder.name}" / "logs",
    )
    run_sweep(plan)
    results = analyse(read_frame(plan.log_dir), log_dir=plan.log_dir)
    click.echo(f"Card: {write_card(recipe, results, recipe.folder)}")
