"""Small sweeps drawn from a large one of a toy model: coverage, and who needs fewer rollouts."""

import pytest
from test_analysis_true_rate import TRUTH, evidence, reading

from harness.bench.rate import Draws, figures, markdown, measure
from harness.errors import AnalysisError


@pytest.fixture(scope="module")
def measured():
    of = evidence((0.0, 1.0), prompts=60, epochs=10)
    draws = Draws(n_prompts=40, epochs=2, repetitions=25, seed=1)
    told = []
    found = measure(of, reading(of), draws, tell=told.append)
    assert told == [1] * 25
    return found


def test_the_truth_is_what_all_plain_rollouts_say(measured):
    assert measured.truth.n == 600
    assert measured.truth.rate == pytest.approx(TRUTH, abs=0.02)


def test_every_way_uses_the_rollouts_that_it_says(measured):
    assert {way.way: way.n_rollouts for way in measured.ways} == {
        "counting": 80,
        "mixture": 160,
        "hazard": 80,
    }


def test_fewer_is_the_ratio_of_variances_at_the_same_number_of_rollouts(measured):
    counting, mixture, hazard = measured.ways
    assert counting.fewer is None
    assert hazard.fewer == pytest.approx((counting.deviation / hazard.deviation) ** 2)
    assert mixture.fewer == pytest.approx((counting.deviation / mixture.deviation) ** 2 / 2)
    assert hazard.fewer > 5


def test_the_same_seed_draws_the_same_sweeps():
    of = evidence((0.0, 1.0), prompts=20, epochs=4)
    draws = Draws(n_prompts=10, epochs=2, repetitions=3, seed=1)
    assert measure(of, reading(of), draws) == measure(of, reading(of), draws)


def test_the_section_holds_a_row_per_way_and_how_it_was_drawn(measured):
    text = markdown(measured)
    assert "25 times, 40 prompts and 2 rollouts of each at each of the alphas 0, 1" in text
    assert [line.split(" | ")[0] for line in text.splitlines() if line.startswith("| ")][2:] == [
        "| counting",
        "| mixture",
        "| hazard",
    ]
    assert figures(measured)["counting_shown"] == 25


def test_more_than_there_is_can_not_be_drawn():
    of = evidence((0.0, 1.0), prompts=5, epochs=2)
    draws = Draws(n_prompts=5, epochs=3, repetitions=1, seed=0)
    with pytest.raises(AnalysisError, match=r"5 prompts and at the least 2 rollouts .*5 and 3"):
        measure(of, reading(of), draws)


def test_a_behaviour_that_never_happened_has_no_known_rate():
    of = evidence((0.0, 1.0), prompts=5, epochs=2)
    never = of.rows.assign(value=0.0)
    with pytest.raises(AnalysisError, match="its rate is not known"):
        measure(
            of.__class__(**{**vars(of), "rows": never}),
            reading(of),
            Draws(n_prompts=5, epochs=1, repetitions=1, seed=0),
        )


def test_further_rollouts_count_for_the_truth_alone():
    of = evidence((0.0, 1.0), prompts=10, epochs=2)
    draws = Draws(n_prompts=5, epochs=1, repetitions=2, seed=0)
    further = of.plain[["sample_id", "value"]].assign(value=1.0)
    alone, more = (measure(of, reading(of), draws, one) for one in (None, further))
    assert (more.truth.n, more.truth.k) == (40, alone.truth.k + 20)
    assert [way.deviation for way in more.ways] == [way.deviation for way in alone.ways]
