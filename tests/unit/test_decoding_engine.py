"""The engine on pairs written by hand: what it reads, when rows end, what they leave behind."""

from dataclasses import replace
from math import inf, log, nan

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from harness.decoding.engine import Engine
from harness.decoding.extent import Extent
from harness.decoding.pair_model import Prompt
from harness.decoding.rollout import RolloutRequest
from harness.decoding.trace import TRACE_FIELDS
from harness.errors import DecodingError, PromptTooLong, VocabularyMismatch
from tests.fakes import FakePair, request, slow_rollout

NO_EOS = frozenset()
SURE, NEVER = 50.0, -50.0


def always(next_token, vocab_size=5):
    return [SURE if i == next_token else 0.0 for i in range(vocab_size)]


def chain(*successors):
    """A table in which token i is followed by ``successors[i]``."""
    return [always(token, len(successors)) for token in successors]


def alike(table, **kwargs):
    return FakePair.by_last_token(table, table, **kwargs)


def rows_per_pass(pair):
    return [len(one.target) for one in pair.passes]


def test_every_token_is_read_once():
    """Trap 1: two repositories prefill the prompt and then feed its last token again."""
    pair = FakePair.by_history()
    [rollout] = Engine(pair, NO_EOS).run([request((3, 1, 4), max_tokens=3)])
    first, second, _ = rollout.ids
    expected = [[(3, 1, 4)], [(3, 1, 4, first)], [(3, 1, 4, first, second)]]
    assert [one.target for one in pair.passes] == expected
    assert [one.baseline for one in pair.passes] == expected


def test_each_side_reads_its_own_prompt_and_the_same_reply():
    pair = FakePair.by_history()
    asked = request((3, 1, 4), baseline_prompt=(5,), max_tokens=2)
    [rollout] = Engine(pair, NO_EOS).run([asked])
    assert pair.passes[1].target == [(3, 1, 4, rollout.ids[0])]
    assert pair.passes[1].baseline == [(5, rollout.ids[0])]


def test_no_token_of_a_prompt_stands_in_a_reply():
    """Trap 2: left-padded batches cut at the unpadded length put tails of prompts into replies."""
    table = [[0.0, 0.0, 0.0, NEVER, NEVER]] * 5
    requests = [request((3,) * n + (4,), max_tokens=6, seed=n) for n in range(1, 9)]
    rollouts = Engine(alike(table), NO_EOS).run(requests)
    assert {token for rollout in rollouts for token in rollout.ids} == {0, 1, 2}
    assert [len(rollout.ids) for rollout in rollouts] == [6] * 8


def test_the_end_of_sequence_ends_a_reply_and_is_its_last_token():
    [rollout] = Engine(alike(chain(1, 2, 3, 3)), frozenset({3})).run([request((0,), max_tokens=9)])
    assert rollout.ids == (1, 2, 3)
    assert rollout.stop_reason == "stop"
    assert len(rollout.trace) == 3


def test_any_of_several_end_tokens_ends_a_reply():
    pair = alike(chain(1, 2, 3, 3))
    [rollout] = Engine(pair, frozenset({2, 3})).run([request((0,), max_tokens=9)])
    assert rollout.ids == (1, 2)


def test_a_reply_that_ends_at_once_costs_the_prompt_alone():
    pair = alike(chain(3, 2, 3, 3))
    [rollout] = Engine(pair, frozenset({3})).run([request((0,), max_tokens=9)])
    assert (rollout.ids, rollout.stop_reason) == ((3,), "stop")
    assert rows_per_pass(pair) == [1]


def test_an_end_token_inside_a_prompt_ends_nothing():
    pair = alike(chain(1, 1, 1, 1))
    [rollout] = Engine(pair, frozenset({3})).run([request((3, 0), max_tokens=2)])
    assert rollout.ids == (1, 1)


def test_a_finished_row_leaves_the_batch():
    """Trap 5: rows that never stop keep the whole batch busy until the longest reply is done."""
    pair = alike(chain(1, 2, 3, 3))
    requests = [request((i,), max_tokens=4) for i in (0, 1, 2)]
    Engine(pair, frozenset({3})).run(requests)
    assert rows_per_pass(pair) == [3, 2, 1]


def test_tokens_follow_the_amplified_distribution_and_not_the_target():
    """Trap 3: amplified logits were computed and logged, and the target was sampled."""
    target, baseline = np.array([0.5, 0.3, 0.2]), np.array([0.5, 0.4, 0.1])
    table = [np.log(side).tolist() for side in (target, baseline)]
    pair = FakePair.by_last_token([table[0]] * 3, [table[1]] * 3)
    requests = [request((0,), alpha=2.0, seed=i, max_tokens=1) for i in range(3000)]
    rollouts = Engine(pair, NO_EOS).run(requests)
    counts = np.bincount([rollout.ids[0] for rollout in rollouts], minlength=3)
    amplified = target * (target / baseline) ** 2
    assert chisquare(counts, 3000 * amplified / amplified.sum()).pvalue > 1e-4
    assert chisquare(counts, 3000 * target).pvalue < 1e-20


