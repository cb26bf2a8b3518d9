"""Sums over the vocabulary: both ways to take them against their definitions in float64."""

import subprocess
import sys

import pytest
import torch

from harness.decoding import vocabulary_sums
from harness.decoding.vocabulary_sums import SummedLogits, Sums

SIZES = [1, 7, 300, 4099]
WAYS = [vocabulary_sums._by_one_pass, vocabulary_sums._by_torch]


def logits_of(size, *, rows=5, seed=0, clipped=False, cut=False):
    generator = torch.Generator().manual_seed(seed)
    target, moved = (torch.randn(rows, size, generator=generator) for _ in range(2))
    target, full = target * 4 - 3, moved * 0.5
    difference = full.clamp(-0.3, 0.3) if clipped else full
    amplified = target + 1.5 * difference
    drawn = amplified
    if cut:
        drawn = (amplified / 0.7).masked_fill(moved > 0.4, -torch.inf)
        drawn[:, 0] = 1.0
    return SummedLogits(target, target - full, amplified, difference, full, drawn)


def by_definition(logits):
    target, baseline, amplified, difference, full, drawn = (one.double() for one in logits)
    p_target, p_amplified, p_drawn = (one.softmax(-1) for one in (target, amplified, drawn))
    surprisal = -drawn.log_softmax(-1)
    surprisal = surprisal.masked_fill(surprisal.isinf(), 0.0)
    sides = (target, baseline, amplified)
    entropy = (p_drawn * surprisal).sum(-1)
    centred = difference - difference.mean(-1, keepdim=True)
    return Sums(
        *(one.logsumexp(-1) for one in sides),
        *(one.mean(-1) for one in sides),
        *(one.var(-1, correction=0) for one in sides),
        covariance=(target * centred).mean(-1),
        difference_variance=centred.square().mean(-1),
        target_gain=(p_target * full).sum(-1),
        amplified_gain=(p_amplified * difference).sum(-1),
        entropy=entropy,
        surprisal_variance=(p_drawn * surprisal.square()).sum(-1) - entropy.square(),
        target_min=target.amin(-1),
        baseline_min=baseline.amin(-1),
        amplified_min=amplified.amin(-1),
        target_max=target.amax(-1),
        baseline_max=baseline.amax(-1),
        amplified_max=amplified.amax(-1),
    )


@pytest.mark.parametrize("cut", [False, True], ids=["as amplified", "cut and tempered"])
@pytest.mark.parametrize("clipped", [False, True], ids=["whole difference", "clipped"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("way", WAYS)
def test_every_sum_is_what_it_is_named_for(way, size, clipped, cut):
    logits = logits_of(size, clipped=clipped, cut=cut)
    found, expected = way(logits), by_definition(logits)
    for name in Sums._fields:
        one, other = getattr(found, name).double(), getattr(expected, name)
        torch.testing.assert_close(
            one, other, atol=2e-5, rtol=2e-5, msg=lambda m, n=name: f"{n} {m}"
        )


def test_a_row_has_the_same_bits_whatever_stands_beside_it():
    logits = logits_of(4099, rows=7, cut=True)
    whole = torch.stack(vocabulary_sums.vocabulary_sums(logits))
    for rows in ([3], [6, 0], [5, 4, 3, 2, 1, 0]):
        part = SummedLogits(*(one[rows] for one in logits))
        found = torch.stack(vocabulary_sums.vocabulary_sums(part))
        assert torch.equal(found, whole[:, rows])


@pytest.mark.parametrize("way", WAYS)
def test_what_takes_the_likeliest_token_has_no_surprise_at_all(way):
    logits = logits_of(300)
    greedy = torch.full_like(logits.amplified, -torch.inf)
    greedy[:, 5] = 0.0
    found = way(logits._replace(drawn=greedy))
    assert found.entropy.tolist() == [0.0] * 5
    assert found.surprisal_variance.tolist() == [0.0] * 5


@pytest.mark.parametrize("way", WAYS)
def test_a_number_that_is_none_is_not_hidden(way):
    logits = logits_of(300)
    logits.target[2, 17] = torch.nan
    found = way(logits)
    assert found.target_mean.isnan().tolist() == [False, False, True, False, False]
    assert found.target_log_total.isnan().tolist() == [False, False, True, False, False]


@pytest.mark.parametrize("size", SIZES)
def test_totals_on_a_grid_are_those_of_each_strength(size):
    logits = logits_of(size)
    alphas = (-1.0, 0.0, 0.75, 40.0)
    found = vocabulary_sums.log_totals(logits.target, logits.difference, alphas)
    target, difference = logits.target.double(), logits.difference.double()
    for i, alpha in enumerate(alphas):
        expected = (target + alpha * difference).logsumexp(-1)
        torch.testing.assert_close(found[:, i].double(), expected, atol=2e-5, rtol=2e-6)


def test_compiled_loops_leave_the_number_of_threads_alone():
    """In a process of its own: only the first loop that runs starts threads."""
    script = """
import torch
from harness.decoding.vocabulary_sums import log_totals
torch.set_num_threads(1)
log_totals(torch.zeros(2, 4), torch.zeros(2, 4), [0.0])
print(torch.get_num_threads())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["1"]
