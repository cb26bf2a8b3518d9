"""How often the gate calls an unchanged model regressed, and how often it catches a true change.

Simulated: prompts with rates of their own, so that their rollouts are alike, and several checks
over the same prompts. Beside it stand the rules that other tools use: two averages and a margin,
or one average and a threshold. Knows counts alone.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.analysis.rates import SIGNIFICANCE, Rate, rate_of
from harness.regression.comparison import Comparison, Question, compare, prompts_for
from harness.regression.directions import Direction
from harness.regression.sequential import levels
from harness.regression.verdict import verdict_of

WAYS: tuple[Direction, ...] = ("falls", "rises", "either way", "falls")
"""The way in which each of the checks that are judged together is worse."""

LOOKS = 5

Shares = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class World:
    """A model, its prompts, and what becomes of it."""

    n_prompts: int
    epochs: int = 1
    """Rollouts per prompt, in the run and in its reference."""
    drop: float = 0.0
    """How far the last check's true rate falls, 0 to 0.25; the others stay."""


class Run(NamedTuple):
    """Events of one run."""

    k: NDArray[np.int64]
    """[checks, prompts]."""
    epochs: int

    def rate(self, check: int, n_prompts: int) -> Rate:
        """Rate a check over the first so many prompts."""
        k = self.k[check, :n_prompts]
        values = np.arange(self.epochs)[None, :] < k[:, None]
        names = np.repeat([f"p{i:04}" for i in range(n_prompts)], self.epochs)
        return rate_of(values.ravel().astype(np.float64), names.astype(object))


class Drawn(NamedTuple):
    """One simulated model."""

    now: Run
    reference: Run
    shares: Shares
    """[prompts], true rates behind the reference."""


def draw(world: World, rng: np.random.Generator) -> Drawn:
    """Draw a run and its reference.

    A prompt's rate is ``0.25 + 0.75 Beta(1.5, 1)``: 0.7 on average, from never below a quarter to
    always; its rollouts are binomial.
    """
    shares = 0.25 + 0.75 * rng.beta(1.5, 1.0, world.n_prompts)
    every = np.tile(shares, (len(WAYS), 1))
    later = every.copy()
    later[-1] -= world.drop
    reference, now = (Run(rng.binomial(world.epochs, p), world.epochs) for p in (every, later))
    return Drawn(now, reference, shares)


def comparisons(drawn: Drawn, margin: float, n_prompts: int | None = None) -> list[Comparison]:
    """Compare all checks over the first so many prompts, or over all."""
    n = len(drawn.shares) if n_prompts is None else n_prompts
    return [
        compare(
            Question(behaviour=f"check {i}", category=None, alpha=0.0, worse=way, margin=margin),
            drawn.now.rate(i, n),
            drawn.reference.rate(i, n),
            judged_together=len(WAYS),
        )
        for i, way in enumerate(WAYS)
    ]


def gate(made: Sequence[Comparison], margin: float, level: float = SIGNIFICANCE) -> bool:
    """Whether the gate calls a regression."""
    return verdict_of(made, margin=margin, significance=level).finding == "regression"


def two_averages(made: Sequence[Comparison], margin: float) -> bool:
    """Whether any average is worse than the reference's by more than the margin."""
    return any(
        _beyond((one.now.rate or 0.0) - (one.reference.rate or 0.0), one.question.worse, margin)
        for one in made
    )


def fixed_threshold(made: Sequence[Comparison], margin: float, true_rate: float) -> bool:
    """Whether any average is beyond a threshold, which is the true rate and the margin.

    Nobody knows the true rate, so in practice it is worse.
    """
    return any(
        _beyond((one.now.rate or 0.0) - true_rate, one.question.worse, margin) for one in made
    )


def _beyond(change: float, worse: Direction, margin: float) -> bool:
    fell, rose = change < -margin, change > margin
    return {"falls": fell, "rises": rose, "either way": fell or rose}[worse]


