"""The amplified logits and what their spread must be; tensors in, tensors out."""

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
    if target_logits.shape[-1] != baseline_logits.shape[-1]:
        raise VocabularyMismatch(
            f"the target gives {target_logits.shape[-1]} logits and the baseline "
            f"{baseline_logits.shape[-1]}: they can't be subtracted. Compare models that share "
            "a tokenizer."
        )
    return torch.addcmul(target_logits, alpha, target_logits - baseline_logits)


def closed_form_std(target_logits: Tensor, baseline_logits: Tensor, alpha: Tensor) -> Tensor:
    """Standard deviation over the vocabulary that the amplified logits must have.

    ``sqrt(var(t) + 2 alpha cov(t, d) + alpha^2 var(d))`` with ``d = t - b``: it follows from the
    two sides alone, so comparing it with the measured deviation shows whether the logits that
    were sampled from are the amplified ones.

    Args:
        target_logits: [rows, vocab], float32.
        baseline_logits: [rows, vocab], float32.
        alpha: [rows, 1].

    Returns:
        Population standard deviation per row, in logits, [rows].
    """
    difference = target_logits - baseline_logits
    target_centred = target_logits - target_logits.mean(-1, keepdim=True)
    difference_centred = difference - difference.mean(-1, keepdim=True)
    size = target_logits.shape[-1]
    strength = alpha.squeeze(-1)
    variance: Tensor = (
        torch.linalg.vecdot(target_centred, target_centred)
        + 2 * strength * torch.linalg.vecdot(target_centred, difference_centred)
        + strength**2 * torch.linalg.vecdot(difference_centred, difference_centred)
    ) / size
    return variance.clamp(min=0).sqrt()
