"""Who joins the batch and when."""

import pytest

from harness.constraint import parse_constraints
from harness.decoding.engine import Engine
from harness.decoding.scheduler import BatchLimits, Scheduler
from harness.errors import ConfigurationError, PromptTooLong
from tests.fakes import FakePair, request

# Every token is followed by token 1, which ends nothing.
ENDLESS = [[0.0, 50.0]] * 2


def scheduler_of(max_context=1000, **limits):
    pair = FakePair.by_last_token(ENDLESS, ENDLESS, max_context=max_context)
    return pair, Scheduler(Engine(pair, frozenset()), BatchLimits(**limits))


def rows_of_each_pass(pair):
    return [len(one.target) for one in pair.passes]


def finish(scheduler):
    return [asked for asked, _ in finish_with(scheduler)]


def finish_with(scheduler):
    done = []
    for _ in range(1000):
        if scheduler.idle:
            return done
        done += scheduler.work()
    pytest.fail("the scheduler never gets done")


@pytest.mark.parametrize("value", [0, -1, 1.5, "8", True])
def test_the_number_of_rows_is_whole_and_above_zero(value):
    with pytest.raises(ConfigurationError, match="max_rows must be a whole number above 0, not"):
        BatchLimits(max_rows=value)


@pytest.mark.parametrize("value", [0, -1, "8", True, float("nan"), float("inf")])
def test_the_memory_is_a_number_above_zero(value):
    with pytest.raises(ConfigurationError, match="memory_gb must be a number above 0, not"):
        BatchLimits(memory_gb=value)


def test_a_batch_never_holds_more_rows_than_the_limit():
    pair, scheduler = scheduler_of(max_rows=3)
    requests = [request((i % 2, 0), max_tokens=2, seed=i) for i in range(7)]
    for asked in requests:
        scheduler.add(asked)
    assert len(finish(scheduler)) == 7
    # Two steps for three groups; each group's prompts, of which there are two, are read first.
    assert max(rows_of_each_pass(pair)) == 3


def test_room_of_ended_rollouts_is_given_back_whenever_half_a_batch_has_ended(monkeypatch):
    times = []
    monkeypatch.setattr("harness.decoding.scheduler.give_back", lambda: times.append(1))
    _, scheduler = scheduler_of(max_rows=4)
    for i in range(7):
        scheduler.add(request((i % 2,), max_tokens=1, seed=i))
    assert len(finish(scheduler)) == 7
    assert len(times) == 2  # after four, and after three more


# A row of the fake pair takes 24 bytes for each of two logits, and a byte for each token.
LOGITS = 48


def test_a_batch_never_takes_more_memory_than_the_limit():
    """Two prompts padded to 4 tokens and two replies of 5: 18 bytes beside the logits."""
    pair, scheduler = scheduler_of(memory_gb=(2 * LOGITS + 18) / 1e9)
    for length in (3, 4, 2, 4):
        scheduler.add(request((0,) * length, max_tokens=5, seed=length))
    finish(scheduler)
    assert max(rows_of_each_pass(pair)) == 2
    assert len(pair.passes) == 2 * 5


def test_rows_of_one_prompt_pay_for_it_once():
    # One prompt of 10 tokens and three replies of 4: 22 bytes, where three prompts take 42.
    pair, scheduler = scheduler_of(memory_gb=(3 * LOGITS + 22) / 1e9)
    for seed in range(3):
        scheduler.add(request((0,) * 10, max_tokens=4, seed=seed))
    finish(scheduler)
    assert rows_of_each_pass(pair) == [1, 3, 3, 3]


def test_newcomers_count_with_the_length_of_the_rows_they_join():
    """Every prompt is padded to the longest: a short one beside 15 tokens takes 15 as well."""
    pair, scheduler = scheduler_of(memory_gb=(3 * LOGITS + 2 * 15 + 3 * 5) / 1e9)
    scheduler.add(request((0,) * 15, max_tokens=5))
    scheduler.work()
    for i in range(3):
        scheduler.add(request((1,), max_tokens=2, seed=i))
    scheduler.work()
    assert rows_of_each_pass(pair)[-1] == 3


def test_a_request_beyond_the_limit_is_served_alone():
    pair, scheduler = scheduler_of(memory_gb=1e-9)
    scheduler.add(request((0,) * 20, max_tokens=2))
    scheduler.add(request((1,) * 20, max_tokens=2))
    assert len(finish(scheduler)) == 2
    assert rows_of_each_pass(pair) == [1, 1, 1, 1]


