"""One step of many rows: nothing is lost or moved at the seams of what is computed together."""

import pytest
import torch

from harness.decoding.pair_model import PairLogits
from harness.decoding.settings import RolloutSettings
from harness.decoding.step import StepTable

CPU = torch.device("cpu")
KINDS = [
    {},
    {"temperature": 0.0},
    {"temperature": 0.7, "top_k": 5},
    {"top_p": 0.6},
    {"trace_alphas": (0.0, 2.0)},
    {"trace_alphas": (-1.0, 0.5, 1.0)},
]


def settings(n):
    return [RolloutSettings(alpha=0.5 * i, **KINDS[i % len(KINDS)]) for i in range(n)]


def step(rows, target, baseline, uniform):
    return StepTable(rows, CPU).step(PairLogits(target, baseline), uniform)


@pytest.mark.parametrize("n_rows", [1, 3, 4, 5, 8, 13])
@pytest.mark.parametrize("vocab_size", [6, 256, 700])
def test_a_row_gets_the_same_token_and_figures_in_any_batch(n_rows, vocab_size):
    generator = torch.Generator().manual_seed(0)
    target, baseline = 2 * torch.randn(2, n_rows, vocab_size, generator=generator)
    uniform = torch.rand(n_rows, generator=generator, dtype=torch.float64)
    rows = settings(n_rows)
    together = step(rows, target, baseline, uniform)
    for i in range(n_rows):
        at = slice(i, i + 1)
        alone = step(rows[at], target[at], baseline[at], uniform[at])
        assert together.tokens[i] == alone.tokens[0]
        width = alone.figures.shape[-1]
        torch.testing.assert_close(together.figures[i, :width], alone.figures[0])
        assert together.figures[i, width:].eq(0).all()


def test_minus_infinity_on_both_sides_is_a_token_that_is_never_drawn():
    """Some models pad their vocabulary so; the difference of two infinities is not a number."""
    target = torch.tensor([[0.0, -torch.inf, 1.0]])
    for number in torch.linspace(0, 0.999, 50, dtype=torch.float64):
        found = step(settings(1), target, target, number[None])
        assert found.tokens.item() != 1
        assert found.figures.isfinite().all()
