"""The largest alpha that stays within a KL budget, per row of one step.

Knows one exponential family per row. Knows no constraints and no settings.
"""

from typing import NamedTuple

import torch
from torch import Tensor

TOLERANCE = 1e-3
"""A budget that binds is used up to this share of it, and never exceeded."""

# 200,000 random steps of all shapes needed 15 at the worst, 72 real ones 7.
_MOST_TRIALS = 24


class _Trial(NamedTuple):
    """What a share of alpha does; each [rows, 1]."""

    kl: Tensor
    """In nats."""
    slope: Tensor
    """Of the divergence along the share."""


class _Family(NamedTuple):
    """The distributions ``p_s ~ p_target * exp(s * tilt)`` for shares s of alpha from 0 to 1."""

    logp: Tensor
    """The target's log-probabilities, [rows, vocab]."""
    tilt: Tensor
    """``alpha * difference``, less its mean under the target, [rows, vocab]."""
    squared: Tensor

    @classmethod
    def of(cls, target: Tensor, difference: Tensor, alpha: Tensor) -> "_Family":
        logp = target.log_softmax(-1)
        # Centred, sums near 0 stay exact: a constant in the tilt cancels only up to rounding.
        mean = (logp.exp() * difference).sum(-1, keepdim=True)
        tilt = alpha * (difference - mean)
        return cls(logp, tilt, tilt * tilt)

    def at(self, share: Tensor) -> _Trial:
        """Return KL(p_s, target) = ``s E_s[tilt] - A(s)`` and its slope ``s Var_s(tilt)``."""
        logits = torch.addcmul(self.logp, share, self.tilt)
        p = logits.softmax(-1)
        mean = (p * self.tilt).sum(-1, keepdim=True)
        variance = (p * self.squared).sum(-1, keepdim=True) - mean * mean
        # A(s) = log sum p_target exp(s tilt), read off at the likeliest token.
        log_sum = logits.amax(-1, keepdim=True) - p.amax(-1, keepdim=True).log()
        return _Trial((share * mean - log_sum).clamp(min=0), share * variance)

    def small_share(self, kl: Tensor) -> Tensor:
        """Return the share whose divergence this is, were it small: ``KL = s^2 Var_0 / 2``."""
        return (2 * kl / (self.logp.exp() * self.squared).sum(-1, keepdim=True)).sqrt()


def largest_alpha(target: Tensor, difference: Tensor, alpha: Tensor, kappa: Tensor) -> Tensor:
    """Go from 0 towards alpha as far as KL(amplified, target) stays within kappa.

    The amplified distributions are an exponential family, ``p_a ~ p_target exp(a d)`` with
    ``d = t - b``. With ``A(a) = log sum p_target exp(a d)`` the divergence is ``a A'(a) - A(a)``
    and its derivative ``a A''(a) = a Var_a(d)``, which has the sign of a: the divergence grows
    with the size of a, so there is one largest alpha'. It is found by Newton's method on the
    divergence's square root, which is nearly straight, between bounds that a step outside of
    them halves.

    A row's result depends on that row alone, so it is the same in every batch.

    Args:
        target: logits, [rows, vocab], float32.
        difference: target minus baseline, [rows, vocab], float32.
        alpha: strength asked for, either sign, [rows, 1].
        kappa: budget in nats, [rows, 1].

    Returns:
        alpha itself, to the bit, where it is within the budget; otherwise alpha' between 0 and
        alpha with ``(1 - TOLERANCE) * kappa <= KL <= kappa``, within float32's rounding of the
        divergence, about 1e-6 nats. [rows, 1].
    """
    family = _Family.of(target, difference, alpha)
    aim = (kappa * (1 - TOLERANCE / 2)).sqrt()
    low, high = torch.zeros_like(alpha), torch.ones_like(alpha)
    share = high
    done = torch.zeros_like(alpha, dtype=torch.bool)
    for trial in range(_MOST_TRIALS):
        kl, slope = family.at(share)
        fits = kl <= kappa
        low = torch.where(fits & ~done, share, low)
        high = torch.where(fits | done, high, share)
        done = done | (fits & ((kl >= (1 - TOLERANCE) * kappa) | (share >= 1)))
        # On a CPU reading this costs nothing; elsewhere it would wait for the device.
        if done.device.type == "cpu" and bool(done.all()):
            break
        root = kl.sqrt()
        share = share + (aim - root) * 2 * root / slope if trial else family.small_share(kappa)
        inside = (share > low) & (share < high)  # False as well where the slope is 0
        share = torch.where(inside, share, (low + high) / 2)
    return alpha * low