def test_half_of_what_is_free_is_taken_where_nothing_is_stated():
    pair = FakePair.by_last_token(ENDLESS, ENDLESS)
    pair.n_free = 2 * (2 * LOGITS + 2 * 1 + 2 * 3)
    scheduler = Scheduler(Engine(pair, frozenset()), BatchLimits())
    for i in range(4):
        scheduler.add(request((i % 2,), max_tokens=3, seed=i))
    finish(scheduler)
    assert max(rows_of_each_pass(pair)) == 2


def test_a_token_limit_beyond_the_context_takes_no_more_room_than_the_context():
    """Tasks that ask for max_tokens=32768 of a small context would be decoded one by one."""
    pair, scheduler = scheduler_of(max_context=10, memory_gb=(4 * LOGITS + 40) / 1e9)
    for i in range(4):
        scheduler.add(request((0, i % 2), max_tokens=1000, seed=i))
    finish(scheduler)
    assert max(rows_of_each_pass(pair)) == 4


def test_waiting_rows_enter_at_once_when_rows_end():
    pair, scheduler = scheduler_of(max_rows=8)
    for i, length in enumerate((1, 3, 9, 9, 9, 9, 9, 9)):
        scheduler.add(request((0, i % 2), max_tokens=length, seed=i))
    scheduler.work()
    scheduler.add(request((1, 1), max_tokens=9))
    assert rows_of_each_pass(pair)[-1] == 7
    scheduler.work()
    assert rows_of_each_pass(pair)[-2:] == [1, 8]  # the newcomer's prompt, then everybody


def test_the_batch_stays_full_while_requests_wait_and_no_row_step_is_wasted():
    """Replies of 1 to 40 tokens, 16 at a time: padded groups would waste half of their steps."""
    _, scheduler = scheduler_of(max_rows=16)
    lengths = [1 + (7 * i) % 40 for i in range(200)]
    for i, length in enumerate(lengths):
        scheduler.add(request((0, i % 2), max_tokens=length, seed=i))
    row_steps = full = steps = 0
    while not scheduler.idle:
        waits = len(scheduler.waiting) > 0
        done = scheduler.work()
        rows = scheduler.n_rows + len(done)
        row_steps += rows
        steps += waits
        full += waits and rows >= 15
    assert row_steps == sum(lengths)
    assert full / steps > 0.95


class OutOfMemory(FakePair):
    """Holds so many rows and no more."""

    n_rows = 5

    def _logits(self, state):
        if len(state.target) > self.n_rows:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 8 bytes")
        return super()._logits(state)


def test_when_memory_runs_out_the_batch_is_halved_and_nothing_is_lost(caplog):
    pair = OutOfMemory.by_history()
    scheduler = Scheduler(Engine(pair, frozenset()), BatchLimits(max_rows=16))
    requests = [request((i % 3, 2), max_tokens=4, seed=i) for i in range(16)]
    for asked in requests:
        scheduler.add(asked)
    done = {}
    while not scheduler.idle:
        done |= {id(asked): rollout.ids for asked, rollout in scheduler.work()}
    assert scheduler.max_rows == 4
    expected = Engine(FakePair.by_history(), frozenset()).run(requests)
    assert [done[id(asked)] for asked in requests] == [rollout.ids for rollout in expected]
    assert "memory ran out with 16 rollouts in a batch" in caplog.text


def test_a_rollout_that_memory_cannot_hold_alone_is_an_error():
    pair = OutOfMemory.by_history()
    pair.n_rows = 0
    scheduler = Scheduler(Engine(pair, frozenset()), BatchLimits())
    scheduler.add(request((1,), max_tokens=2))
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        scheduler.work()


def test_another_error_than_want_of_memory_is_not_taken_for_it():
    pair, scheduler = scheduler_of()
    pair.before_pass = lambda number: 1 / 0
    for i in range(4):
        scheduler.add(request((0,), seed=i))
    with pytest.raises(ZeroDivisionError):
        scheduler.work()


def test_rollouts_of_one_prompt_join_together():
    pair, scheduler = scheduler_of(max_rows=4)
    first, second = (0, 0), (1, 1)
    for seed, prompt in enumerate((first, second, first, second, first, first)):
        scheduler.add(request(prompt, max_tokens=2, seed=seed))
    scheduler.work()
    assert pair.passes[0].target == [first]
    finish(scheduler)
    assert [one.target for one in pair.passes if len(one.target[0]) == 2] == [[first], [second]]


