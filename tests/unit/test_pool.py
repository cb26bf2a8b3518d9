"""One worker per pair serves tasks of any event loop, and outlives whatever befalls them."""

import importlib.util
import subprocess
import sys
import threading
import time
import weakref
from dataclasses import replace
from types import SimpleNamespace

import anyio
import pytest

from harness.decoding.engine import Engine
from harness.decoding.scheduler import BatchLimits
from harness.errors import DecodingError, PromptTooLong, WeightsError
from harness.pairs.loading import load_pair
from harness.pairs.spec import PairSpec, Side
from harness.pool import PairWorker, pair_worker, release_others
from tests.fakes import FakePair, request, slow_rollout

TIMEOUT_S = 30
BACKENDS = [
    "asyncio",
    pytest.param(
        "trio",
        marks=pytest.mark.skipif(
            importlib.util.find_spec("trio") is None, reason="trio is not installed"
        ),
    ),
]


def tiny_spec(folder, adapter=None):
    return PairSpec(
        name="tiny",
        target=Side(checkpoint=str(folder), adapter=None if adapter is None else str(adapter)),
        baseline=Side(checkpoint=str(folder)),
        device="cpu",
    )


@pytest.fixture
def pair():
    """A pair that is followed by hand; every token of 7 may come, 0 ends nothing."""
    return FakePair.by_history()


@pytest.fixture
def worker(pair, monkeypatch):
    """A worker that loads the fake pair instead of weights; not loaded yet."""
    loaded = SimpleNamespace(model=pair, chat=SimpleNamespace(eos_ids=frozenset()))
    monkeypatch.setattr("harness.pairs.loading.load_pair", lambda spec: loaded)
    # What it reads would stand among the passes that tests count.
    monkeypatch.setattr("harness.pool.is_bit_stable", lambda model, max_rows: True)
    return PairWorker(tiny_spec("fake"), BatchLimits(max_rows=8))


def run(main, backend="asyncio"):
    """Run a coroutine function in an event loop of its own, for a bounded time."""

    async def bounded():
        with anyio.fail_after(TIMEOUT_S):
            return await main()

    return anyio.run(bounded, backend=backend)


async def gather(*calls):
    """Await several calls at once and return their results or exceptions in order."""
    outcomes = [None] * len(calls)

    async def one(i, call):
        try:
            outcomes[i] = await call
        except Exception as error:
            outcomes[i] = error

    async with anyio.create_task_group() as group:
        for i, call in enumerate(calls):
            group.start_soon(one, i, call)
    return outcomes


async def until(condition):
    while not condition():
        await anyio.sleep(0.002)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_rollout_comes_back_to_the_task_that_asked(worker, pair, backend):
    requests = [request((i,), alpha=1.0, seed=i, max_tokens=4) for i in range(5)]

    async def main():
        await worker.pair()
        return await gather(*(worker.rollout(one) for one in requests))

    rollouts = run(main, backend)
    assert [one.ids for one in rollouts] == [slow_rollout(pair, r).ids for r in requests]


def test_real_weights_are_loaded_once_for_many_callers(llama_folder, lora_folder):
    worker = PairWorker(tiny_spec(llama_folder, lora_folder), BatchLimits())
    asked = request((5, 17), alpha=1.0, seed=3, max_tokens=4)

    async def ask():
        pair = await worker.pair()
        return pair, await worker.rollout(asked_anew(asked))

    async def main():
        return await gather(*(ask() for _ in range(6)))

    answers = run(main)
    assert worker.n_loads == 1
    assert len({id(pair) for pair, _ in answers}) == 1
    reference = load_pair(tiny_spec(llama_folder, lora_folder))
    [expected] = Engine(reference.model, reference.chat.eos_ids).run([asked])
    assert {rollout.ids for _, rollout in answers} == {expected.ids}


def asked_anew(asked):
    return request(asked.prompt.target_ids, alpha=1.0, seed=3, max_tokens=4)


def test_nothing_is_loaded_before_it_is_asked_for(worker):
    assert worker.n_loads == 0


def test_a_load_that_fails_is_told_to_its_caller_and_tried_again(worker, monkeypatch):
    good = worker.load

    def fails(spec):
        raise WeightsError("no such folder")

    with monkeypatch.context() as broken:
        broken.setattr("harness.pairs.loading.load_pair", fails)
        with pytest.raises(WeightsError, match="no such folder"):
            run(worker.pair)
    assert worker.n_loads == 0
    assert good() is run(worker.pair)
    assert worker.n_loads == 1


def test_a_pair_has_one_worker_in_the_process():
    spec, limits = tiny_spec("a"), BatchLimits(max_rows=3)
    assert pair_worker(spec, limits) is pair_worker(tiny_spec("a"), BatchLimits(max_rows=3))
    assert pair_worker(spec, limits) is not pair_worker(tiny_spec("b"), limits)
    assert pair_worker(spec, limits) is not pair_worker(spec, BatchLimits(max_rows=4))


