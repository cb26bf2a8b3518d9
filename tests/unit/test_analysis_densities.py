"""Probabilities at every strength against a pair whose replies can all be listed."""

import json

import numpy as np
import pandas as pd
import pytest

from harness.analysis.densities import Densities, admit
from tests.analytic_pair import FIRST, LENGTH, AnalyticPair, Sweeps
from tests.unit.test_analysis_logs import CONFIG

ALPHAS = (0.0, 0.5, 1.0, 2.0)
PAIR = AnalyticPair(40, seed=1)
ROWS, WHOLE_SUMS, DECIDED_SUMS = Sweeps(PAIR, ALPHAS).draw(2, n_prompts=30, epochs=3)


def exact(alpha, *, decided=False):
    tokens = PAIR.tokens(alpha)[ROWS["prompt"], ROWS["reply"]]
    if decided:
        tokens = tokens * (np.arange(LENGTH) < FIRST[ROWS["reply"]][:, None])
    return tokens.sum(-1)


def test_the_grid_is_taken_as_it_is():
    of = Densities.of(ROWS, WHOLE_SUMS)
    assert of.nodes == (-1.0, *ALPHAS)
    for alpha in of.nodes:
        assert of.logps(alpha) == pytest.approx(exact(alpha))


@pytest.mark.parametrize("decided", [False, True])
@pytest.mark.parametrize("alpha", [-0.5, 0.25, 0.75, 1.5])
def test_between_grid_alphas_probabilities_are_interpolated_closely(alpha, decided):
    of = Densities.of(ROWS, DECIDED_SUMS if decided else WHOLE_SUMS)
    error = np.abs(of.logps(alpha) - exact(alpha, decided=decided))
    assert np.sqrt((error**2).mean()) < 0.02


def test_the_rougher_way_differs_by_about_the_error_of_the_better_one():
    of = Densities.of(ROWS, WHOLE_SUMS)
    for alpha in (0.25, 0.75, 1.5):
        error = np.abs(of.logps(alpha) - exact(alpha)).mean()
        assert 3 * np.abs(of.rough_logps(alpha) - of.logps(alpha)).mean() > error


def test_the_strengths_that_drew_rollouts_are_the_mixture():
    of = Densities.of(ROWS, WHOLE_SUMS.assign(**{"logp_nats@4": -1.0}))
    assert 4.0 in of.nodes
    mixture = of.mixture()
    assert mixture.alphas == ALPHAS
    own = mixture.logps_nats[np.arange(len(ROWS)), mixture.component]
    assert own == pytest.approx(WHOLE_SUMS["sampling_logp_nats"].to_numpy())


def as_frame(rows):
    config = json.dumps(CONFIG)
    more = {"constraint": "none", "config": config, "error": None, "epoch": range(len(rows))}
    return rows.assign(scorer="marker", **more)


def counts(admitted):
    return {one.name: one.k for one in admitted.left_out}


def test_plain_rollouts_are_all_admitted():
    admitted = admit(as_frame(ROWS), WHOLE_SUMS)
    assert (len(admitted.rollouts), admitted.left_out) == (len(ROWS), ())
    assert admitted.alphas == ALPHAS


def test_what_was_drawn_otherwise_is_left_out_with_its_reason():
    frame = as_frame(ROWS)
    frame.loc[:4, "constraint"] = "plausibility=0.1"
    frame.loc[5:6, "config"] = json.dumps(CONFIG | {"temperature": 0.7})
    frame.loc[7, "config"] = json.dumps(CONFIG | {"top_p": 0.9})
    frame.loc[8, "error"] = "out of memory"
    admitted = admit(frame, WHOLE_SUMS.drop(index="u9"))
    assert counts(admitted) == {
        "drawn under a constraint": 5,
        "drawn with a temperature, top-p or top-k": 3,
        "ended with an error": 1,
        "no trace": 1,
    }
    assert len(admitted.rollouts) == len(ROWS) - 10


def test_a_rollout_that_its_trace_says_came_from_elsewhere_is_left_out():
    sums = WHOLE_SUMS.copy()
    sums.loc["u3", "sampling_logp_nats"] += 0.1
    assert counts(admit(as_frame(ROWS), sums)) == {
        "drawn from another distribution than the trace's": 1
    }


def test_an_alpha_added_later_is_left_out_and_the_older_ones_stay():
    """Logs are not sampled again, so theirs lack the new alpha's column."""
    sums = WHOLE_SUMS.copy()
    old = ROWS["sample_uuid"][ROWS["alpha"] < 2]
    sums.loc[old, "logp_nats@2"] = np.nan
    admitted = admit(as_frame(ROWS), sums)
    assert admitted.alphas == (0.0, 0.5, 1.0)
    assert counts(admitted) == {"alpha 2 is no column in the traces of other alphas": 90}


def test_alphas_zero_and_minus_one_are_known_without_a_grid():
    rows = ROWS[ROWS["alpha"] == 0].reset_index(drop=True)
    sums = WHOLE_SUMS.loc[rows["sample_uuid"]]
    sums = sums[[name for name in sums.columns if not name.startswith("logp_nats@")]]
    admitted = admit(as_frame(rows), sums)
    assert isinstance(admitted.rollouts, pd.DataFrame)
    assert Densities.of(admitted.rollouts, sums).nodes == (-1.0, 0.0)
