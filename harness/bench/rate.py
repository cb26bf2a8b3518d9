"""How right ``amplify rate`` is: small sweeps drawn from a large one whose rate is known.

Each repetition takes some of the prompts and a few rollouts of each at every alpha, as if no others
had been drawn. Knows evidence and estimates; refuses to know models.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import pandas as pd

from harness.analysis.rate_evidence import Evidence
from harness.analysis.rates import Rate, rate_of
from harness.analysis.true_rate import MarkerReading, TrueRate, Way, true_rate
from harness.errors import AnalysisError

WAYS: tuple[Way, ...] = get_args(Way)


@dataclass(frozen=True, kw_only=True)
class Draws:
    """What is drawn how often."""

    n_prompts: int
    """Of each repetition, without replacement."""
    epochs: int
    """Rollouts of each prompt at each alpha, without replacement."""
    repetitions: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class WayFigures:
    """One estimate over all repetitions."""

    way: Way
    n_rollouts: int
    """That it uses in each repetition."""
    n_shown: int
    """Repetitions in which it was not withheld; all figures are of these."""
    mean: float | None
    deviation: float | None
    """Standard deviation of the estimates: their standard error, measured."""
    claimed_error: float | None
    """Mean of the standard errors that the estimates claimed; None for counting."""
    covered: int
    """Repetitions whose 95 % interval holds the truth."""
    fewer: float | None
    """How many times fewer rollouts it needs than counting for the same standard error."""


@dataclass(frozen=True, kw_only=True)
class RateBench:
    """How the three estimates did."""

    pair: str
    scorer: str
    alphas: tuple[float, ...]
    truth: Rate
    """By counting all plain rollouts."""
    whole: TrueRate
    """By ``amplify rate`` on the whole sweep."""
    draws: Draws
    ways: tuple[WayFigures, ...]


def measure(
    evidence: Evidence,
    reading: MarkerReading,
    draws: Draws,
    further: pd.DataFrame | None = None,
    tell: Callable[[int], object] = lambda n: None,
) -> RateBench:
    """Draw small sweeps and hold what is estimated from each against the whole.

    Args:
        evidence: of a large sweep.
        reading: of its plain rollouts.
        draws: what is drawn how often.
        further: plain rollouts that the truth counts beside the sweep's own; ``sample_id`` and
            ``value``.
        tell: is told of each repetition that is done.

    Raises:
        AnalysisError: if a prompt has too few rollouts at an alpha, or there are too few prompts.
    """
    plain = evidence.plain[["sample_id", "value"]]
    plain = plain if further is None else pd.concat([plain, further], ignore_index=True)
    truth = rate_of(plain["value"].to_numpy(dtype=np.float64), list(plain["sample_id"]))
    if not truth.rate:
        raise AnalysisError("no plain rollout shows the behaviour, so its rate is not known")
    found = []
    for uuids in _drawn(evidence, draws):
        found.append(true_rate(evidence.only(uuids), reading))
        tell(1)
    counting = _figures("counting", found, truth.rate, None)
    others = [_figures(way, found, truth.rate, counting) for way in WAYS if way != "counting"]
    return RateBench(
        pair=evidence.pair,
        scorer=evidence.scorer,
        alphas=tuple(float(alpha) for alpha in np.unique(evidence.rows["alpha"])),
        truth=truth,
        whole=true_rate(evidence, reading),
        draws=draws,
        ways=(counting, *others),
    )


def _drawn(evidence: Evidence, draws: Draws) -> Iterator[set[str]]:
    """Draw the rollouts of each repetition."""
    rows = evidence.rows
    cells: dict[tuple[str, float], list[str]] = {}
    for uuid, prompt, alpha in zip(
        rows["sample_uuid"], rows["sample_id"], rows["alpha"], strict=True
    ):
        cells.setdefault((str(prompt), float(alpha)), []).append(str(uuid))
    prompts = sorted({prompt for prompt, _ in cells})
    alphas = sorted({alpha for _, alpha in cells})
    fewest = min(len(cells.get((p, a), ())) for p in prompts for a in alphas)
    if fewest < draws.epochs or len(prompts) < draws.n_prompts:
        raise AnalysisError(
            f"the logs hold {len(prompts)} prompts and at the least {fewest} rollouts of each at "
            f"an alpha; {draws.n_prompts} and {draws.epochs} were to be drawn"
        )
    random = np.random.default_rng(draws.seed)
    for _ in range(draws.repetitions):
        chosen = random.choice(prompts, draws.n_prompts, replace=False)
        yield {
            str(uuid)
            for prompt in chosen
            for alpha in alphas
            for uuid in random.choice(cells[prompt, alpha], draws.epochs, replace=False)
        }


def _figures(
    way: Way, found: Sequence[TrueRate], truth: float, counting: WayFigures | None
) -> WayFigures:
    shown = pd.DataFrame(
        [row for row in (_shown(way, one) for one in found) if row],
        columns=["rate", "low", "high", "error", "n"],
        dtype=np.float64,
    )
    several = len(shown) > 1
    deviation = float(shown["rate"].std()) if several else None
    n = int(shown["n"].iloc[0]) if len(shown) else 0
    fewer = None
    if counting is not None and counting.deviation and deviation:
        # Counting's variance falls as one over its rollouts.
        same_n = counting.deviation**2 * counting.n_rollouts / n
        fewer = same_n / deviation**2
    claimed = shown["error"].mean()
    return WayFigures(
        way=way,
        n_rollouts=n,
        n_shown=len(shown),
        mean=float(shown["rate"].mean()) if several else None,
        deviation=deviation,
        claimed_error=None if np.isnan(claimed) else float(claimed),
        covered=int(((shown["low"] <= truth) & (truth <= shown["high"])).sum()),
        fewer=fewer,
    )


def _shown(way: Way, one: TrueRate) -> tuple[float | None, ...] | None:
    if way == "counting":
        of = one.counting
        return None if of.rate is None else (of.rate, of.low, of.high, None, of.n)
    if way == "mixture":
        if one.mixture is None or one.mixture_withheld is not None:
            return None
        w = one.mixture
        return w.rate, w.low, w.high, w.standard_error, w.diagnostics.n
    if one.hazard is None or one.hazard_withheld is not None:
        return None
    h = one.hazard
    return h.rate, h.low, h.high, h.standard_error, h.n


def markdown(measured: RateBench) -> str:
    """Write what was measured as a section of a document."""
    draws = measured.draws
    whole = measured.whole
    lines = [
        f"`{measured.pair}`, `{measured.scorer}`: counting all {measured.truth.n} plain rollouts "
        f"gives {100 * (measured.truth.rate or 0):.2f} % "
        f"[{100 * (measured.truth.low or 0):.2f}, {100 * (measured.truth.high or 0):.2f}], which "
        "is taken as the truth.",
    ]
    if whole.hazard is not None:
        h = whole.hazard
        lines.append(
            f"The hazard over the {h.n} of them with traces is {100 * h.rate:.2f} % "
            f"[{100 * h.low:.2f}, {100 * h.high:.2f}]; they drew {h.n_marked} markers where "
            f"{h.expected_marked:.1f} were expected."
        )
    alphas = ", ".join(f"{alpha:g}" for alpha in measured.alphas)
    lines.append(
        f"{draws.repetitions} times, {draws.n_prompts} prompts and {draws.epochs} rollouts of each "
        f"at each of the alphas {alphas} were drawn from the logs (seed {draws.seed})."
    )
    table = [
        "| estimate | rollouts | not withheld | mean | standard error, measured | claimed | 95 % "
        "interval holds the truth | times fewer rollouts than counting |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for way in measured.ways:
        table.append("| " + " | ".join(_cells(way, draws.repetitions)) + " |")
    return "\n\n".join(lines) + "\n\n" + "\n".join(table) + "\n"


def _cells(way: WayFigures, repetitions: int) -> list[str]:
    covered = f"{way.covered} of {way.n_shown}" if way.n_shown else "-"
    return [
        way.way,
        str(way.n_rollouts or "-"),
        f"{way.n_shown} of {repetitions}",
        _percent(way.mean),
        _percent(way.deviation),
        _percent(way.claimed_error),
        covered,
        "-" if way.fewer is None else f"{way.fewer:.1f}",
    ]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f} %"


def figures(measured: RateBench) -> dict[str, float]:
    """Return the counts and ratios under short names."""
    told: dict[str, float] = {"truth": measured.truth.rate or 0.0, "n_truth": measured.truth.n}
    for way in measured.ways:
        told[f"{way.way}_shown"] = way.n_shown
        told[f"{way.way}_covered"] = way.covered
        if way.fewer is not None:
            told[f"{way.way}_fewer"] = round(way.fewer, 2)
    return told
