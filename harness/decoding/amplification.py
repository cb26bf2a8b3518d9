"""The amplified logits and what their spread must be; tensors in, tensors out."""

from typing import NamedTuple

import torch
from torch import Tensor

from harness.errors import VocabularyMismatch


def amplify(target_logits: Tensor, baseline_logits: Tensor, alpha: Tensor) -> Tensor:
    """Extrapolate next-token logits from the baseline through the target.

    ``target + alpha * (target - baseline)``: alpha -1 is the baseline, 0 the target, and a
    positive alpha goes beyond what the change did. Identical logits are returned as they are,
    to the bit, whatever alpha is.

    Args:
        target_logits: after the change, [rows, vocab], float32.
        baseline_logits: before it, [rows, vocab], float32.
        alpha: strength per row, unitless, [rows, 1].

    Returns:
        Unnormalised logits, [rows, vocab], float32.

    Raises:
        VocabularyMismatch: if the last dimensions differ.

    Source: Aranguri & McGrath 2025, "Discovering Undesired Rare Behaviors via Model Diff
    Amplification".
    """
    return extrapolate(target_logits, difference_of(target_logits, baseline_logits), alpha)


def difference_of(target_logits: Tensor, baseline_logits: Tensor) -> Tensor:
    """Return what the change did to the logits, ``target - baseline``, [rows, vocab].

    Raises:
        VocabularyMismatch: if the last dimensions differ.
    """
    if target_logits.shape[-1] != baseline_logits.shape[-1]:
        raise VocabularyMismatch(
            f"the target gives {target_logits.shape[-1]} logits and the baseline "
            f"{baseline_logits.shape[-1]}: they can't be subtracted. Compare models that share "
            "a tokenizer."
        )
    return target_logits - baseline_logits


def extrapolate(target_logits: Tensor, difference: Tensor, alpha: Tensor) -> Tensor:
    """Return ``target + alpha * difference``, for a difference that is known already.

    Args:
        target_logits: [rows, vocab], float32.
        difference: target minus baseline, as it is or clipped, [rows, vocab], float32.
        alpha: [rows, 1].
    """
    return torch.addcmul(target_logits, alpha, difference)


class SpreadMoments(NamedTuple):
    """Second moments over the vocabulary, with ``d = target - baseline``; each [rows]."""

    target_variance: Tensor
    covariance: Tensor
    """Of target and d."""
    difference_variance: Tensor
    """Of d."""

    def amplified_std(self, alpha: Tensor) -> Tensor:
        """``sqrt(var(t) + 2 alpha cov(t, d) + alpha^2 var(d))``, with alpha [rows]."""
        variance = (
            self.target_variance + 2 * alpha * self.covariance + alpha**2 * self.difference_variance
        )
        return variance.clamp(min=0).sqrt()


def spread_moments(target_logits: Tensor, difference: Tensor) -> SpreadMoments:
    """Measure what decides the spread of the amplified logits at every alpha.

    Args:
        target_logits: [rows, vocab], float32.
        difference: target minus baseline, [rows, vocab], float32.

    Returns:
        Population moments, in squared logits.
    """
    t = target_logits - target_logits.mean(-1, keepdim=True)
    d = difference - difference.mean(-1, keepdim=True)
    dot = torch.linalg.vecdot
    size = target_logits.shape[-1]
    return SpreadMoments(dot(t, t) / size, dot(t, d) / size, dot(d, d) / size)


def closed_form_std(target_logits: Tensor, baseline_logits: Tensor, alpha: Tensor) -> Tensor:
    """Standard deviation over the vocabulary that the amplified logits must have.

    It follows from the two sides alone, so comparing it with the measured deviation shows
    whether the logits that were sampled from are the amplified ones.

    Args:
        target_logits: [rows, vocab], float32.
        baseline_logits: [rows, vocab], float32.
        alpha: [rows, 1].

    Returns:
        Population standard deviation per row, in logits, [rows].
    """
    difference = difference_of(target_logits, baseline_logits)
    return spread_moments(target_logits, difference).amplified_std(alpha.squeeze(-1))
