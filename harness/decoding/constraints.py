"""How constraints work on one step's logits: how far each row is amplified, and what it may sample.

In this order, whatever order they were given in: ``first`` and ``kl_gate`` decide whether the
step is amplified at all, ``clip`` bounds the difference, ``kl_budget`` lowers alpha until the
clipped difference stays within it, and the masks ``plausibility`` and ``target_top_p`` cut by the
target alone, at every step. So a budget bounds what the whole vocabulary has become; the masks
only leave out of it. Knows logits; knows nothing of sampling.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, get_args

import torch
from torch import Tensor
from torch.nn.functional import threshold

from harness.constraint import Kind
from harness.decoding.budget import largest_alpha

if TYPE_CHECKING:
    from harness.decoding.settings import RolloutSettings

# Rows worked on together on a CPU: a row of 49,152 float32 logits is 0.2 MB, so the passes over
# four of them and their differences stay in the core's cache.
_CPU_ROWS = 4

# Halvings of the logarithm of the nucleus's edge. The edge lies in log(vocab / (1 - p)) nats, 13
# for 49,152 tokens and p = 0.9; 24 halvings leave 1e-6 of a nat, which is float32's own step.
_NUCLEUS_HALVINGS = 24


class ConstrainedStep(NamedTuple):
    """What one step is decoded from instead of the plain difference and alpha."""

    difference: Tensor
    """Target minus baseline, clipped where asked, [rows, vocab], float32."""
    alpha: Tensor
    """The strength really applied at this step, [rows, 1]."""
    cut: Tensor | None
    """True where the token may not be sampled, [rows, vocab], bool; None where no row cuts."""


class _Column(NamedTuple):
    """One kind of constraint: the rows that have it, and their numbers."""

    rows: Tensor
    """[n], int64."""
    values: Tensor
    """[n, 1], float32."""

    def chunks(self) -> list["_Column"]:
        """Split into what is worked on together: few rows on a CPU, all of them elsewhere."""
        if self.rows.device.type != "cpu":
            return [self]
        parts = zip(self.rows.split(_CPU_ROWS), self.values.split(_CPU_ROWS), strict=True)
        # A lone row is taken twice: torch splits a sum over one row among its threads, and the
        # last bits, hence the row's tokens, would depend on how many rows there are.
        return [
            _Column(rows.repeat(2), values.repeat(2, 1))
            if len(rows) == 1
            else _Column(rows, values)
            for rows, values in parts
        ]


@dataclass(frozen=True)
class ConstraintTable:
    """Every row's constraints as tensors; only the rows that have one pay for it."""

    columns: dict[Kind, _Column]
    """By kind; a kind that no row has is missing."""

    @classmethod
    def of(cls, settings: "Sequence[RolloutSettings]", device: torch.device) -> "ConstraintTable":
        """Collect the constraints of the rows of a batch."""
        columns = {}
        for kind in get_args(Kind):
            found = [
                (i, one.value)
                for i, row in enumerate(settings)
                for one in row.constraints
                if one.kind == kind
            ]
            if found:
                rows, values = zip(*found, strict=True)
                columns[kind] = _Column(
                    torch.tensor(rows, dtype=torch.int64, device=device),
                    torch.tensor(values, dtype=torch.float32, device=device).unsqueeze(-1),
                )
        return cls(columns)

    @property
    def any(self) -> bool:
        """Whether any row has a constraint."""
        return bool(self.columns)

    def apply(
        self, target: Tensor, difference: Tensor, alpha: Tensor, step: Tensor
    ) -> ConstrainedStep:
        """Constrain one step of all rows; nothing given is changed in place.

        Args:
            target: the target's logits, [rows, vocab], float32.
            difference: target minus baseline, [rows, vocab], float32.
            alpha: strength asked for, [rows, 1], float32.
            step: tokens that each row has sampled so far, [rows], int64.

        Returns:
            The difference and alpha to amplify with, and the tokens to mask after that.
        """
        alpha = self._switched(target, difference, alpha, step)
        difference = self._clipped(target, difference)
        alpha = self._within_budget(target, difference, alpha)
        return ConstrainedStep(difference, alpha, self._cut(target))

    def _chunks(self, kind: Kind) -> list[_Column]:
        column = self.columns.get(kind)
        return column.chunks() if column else []

    def _switched(self, target: Tensor, difference: Tensor, alpha: Tensor, step: Tensor) -> Tensor:
        """Set alpha to 0 where ``first`` or ``kl_gate`` leaves the step to the target."""
        for rows, count in self._chunks("first"):
            begun = step[rows].unsqueeze(-1) < count
            alpha = alpha.index_copy(0, rows, alpha[rows] * begun)
        for rows, level in self._chunks("kl_gate"):
            differs = kl_target_baseline(target[rows], difference[rows]) > level
            alpha = alpha.index_copy(0, rows, alpha[rows] * differs)
        return alpha

    def _clipped(self, target: Tensor, difference: Tensor) -> Tensor:
        if "clip" not in self.columns:
            return difference
        difference = difference.clone()
        for rows, bound in self._chunks("clip"):
            difference[rows] = clip_difference(target[rows], difference[rows], bound)
        return difference

    def _within_budget(self, target: Tensor, difference: Tensor, alpha: Tensor) -> Tensor:
        for rows, kappa in self._chunks("kl_budget"):
            within = largest_alpha(target[rows], difference[rows], alpha[rows], kappa)
            alpha = alpha.index_copy(0, rows, within)
        return alpha

    def _cut(self, target: Tensor) -> Tensor | None:
        if not {"plausibility", "target_top_p"} & set(self.columns):
            return None
        cut = torch.zeros_like(target, dtype=torch.bool)
        for rows, beta in self._chunks("plausibility"):
            cut[rows] = implausible(target[rows], beta)
        for rows, top_p in self._chunks("target_top_p"):
            cut[rows] = cut[rows] | outside_nucleus(target[rows], top_p)
        return cut