def test_released_weights_are_gone_and_loaded_anew_when_asked_for(llama_folder, lora_folder):
    spec = replace(tiny_spec(llama_folder, lora_folder), name="released")
    worker = PairWorker(spec, BatchLimits())
    asked = request((5, 17), alpha=1.0, seed=3, max_tokens=4)

    async def ask():
        await worker.pair()
        return (await worker.rollout(asked)).ids

    first = run(ask)
    weights = weakref.ref(worker.load().model)
    assert "amplify released" in {thread.name for thread in threading.enumerate()}
    worker.release()
    assert weights() is None
    assert "amplify released" not in {thread.name for thread in threading.enumerate()}
    assert run(ask) == first
    assert worker.n_loads == 2
    worker.release()
    worker.release()


def test_weights_that_somebody_waits_for_are_kept(worker, pair):
    """Else the rollout would never come."""
    reading, seen = threading.Event(), threading.Event()

    def hold(number):
        reading.set()
        seen.wait(TIMEOUT_S)

    pair.before_pass = hold
    worker.load()

    async def main():
        async with anyio.create_task_group() as group:
            group.start_soon(answer)
            await until(reading.is_set)
            worker.release()
            seen.set()

    async def answer():
        answers.append(await worker.rollout(request((1,), max_tokens=2)))

    answers = []
    run(main)
    assert len(answers[0].ids) == 2
    assert worker.load() is not None
    assert worker.n_loads == 1


def test_other_pairs_are_released_and_the_workers_stay(llama_folder, lora_folder):
    workers = [
        pair_worker(tiny_spec(llama_folder, lora_folder), BatchLimits(max_rows=rows))
        for rows in (5, 6)
    ]
    pairs = [weakref.ref(worker.load()) for worker in workers]
    release_others(workers[1])
    assert pairs[0]() is None
    assert pairs[1]() is workers[1].load()
    assert pair_worker(tiny_spec(llama_folder, lora_folder), BatchLimits(max_rows=5)) is workers[0]
    workers[1].release()


def test_event_loops_in_two_threads_share_a_worker(worker, pair):
    requests = [request((i,), seed=i, max_tokens=20) for i in range(4)]
    rollouts = {}
    worker.load()

    def loop(mine):
        async def main():
            return await gather(*(worker.rollout(one) for one in mine))

        for one, rollout in zip(mine, run(main), strict=True):
            rollouts[id(one)] = rollout

    threads = [threading.Thread(target=loop, args=(half,)) for half in (requests[:2], requests[2:])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT_S)
    assert [rollouts[id(r)].ids for r in requests] == [slow_rollout(pair, r).ids for r in requests]


def test_a_later_event_loop_is_served_by_the_same_worker(worker):
    """Inspect runs an event loop for each call of eval, one after the other."""
    worker.load()
    for seed in range(2):
        rollout = run(lambda seed=seed: worker.rollout(request((1,), seed=seed, max_tokens=2)))
        assert len(rollout.ids) == 2
    assert worker.n_loads == 1


def test_requests_that_wait_together_are_decoded_together(worker, pair):
    async def main():
        async with anyio.create_task_group() as group:
            for i in range(5):
                group.start_soon(worker.rollout, request((i,), max_tokens=2))
            await anyio.sleep(0)
            worker.load()

    run(main)
    assert [len(one.target) for one in pair.passes] == [5, 5]


def test_a_cancelled_tasks_row_leaves_the_batch(worker, pair):
    reading, cancelled = threading.Event(), threading.Event()

    def hold(number):
        if number == 2:
            reading.set()
            cancelled.wait(TIMEOUT_S)

    pair.before_pass = hold
    kept = request((1,), seed=1, max_tokens=6)

    async def main():
        scope = anyio.CancelScope()

        async def unwanted():
            with scope:
                await worker.rollout(request((2,), seed=2, max_tokens=900))

        async with anyio.create_task_group() as group:
            group.start_soon(unwanted)
            group.start_soon(answer, kept)
            await anyio.sleep(0)
            worker.load()
            await until(reading.is_set)
            scope.cancel()
            await until(lambda: scope.cancelled_caught)
            cancelled.set()

    async def answer(asked):
        answers.append(await worker.rollout(asked))

    answers = []
    run(main)
    [rollout] = answers
    assert rollout.ids == slow_rollout(pair, kept).ids
    assert [len(one.target) for one in pair.passes] == [2, 2, 2, 1, 1, 1]


def test_an_error_of_the_engine_reaches_everybody_and_the_worker_serves_on(worker, pair):
    def fail(number):
        if number == 1:
            raise RuntimeError("out of memory")

    pair.before_pass = fail

    worker.load()

    async def main():
        asked = [request((i,), max_tokens=3) for i in range(2)]
        outcomes = await gather(*(worker.rollout(one) for one in asked))
        return outcomes, await worker.rollout(request((3,), max_tokens=2))

    outcomes, later = run(main)
    assert [str(one) for one in outcomes] == ["out of memory"] * 2
    assert len(later.ids) == 2