class AlarmRow(NamedTuple):
    """How often a rule called a regression."""

    rule: str
    rates: tuple[Rate, ...]
    """One per kind of world."""


def alarms(
    worlds: Sequence[Callable[[np.random.Generator], World]],
    margin: float,
    n_models: int,
    seed: int,
) -> tuple[AlarmRow, ...]:
    """Count over simulated models how often each rule calls a regression.

    Args:
        worlds: each makes a world, maybe another for each model.
        margin: of all rules but the gate's second row, which has none.
        n_models: per world.
        seed: of everything.
    """
    found: dict[str, list[Rate]] = {}
    for number, make in enumerate(worlds):
        rng = np.random.default_rng([seed, number])
        called: dict[str, list[bool]] = {}
        for _ in range(n_models):
            drawn = draw(make(rng), rng)
            for rule, says in _verdicts(drawn, margin):
                called.setdefault(rule, []).append(says)
        for rule, calls in called.items():
            found.setdefault(rule, []).append(share(calls))
    return tuple(AlarmRow(rule, tuple(rates)) for rule, rates in found.items())


def _verdicts(drawn: Drawn, margin: float) -> Iterator[tuple[str, bool]]:
    made = comparisons(drawn, margin)
    points = f"{100 * margin:g} points"
    yield f"the gate, margin {points}", gate(made, margin)
    yield "the gate, margin 0", gate(comparisons(drawn, 0.0), 0.0)
    yield f"two averages, margin {points}", two_averages(made, margin)
    true_rate = float(drawn.shares.mean())
    yield f"one average, {points} from the truth", fixed_threshold(made, margin, true_rate)


def peeking(world: World, margin: float, n_models: int, seed: int) -> tuple[AlarmRow, ...]:
    """Count the same where each rule looks five times at growing data and stops at an alarm."""
    rng = np.random.default_rng(seed)
    spent = levels(LOOKS)
    called: dict[str, list[bool]] = {}
    for _ in range(n_models):
        drawn = draw(world, rng)
        looks = [
            comparisons(drawn, margin, world.n_prompts * look // LOOKS)
            for look in range(1, LOOKS + 1)
        ]
        says = {
            "the gate, its level spent over the looks": any(
                gate(made, margin, level) for made, level in zip(looks, spent, strict=True)
            ),
            "the gate, 5% at each look": any(gate(made, margin) for made in looks),
            "two averages": any(two_averages(made, margin) for made in looks),
        }
        for rule, one in says.items():
            called.setdefault(rule, []).append(one)
    return tuple(AlarmRow(rule, (share(calls),)) for rule, calls in called.items())


class PowerRow(NamedTuple):
    """Whether the advertised number of prompts keeps what it promises."""

    margin: float
    epochs: int
    sd: float
    """Of a prompt's change from run to run, unchanged model."""
    n_prompts: int
    """Advertised."""
    caught: Rate
    """How often the true drop was."""


def power(margin: float, epochs: int, n_models: int, seed: int) -> PowerRow:
    """Let one check of all drop by twice the margin, at the advertised number of prompts."""
    rng = np.random.default_rng([seed, epochs])
    many = draw(World(n_prompts=20_000, epochs=epochs), rng)
    sd = float(((many.now.k[0] - many.reference.k[0]) / epochs).std())
    n = prompts_for(margin, sd, SIGNIFICANCE / len(WAYS))
    world = World(n_prompts=n, epochs=epochs, drop=2 * margin)
    calls = [gate(comparisons(draw(world, rng), margin), margin) for _ in range(n_models)]
    return PowerRow(margin, epochs, sd, n, share(calls))


def share(calls: Sequence[bool]) -> Rate:
    """Rate independent models."""
    return rate_of([float(one) for one in calls], [f"m{i:06}" for i in range(len(calls))])


def anywhere(low: int, high: int, world: World) -> Callable[[np.random.Generator], World]:
    """Make worlds of any number of prompts between two."""
    return lambda rng: replace(world, n_prompts=int(rng.integers(low, high + 1)))
