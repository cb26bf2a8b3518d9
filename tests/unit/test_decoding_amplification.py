"""The laws of amplification and of the spread that it must give."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.decoding.amplification import amplify, closed_form_std, spread_moments
from harness.errors import VocabularyMismatch

alphas = st.floats(-100, 100, width=32)
seeds = st.integers(0, 2**31)


def random_sides(seed, rows=3, vocab=11):
    generator = torch.Generator().manual_seed(seed)
    target, baseline = 5 * torch.randn(2, rows, vocab, generator=generator)
    return target, baseline


def column(*values):
    return torch.tensor(values).unsqueeze(-1)


def test_alpha_walks_from_baseline_through_target():
    target, baseline = torch.tensor([[2.0, 0.0]]), torch.tensor([[1.0, 0.0]])
    assert amplify(target, baseline, column(-1.0)).tolist() == baseline.tolist()
    assert amplify(target, baseline, column(0.0)).tolist() == target.tolist()
    assert amplify(target, baseline, column(2.0)).tolist() == [[4.0, 0.0]]


@given(seeds)
def test_alpha_zero_is_the_target_to_the_bit(seed):
    target, baseline = random_sides(seed)
    assert torch.equal(amplify(target, baseline, torch.zeros(3, 1)), target)


@given(seeds)
def test_alpha_minus_one_is_the_baseline_up_to_rounding(seed):
    target, baseline = random_sides(seed)
    torch.testing.assert_close(
        amplify(target, baseline, -torch.ones(3, 1)), baseline, rtol=0, atol=1e-5
    )


@given(seeds, alphas)
def test_identical_models_make_alpha_irrelevant_to_the_bit(seed, alpha):
    target, _ = random_sides(seed)
    assert torch.equal(amplify(target, target.clone(), torch.full((3, 1), alpha)), target)


def test_each_row_has_its_own_alpha():
    target, baseline = torch.tensor([[3.0, 1.0]] * 3), torch.tensor([[1.0, 2.0]] * 3)
    amplified = amplify(target, baseline, column(-1.0, 0.0, 1.0))
    assert amplified.tolist() == [[1.0, 2.0], [3.0, 1.0], [5.0, 0.0]]


def test_logits_of_different_length_are_refused_not_sliced():
    """Trap 8: published code cut both vocabularies to the shorter one and subtracted the rest."""
    with pytest.raises(VocabularyMismatch, match="target gives 4 logits and the baseline 3"):
        amplify(torch.zeros(1, 4), torch.zeros(1, 3), column(1.0))


def test_a_baseline_of_one_logit_is_refused_not_broadcast():
    with pytest.raises(VocabularyMismatch, match="4 logits and the baseline 1"):
        amplify(torch.zeros(1, 4), torch.zeros(1, 1), column(1.0))


def test_the_closed_form_of_a_difference_along_the_target():
    # t = (2, 0) has deviation 1, d = (1, 0) has 0.5 and the same sign: 1 + 2 * 0.5.
    target, baseline = torch.tensor([[2.0, 0.0]]), torch.tensor([[1.0, 0.0]])
    assert closed_form_std(target, baseline, column(2.0)).tolist() == [2.0]


def test_the_moments_of_each_row_by_hand():
    target = torch.tensor([[3.0, 1.0], [0.0, 4.0]])
    difference = torch.tensor([[4.0, 0.0], [1.0, -1.0]])
    moments = spread_moments(target, difference)
    assert moments.target_variance.tolist() == [1.0, 4.0]
    assert moments.covariance.tolist() == [2.0, -2.0]
    assert moments.difference_variance.tolist() == [4.0, 1.0]
    # sqrt(1 + 2 * 2 + 4) and sqrt(4 - 2 * 2 * 2 + 4).
    assert moments.amplified_std(torch.tensor([1.0, 2.0])).tolist() == [3.0, 0.0]


def test_the_spread_can_shrink_while_alpha_grows():
    """The seed report expected a deviation that grows like alpha; here it falls to nothing."""
    target, baseline = torch.tensor([[1.0, -1.0]]), torch.tensor([[2.0, -2.0]])
    stds = [closed_form_std(target, baseline, column(alpha)).item() for alpha in (0.0, 0.5, 1.0)]
    assert stds == [1.0, 0.5, 0.0]


@given(seeds, alphas)
def test_the_closed_form_equals_the_measured_spread(seed, alpha):
    target, baseline = random_sides(seed)
    alpha_column = torch.full((3, 1), alpha)
    measured = amplify(target, baseline, alpha_column).double().std(-1, correction=0)
    predicted = closed_form_std(target, baseline, alpha_column).double()
    torch.testing.assert_close(predicted, measured, rtol=1e-4, atol=1e-3)


@given(seeds)
def test_a_constant_added_to_either_side_leaves_the_spread_alone(seed):
    target, baseline = random_sides(seed)
    alpha = column(0.5, 1.0, 2.0)
    shifted = closed_form_std(target + 8, baseline - 8, alpha)
    torch.testing.assert_close(shifted, closed_form_std(target, baseline, alpha))


@pytest.mark.parametrize("share", [k / 20 for k in range(1, 20)])
def test_rounding_never_makes_the_closed_form_nan(share):
    """The amplified logits are all zero here; the three terms are rounded, some below zero."""
    target = torch.linspace(-3, 3, 1001).unsqueeze(0) * math.pi
    predicted = closed_form_std(target, (1 - share) * target, column(-1 / share))
    assert 0 <= predicted.item() < 0.1
