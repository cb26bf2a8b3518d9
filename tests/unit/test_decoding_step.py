"""One step of many rows: nothing is lost or moved at the seams of what is computed together."""

from dataclasses import replace

import pytest
import torch

from harness.constraint import parse_constraints
from harness.decoding.pair_model import PairLogits
from harness.decoding.settings import RolloutSettings
from harness.decoding.step import StepTable
from harness.decoding.trace import Trace

CPU = torch.device("cpu")
KINDS = [
    {},
    {"temperature": 0.0},
    {"temperature": 0.7, "top_k": 5},
    {"top_p": 0.6},
    {"trace_alphas": (0.0, 2.0)},
    {"trace_alphas": (-1.0, 0.5, 1.0)},
    {"constraints": parse_constraints("plausibility=0.2:kl_budget=0.5")},
    {"constraints": parse_constraints("first=1:clip=0.3"), "top_logprobs": 3},
]


def settings(n):
    return [RolloutSettings(alpha=0.5 * i, **KINDS[i % len(KINDS)]) for i in range(n)]


def step(rows, target, baseline, uniform, place=0):
    places = torch.full((len(rows),), place)
    return StepTable(rows, CPU).step(PairLogits(target, baseline), uniform, places)


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


@pytest.mark.parametrize("untraced", [range(13), [3, 4, 9], range(6, 13)])
def test_a_row_draws_the_same_token_without_a_trace_and_leaves_the_others_theirs(untraced):
    """Rows 6 to 11 are one part of the step, so that a part without any trace is among these."""
    generator = torch.Generator().manual_seed(0)
    target, baseline = 2 * torch.randn(2, 13, 700, generator=generator)
    uniform = torch.rand(13, generator=generator, dtype=torch.float64)
    rows = settings(13)
    traced = step(rows, target, baseline, uniform)
    some = [
        replace(row, trace=False, trace_alphas=()) if i in untraced else row
        for i, row in enumerate(rows)
    ]
    found = step(some, target, baseline, uniform)
    assert torch.equal(found.tokens, traced.tokens)
    assert torch.equal(found.best_logps, traced.best_logps)
    kept = [i for i in range(13) if i not in untraced]
    width = traced.figures.shape[-1] if kept else 0
    assert torch.equal(found.figures[kept], traced.figures[kept, :width])


def test_minus_infinity_on_both_sides_is_a_token_that_is_never_drawn():
    """Some models pad their vocabulary so; the difference of two infinities is not a number."""
    target = torch.tensor([[0.0, -torch.inf, 1.0]])
    for number in torch.linspace(0, 0.999, 50, dtype=torch.float64):
        found = step(settings(1), target, target, number[None])
        assert found.tokens.item() != 1
        assert found.figures.isfinite().all()


def test_what_a_constraint_cuts_is_never_drawn_and_the_trace_says_how_much_was_left():
    # Target (1/2, 3/8, 1/8): half of the likeliest is 1/4, so the last token is cut.
    target = torch.tensor([[4.0, 3.0, 1.0]]).log()
    baseline = torch.tensor([[4.0, 3.0, 1e-3]]).log()
    asked = RolloutSettings(alpha=3.0, constraints=parse_constraints("plausibility=0.5"))
    for number in torch.linspace(0, 0.999, 50, dtype=torch.float64):
        trace = Trace(step([asked], target, baseline, number[None]).figures)
        assert trace["target_mass_kept"].item() == pytest.approx(7 / 8)
        assert trace["sampling_logp_nats"].exp().item() == pytest.approx(
            4 / 7 if number < 4 / 7 else 3 / 7
        )
        # The amplified distribution itself is the whole one, and the last token leads it.
        assert trace["amplified_logp_nats"].exp().item() < 1e-6


def test_the_trace_holds_the_strength_that_was_applied():
    target, baseline = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 0.0]])
    asked = [RolloutSettings(alpha=3.0, constraints=parse_constraints("first=2"))]
    half = torch.tensor([0.5], dtype=torch.float64)
    for place, applied, highest in ((1, 3.0, 8.0), (2, 0.0, 2.0)):
        trace = Trace(step(asked, target, baseline, half, place).figures)
        assert trace["alpha_applied"].item() == applied
        assert trace["amplified_max"].item() == highest
        assert trace["amplified_std_closed_form"].item() == trace["amplified_std"].item()