@pytest.mark.parametrize("alpha", [-1.0, 0.0, 4.0])
def test_a_token_that_both_sides_forbid_stays_forbidden(alpha):
    """Trap 7: minus infinity less minus infinity is not a number."""
    pair = FakePair.by_last_token([[-inf, 1.0, 2.0]] * 3, [[-inf, 2.0, 1.0]] * 3)
    [rollout] = Engine(pair, NO_EOS).run([request((0,), alpha=alpha, max_tokens=40)])
    assert 0 not in rollout.ids
    assert rollout.trace.figures.isfinite().all()


def test_a_token_that_the_target_alone_forbids_is_not_drawn_above_alpha_zero():
    pair = FakePair.by_last_token([[-inf, 1.0, 2.0]] * 3, [[3.0, 2.0, 1.0]] * 3)
    [rollout] = Engine(pair, NO_EOS).run([request((0,), alpha=1.0, max_tokens=20)])
    assert 0 not in rollout.ids


def test_a_token_that_the_baseline_alone_forbids_is_all_that_is_drawn_above_alpha_zero():
    pair = FakePair.by_last_token([[3.0, 1.0, 2.0]] * 3, [[-inf, 2.0, 1.0]] * 3)
    [rollout] = Engine(pair, NO_EOS).run([request((0,), alpha=1.0, max_tokens=20)])
    assert set(rollout.ids) == {0}


def test_top_p_is_taken_of_the_amplified_distribution():
    """Trap 7 again: a mask made from the target would have kept token 0 alone."""
    target, baseline = [log(0.6), log(0.4)], [log(0.9), log(0.1)]
    pair = FakePair.by_last_token([target] * 2, [baseline] * 2)
    requests = [request((0,), alpha=2.0, top_p=0.5, seed=i, max_tokens=1) for i in range(20)]
    assert {rollout.ids for rollout in Engine(pair, NO_EOS).run(requests)} == {(1,)}


def test_a_rollout_ends_at_its_token_limit():
    [rollout] = Engine(alike(chain(1, 0)), NO_EOS).run([request((0,), max_tokens=3)])
    assert (rollout.ids, rollout.stop_reason) == ((1, 0, 1), "max_tokens")


def test_a_rollout_ends_where_the_context_ends():
    pair = alike(chain(1, 0), max_context=5)
    [rollout] = Engine(pair, NO_EOS).run([request((0, 0, 0), max_tokens=3)])
    assert (rollout.ids, rollout.stop_reason) == ((1, 0), "model_length")


def test_the_longer_sides_prompt_decides_where_the_context_ends():
    pair = alike(chain(1, 0), max_context=5)
    asked = request((0,), baseline_prompt=(0, 0, 0, 0), max_tokens=3)
    [rollout] = Engine(pair, NO_EOS).run([asked])
    assert (rollout.ids, rollout.stop_reason) == ((1,), "model_length")


def test_a_limit_that_just_fits_is_reported_as_the_limit():
    pair = alike(chain(1, 0), max_context=5)
    [rollout] = Engine(pair, NO_EOS).run([request((0, 0), max_tokens=3)])
    assert rollout.stop_reason == "max_tokens"


def test_an_end_token_at_the_limit_counts_as_a_stop():
    [rollout] = Engine(alike(chain(1, 1)), frozenset({1})).run([request((0,), max_tokens=1)])
    assert rollout.stop_reason == "stop"


def test_a_prompt_without_room_for_a_reply_admits_nobody():
    pair = alike(chain(1, 0), max_context=3)
    engine = Engine(pair, NO_EOS)
    with pytest.raises(PromptTooLong, match="3 tokens and the model's context holds 3"):
        engine.admit([request((0,)), request((0, 0, 0))])
    assert engine.n_rows == 0
    assert pair.passes == []


def test_a_stop_check_sees_all_ids_so_far_and_ends_the_row():
    seen = []

    def reached(ids):
        seen.append(tuple(ids))
        return len(ids) == 2

    pair = alike(chain(1, 2, 3, 0))
    [rollout] = Engine(pair, NO_EOS).run([request((0,), max_tokens=9, reached_stop=reached)])
    assert seen == [(1,), (1, 2)]
    assert (rollout.ids, rollout.stop_reason) == ((1, 2), "stop")


def test_a_stop_check_speaks_for_its_own_row_only():
    stopping = request((0,), max_tokens=4, reached_stop=lambda ids: True)
    other = request((1,), max_tokens=4)
    first, second = Engine(alike(chain(1, 2, 3, 0)), NO_EOS).run([stopping, other])
    assert (first.ids, second.ids) == ((1,), (2, 3, 0, 1))


