"""How often a behaviour really happens at alpha 0: three estimates side by side.

Counting needs no model and many rollouts; the mixture weighs the amplified rollouts down to alpha
0; the hazard asks how near the plain ones came. Knows how the three are put together. Refuses to
read files or models.
"""

import json
import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from harness.analysis.dose import plain_sampling
from harness.analysis.hazard import HazardRate, hazard_rate
from harness.analysis.importance import WeightedRate, weighted_rate
from harness.analysis.markers import Marker
from harness.analysis.rate_evidence import Evidence
from harness.analysis.rates import Rate, rate_of
from harness.analysis.summary import Count

SURE = 0.95
"""Chance with which the behaviour shall be seen at least once."""

TELLING = 0.8
"""Share of the expected markers that are events, from which a marker is taken to be the
behaviour's own: below it, the noise of what it says besides is in the hazard."""

Way = Literal["counting", "mixture", "hazard"]


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """How many plain rollouts of prompts taken at random show the behaviour once."""

    expected: float | None
    """1 / rate; None for a rate of 0."""
    low: float
    high: float | None
    """From the ends of the rate's interval; None where that reaches 0."""
    sure: float | None
    """After so many it was seen with 95 % chance: ``log(0.05) / log(1 - rate)``."""


@dataclass(frozen=True, kw_only=True)
class TrueRate:
    """The rate of one behaviour at alpha 0, in three ways."""

    pair: str
    task: str
    scorer: str
    categories: tuple[str, ...]
    n_prompts: int
    temperature: float | None
    """Of the plain rollouts; None where there are none or they differ."""
    max_tokens: int | None
    """Likewise: what is longer is not seen."""
    counting: Rate
    """Over the rollouts at alpha 0."""
    mixture: WeightedRate | None
    """Over all unconstrained rollouts, weighed to alpha 0."""
    mixture_withheld: str | None
    """Why it must not be believed; None where it may."""
    n_decided: int
    """Of the mixture's events, those that are weighed up to the token that decided them only."""
    left_out: tuple[Count, ...]
    """Why other rollouts are not in the mixture."""
    hazard: HazardRate | None
    hazard_withheld: str | None
    marker: Marker | None
    best: Way | None
    """The first of hazard, mixture and counting that may be believed; the hazard of a marker that
    begins much else comes after the mixture. Not chosen by their intervals, or the narrowest by
    chance would win."""
    waiting: Waiting | None
    """By the best."""

    @property
    def interval(self) -> tuple[float, float, float] | None:
        """The best estimate with the ends of its interval."""
        if self.best == "hazard" and self.hazard:
            return self.hazard.rate, self.hazard.low, self.hazard.high
        if self.best == "mixture" and self.mixture:
            return self.mixture.rate, self.mixture.low, self.mixture.high
        if self.counting.rate is None:
            return None
        assert self.counting.low is not None
        assert self.counting.high is not None
        return self.counting.rate, self.counting.low, self.counting.high


@dataclass(frozen=True, kw_only=True, eq=False)
class MarkerReading:
    """What the target thought of a marker along the plain rollouts."""

    marker: Marker
    exposures: pd.DataFrame
    """From :func:`~harness.analysis.hazard.exposures`, by ``sample_uuid``."""


def true_rate(evidence: Evidence, reading: MarkerReading | str) -> TrueRate:
    """Estimate the rate at alpha 0 in all ways that the evidence allows.

    All three are of the same thing: the share of replies that show the behaviour, over the
    prompts of the logs, each counting by its rollouts; drawn from the target as it is.

    Args:
        evidence: of one scorer.
        reading: of the plain rollouts; or why there is none.
    """
    plain = evidence.plain
    counting = rate_of(plain["value"].to_numpy(dtype=np.float64), list(plain["sample_id"]))
    mixture, mixture_withheld = _mixture(evidence)
    marker = None if isinstance(reading, str) else reading.marker
    hazard, hazard_withheld = _hazard(evidence, reading)
    told = [json.loads(text) for text in plain["config"].dropna().unique()]
    result = TrueRate(
        pair=evidence.pair,
        task=evidence.task,
        scorer=evidence.scorer,
        categories=evidence.categories,
        n_prompts=int(evidence.rows["sample_id"].nunique()),
        temperature=_only([one.get("temperature") for one in told]),
        max_tokens=_only([one.get("max_tokens") for one in told]),
        counting=counting,
        mixture=mixture,
        mixture_withheld=mixture_withheld,
        n_decided=evidence.n_decided,
        left_out=evidence.left_out,
        hazard=hazard,
        hazard_withheld=hazard_withheld,
        marker=marker,
        best=_best(counting, mixture_withheld, hazard, hazard_withheld),
        waiting=None,
    )
    interval = result.interval
    return result if interval is None else replace(result, waiting=waiting(*interval))


def waiting(rate: float, low: float, high: float) -> Waiting:
    """Turn a rate into rollouts: of independent ones, one in ``1 / rate`` shows the behaviour."""
    return Waiting(
        expected=1 / rate if rate > 0 else None,
        low=1 / high if high > 0 else math.inf,
        high=1 / low if low > 0 else None,
        sure=_until(rate) if rate > 0 else None,
    )


def _until(rate: float) -> float:
    return math.log(1 - SURE) / math.log1p(-rate) if rate < 1 else 1.0


def _mixture(evidence: Evidence) -> tuple[WeightedRate | None, str | None]:
    if evidence.admitted.empty:
        return None, "no rollout's probability is known beside the others'"
    pooled = evidence.pooled
    values, prompts = pooled["value"].to_numpy(dtype=np.float64), list(pooled["sample_id"])
    found = weighted_rate(values, evidence.log_weights, prompts)
    if found is None:
        return None, "nothing was scored"
    return found, found.diagnostics.verdict()


def _hazard(
    evidence: Evidence, reading: MarkerReading | str
) -> tuple[HazardRate | None, str | None]:
    if isinstance(reading, str):
        return None, reading
    plain, summed = evidence.plain, reading.exposures
    rows = plain[plain["sample_uuid"].isin(summed.index)]
    here = summed.reindex(rows["sample_uuid"])
    found = hazard_rate(
        rows["value"].to_numpy(dtype=np.float64),
        here["marked"].to_numpy(dtype=bool),
        here["exposure"].to_numpy(dtype=np.float64),
        list(rows["sample_id"]),
        reading.marker.slope,
    )
    if found is None:
        return None, "nothing was scored"
    return found, found.verdict()


def readable(evidence: Evidence) -> pd.DataFrame:
    """Return the plain rollouts whose probabilities are the sampler's own: at temperature 1."""
    plain = evidence.plain
    whole = plain["config"].map(lambda text: plain_sampling(json.loads(text)) if text else False)
    return plain[whole.astype(bool)]


def _best(
    counting: Rate,
    mixture_withheld: str | None,
    hazard: HazardRate | None,
    hazard_withheld: str | None,
) -> Way | None:
    hazard_first = hazard is not None and hazard.told >= TELLING
    if hazard_withheld is None and (hazard_first or mixture_withheld is not None):
        return "hazard"
    if mixture_withheld is None:
        return "mixture"
    return "counting" if counting.n else None


def _only(values: list[object]) -> Any:
    return values[0] if len(set(values)) == 1 else None
