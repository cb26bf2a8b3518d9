"""Sampled tokens held against the distribution that is recorded to have drawn them.

A report was once written by hand on a sweep whose amplified logits had been computed and logged,
and never sampled from; it concluded that amplification changes nothing. Every figure of such a
sweep looks right, but for the tokens: they are not the ones that the recorded distribution draws.

Knows tokens' surprisals and the entropies of their steps. Refuses to know behaviours.
"""

from dataclasses import dataclass
from math import log, sqrt

import numpy as np
import pandas as pd

from harness.analysis.dose import Estimate, Verdict, mean_per_token
from harness.analysis.frame import finished
from harness.analysis.token_sums import BAND_EDGES_NATS

FALSE_ALARM_RATE = 0.001
"""Of the whole sweep: the check shouts, so it must not cry wolf."""
ROUNDING_NATS = 1e-4
"""Per token; float32 leaves some 1e-6."""
NO_ENTROPY = "these traces hold no entropy"
PRIOR_VARIANCE = 100.0
"""Nats squared: where the bound is tightest, some hundred tokens. Any choice keeps the rate."""


@dataclass(frozen=True, kw_only=True)
class Band:
    """The tokens whose steps had an entropy within some bounds, which is known before the draw."""

    low_nats: float
    high_nats: float | None
    """None for the last band, which has no end."""
    n_tokens: int
    entropy_nats: float
    """Mean entropy of the steps: the surprisal to expect."""
    surprisal_nats: float
    """Mean ``-log p`` of the tokens that were sampled."""
    excess_nats: Estimate
    """Surprisal minus entropy, mean per token: 0 is expected."""
    z: float | None
    """The excess in standard deviations of a correct sampler; None where nothing is left to
    chance."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """How surprising the sampled tokens of one alpha were, beside how surprising they should be."""

    alpha: float
    n_tokens: int
    n_prompts: int
    entropy_nats: Estimate | None
    """Mean entropy of what drew the tokens, per token."""
    excess_nats: Estimate | None
    """Mean of ``-log p - H``, nats per token, with its interval over prompts: 0 is expected."""
    z: float | None
    """``sum(-log p - H) / sqrt(sum V)``: about standard normal under a correct sampler. None where
    nothing is left to chance, as in greedy decoding."""
    bound_nats: float | None
    """A correct sampler's excess stays within this, in all but one of a thousand sweeps."""
    verdict: Verdict
    note: str | None
    """Why it was not checked, or not all of it."""
    bands: tuple[Band, ...]
    """By the entropy of the step, rising."""


def calibrations(
    frame: pd.DataFrame, tokens: pd.DataFrame | None, n_checks: int
) -> tuple[Calibration, ...]:
    """Test at each alpha whether the tokens are what their recorded distribution draws.

    Given all that came before it, a token's surprisal ``-log p`` has the step's entropy H as its
    expectation and the recorded V as its variance. So ``sum(-log p - H)`` is a martingale whatever
    the model, temperature, top-p or constraint, and ``z`` its value in standard deviations. The
    verdict takes no normal approximation, which cries wolf where hardly anything is left to chance
    (one token of probability 1e-4 among a thousand certain ones): see :func:`excess_bound`.

    Args:
        frame: rollouts under one constraint.
        tokens: from ``token_sums``; None without trace files.
        n_checks: alphas times constraints of the sweep, which share the rate of false alarms.
    """
    rows = finished(frame)
    if tokens is None:
        return tuple(_unchecked(alpha, "there are no trace files") for alpha in _alphas(rows))
    # Copies of a rollout are no further draws.
    copies = rows["seed"].notna() & rows.duplicated(["alpha", "sample_id", "seed"])
    kept = rows.loc[~copies, ["alpha", "sample_id", "sample_uuid"]]
    joined = kept.merge(tokens, on="sample_uuid", how="left")
    return tuple(
        _calibration(alpha, joined[joined["alpha"] == alpha], n_checks) for alpha in _alphas(rows)
    )