def implausible(target: Tensor, beta: Tensor) -> Tensor:
    """Mark tokens with ``p_target < beta * max p_target``; the likeliest one is never marked.

    Args:
        target: logits, [rows, vocab].
        beta: above 0 and at most 1, [rows, 1].

    Returns:
        [rows, vocab], bool.

    Source: Li et al. 2023, "Contrastive Decoding: Open-ended Text Generation as Optimization",
    with the expert's part played by the target.
    """
    return target < target.amax(-1, keepdim=True) + beta.log()


def outside_nucleus(target: Tensor, top_p: Tensor) -> Tensor:
    """Mark tokens outside the target's nucleus, as it is before amplification.

    A token stays while the mass of the likelier ones is below top_p, so the one that crosses it
    stays too, and equally likely tokens stay or go together. The edge is found by halving:
    sorting 49,152 logits takes 2.9 ms a row, nearly as long as decoding its token; this, 0.4.

    Args:
        target: logits, [rows, vocab].
        top_p: mass to keep, above 0 and below 1, [rows, 1].

    Returns:
        [rows, vocab], bool.

    Source: Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration".
    """
    probabilities = target.softmax(-1)
    likeliest = probabilities.amax(-1, keepdim=True)
    # All tokens below (1 - p) / vocab together have less than 1 - p.
    low = ((1 - top_p) / target.shape[-1]).log()
    high = likeliest.log()
    low = torch.minimum(low, high)
    for _ in range(_NUCLEUS_HALVINGS):
        middle = (low + high) / 2
        edge = middle.exp()
        above = edge * threshold(probabilities / edge, 1.0, 0.0).sum(-1, keepdim=True)
        enough = above >= top_p
        low, high = torch.where(enough, middle, low), torch.where(enough, high, middle)
    return probabilities < torch.minimum(low.exp(), likeliest)


def clip_difference(target: Tensor, difference: Tensor, bound: Tensor) -> Tensor:
    """Clamp ``log p_target - log p_baseline`` to ``[-bound, bound]`` nats.

    Logits are defined up to a constant per side, so their difference is too, and clamping it
    would depend on a constant that no distribution shows; the log-ratio does not. At alpha no
    token's odds then move by more than a factor ``exp(2 alpha bound)``, and KL(amplified, target)
    is at most ``2 |alpha| bound``. The constant is put back, so that a bound which is not reached
    changes nothing, to the bit.

    Args:
        target: logits, [rows, vocab].
        difference: of logits, target minus baseline, [rows, vocab].
        bound: in nats, [rows, 1].

    Returns:
        The difference of logits with its log-ratio clamped, [rows, vocab].
    """
    constant = _normaliser_change(target, difference)
    return torch.clamp(difference, constant - bound, constant + bound)


def kl_target_baseline(target: Tensor, difference: Tensor) -> Tensor:
    """KL(target, baseline) of one step in nats, [rows, 1].

    ``sum p_target (t - b) - (lse t - lse b)``.
    """
    mean = (target.softmax(-1) * difference).sum(-1, keepdim=True)
    return mean - _normaliser_change(target, difference)


def _normaliser_change(target: Tensor, difference: Tensor) -> Tensor:
    """Return ``logsumexp(target) - logsumexp(baseline)``; 0 to the bit for identical sides."""
    baseline = target - difference
    return target.logsumexp(-1, keepdim=True) - baseline.logsumexp(-1, keepdim=True)
