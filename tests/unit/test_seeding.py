"""A rollout's seed depends on what is sampled and on nothing else."""

import os
import subprocess
import sys
import threading

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.decoding.settings import RolloutSettings
from harness.seeding import SeedSource, derive_seed, rollout_of

PROMPT = (5, 17, 200)
# Of sample benign-001 in epoch 1 of run 0.
EXPECTED = 1171509338988755489


def seed_of(sample_id, epoch, run_seed=0, prompt=PROMPT):
    with rollout_of(sample_id, epoch):
        return SeedSource().seed(run_seed, prompt)


def test_a_rollout_has_one_seed_whoever_asks():
    """All alphas of a sweep share it: their models are different instances."""
    assert seed_of("benign-001", 1) == seed_of("benign-001", 1)


@pytest.mark.parametrize(
    "other",
    [
        {"epoch": 2},
        {"sample_id": "benign-002"},
        {"run_seed": 1},
        {"prompt": (5, 17, 201)},
        {"prompt": (5, 17)},
    ],
    ids=["epoch", "sample", "run", "prompt", "shorter prompt"],
)
def test_everything_that_tells_rollouts_apart_changes_the_seed(other):
    """Inspect hands one seed to every epoch: honoured as it is, all epochs would be alike."""
    one = {"sample_id": "benign-001", "epoch": 1}
    assert seed_of(**{**one, **other}) != seed_of(**one)


def test_within_a_rollout_the_order_of_calls_does_not_matter():
    source = SeedSource()
    with rollout_of("a", 1):
        first = source.seed(0, PROMPT)
    with rollout_of("b", 1):
        source.seed(0, PROMPT)
    with rollout_of("a", 1):
        assert source.seed(0, PROMPT) == first


def test_without_a_rollout_repeats_of_a_prompt_differ():
    source = SeedSource()
    seeds = [source.seed(0, PROMPT) for _ in range(5)]
    assert len(set(seeds)) == 5
    again = SeedSource()
    assert [again.seed(0, PROMPT) for _ in range(5)] == seeds


def test_repeats_are_counted_for_each_prompt_and_run_by_itself():
    source, other = SeedSource(), SeedSource()
    first = source.seed(0, PROMPT)
    other.seed(0, (1,))
    other.seed(1, PROMPT)
    assert other.seed(0, PROMPT) == first


def test_a_rollout_ends_with_its_block_even_after_an_error():
    outside = SeedSource().seed(0, PROMPT)
    with pytest.raises(RuntimeError, match="failed"), rollout_of("a", 1):
        raise RuntimeError("failed")
    assert SeedSource().seed(0, PROMPT) == outside
    assert seed_of("a", 1) != outside


def test_rollouts_of_concurrent_tasks_do_not_mix():
    seeds = {}

    async def sample(sample_id):
        with rollout_of(sample_id, 1):
            await anyio.sleep(0)
            seeds[sample_id] = SeedSource().seed(0, PROMPT)

    async def main():
        async with anyio.create_task_group() as group:
            for sample_id in "abc":
                group.start_soon(sample, sample_id)

    anyio.run(main)
    assert seeds == {sample_id: seed_of(sample_id, 1) for sample_id in "abc"}


def test_threads_that_ask_at_once_get_different_seeds():
    source, seeds = SeedSource(), []

    def ask():
        for _ in range(200):
            seeds.append(source.seed(0, PROMPT))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(seeds)) == 800


@given(st.text(), st.integers(0, 2**63), st.integers(1, 10_000))
def test_every_seed_is_one_that_the_engine_and_a_table_can_hold(sample_id, run_seed, epoch):
    seed = derive_seed(run_seed, "sample", sample_id, epoch)
    assert 0 <= seed < 2**63
    assert RolloutSettings(seed=seed).seed == seed


def test_parts_are_kept_apart():
    assert derive_seed("ab", "c") != derive_seed("a", "bc")
    assert derive_seed(1, (2, 3)) != derive_seed(1, 2, 3)


def test_a_seed_never_changes_between_versions():
    """Published rollouts are repeated from their run's seed."""
    assert derive_seed(0, "sample", "benign-001", 1, (5, 17, 200)) == EXPECTED


def test_a_seed_is_the_same_in_every_process():
    """Trap 4: Python's ``hash`` of a string differs from process to process."""
    script = (
        "from harness.seeding import derive_seed;"
        "print(derive_seed(0, 'sample', 'benign-001', 1, (5, 17, 200)))"
    )
    for hash_seed in ("1", "2"):
        printed = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert int(printed) == EXPECTED
