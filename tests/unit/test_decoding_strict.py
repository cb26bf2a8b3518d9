"""Where rounding depends on the batch: it is found out, told, and kept out by fixed shapes."""

import logging
from types import SimpleNamespace

import pytest
import torch

from harness.decoding.engine import Engine
from harness.decoding.fixed_shape import FixedShape
from harness.decoding.pair_model import PairLogits
from harness.decoding.scheduler import BatchLimits, Scheduler
from harness.decoding.stability import is_bit_stable
from harness.decoding.step import StepTable
from harness.errors import ConfigurationError, DecodingError
from harness.pairs.loading import load_pair
from harness.pairs.spec import PairSpec, Side
from harness.pool import PairWorker
from tests.fakes import FakePair, FakeState, request

NO_EOS: frozenset[int] = frozenset()


class Rounding(FakePair):
    """A pair whose logits tell how many rows a step has, and how many prompts a pass reads."""

    def _logits(self, state: FakeState) -> PairLogits:
        logits = super()._logits(state)
        coarse = torch.arange(7) % 3 * 0.3 * len(state.target)
        return PairLogits(logits.target + coarse, logits.baseline)


def requests(n: int = 9):
    return [
        request((i % 3, 2), alpha=0.5 * (i % 4), seed=i, max_tokens=3 + i % 5) for i in range(n)
    ]


def ids(pair, asked, fixed_rows=None):
    return [one.ids for one in Engine(pair, NO_EOS, fixed_rows).run(asked)]


def test_a_pair_that_rounds_by_the_batch_gives_other_tokens_alone():
    asked = requests()
    together = ids(Rounding.by_history(), asked)
    assert together != [ids(Rounding.by_history(), [one])[0] for one in asked]


def test_at_a_fixed_number_of_rows_a_rollout_is_the_same_in_any_company():
    asked = requests()
    together = ids(Rounding.by_history(), asked, 9)
    assert [ids(Rounding.by_history(), [one], 9)[0] for one in asked] == together
    few = [ids(Rounding.by_history(), asked[i : i + 2], 9) for i in range(0, 9, 2)]
    assert [one for pair in few for one in pair] == together


@pytest.mark.parametrize("max_rows", [4, 9])
def test_rows_that_join_and_leave_at_a_fixed_number_of_rows_change_nothing(max_rows: int):
    pair = Rounding.by_history()
    limits = BatchLimits(max_rows=max_rows, strict=True)
    scheduler = Scheduler(Engine(pair, NO_EOS, max_rows), limits)
    asked, done = requests(), {}
    for one in asked:
        scheduler.add(one)
        done |= {id(each): rollout.ids for each, rollout in scheduler.work()}
    scheduler.drop([])
    while not scheduler.idle:
        done |= {id(each): rollout.ids for each, rollout in scheduler.work()}
    alone = [ids(Rounding.by_history(), [one], max_rows)[0] for one in asked]
    assert [done[id(one)] for one in asked] == alone
    assert {len(one.target) for one in pair.passes} == {1, max_rows}


def test_rows_that_fill_a_step_are_counted_and_none_are_read_by_one_side_alone():
    pair = FakePair.by_history()
    engine = Engine(pair, NO_EOS, 5)
    engine.run([request((1,), alpha=0.0, trace=False, max_tokens=3)])
    assert (engine.effort.row_steps, engine.effort.useful_tokens) == (15, 3)
    assert all(len(one.target) == len(one.baseline) for one in pair.passes)


def test_every_part_of_a_step_has_the_same_rows_where_their_number_is_fixed():
    settings = [one.settings for one in requests(8)]
    logits = PairLogits(*torch.randn(2, 8, 50))
    uniform, place = torch.rand(8, dtype=torch.float64), torch.zeros(8, dtype=torch.int64)
    table = StepTable(settings, torch.device("cpu"), 12)
    assert {len(part.alpha) for part in table._parts} == {6}
    plain = StepTable(settings, torch.device("cpu")).step(logits, uniform, place)
    for one, other in zip(table.step(logits, uniform, place), plain, strict=True):
        assert torch.equal(one, other)


def test_strict_rows_all_have_memory_of_their_own():
    """Two rows of five are asked for; all five keep a prompt of 3 tokens and a reply of 4."""
    engine = Engine(FakePair.by_history(), NO_EOS, 5)
    asked = [request((1, 2, 3), max_tokens=4, seed=seed) for seed in range(2)]
    engine.admit(asked)
    assert engine.bytes_of(engine.extent) == 5 * 3 + 5 * 4 + 5 * 7 * 24


def test_strict_decoding_does_not_go_on_with_fewer_rows_where_memory_runs_out():
    pair = FakePair.by_history()

    def fail(number: int) -> None:
        if number == 4:  # after three prompts and one for the rows that fill the step
            raise MemoryError

    pair.before_pass = fail
    scheduler = Scheduler(Engine(pair, NO_EOS, 4), BatchLimits(max_rows=4, strict=True))
    for one in requests(3):
        scheduler.add(one)
    with pytest.raises(DecodingError, match="computes 4 rows at every step, and memory does not"):
        scheduler.work()


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_strict_is_true_or_false(value):
    with pytest.raises(ConfigurationError, match="strict must be true or false, not"):
        BatchLimits(strict=value)


def test_the_spot_check_finds_rounding_that_depends_on_the_batch():
    assert is_bit_stable(FakePair.by_history(), 96)
    assert is_bit_stable(FakePair.by_history(max_context=2), 1)
    assert not is_bit_stable(Rounding.by_history(), 96)
    assert is_bit_stable(FixedShape(Rounding.by_history(), 40), 40)


def side_of(folder: object) -> Side:
    return Side(checkpoint=str(folder))


@pytest.mark.parametrize("strict", [True, False])
def test_a_worker_tells_of_rounding_once_and_what_to_do(monkeypatch, caplog, strict: bool):
    loaded = SimpleNamespace(model=Rounding.by_history(), chat=SimpleNamespace(eos_ids=NO_EOS))
    monkeypatch.setattr("harness.pairs.loading.load_pair", lambda spec: loaded)
    spec = PairSpec(name="rounding", target=side_of("a"), baseline=side_of("a"), device="cpu")
    worker = PairWorker(spec, BatchLimits(max_rows=8, strict=strict))
    with caplog.at_level(logging.WARNING, "harness.pool"):
        worker.load()
        worker.load()
    assert worker.bit_stable is strict
    told = [record.getMessage() for record in caplog.records if record.name == "harness.pool"]
    assert len(told) == (0 if strict else 1)
    assert strict or "rounding: on this machine" in told[0]
    assert strict or "-M strict=true" in told[0]


def test_tiny_weights_decode_the_same_at_a_fixed_number_of_rows(llama_folder, lora_folder):
    target = Side(checkpoint=str(llama_folder), adapter=str(lora_folder))
    spec = PairSpec(name="t", target=target, baseline=side_of(llama_folder), device="cpu")
    pair = load_pair(spec).model
    asked = requests()
    assert ids(pair, asked, 10) == ids(pair, asked)


def test_copies_of_a_row_share_nothing():
    """A shared prompt would be read in groups, and their size would tell the company's."""
    shape = FixedShape(FakePair.by_history(), 4)
    state, _ = shape.read_prompts([request((1, 2)).prompt])
    state.select([0, 0, 0])
    assert len({id(one) for one in state._apart}) == len(state) == 3
