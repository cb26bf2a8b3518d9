"""The rule for tokens that a list of likeliest tokens does not name, on numbers done by hand."""

import pytest
import torch

from harness.decoding.amplification import amplify
from harness.decoding.engine import Engine
from harness.pairs.top_logprobs import (
    NAMED_BY_NEITHER,
    TopLogprobs,
    TruncatedPair,
    logits_of_known,
    top_logprobs,
)
from tests.fakes import FakePair, request


def known(**logps):
    """Name tokens ``t3=-1.0`` of one row."""
    return TopLogprobs(
        torch.tensor([[int(name[1:]) for name in logps]]), torch.tensor([[*logps.values()]])
    )


LOWEST = NAMED_BY_NEITHER


def test_a_token_that_one_side_names_gets_the_others_least_named_logprob():
    target, baseline = known(t0=-0.5, t1=-2.0), known(t1=-1.0, t2=-1.5)
    logits = logits_of_known(target, baseline, 4)
    assert logits.target.tolist() == [[-0.5, -2.0, -2.0, LOWEST]]
    assert logits.baseline.tolist() == [[-1.5, -1.0, -1.5, LOWEST]]


def test_equal_lists_leave_nothing_to_amplify():
    one = known(t2=-0.1, t0=-3.0)
    logits = logits_of_known(one, one, 3)
    amplified = amplify(*logits, torch.tensor([[7.0]]))
    assert torch.equal(amplified, logits.target)


def test_a_token_that_neither_side_names_is_never_drawn():
    logits = logits_of_known(known(t0=-0.5), known(t1=-0.5), 3)
    for alpha in (-1.0, 0.0, 20.0):
        amplified = amplify(*logits, torch.tensor([[alpha]]))
        assert amplified.softmax(-1)[0, 2] == 0


def test_the_difference_in_favour_of_the_side_that_names_a_token_is_a_lower_bound():
    """The other side's true value can only be smaller than its least named one."""
    generator = torch.Generator().manual_seed(0)
    target, baseline = torch.randn(2, 50, 30, generator=generator).mul(2).log_softmax(-1)
    logits = logits_of_known(top_logprobs(target, 5), top_logprobs(baseline, 5), 30)
    in_target = torch.zeros(50, 30, dtype=torch.bool).scatter(1, target.topk(5).indices, True)
    in_baseline = torch.zeros(50, 30, dtype=torch.bool).scatter(1, baseline.topk(5).indices, True)
    measured, real = logits.target - logits.baseline, target - baseline
    only_target, only_baseline = in_target & ~in_baseline, in_baseline & ~in_target
    assert only_target.any()
    assert (measured <= real + 1e-5)[only_target].all()
    assert (measured >= real - 1e-5)[only_baseline].all()
    assert torch.allclose(measured[in_target & in_baseline], real[in_target & in_baseline])


def test_a_list_that_repeats_its_first_token_says_the_same():
    short, long = known(t0=-0.5), known(t1=-0.7, t2=-0.9)
    padded = TopLogprobs(torch.tensor([[0, 0]]), torch.tensor([[-0.5, -0.5]]))
    for first, second in ((short, padded),):
        assert torch.equal(
            logits_of_known(first, long, 4).target, logits_of_known(second, long, 4).target
        )


def test_the_likeliest_tokens_are_normalised_over_all_tokens():
    best = top_logprobs(torch.tensor([[2.0, 0.0, 1.0]]), 2)
    assert best.ids.tolist() == [[0, 2]]
    assert best.logps_nats[0].tolist() == pytest.approx([-0.40760597, -1.40760597])


def test_a_vocabulary_smaller_than_the_list_is_named_in_full():
    assert top_logprobs(torch.zeros(1, 3), 20).ids.shape == (1, 3)


def test_a_truncated_pair_that_knows_all_tokens_is_the_pair():
    inner = FakePair.by_history()
    asked = [request((1, 2), alpha=a, seed=s, max_tokens=6) for a in (0.0, 2.0) for s in range(5)]
    whole = Engine(inner, frozenset()).run(asked)
    truncated = Engine(TruncatedPair(inner, inner.vocab_size), frozenset()).run(asked)
    assert [one.ids for one in truncated] == [one.ids for one in whole]


def test_a_pair_that_knows_one_token_of_each_side_draws_only_those():
    inner = FakePair.by_last_token([[0.0, 3.0, 1.0]] * 3, [[0.0, 1.0, 3.0]] * 3)
    asked = [request((0,), alpha=1.0, seed=seed, max_tokens=8) for seed in range(20)]
    rollouts = Engine(TruncatedPair(inner, 1), frozenset()).run(asked)
    assert {token for one in rollouts for token in one.ids} <= {1, 2}
