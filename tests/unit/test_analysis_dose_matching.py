"""Matching by dose: where a path first reaches a dose, and which doses runs have in common."""

import numpy as np
import pytest

from harness.analysis.dose_matching import Cells, common_doses, drawn_weights, percentiles, reached


def at(doses, values, wanted):
    segment = reached(np.array([doses]), np.array(wanted))
    return segment.of(np.array([values]))[0].tolist()


def test_between_two_alphas_the_rate_lies_on_the_straight_line():
    assert at([0.0, 1.0, 3.0], [0.2, 0.4, 1.0], [0.5, 2.0]) == pytest.approx([0.3, 0.7])


def test_at_a_swept_dose_stands_the_swept_rate():
    assert at([0.0, 1.0, 3.0], [0.2, 0.4, 1.0], [0.0, 1.0, 3.0]) == [0.2, 0.4, 1.0]


def test_nothing_is_told_of_a_dose_that_is_not_reached():
    assert np.isnan(at([0.0, 1.0], [0.2, 0.4], [-0.1, 1.01])).all()


def test_a_dose_that_is_reached_twice_counts_where_it_is_reached_first():
    """Past alpha 2 the text falls apart and the dose comes back to 1."""
    assert at([0.0, 2.0, 0.5], [0.0, 0.8, 0.1], [1.0]) == pytest.approx([0.4])


def test_an_unknown_rate_at_the_far_end_does_not_reach_a_swept_dose():
    assert at([0.0, 1.0, 3.0], [0.2, 0.4, np.nan], [1.0]) == [0.4]
    assert np.isnan(at([0.0, 1.0, 3.0], [0.2, 0.4, np.nan], [2.0])).all()


def test_every_path_has_its_own_segments():
    segment = reached(np.array([[0.0, 1.0], [0.0, 4.0]]), np.array([1.0]))
    values = np.array([[0.0, 1.0], [0.0, 1.0]])
    assert segment.of(values).tolist() == [[1.0], [0.25]]


def test_one_path_s_segments_serve_every_prompt():
    segment = reached(np.array([[0.0, 2.0]]), np.array([1.0]))
    assert segment.of(np.array([[0.0, 1.0], [1.0, 1.0], [0.0, 0.0]])).tolist() == [
        [0.5],
        [1.0],
        [0.0],
    ]


def test_common_doses_end_where_the_shorter_path_ends():
    short, long = np.array([0.0, 4.0]), np.array([0.0, 9.0])
    found = common_doses([short[None], long[None]], [short, long], 3)
    assert found.tolist() == [0.0, 1.0, 4.0]


def test_common_doses_leave_out_what_few_resamples_reach():
    """The data reach 4, but every twentieth resample of the prompts only 2."""
    drawn = np.tile([0.0, 4.0], (100, 1))
    drawn[::20, 1] = 2.0
    observed = np.array([0.0, 4.0])
    assert common_doses([drawn, drawn], [observed, observed], 2)[-1] == 2.0


def test_paths_that_do_not_meet_have_no_common_dose():
    low, high = np.array([0.0, 1.0]), np.array([2.0, 3.0])
    assert len(common_doses([low[None], high[None]], [low, high], 3)) == 0


def test_a_prompt_is_drawn_with_all_it_has():
    cells = Cells(np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([[2.0, 2.0], [2.0, 0.0]]))
    assert cells.drawn(np.array([[1.0, 1.0], [0.0, 2.0]]))[0].tolist() == [0.25, 1.5]
    assert np.isnan(cells.drawn(np.array([[0.0, 2.0]]))[0, 1])


def test_draws_are_seeded_and_as_many_as_there_are_prompts():
    weights = drawn_weights(7, 50)
    assert (weights.sum(axis=1) == 7).all()
    assert (weights == drawn_weights(7, 50)).all()
    assert weights.std() > 0.5


def test_percentiles_leave_out_draws_that_did_not_reach_the_dose():
    values = np.array([[np.nan], *([float(i)] for i in range(101))])
    low, high = percentiles(values)
    assert (low[0], high[0]) == (2.5, 97.5)