def test_a_scheduler_is_idle_when_nothing_waits_and_nothing_runs():
    _, scheduler = scheduler_of()
    assert scheduler.idle
    scheduler.add(request((0,), max_tokens=2))
    assert not scheduler.idle
    scheduler.work()
    assert not scheduler.idle
    scheduler.work()
    assert scheduler.idle
    assert scheduler.work() == []


def test_a_prompt_too_long_is_told_when_it_is_added():
    _, scheduler = scheduler_of(max_context=4)
    with pytest.raises(PromptTooLong):
        scheduler.add(request((0,) * 4))
    assert scheduler.idle


def test_dropped_requests_leave_the_queue_and_the_batch():
    _, scheduler = scheduler_of(max_rows=2)
    requests = [request((0,), max_tokens=3, seed=i) for i in range(4)]
    for asked in requests:
        scheduler.add(asked)
    scheduler.work()
    running, queued = requests[0], requests[3]
    scheduler.drop([running, queued])
    assert finish(scheduler) == [requests[1], requests[2]]


def test_dropping_the_last_request_makes_the_scheduler_idle():
    _, scheduler = scheduler_of()
    asked = request((0,))
    scheduler.add(asked)
    scheduler.drop([asked])
    assert scheduler.idle


def test_identical_requests_are_decoded_once_and_all_of_them_answered():
    pair = FakePair.by_history()
    scheduler = Scheduler(Engine(pair, frozenset()), BatchLimits())
    kinds = [{"seed": 1}, {"seed": 1}, {"seed": 2}, {"seed": 1, "alpha": 1.0}]
    asked = [request((3, 1), max_tokens=4, **kind) for kind in kinds]
    for one in asked:
        scheduler.add(one)
    first = scheduler.work()
    late = request((3, 1), max_tokens=4, seed=2)
    scheduler.add(late)
    done = {id(one): rollout.ids for one, rollout in [*first, *finish_with(scheduler)]}
    assert rows_of_each_pass(pair) == [1, 3, 3, 3]
    assert len(done) == 5
    assert done[id(asked[0])] == done[id(asked[1])]
    assert done[id(asked[2])] == done[id(late)]


def test_what_makes_no_difference_makes_requests_identical():
    """Greedy decoding takes no random number, and constraints mean the same in any order."""
    pair = FakePair.by_history()
    scheduler = Scheduler(Engine(pair, frozenset()), BatchLimits())
    masks = parse_constraints("plausibility=0.1:first=1")
    for seed, constraints in enumerate((masks, masks[::-1])):
        scheduler.add(request((3,), temperature=0, seed=seed, constraints=constraints))
    scheduler.work()
    assert rows_of_each_pass(pair) == [1, 1]


def test_other_stop_checks_make_other_requests():
    pair = FakePair.by_history()
    scheduler = Scheduler(Engine(pair, frozenset()), BatchLimits())
    for length in (2, 3):
        scheduler.add(request((3,), reached_stop=lambda ids, n=length: len(ids) == n))
    assert sorted(len(rollout.ids) for _, rollout in finish_with(scheduler)) == [2, 3]


@pytest.mark.parametrize("leaves", [0, 1])
@pytest.mark.parametrize("begun", [True, False])
def test_who_leaves_takes_nothing_from_those_who_asked_for_the_same(leaves, begun):
    pair = FakePair.by_history()
    scheduler = Scheduler(Engine(pair, frozenset()), BatchLimits())
    asked = [request((3,), max_tokens=3) for _ in range(2)]
    for one in asked:
        scheduler.add(one)
    if begun:
        scheduler.work()
    scheduler.drop([asked[leaves]])
    [(told, rollout)] = finish_with(scheduler)
    assert told is asked[1 - leaves]
    assert len(rollout.ids) == 3
    assert len(pair.passes) == 3
    scheduler.add(asked[leaves])
    scheduler.drop([asked[leaves]])
    assert scheduler.idle


def test_clearing_forgets_what_waits_and_what_runs():
    _, scheduler = scheduler_of(max_rows=1)
    for i in range(2):
        scheduler.add(request((0,), max_tokens=9, seed=i))
    scheduler.work()
    scheduler.clear()
    assert scheduler.idle
