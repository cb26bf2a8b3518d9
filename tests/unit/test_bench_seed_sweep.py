"""The seed sweep: every rollout is decoded to its end, and the loop's sample is one of it."""

from collections import Counter

import pytest

from harness.bench.reference_loops import Sides
from harness.bench.seed_sweep import SeedSweep, sweep_figures
from harness.bench.work import ALPHAS, Work
from harness.decoding.batch import Batch
from harness.pairs.models import ModelPair
from harness.pairs.reader import Reader
from tests.fakes import random_adapter, tiny_model

WORK = Work(prompts=[(5, 9, 200), (17,), (40, 41)])
EOS = frozenset(range(20))


def test_each_prompt_is_decoded_at_each_strength_as_often_as_there_are_runs():
    asked = SeedSweep(n_prompts=2, n_runs=3).rows(WORK, EOS)
    rollouts = Counter(zip(asked.prompts, asked.alphas, strict=True))
    assert rollouts == {(ids, alpha): 3 for ids in WORK.prompts[:2] for alpha in ALPHAS}
    assert asked.eos_ids == EOS
    assert asked.n_tokens == 128


def test_by_default_there_are_432_rollouts():
    work = Work(prompts=[(i,) for i in range(1, 30)])
    asked = SeedSweep().rows(work, EOS)
    assert len(asked.prompts) == 432
    assert len(set(asked.prompts)) == 24


def test_the_sample_is_the_same_at_every_call_and_holds_several_strengths():
    sweep = SeedSweep()
    asked = sweep.rows(Work(prompts=[(i,) for i in range(1, 30)]), EOS)
    sampled = sweep.sample(asked)
    assert sampled == sweep.sample(asked)
    assert len(sampled.prompts) == 12
    assert len(set(sampled.alphas)) >= 4
    assert len(set(sampled.prompts)) >= 8


def test_tokens_and_rows_are_those_of_all_steps(monkeypatch: pytest.MonkeyPatch):
    steps = []
    sample = Batch.sample

    def counted(batch: Batch) -> list[int]:
        steps.append(len(batch.rows))
        return sample(batch)

    monkeypatch.setattr(Batch, "sample", counted)
    base = tiny_model("llama")
    sides = Sides(random_adapter(base), base)
    model = ModelPair(Reader(tiny_model("llama")), Reader(tiny_model("llama")))
    sweep = SeedSweep(n_prompts=3, n_runs=2, max_tokens=9, n_sampled=3)
    figures = sweep_figures(sweep, sweep.rows(WORK, EOS), model, sides)
    assert figures["rollouts"] == 36
    assert figures["tokens"] == sum(steps) < 36 * 9  # replies have ended before their limit
    assert figures["rows"] == pytest.approx(sum(steps) / len(steps))
    assert figures["engine"] == pytest.approx(figures["tokens"] / figures["s"])
    assert figures["engine_over_single"] == pytest.approx(figures["engine"] / figures["single"])
