"""The rows that all methods decode."""

from collections import Counter

from harness.bench.methods import GRID, requests
from harness.bench.work import ALPHAS, Work

WORK = Work(prompts=[(1,), (2, 2), (3, 3, 3)])


def test_six_rows_and_more_ask_each_prompt_at_every_strength():
    asked = WORK.rows(12, 5)
    assert [*zip(asked.prompts, asked.alphas, strict=True)] == [
        *(((1,), alpha) for alpha in ALPHAS),
        *(((2, 2), alpha) for alpha in ALPHAS),
    ]
    assert asked.n_tokens == 5
    assert asked.eos_ids == frozenset()
    assert not asked.greedy


def test_fewer_rows_are_prompts_at_alpha_1():
    asked = WORK.rows(2, 5)
    assert asked.prompts == [(1,), (2, 2)]
    assert asked.alphas == [1.0, 1.0]


def test_more_rows_than_prompts_begin_again():
    assert Counter(WORK.rows(36, 5).prompts) == {(1,): 12, (2, 2): 12, (3, 3, 3): 12}


def test_the_engine_is_asked_for_the_same_rows_with_random_numbers_of_their_own():
    asked = WORK.rows(12, 5)
    given = requests(asked, seed=3)
    assert [one.prompt.target_ids for one in given] == asked.prompts
    assert [one.prompt.baseline_ids for one in given] == asked.prompts
    assert [one.settings.alpha for one in given] == asked.alphas
    assert {one.settings.max_tokens for one in given} == {5}
    assert {one.settings.trace_alphas for one in given} == {()}
    again = requests(asked, seed=4)
    assert len({one.settings.seed for one in (*given, *again)}) == 24


def test_the_grid_has_sixteen_strengths_and_both_sides_among_them():
    assert len(GRID) == 16
    assert {-1.0, 0.0} < set(GRID)
    assert {one.settings.trace_alphas for one in requests(WORK.rows(6, 5), 0, "grid")} == {GRID}
