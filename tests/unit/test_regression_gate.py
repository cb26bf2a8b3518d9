"""Batches until the verdict is decided or the budget ends; what is sampled is made up here."""

import itertools

import numpy as np
import pandas as pd
import pytest
from test_regression_counts import row

from harness.errors import ConfigurationError
from harness.regression.checks import questions_of
from harness.regression.gate import Budget, Gate
from harness.regression.reference import reference_of

PROMPTS = [f"f{i:03}" for i in range(100)]


def frame(prompts, share):
    """At alpha 0 and 1 the same share of prompts is declined, spread over all of them."""
    declined = {f"f{i:03}" for i in np.flatnonzero(np.arange(100) % 10 < 10 * share)}
    rows = [
        row(name, alpha, float(name in declined), sample_uuid=f"{name}{alpha}")
        for name in prompts
        for alpha in (0.0, 1.0)
    ]
    return pd.DataFrame(rows)


class Sampled(Gate):
    """A gate whose pair declines a share of the prompts."""

    def share(self) -> float:
        return float(self.pair)

    def _sample(self, number, prompts):
        return frame(prompts, self.share())


def gate(tmp_path, share, margin=0.1):
    stored = reference_of(frame(PROMPTS, 0.8))
    return Sampled(
        pair=str(share),
        stored=stored,
        questions=questions_of(stored.counts, margin=margin, behaviours=["refusal"]),
        log_dir=tmp_path,
        seed=0,
    )


def looks(given, budget=None, **clock):
    return list(given.looks(budget or Budget(), **clock))


def test_a_collapse_ends_the_sampling_early(tmp_path):
    found = looks(gate(tmp_path, 0.1))
    assert found[-1].verdict.finding == "regression"
    assert found[-1].n_prompts < 100
    assert [one.decided for one in found] == [False] * (len(found) - 1) + [True]


def test_an_unchanged_model_needs_most_of_the_prompts_and_ends_stable(tmp_path):
    found = looks(gate(tmp_path, 0.8))
    assert found[-1].verdict.finding == "stable"
    assert [one.n_prompts for one in found] == [20, 40, 60, 80, 100][: len(found)]


def test_every_prompt_is_asked_once_in_an_order_of_the_seed(tmp_path):
    asked = gate(tmp_path, 0.8)._batches(Budget(looks=3))
    assert sorted(itertools.chain(*asked)) == PROMPTS
    assert asked == gate(tmp_path, 0.8)._batches(Budget(looks=3))
    assert list(asked[0]) != PROMPTS[: len(asked[0])]


def test_a_budget_of_rollouts_bounds_what_is_asked(tmp_path):
    found = looks(gate(tmp_path, 0.8, margin=0.01), Budget(max_rollouts=60, looks=3))
    assert found[-1].n_rollouts == 60
    assert found[-1].n_prompts == 30
    assert found[-1].verdict.finding == "undecided"


def test_no_batch_begins_after_the_minutes_are_over(tmp_path):
    ticks = itertools.count(step=90.0)
    found = looks(gate(tmp_path, 0.72), Budget(max_minutes=2), clock=lambda: next(ticks))
    assert len(found) == 2  # at 90 s there is time for a second one, at 180 s for no third


def test_a_budget_that_pays_for_no_look_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="5 looks need a prompt each, of 2 rollouts"):
        looks(gate(tmp_path, 0.8), Budget(max_rollouts=4))
    with pytest.raises(ConfigurationError, match="the reference has 100: give --looks 100 at most"):
        looks(gate(tmp_path, 0.8), Budget(looks=101))


def test_a_reference_that_a_grader_judged_is_refused_before_anything_is_sampled(tmp_path):
    graded = pd.DataFrame(row("f1", 0.0, 1.0, scorer="judge", grader="some/model"), index=[0])
    stored = reference_of(graded)
    asked = questions_of(stored.counts, margin=0.1)
    judged = Gate(pair="1", stored=stored, questions=asked, log_dir=tmp_path, seed=0)
    with pytest.raises(ConfigurationError, match="graded by some/model, and --sample asks no gr"):
        looks(judged)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"max_rollouts": 0}, "--max-rollouts must be at least 1, not 0"),
        ({"max_minutes": 0.0}, "--max-minutes must be above 0"),
        ({"looks": 0}, "--looks must be at least 1"),
    ],
)
def test_an_impossible_budget_is_refused(given, message):
    with pytest.raises(ConfigurationError, match=message):
        Budget(**given)
