"""Counting what another batch changed, on rollouts written by hand."""

import pytest
import torch

from harness.bench.flips import arrangements, compare
from harness.decoding.rollout import Rollout
from harness.decoding.trace import TRACE_FIELDS, Trace


def rollout(ids, target_logp=-1.0, std=2.0):
    figures = torch.zeros(len(ids), len(TRACE_FIELDS))
    figures[:, TRACE_FIELDS.index("target_logp_nats")] = target_logp
    figures[:, TRACE_FIELDS.index("target_std")] = std
    return Rollout(ids=tuple(ids), stop_reason="stop", trace=Trace(figures))


def test_equal_rollouts_differ_in_nothing():
    found = compare([(rollout([1, 2, 3]), rollout([1, 2, 3]))])
    assert (found.n_rollouts, found.n_tokens) == (1, 3)
    assert (found.n_flipped, found.n_bits, found.worst_nats) == (0, 0, 0.0)


def test_a_figure_that_differs_counts_as_bits_and_only_log_probabilities_as_nats():
    found = compare([(rollout([1, 2]), rollout([1, 2], std=2.1))])
    assert (found.n_flipped, found.n_bits, found.worst_nats) == (0, 1, 0.0)
    found = compare([(rollout([1, 2]), rollout([1, 2], target_logp=-1.25))])
    assert (found.n_flipped, found.n_bits, found.worst_nats) == (0, 1, 0.25)


def test_a_token_that_differs_ends_the_comparison_of_its_rollout():
    found = compare([(rollout([1, 2, 3]), rollout([1, 9, 3])), (rollout([4]), rollout([4]))])
    assert (found.n_flipped, found.n_bits, found.n_tokens) == (1, 0, 2)
    assert "2 rollouts in other batches: 1 with another token (0.5 per token)" in found.sentence()


@pytest.mark.parametrize("n", [8, 36])
def test_arrangements_hold_every_request_in_another_order_and_some_alone(n):
    chosen = arrangements(n)
    assert sorted(chosen[-1]) == list(range(n))
    assert chosen[-1] != list(range(n))
    assert any(len(one) == 1 for one in chosen)
    assert all(0 <= i < n for one in chosen for i in one)