def test_a_prompt_too_long_is_told_to_its_own_task(worker, pair):
    pair.max_context = 5
    worker.load()

    async def main():
        return await gather(
            worker.rollout(request((1,) * 5)), worker.rollout(request((1,), max_tokens=2))
        )

    error, rollout = run(main)
    assert isinstance(error, PromptTooLong)
    assert len(rollout.ids) == 2


def test_logits_that_are_no_numbers_are_told_to_their_own_task(worker, pair):
    fine = pair.target
    pair.target = lambda ids: [float("nan")] * 7 if ids[0] == 6 else fine(ids)
    worker.load()

    async def main():
        return await gather(
            worker.rollout(request((6,), max_tokens=3)), worker.rollout(request((1,), max_tokens=3))
        )

    error, rollout = run(main)
    assert isinstance(error, DecodingError)
    assert len(rollout.ids) == 3


def test_an_event_loop_that_ended_early_leaves_the_worker_serving(worker, pair):
    worker.load()

    async def give_up():
        with anyio.move_on_after(0.05):
            await worker.rollout(request((1,), max_tokens=900))

    pair.before_pass = lambda number: time.sleep(0.002)
    run(give_up)
    pair.before_pass = lambda number: None
    rollout = run(lambda: worker.rollout(request((2,), max_tokens=2)))
    assert len(rollout.ids) == 2


def test_one_request_that_two_tasks_ask_for_answers_both(worker):
    """A request is a value: asking for an equal one, or for the very same, may hang nobody."""
    asked = request((1,), seed=1, max_tokens=3)

    worker.load()

    async def main():
        with anyio.fail_after(TIMEOUT_S):
            return await gather(worker.rollout(asked), worker.rollout(asked))

    first, second = run(main)
    assert first.ids == second.ids


def test_a_busy_event_loop_does_not_hold_up_another(worker):
    """A scorer that computes for seconds in one loop must not stop everybody's decoding."""
    worker.load()
    asked, free = threading.Event(), threading.Event()

    def busy_loop():
        async def main():
            async with anyio.create_task_group() as group:
                group.start_soon(worker.rollout, request((1,), max_tokens=1))
                await anyio.sleep(0)
                asked.set()
                free.wait(TIMEOUT_S)  # blocks this event loop, as synchronous work does

        run(main)

    busy = threading.Thread(target=busy_loop)
    busy.start()
    asked.wait(TIMEOUT_S)
    time.sleep(0.1)  # the busy loop's rollout is ready by now
    try:

        async def main():
            with anyio.move_on_after(TIMEOUT_S / 2):
                return await worker.rollout(request((2,), max_tokens=2))

        rollout = run(main)
    finally:
        free.set()
        busy.join(TIMEOUT_S)
    assert rollout is not None
    assert len(rollout.ids) == 2


def test_a_process_that_ends_while_rows_are_decoded_ends_cleanly():
    """A thread killed inside of torch aborts the process: exit code 134 after Ctrl-C, say."""
    script = """
import asyncio, sys
from types import SimpleNamespace

import torch

import harness.pool
from harness.decoding.rollout import RolloutRequest
from harness.decoding.pair_model import PairLogits, Prompt
from harness.decoding.scheduler import BatchLimits
from harness.decoding.settings import RolloutSettings
from harness.pairs.spec import PairSpec, Side
from harness.pool import PairWorker


class Busy:
    vocab_size, max_context, device = 50, 100_000, torch.device("cpu")
    bytes_per_token, free_bytes = 1, lambda self: 10**9

    def read_prompts(self, prompts):
        state = SimpleNamespace(select=lambda rows: None, join=lambda other: None)
        return state, self.read_tokens(state, torch.zeros(len(prompts)))

    def read_tokens(self, state, tokens):
        for _ in range(500):  # half a second of short calls into torch
            torch.randn(100_000)
        return PairLogits(*torch.randn(2, len(tokens), self.vocab_size))


loaded = SimpleNamespace(model=Busy(), chat=SimpleNamespace(eos_ids=frozenset()))
sys.modules["harness.pairs.loading"] = SimpleNamespace(load_pair=lambda spec: loaded)
harness.pool.is_bit_stable = lambda model, max_rows: True
side = Side(checkpoint="busy")
worker = PairWorker(PairSpec(name="busy", target=side, baseline=side), BatchLimits())
worker.load()


async def main():
    settings = RolloutSettings(max_tokens=50_000)
    request = RolloutRequest(prompt=Prompt((1,), (1,)), settings=settings)
    task = asyncio.create_task(worker.rollout(request))
    await asyncio.sleep(0.1)
    print("decoding" if not task.done() else task.exception())
    sys.exit(0)


asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=TIMEOUT_S
    )
    assert done.stdout == "decoding\n"
    assert (done.returncode, done.stderr) == (0, "")