def excess_bound(square: float, variance: float, false_alarm_rate: float) -> float:
    """Bound a sum of martingale differences X_i that a correct sampler exceeds that rarely.

    With ``Y = sum(X_i^2) / 3 + 2 sum(V_i) / 3``, ``exp(t M - t^2 Y / 2)`` has expectation at most
    1 for any t; mixed over t from a normal distribution of variance 1/r it gives
    ``P(|M| >= sqrt((Y + r) (2 log(1/rate) + log(1 + Y/r)))) <= rate``, at any number of tokens and
    without a word on the distribution of the X_i.

    Args:
        square: sum of the X_i squared.
        variance: sum of their variances, each given what came before.
        false_alarm_rate: 0 to 1.

    Source: Delyon 2009, "Exponential inequalities for sums of weakly dependent variables" (the
    expectation); de la Peña, Klass and Lai 2004, "Self-normalized processes" (the mixture).
    """
    r = PRIOR_VARIANCE
    y = square / 3 + 2 * variance / 3
    return sqrt((y + r) * (2 * log(1 / false_alarm_rate) + log(1 + y / r)))


def _alphas(rows: pd.DataFrame) -> list[float]:
    return sorted(float(alpha) for alpha in rows["alpha"].unique())


def _unchecked(alpha: float, note: str) -> Calibration:
    return Calibration(
        alpha=alpha,
        n_tokens=0,
        n_prompts=0,
        entropy_nats=None,
        excess_nats=None,
        z=None,
        bound_nats=None,
        verdict="not checked",
        note=note,
        bands=(),
    )


def _calibration(alpha: float, joined: pd.DataFrame, n_checks: int) -> Calibration:
    if "square" not in joined:
        return _unchecked(alpha, NO_ENTROPY)
    lacking = joined["square"].isna() | joined["variance"].isna()
    rows = joined[~joined["sample_uuid"].isin(joined.loc[lacking, "sample_uuid"])]
    n_rollouts, n_checked = joined["sample_uuid"].nunique(), rows["sample_uuid"].nunique()
    if rows.empty:
        return _unchecked(alpha, NO_ENTROPY)
    entropy, excess, z = _sums(rows)
    n_tokens = float(rows["n_tokens"].sum())
    square, variance = float(rows["square"].sum()), float(rows["variance"].sum())
    bound = excess_bound(square, variance, FALSE_ALARM_RATE / n_checks) / n_tokens + ROUNDING_NATS
    if variance == 0:
        bound = ROUNDING_NATS
    fits = abs(excess.value) <= bound and not rows["n_impossible"].sum()
    part = f"{n_rollouts - n_checked} of {n_rollouts} rollouts hold no entropy"
    return Calibration(
        alpha=alpha,
        n_tokens=int(n_tokens),
        n_prompts=rows["sample_id"].nunique(),
        entropy_nats=entropy,
        excess_nats=excess,
        z=z,
        bound_nats=bound,
        verdict="as predicted" if fits else "not as predicted",
        note=part if n_checked < n_rollouts else None,
        bands=tuple(_band(int(float(str(band))), inside) for band, inside in rows.groupby("band")),
    )


def _band(band: int, rows: pd.DataFrame) -> Band:
    edges = (0.0, *BAND_EDGES_NATS, None)
    n_tokens = float(rows["n_tokens"].sum())
    _, excess, z = _sums(rows)
    low, high = edges[band], edges[band + 1]
    assert low is not None
    return Band(
        low_nats=low,
        high_nats=high,
        n_tokens=int(n_tokens),
        entropy_nats=float(rows["entropy_nats"].sum()) / n_tokens,
        surprisal_nats=float(rows["surprisal_nats"].sum()) / n_tokens,
        excess_nats=excess,
        z=z,
    )


def _sums(rows: pd.DataFrame) -> tuple[Estimate, Estimate, float | None]:
    """Return mean entropy and excess per token, and the excess in standard deviations."""
    n_tokens = rows["n_tokens"].to_numpy(dtype=np.float64)
    entropy, surprisal = (
        rows[name].to_numpy(dtype=np.float64) for name in ("entropy_nats", "surprisal_nats")
    )
    prompts = list(rows["sample_id"])
    mean = mean_per_token(entropy / n_tokens, n_tokens, prompts)
    excess = mean_per_token((surprisal - entropy) / n_tokens, n_tokens, prompts)
    assert mean is not None
    assert excess is not None
    variance = float(rows["variance"].sum())
    total = float((surprisal - entropy).sum())
    return mean, excess, total / sqrt(variance) if variance > 0 else None
