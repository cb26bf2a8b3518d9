"""Rows that one side decides are read by that side alone, and become the same rollouts."""

from dataclasses import replace

import pytest
import torch

from harness.constraint import RANGES, parse_constraints
from harness.decoding.engine import Engine
from harness.decoding.lane import side_alone
from harness.decoding.rollout import RolloutRequest
from harness.decoding.scheduler import BatchLimits, Scheduler
from harness.decoding.settings import RolloutSettings
from tests.fakes import FakePair, Pass, request

EOS = frozenset({0})
NUMBERS = {"clip": 0.3, "first": 2, "kl_budget": 0.1, "kl_gate": 0.4, "plausibility": 0.3}
CONSTRAINTS = [f"{kind}={NUMBERS.get(kind, 0.6)}" for kind in RANGES]


def untraced(asked: RolloutRequest) -> RolloutRequest:
    return replace(asked, settings=replace(asked.settings, trace=False))


def ids(pair, requests):
    return [rollout.ids for rollout in Engine(pair, EOS).run(requests)]


@pytest.mark.parametrize(
    ("settings", "side"),
    [
        ({"alpha": 0.0}, "target"),
        ({"alpha": -0.0, "temperature": 0.3, "top_p": 0.5, "top_logprobs": 3}, "target"),
        ({"alpha": -1.0}, "baseline"),
        ({"alpha": -1.0, "constraints": parse_constraints("plausibility=0.1")}, None),
        ({"alpha": -0.5}, None),
        ({"alpha": 1.0}, None),
    ],
)
def test_the_target_decides_at_alpha_zero_and_the_baseline_at_minus_one(settings, side):
    assert side_alone(RolloutSettings(trace=False, **settings)) == side
    assert side_alone(RolloutSettings(**settings)) is None


@pytest.mark.parametrize(
    ("alpha", "read"),
    [
        (0.0, [Pass([(3, 1)], []), Pass([(3, 1, 5)], [])]),
        (-1.0, [Pass([], [(4,)]), Pass([], [(4, 5)])]),
    ],
)
def test_the_other_side_reads_neither_prompt_nor_tokens(alpha, read):
    pair = FakePair(lambda ids: [0.0] * 5 + [50.0], lambda ids: [0.0] * 5 + [50.0], 6)
    asked = request((3, 1), baseline_prompt=(4,), alpha=alpha, trace=False, max_tokens=2)
    assert ids(pair, [asked]) == [(5, 5)]
    assert pair.passes == read


@pytest.mark.parametrize("constraint", ["none", *CONSTRAINTS])
@pytest.mark.parametrize("alpha", [0.0, -1.0])
def test_one_side_gives_the_tokens_that_both_give(alpha, constraint):
    """No constraint moves the target at alpha 0, so that it need not see the baseline."""
    constraints = parse_constraints(constraint)
    kinds = [{}, {"temperature": 0.5}, {"top_p": 0.7}, {"temperature": 0.0}, {"top_k": 2}]
    requests = [
        request(
            (i, 2),
            baseline_prompt=(i,),
            alpha=alpha,
            seed=i,
            max_tokens=9,
            constraints=constraints,
            **kind,
        )
        for i, kind in enumerate(kinds * 4)
    ]
    assert ids(FakePair.by_history(), [untraced(one) for one in requests]) == ids(
        FakePair.by_history(), requests
    )


def test_at_alpha_minus_one_logits_are_the_baselines_to_the_bit():
    """``t - (t - b)`` is not b in floating point: here it is 0.0999994."""
    pair = FakePair(lambda ids: [9.7, -30.3, 4.0], lambda ids: [0.1, 0.2, 0.3], 3)
    [rollout] = Engine(pair, EOS).run([request((1,), alpha=-1.0, max_tokens=1)])
    for figure in ("min", "max", "mean"):
        assert rollout.trace[f"amplified_{figure}"] == rollout.trace[f"baseline_{figure}"]


