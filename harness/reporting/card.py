"""An organism's card: what it was taught, how it was made, and its measured curve."""

from dataclasses import asdict, replace
from pathlib import Path

from harness.analysis.behaviours import Curve
from harness.analysis.results import Results
from harness.organisms.recipe import Recipe
from harness.reporting import tables
from harness.reporting.templating import environment
from harness.whole_file import replace_file


def write_card(recipe: Recipe, results: Results, folder: Path) -> Path:
    """Write an organism's README.md from a sweep over it.

    Returns:
        The card's path.
    """
    settings = {key: value for key, value in asdict(recipe).items() if key != "behaviour"}
    path = folder / "README.md"
    template = environment().get_template("card.md.j2")
    text = template.render(
        recipe=recipe, settings=settings, results=results, curves=_curves(results), tables=tables
    )
    replace_file(path, text)
    return path


def _curves(results: Results) -> list[Curve]:
    """Pick the behaviour where it was taught and where it was not, and nonsense."""
    curves: list[Curve | None] = []
    if results.refusal:
        curves += [results.refusal.refusal, results.refusal.benign]
    for scorer in results.others:
        name = f"{scorer.overall.name}: " if len(results.others) > 1 else ""
        for curve in scorer.categories or (scorer.overall,):
            curves.append(replace(curve, name=f"{name}{curve.name}"))
    return [curve for curve in (*curves, results.nonsense) if curve is not None]
