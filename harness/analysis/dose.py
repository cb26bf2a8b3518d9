"""What alpha really did: the dose per token, and whether the sampler saw the amplified logits.

Knows the trace summaries. Refuses to know behaviours.
"""

import json
from dataclasses import dataclass
from math import log, sqrt
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.frame import finished
from harness.analysis.rates import SIGNIFICANCE, t_quantile
from harness.constraint import CUTTING_KINDS, parse_constraint

NEEDED = (
    "trace_dose_nats",
    "trace_target_nll_nats",
    "trace_amplified_nll_nats",
    "trace_sampling_nll_nats",
)

Floats = NDArray[np.float64]
Verdict = Literal["as predicted", "not as predicted", "not checked", "nothing to check"]

# One false alarm in a thousand alphas: the check shouts, so it must not cry wolf.
CHECK_SIGNIFICANCE = 0.001
# Below this share of the dose a deviation is rounding or noise, whatever its interval.
CHECK_TOLERANCE = 0.1


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean per token with its 95 % interval over prompts; no interval from one prompt."""

    value: float
    low: float | None
    high: float | None

    def __str__(self) -> str:
        """Show as ``0.312 [0.284, 0.340]``."""
        if self.low is None or self.high is None:
            return f"{self.value:z.3f}"
        return f"{self.value:z.3f} [{self.low:z.3f}, {self.high:z.3f}]"


@dataclass(frozen=True, kw_only=True)
class Dose:
    """Dose and gain at one alpha, in nats per sampled token."""

    alpha: float
    n_tokens: int
    dose_nats: Estimate | None
    """Mean KL(amplified, target): what the log-ratio of amplified to target should be. None under
    a mask, which cuts the distribution after that was measured."""
    gain_nats: Estimate | None
    """Mean log-ratio of amplified to target at the tokens that were really sampled. Under a mask,
    that of the cut distribution, whose expectation is its divergence from the target."""
    verdict: Verdict


def doses(frame: pd.DataFrame) -> tuple[Dose, ...]:
    """Estimate the dose at each alpha, and hold the sampled tokens against it.

    Under the amplified distribution the expected log-ratio of each token is the KL of its step,
    so ``sum(log p_amplified - log p_target) = sum(KL)`` in expectation. Amplified logits that
    never reached the sampler would make the gain negative. The identity needs rollouts drawn
    at temperature 1 from the whole distribution; others are not checked. A constraint that only
    changes how far a step is amplified leaves it whole; a mask does not.
    """
    rows = finished(frame)
    if not set(NEEDED) <= set(rows.columns):
        return ()
    rows = rows[rows[list(NEEDED)].notna().all(axis=1)]
    return tuple(_dose(float(str(alpha)), group) for alpha, group in rows.groupby("alpha"))


def mean_per_token(
    means: Floats, n_tokens: Floats, prompts: list[str], significance: float = SIGNIFICANCE
) -> Estimate | None:
    """Pool per-rollout means into one per token, with a cluster-robust t interval.

    The ratio of totals r = sum(y) / sum(n) has the linearised variance
    ``g/(g-1) * sum_i (y_i - r n_i)^2 / sum(n)^2`` over the g prompts' totals, g-1 degrees.

    Args:
        means: one per rollout, any unit.
        n_tokens: what each mean is over.
        prompts: the prompt behind each rollout.
        significance: 0.05 for a 95 % interval.
    """
    total = float(n_tokens.sum())
    if total == 0:
        return None
    _, index = np.unique(np.asarray(prompts, dtype=str), return_inverse=True)
    sums = np.bincount(index, weights=means * n_tokens)
    sizes = np.bincount(index, weights=n_tokens)
    value, g = float(sums.sum()) / total, len(sizes)
    if g < 2:
        return Estimate(value=value, low=None, high=None)
    variance = g / (g - 1) * float(((sums - value * sizes) ** 2).sum()) / total**2
    half = t_quantile(significance, g - 1) * sqrt(variance)
    return Estimate(value=value, low=value - half, high=value + half)


def drawn_whole(rows: pd.DataFrame) -> bool:
    """Say whether all rollouts were drawn at temperature 1 from the whole amplified softmax."""
    configs = _configs(rows)
    return all(plain_sampling(one) for one in configs) and not any(_cuts(one) for one in configs)


def _configs(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Read each distinct configuration once."""
    return [json.loads(text) if isinstance(text, str) else {} for text in rows["config"].unique()]


def plain_sampling(drawn: dict[str, Any]) -> bool:
    """Say whether a resolved configuration draws at temperature 1 from the whole distribution."""
    whole = drawn.get("top_p", 1.0) == 1.0 and not drawn.get("top_k", 0)
    return bool(drawn.get("temperature") == 1.0 and whole)


def _dose(alpha: float, rows: pd.DataFrame) -> Dose:
    prompts, n_tokens = list(rows["sample_id"]), _floats(rows, "n_tokens")
    configs = _configs(rows)
    plain = all(plain_sampling(config) for config in configs)
    if any(_cuts(config) for config in configs):
        gain = _gain(rows, "trace_sampling_nll_nats") if plain else None
        return Dose(
            alpha=alpha,
            n_tokens=int(n_tokens.sum()),
            dose_nats=None,
            gain_nats=None if gain is None else mean_per_token(gain, n_tokens, prompts),
            verdict="not checked",
        )
    dose, gain = _floats(rows, "trace_dose_nats"), _gain(rows, "trace_amplified_nll_nats")
    dose_nats = mean_per_token(dose, n_tokens, prompts)
    excess = mean_per_token(gain - dose, n_tokens, prompts, CHECK_SIGNIFICANCE)
    return Dose(
        alpha=alpha,
        n_tokens=int(n_tokens.sum()),
        dose_nats=dose_nats,
        gain_nats=mean_per_token(gain, n_tokens, prompts),
        verdict=_verdict(excess if plain else None, dose_nats, float((gain * n_tokens).sum()))
        if alpha
        else "nothing to check",
    )


def _gain(rows: pd.DataFrame, drawn_from: str) -> Floats:
    return _floats(rows, "trace_target_nll_nats") - _floats(rows, drawn_from)


def _verdict(
    excess: Estimate | None, dose_nats: Estimate | None, total_gain_nats: float
) -> Verdict:
    """Say whether the sampled tokens can come of the amplified distribution.

    Log-ratios have a long tail to the right: rare tokens that amplification makes much likelier
    carry much of their mean, and in a small sweep none of them was drawn. So a gain above the dose
    is tested by its t interval, which errs on the safe side there, and one below it by an exact
    bound: under the amplified distribution ``exp(-sum log(p_amplified / p_target))`` is a
    likelihood ratio, of expectation 1, so it exceeds 1000 once in a thousand sweeps (Ville 1939).
    Tokens drawn from the target lower that sum by KL(target, amplified) each.
    """
    if excess is None or excess.low is None or excess.high is None or dose_nats is None:
        return "not checked"
    fits = excess.low <= 0 and total_gain_nats > log(CHECK_SIGNIFICANCE)
    small = abs(excess.value) <= CHECK_TOLERANCE * dose_nats.value
    return "as predicted" if fits or small else "not as predicted"


def _cuts(drawn: dict[str, Any]) -> bool:
    constraints = [parse_constraint(text) for text in drawn.get("constraint", ())]
    return any(one.kind in CUTTING_KINDS for one in constraints)


def _floats(rows: pd.DataFrame, column: str) -> Floats:
    return rows[column].to_numpy(dtype=np.float64)