def test_a_prompt_is_read_once_however_many_rollouts_ask_for_it():
    pair = FakePair.by_history()
    requests = [request((3, 1), seed=i, max_tokens=2, alpha=float(i)) for i in range(5)]
    requests += [request((3, 1), baseline_prompt=(3,), max_tokens=2)]
    Engine(pair, NO_EOS).run(requests)
    assert pair.passes[0].target == [(3, 1), (3, 1)]
    assert pair.passes[0].baseline == [(3, 1), (3,)]
    assert rows_per_pass(pair) == [2, 6]


def test_long_prompts_are_read_in_parts_that_equal_the_whole():
    """One forward pass over all prompts of a sweep would not fit into memory."""
    pair = FakePair.by_last_token(chain(1, 2, 0), chain(2, 0, 1))
    requests = [
        request((i % 3,) * n, alpha=0.3, seed=i, max_tokens=3)
        for i, n in enumerate((3000, 10, 2000, 9000, 3000, 5))
    ]
    pair.max_context = 10_000
    rollouts = Engine(pair, NO_EOS).run(requests)
    prefills = [one.target for one in pair.passes if len(one.target) < len(requests)]
    assert sum(len(rows) for rows in prefills) == len(requests)
    assert all(len(rows) * max(map(len, rows)) <= 8192 for rows in prefills if len(rows) > 1)
    assert [rollout.ids for rollout in rollouts] == [slow_rollout(pair, r).ids for r in requests]


def test_rollouts_come_back_in_the_order_of_their_requests():
    pair = alike(chain(1, 2, 3, 3))
    rollouts = Engine(pair, frozenset({3})).run([request((i,)) for i in (0, 2, 1)])
    assert [rollout.ids for rollout in rollouts] == [(1, 2, 3), (3,), (2, 3)]


def test_nothing_asked_is_nothing_sampled():
    engine = Engine(FakePair.by_history(), NO_EOS)
    assert engine.run([]) == []
    assert engine.step() == []


BROKEN = [
    pytest.param([nan, 0.0, 0.0], [0.0] * 3, id="the target has a NaN"),
    pytest.param([0.0] * 3, [0.0, nan, 0.0], id="the baseline has a NaN"),
    pytest.param([inf, 0.0, 0.0], [0.0] * 3, id="the target is infinite"),
    pytest.param([inf, 0.0, 0.0], [inf, 0.0, 0.0], id="both are infinite"),
    pytest.param([3e38, 0.0, 0.0], [-3e38, 0.0, 0.0], id="the amplified logit overflows"),
]


@pytest.mark.parametrize(("target", "baseline"), BROKEN)
@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("trace", [True, False])
def test_logits_that_are_no_numbers_end_their_own_row_only(target, baseline, temperature, trace):
    """Token 2 leads to broken logits in its second step; the row beside it never gets there."""
    good = [0.0, SURE, 0.0]
    pair = FakePair.by_last_token([good, good, target], [good, good, baseline])
    engine = Engine(pair, NO_EOS)
    broken = request((2,), alpha=1.5, temperature=temperature, max_tokens=3, trace=trace)
    sound = request((0,), alpha=1.5, temperature=temperature, max_tokens=3)
    engine.admit([broken, sound])
    [(ended, error)] = engine.step()
    assert ended is broken
    assert isinstance(error, DecodingError)
    assert "not finite at token 0 of a rollout at alpha 1.5" in str(error)
    assert engine.step() == []
    [(ended, rollout)] = engine.step()
    assert ended is sound
    assert rollout.ids == (1, 1, 1)
    assert rollout.trace.figures.isfinite().all()


def test_run_raises_what_a_row_ended_with_and_leaves_the_engine_empty():
    engine = Engine(alike([[nan, 0.0], [0.0, 0.0]]), NO_EOS)
    with pytest.raises(DecodingError):
        engine.run([request((0,)), request((1,), max_tokens=5)])
    assert engine.n_rows == 0
    assert [rollout.ids for rollout in engine.run([request((1,), temperature=0, max_tokens=1)])]


def test_sides_of_different_size_are_refused_at_the_first_step():
    pair = FakePair.by_last_token([[0.0, 0.0, 0.0]] * 3, [[0.0, 0.0]] * 3)
    with pytest.raises(VocabularyMismatch):
        Engine(pair, NO_EOS).run([request((0,))])


