"""Who joins the batch and when."""

import pytest

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
    done = []
    for _ in range(1000):
        if scheduler.idle:
            return done
        done += [asked for asked, _ in scheduler.work()]
    pytest.fail("the scheduler never gets done")


@pytest.mark.parametrize("name", ["max_rows", "max_cached_tokens"])
@pytest.mark.parametrize("value", [0, -1, 1.5, "8", True, None])
def test_limits_are_whole_numbers_above_zero(name, value):
    with pytest.raises(ConfigurationError, match=f"{name} must be a whole number above 0, not"):
        BatchLimits(**{name: value})


def test_a_batch_never_holds_more_rows_than_the_limit():
    pair, scheduler = scheduler_of(max_rows=3)
    requests = [request((i % 2, 0), max_tokens=2, seed=i) for i in range(7)]
    for asked in requests:
        scheduler.add(asked)
    assert len(finish(scheduler)) == 7
    # Two steps for three groups; each group's prompts, of which there are two, are read first.
    assert max(rows_of_each_pass(pair)) == 3


def test_a_batch_never_caches_more_tokens_than_the_limit():
    pair, scheduler = scheduler_of(max_cached_tokens=30)
    for i in range(6):
        scheduler.add(request((0,) * (i + 1), max_tokens=4))
    finish(scheduler)
    # Lengths 5 to 8 make up 4 x 8 > 30, so three join; then 8 to 10 make up exactly 30.
    assert rows_of_each_pass(pair) == [3, 3, 3, 3] * 2


def test_newcomers_count_with_the_length_of_the_rows_they_join():
    """Every row is padded to the longest: three short ones beside 20 tokens cost 80, not 29."""
    pair, scheduler = scheduler_of(max_cached_tokens=40)
    scheduler.add(request((0,) * 15, max_tokens=5))
    scheduler.work()
    for i in range(3):
        scheduler.add(request((1,), max_tokens=2, seed=i))
    scheduler.work()
    assert rows_of_each_pass(pair)[-1] == 2


def test_a_request_beyond_the_limit_is_served_alone():
    pair, scheduler = scheduler_of(max_cached_tokens=5)
    scheduler.add(request((0,) * 20, max_tokens=2))
    scheduler.add(request((1,) * 20, max_tokens=2))
    assert len(finish(scheduler)) == 2
    assert rows_of_each_pass(pair) == [1, 1, 1, 1]


def test_a_token_limit_beyond_the_context_takes_no_more_room_than_the_context():
    """Tasks that ask for max_tokens=32768 of a small context would be decoded one by one."""
    pair, scheduler = scheduler_of(max_context=10, max_cached_tokens=40)
    for i in range(4):
        scheduler.add(request((0, i % 2), max_tokens=1000, seed=i))
    finish(scheduler)
    assert max(rows_of_each_pass(pair)) == 4


def test_newcomers_wait_until_a_quarter_of_the_batch_is_free():
    """Joining copies the caches of everybody, so it is not done for every single row."""
    pair, scheduler = scheduler_of(max_rows=8)
    for i, length in enumerate((1, 3, 9, 9, 9, 9, 9, 9)):
        scheduler.add(request((0, i % 2), max_tokens=length, seed=i))
    scheduler.work()
    scheduler.add(request((1, 1), max_tokens=9))
    scheduler.work()  # one of eight is free
    assert rows_of_each_pass(pair)[-1] == 7
    scheduler.work()  # the second has ended
    assert rows_of_each_pass(pair)[-1] == 6
    scheduler.work()
    assert rows_of_each_pass(pair)[-1] == 7


def test_rollouts_of_one_prompt_join_together():
    pair, scheduler = scheduler_of(max_rows=4)
    first, second = (0, 0), (1, 1)
    for prompt in (first, second, first, second, first, first):
        scheduler.add(request(prompt, max_tokens=2, seed=len(pair.passes)))
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


def test_clearing_forgets_what_waits_and_what_runs():
    _, scheduler = scheduler_of(max_rows=1)
    for i in range(2):
        scheduler.add(request((0,), max_tokens=9, seed=i))
    scheduler.work()
    scheduler.clear()
    assert scheduler.idle
