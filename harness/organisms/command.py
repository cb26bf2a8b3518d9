"""``amplify organisms``: trains and measures pairs whose answer is known."""

from pathlib import Path

import click


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
def train(name: str, out: Path | None) -> None:
    """Train organism NAME from its recipe; takes some minutes on two cores."""
    from rich.console import Console
    from rich.progress import Progress

    from harness.organisms.recipe import read_recipe
    from harness.organisms.training import train_organism

    recipe = read_recipe(name)
    folder = out or recipe.folder / "adapter"
    with Progress(console=Console(stderr=True)) as progress:
        train_organism(recipe, folder, progress)
    click.echo(f"Adapter: {folder}")
    click.echo(f"Measure it and write its card: amplify organisms card {name}")


@organisms.command()
@click.argument("name")
@click.option("--epochs", default=2, show_default=True, help="Rollouts per prompt and alpha.")
def card(name: str, epochs: int) -> None:
    """Measure organism NAME along alpha and write its card beside its recipe."""
    from harness.analysis.frame import read_frame
    from harness.analysis.results import analyse
    from harness.organisms.recipe import read_recipe
    from harness.reporting.card import write_card
    from harness.sweep import SweepPlan, run_sweep

    recipe = read_recipe(name)
    plan = SweepPlan(
        pair=name,
        alphas=(-1.0, 0.0, 0.5, 1.0, 2.0, 3.0),
        task=recipe.task,
        task_args=recipe.task_args,
        epochs=epochs,
        log_dir=Path("runs") / f"card-{name}" / "logs",
    )
    run_sweep(plan)
    results = analyse(read_frame(plan.log_dir), log_dir=plan.log_dir)
    click.echo(f"Card: {write_card(recipe, results, recipe.folder)}")
