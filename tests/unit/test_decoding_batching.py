"""Rows are independent: neither company, order nor the moment of joining changes a rollout."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.decoding.engine import Engine
from harness.decoding.scheduler import BatchLimits, Scheduler
from tests.fakes import FakePair, request, slow_rollout

EOS = frozenset({0})
VOCAB = 7

prompts = st.lists(st.integers(0, VOCAB - 1), min_size=1, max_size=4)


@st.composite
def requests(draw):
    stop_at = draw(st.sampled_from([None, None, 2, 3]))
    return request(
        draw(prompts),
        baseline_prompt=draw(st.none() | prompts),
        alpha=draw(st.sampled_from([-1.0, 0.0, 0.5, 1.0, 4.0])),
        temperature=draw(st.sampled_from([0.0, 0.5, 1.0, 2.0])),
        top_p=draw(st.sampled_from([0.4, 0.9, 1.0])),
        top_k=draw(st.sampled_from([0, 1, 3])),
        seed=draw(st.integers(0, 2**64 - 1)),
        max_tokens=draw(st.integers(1, 8)),
        top_logprobs=draw(st.sampled_from([0, 0, 2, 5])),
        trace=draw(st.booleans()),
        reached_stop=None if stop_at is None else lambda ids: ids[-1] == stop_at,
    )


batches = st.lists(requests(), min_size=1, max_size=7)


def assert_as_if_alone(pair, asked, rollout):
    slow = slow_rollout(pair, asked, EOS)
    assert rollout.ids == slow.ids
    [alone] = Engine(pair, EOS).run([asked])
    assert rollout.stop_reason == alone.stop_reason
    assert (rollout.trace is not None) == asked.settings.trace
    if rollout.trace is not None:
        expected = [figures["amplified_logp_nats"] for figures in slow.figures]
        assert rollout.trace["amplified_logp_nats"].tolist() == pytest.approx(expected, abs=1e-4)
        torch.testing.assert_close(rollout.trace.figures, alone.trace.figures)
    assert [one.ids for one in rollout.alternatives] == [one.ids for one in alone.alternatives]


@given(batches, st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_a_batch_of_mixed_rows_in_any_order_equals_single_rows(batch, random):
    pair = FakePair.by_history(VOCAB, max_context=9)
    random.shuffle(batch)
    for asked, rollout in zip(batch, Engine(pair, EOS).run(batch), strict=True):
        assert_as_if_alone(pair, asked, rollout)


@given(st.lists(st.tuples(st.integers(0, 3), requests()), min_size=1, max_size=7))
@settings(max_examples=40)
def test_rows_that_join_a_running_batch_equal_single_rows(arrivals):
    pair = FakePair.by_history(VOCAB, max_context=9)
    engine = Engine(pair, EOS)
    done = {}
    for wait, asked in arrivals:
        for _ in range(wait):
            done |= {id(one): rollout for one, rollout in engine.step()}
        engine.admit([asked])
    while engine.n_rows:
        done |= {id(one): rollout for one, rollout in engine.step()}
    assert len(done) == len(arrivals)
    for _, asked in arrivals:
        assert_as_if_alone(pair, asked, done[id(asked)])


@given(
    arrivals=st.lists(st.tuples(st.integers(0, 3), requests()), min_size=1, max_size=9),
    max_rows=st.integers(1, 5),
    memory_gb=st.sampled_from([1e-9, 8e-7, 1.0]),
)
@settings(max_examples=40)
def test_scheduled_rows_equal_single_rows_within_any_limits(arrivals, max_rows, memory_gb):
    pair = FakePair.by_history(VOCAB, max_context=9)
    limits = BatchLimits(max_rows=max_rows, memory_gb=memory_gb)
    scheduler = Scheduler(Engine(pair, EOS), limits)
    done = {}
    for wait, asked in arrivals:
        for _ in range(wait):
            done |= {id(one): rollout for one, rollout in scheduler.work()}
        scheduler.add(asked)
    for _ in range(200):  # more steps than all rows have tokens
        done |= {id(one): rollout for one, rollout in scheduler.work()}
    assert scheduler.idle
    assert max(len(one.target) for one in pair.passes) <= max_rows
    assert len(done) == len(arrivals)
    for _, asked in arrivals:
        assert_as_if_alone(pair, asked, done[id(asked)])


@given(batches, st.integers(0, 2**31))
@settings(max_examples=25)
def test_rows_dropped_on_the_way_leave_the_others_as_they_were(batch, which):
    pair = FakePair.by_history(VOCAB, max_context=9)
    unwanted = {id(asked) for i, asked in enumerate(batch) if which >> i & 1}
    engine = Engine(pair, EOS)
    engine.admit(batch)
    done = {id(one): rollout for one, rollout in engine.step()}
    engine.drop(unwanted)
    while engine.n_rows:
        done |= {id(one): rollout for one, rollout in engine.step()}
    for asked in batch:
        if id(asked) not in unwanted:
            assert_as_if_alone(pair, asked, done[id(asked)])