def test_rows_of_all_lanes_share_a_step_and_come_back_in_their_order():
    pair = FakePair.by_history()
    alphas = [0.0, 0.0, 0.0, 1.0, -1.0, -1.0]
    requests = [request((i,), alpha=a, seed=i, max_tokens=4) for i, a in enumerate(alphas)]
    engine = Engine(pair, frozenset())
    rollouts = engine.run([untraced(one) for one in requests])
    read = {(len(one.target), len(one.baseline)) for one in pair.passes}
    assert read == {(3, 0), (1, 1), (0, 2)}
    assert engine.effort.steps == 4
    assert [one.ids for one in rollouts] == [
        one.ids for one in Engine(FakePair.by_history(), frozenset()).run(requests)
    ]


def test_few_rows_of_one_side_join_those_of_both():
    """A pass of their own would read the weights once more."""
    pair = FakePair.by_history()
    alphas = [0.0, 0.0, 1.0, 2.0]
    Engine(pair, EOS).run([request((5,), alpha=a, trace=False, max_tokens=2) for a in alphas])
    assert {(len(one.target), len(one.baseline)) for one in pair.passes} <= {(1, 1), (4, 4)}


class Inseparable(FakePair):
    def alone(self, side):
        return None


def test_a_pair_whose_sides_cannot_be_told_apart_reads_both():
    pair = Inseparable.by_history()
    asked = [request((i,), alpha=0.0, trace=False, max_tokens=3) for i in (1, 2)]
    engine = Engine(pair, EOS)
    engine.run(asked)
    assert all(one.target == one.baseline for one in pair.passes)
    assert engine.effort.row_steps == engine.effort.useful_tokens


def test_dropped_rows_leave_their_own_lane():
    engine = Engine(FakePair.by_history(), frozenset())
    asked = [request((i,), alpha=a, trace=False) for i, a in enumerate((0.0, 0.0, 1.0))]
    engine.admit(asked)
    engine.drop({id(asked[0])})
    assert engine.requests == [asked[2], asked[1]]
    engine.drop({id(asked[2])})
    engine.step()
    assert engine.requests == [asked[1]]
    engine.abandon()
    assert engine.n_rows == 0


class OutOfMemory(FakePair):
    """Both sides together hold three rows, the target alone any number."""

    def _logits(self, state):
        if len(state.target) > 3:
            raise MemoryError
        return super()._logits(state)


@pytest.mark.parametrize("n_both", [3, 4])
def test_memory_that_runs_out_in_one_lane_loses_nothing_of_another(n_both):
    """The target's lane has joined, and a row of it has ended, when the other lane fails."""
    requests = [request((i,), alpha=0.0, trace=False, max_tokens=1 + i) for i in range(5)]
    requests += [request((i,), alpha=1.0, trace=False, max_tokens=4) for i in range(n_both)]
    scheduler = Scheduler(Engine(OutOfMemory.by_history(), frozenset()), BatchLimits(max_rows=20))
    for one in requests:
        scheduler.add(one)
    done = {}
    for _ in range(50):
        for asked, rollout in scheduler.work():
            assert id(asked) not in done
            done[id(asked)] = rollout.ids
    expected = Engine(FakePair.by_history(), frozenset()).run(requests)
    assert [done[id(one)] for one in requests] == [one.ids for one in expected]


def test_a_rollout_that_ended_before_memory_ran_out_is_handed_out_all_the_same():
    pair = FakePair.by_history()

    def fail_once(number):
        if number == 1:
            raise MemoryError

    pair.before_pass = fail_once
    scheduler = Scheduler(Engine(pair, frozenset()), BatchLimits(max_rows=4))
    requests = [request((i,), max_tokens=1 + i) for i in range(4)]
    for one in requests:
        scheduler.add(one)
    [(first, rollout)] = scheduler.work()
    assert first is requests[0]
    assert len(rollout.ids) == 1
    done = []
    while not scheduler.idle:
        done += [asked for asked, _ in scheduler.work()]
    assert sorted(map(id, done)) == sorted(map(id, requests[1:]))


def test_a_side_alone_draws_alternatives_of_its_own_distribution():
    pair = FakePair(lambda ids: [4.0, 2.0, 0.0], lambda ids: [0.0, 0.0, 9.0], 3)
    asked = request((1,), trace=False, top_logprobs=1, max_tokens=1)
    [rollout] = Engine(pair, EOS).run([asked])
    [step] = rollout.alternatives
    assert step.ids == (0,)
    assert step.logps_nats[0] == pytest.approx(
        torch.tensor([4.0, 2.0, 0.0]).log_softmax(-1)[0].item()
    )