def test_a_dropped_row_leaves_the_batch_and_the_others_never_notice():
    pair = FakePair.by_history()
    requests = [request((i,), alpha=1.0, seed=i, max_tokens=6, top_logprobs=i) for i in range(4)]
    engine = Engine(pair, NO_EOS)
    engine.admit(requests)
    engine.step()
    engine.step()
    engine.drop({id(requests[0]), id(requests[2])})
    assert engine.n_rows == 2
    done = {}
    while engine.n_rows:
        done |= {id(asked): rollout for asked, rollout in engine.step()}
    assert len(done) == 2
    for asked in (requests[1], requests[3]):
        assert done[id(asked)].ids == slow_rollout(pair, asked).ids
        assert len(done[id(asked)].alternatives) == 6


def test_dropping_everybody_empties_the_engine():
    engine = Engine(FakePair.by_history(), NO_EOS)
    asked = request((1,), max_tokens=5)
    engine.admit([asked])
    engine.drop({id(asked)})
    assert engine.n_rows == 0
    assert engine.extent.n_rows == 0
    assert engine.step() == []


def test_dropping_a_stranger_changes_nothing():
    engine = Engine(FakePair.by_history(), NO_EOS)
    engine.drop({123})
    engine.admit([request((1,), max_tokens=5)])
    engine.drop({123})
    assert engine.n_rows == 1


def test_the_extent_counts_prompts_once_and_the_replies_that_may_come():
    engine = Engine(FakePair.by_history(max_context=12), NO_EOS)
    assert engine.extent == Extent(0, 0, 0, 0)
    engine.admit([request((1, 2), max_tokens=5), request((1, 2), max_tokens=3)])
    assert engine.extent == Extent(1, 2, 2, 5)
    engine.admit([request((1,) * 4, max_tokens=100)])
    assert engine.extent == Extent(2, 4, 3, 8)
    # Two prompts of 4 tokens, 3 replies of 8, and 24 bytes for each logit.
    assert engine.bytes_of(engine.extent) == 2 * 4 + 3 * 8 + 3 * 7 * 24


def test_alternatives_are_the_likeliest_amplified_tokens_at_temperature_one():
    # Odds of the target 4 : 2 : 1, of the baseline 1 : 1 : 1; alpha 1 squares the target's.
    pair = FakePair.by_last_token([[log(4), log(2), 0.0]] * 3, [[0.0] * 3] * 3)
    asked = request((0,), alpha=1.0, top_logprobs=2, temperature=0.1, top_k=1, max_tokens=2)
    [rollout] = Engine(pair, NO_EOS).run([asked])
    assert len(rollout.alternatives) == 2
    for step in rollout.alternatives:
        assert step.ids == (0, 1)
        assert np.exp(step.logps_nats) == pytest.approx([16 / 21, 4 / 21], rel=1e-5)


def test_each_row_gets_as_many_alternatives_as_it_asked_for():
    pair = alike(chain(1, 2, 0))
    requests = [request((i,), top_logprobs=n, max_tokens=1) for i, n in enumerate((2, 0, 20))]
    rollouts = Engine(pair, NO_EOS).run(requests)
    assert [[len(one.ids) for one in rollout.alternatives] for rollout in rollouts] == [
        [2],
        [],
        [3],
    ]
    assert [rollout.alternatives[0].ids[0] for rollout in (rollouts[0], rollouts[2])] == [1, 0]


def test_a_trace_has_one_row_of_figures_per_token():
    [rollout] = Engine(FakePair.by_history(), NO_EOS).run([request((1,), max_tokens=4)])
    assert rollout.trace.figures.shape == (4, len(TRACE_FIELDS))
    assert rollout.trace.figures.dtype == torch.float32


def test_a_rollout_without_a_trace_has_the_same_tokens_and_its_neighbours_their_figures():
    pair = FakePair.by_history()
    kinds = [{"trace": i % 3 == 0} for i in range(9)]
    asked = [request((i,), alpha=2.0, seed=i, max_tokens=2 + i % 4) for i in range(9)]
    some = [
        RolloutRequest(prompt=one.prompt, settings=replace(one.settings, **kind))
        for one, kind in zip(asked, kinds, strict=True)
    ]
    traced, mixed = Engine(pair, NO_EOS).run(asked), Engine(pair, NO_EOS).run(some)
    for one, other, kind in zip(traced, mixed, kinds, strict=True):
        assert one.ids == other.ids
        assert (other.trace is not None) == kind["trace"]
        if other.trace is not None:
            assert torch.equal(one.trace.figures, other.trace.figures)


def test_a_rollout_given_out_is_not_touched_by_later_steps():
    pair = FakePair.by_history()
    engine = Engine(pair, NO_EOS)
    short, long = request((1,), max_tokens=1), request((2,), max_tokens=4)
    engine.admit([short, long])
    [(_, rollout)] = engine.step()
    before = rollout.trace.figures.clone()
    while engine.n_rows:
        engine.step()
    assert torch.equal(rollout.trace.figures, before)


def test_a_prompt_needs_a_token_on_each_side():
    with pytest.raises(ValueError, match="at least one token on each side"):
        Prompt((1,), ())
