"""Sampled tokens held against the distribution that is recorded to have drawn them.

Knows tokens' surprisals and the entropies of their steps. Refuses to know behaviours.
"""

from dataclasses import dataclass

from harness.analysis.dose import Estimate, Verdict


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
    """``sum(-log p - H) / sqrt(sum V)``: about standard normal under a correct sampler."""
    bound_nats: float | None
    """A correct sampler's excess stays within this, in all but one of a thousand sweeps."""
    verdict: Verdict
    note: str | None
    """Why it was not checked, if it was not."""
    bands: tuple[Band, ...]
    """By the entropy of the step, rising."""
