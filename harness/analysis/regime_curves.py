"""From curves and traces to totals per prompt, and from those to the regimes of a sweep.

Knows which curves a regime is looked for in. Refuses to know the rules.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from harness.analysis.behaviours import Curve
from harness.analysis.dose import Dose, drawn_whole
from harness.analysis.frame import finished
from harness.analysis.regimes import (
    Regime,
    behaviour_regimes,
    dose_regime,
    entropy_regimes,
    sense_regime,
)
from harness.analysis.resampling import Cell, Totals

ENTROPY = "trace_sampling_entropy_nats"
SURPRISAL = "trace_amplified_nll_nats"
DOSE = "trace_dose_nats"


def regimes(
    frame: pd.DataFrame,
    alphas: Sequence[float],
    nonsense: Curve | None,
    behaviours: Iterable[Curve],
    doses: Iterable[Dose],
) -> tuple[Regime, ...]:
    """Look for every regime that the logs hold data for.

    Args:
        frame: rollouts under one constraint.
        alphas: of the curves' rates.
        nonsense: its rate.
        behaviours: other rates.
        doses: where the dose means something; under a mask it does not.
    """
    found = []
    if nonsense:
        last_high = [rate.high for rate in nonsense.rates if rate.n][-1:] or [None]
        found.append(sense_regime(curve_totals(alphas, nonsense), last_high[0]))
    for curve in behaviours:
        found += behaviour_regimes(curve.name, curve_totals(alphas, curve))
    rows = finished(frame)
    dosed = {one.alpha for one in doses if one.dose_nats is not None}
    if dosed:
        found.append(dose_regime(token_totals(rows[rows["alpha"].isin(dosed)], DOSE)))
    return (*found, *_entropy(rows))


def curve_totals(alphas: Sequence[float], curve: Curve) -> Totals:
    """Lay a rate's events and scored rollouts out by prompt and alpha."""
    counts = {alpha: rate.by_prompt for alpha, rate in zip(alphas, curve.rates, strict=True)}
    return Totals.of({alpha: Cell(one.prompts, one.k, one.n) for alpha, one in counts.items()})


def token_totals(rows: pd.DataFrame, column: str) -> Totals:
    """Lay a figure's sums over tokens out by prompt and alpha.

    Args:
        rows: one per rollout, with ``n_tokens``.
        column: the figure's mean per token.
    """
    known = rows[rows[column].notna() & (rows["n_tokens"] > 0)]
    cells = {}
    for alpha, own in known.groupby("alpha"):
        means, n_tokens = (own[name].to_numpy(dtype=np.float64) for name in (column, "n_tokens"))
        prompts = own["sample_id"].to_numpy(dtype=str)
        cells[float(str(alpha))] = Cell(prompts, means * n_tokens, n_tokens)
    return Totals.of(cells)


def _entropy(rows: pd.DataFrame) -> tuple[Regime, ...]:
    """Take the recorded entropy, or what estimates it where sampling was plain.

    The expected surprisal of a token is the entropy of its step, so the mean of the one is an
    unbiased estimate of the other, noisier by the surprisal's own variance.
    """
    if ENTROPY in rows.columns and rows[ENTROPY].notna().all():
        return entropy_regimes(token_totals(rows, ENTROPY))
    if SURPRISAL in rows.columns and drawn_whole(rows):
        note = "estimated by the surprisal of the sampled tokens: the logs hold no entropy"
        return entropy_regimes(token_totals(rows, SURPRISAL), note)
    return ()
