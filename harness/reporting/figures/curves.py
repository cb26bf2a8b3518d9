"""The headline curves of results, with their names, looks and points."""

from collections.abc import Iterable, Sequence

from harness.analysis.behaviours import Curve
from harness.analysis.rates import Rate
from harness.analysis.results import Results, headline_curves
from harness.reporting.escape import clean
from harness.reporting.figures.canvas import LOOKS, NONSENSE_LOOK, Look, Point


def shown(results: Results) -> tuple[Curve, ...]:
    """The headline curves that have a rate at any alpha."""
    curves = headline_curves(results.refusal, results.nonsense, results.others)
    return tuple(curve for curve in curves if any(rate.n for rate in curve.rates))


def looks(results: Results) -> list[Look]:
    """One for each of ``shown``; nonsense looks the same in every figure."""
    others = iter(LOOKS * len(results.others or (1,)))
    return [
        NONSENSE_LOOK if curve is results.nonsense else next(others) for curve in shown(results)
    ]


def full_name(results: Results, name: str) -> str:
    """Say over which prompts a curve is, where its name alone does not."""
    if results.refusal and name == results.refusal.refusal.name:
        return f"{name}, {results.refusal.asked}"
    return name


def points(places: Iterable[float | None], curve: Curve) -> list[Point]:
    """The curve's points at these places, one per alpha; none where there is no rate or place."""
    return [
        (place, rate.rate, rate.low, rate.high)
        for place, rate in zip(places, curve.rates, strict=True)
        if place is not None and rate.rate is not None
    ]


def in_words(name: str, alphas: Sequence[float], rates: Sequence[Rate]) -> str:
    """Say a curve's rates along alpha, and their intervals; counts stand in the tables."""
    known = [(alpha, rate) for alpha, rate in zip(alphas, rates, strict=True) if rate.n]
    return series(name, [str(rate).partition(" (")[0] for _, rate in known], [a for a, _ in known])


def series(name: str, values: Sequence[str], alphas: Sequence[float]) -> str:
    """Say values along alpha in one sentence."""
    at = ", ".join(f"{alpha:g}" for alpha in alphas)
    return f"{clean(name)}: {', '.join(values)} at alpha {at}."
