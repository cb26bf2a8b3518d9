"""Scorers that count or grade: means with intervals over prompts, and never a rate."""

import pytest
from inspect_ai.scorer import Score
from test_analysis_logs import Rollout, nonsense, write_sweep

from harness.analysis.frame import read_frame
from harness.analysis.results import analyse
from harness.reporting.render import markdown


def counted(value, unit="steps"):
    return Score(value=float(value), metadata={"unit": unit})


def analysed(folder, values, alphas=(0.0, 1.0), **scores):
    """Values by alpha: one list per prompt, one value per rollout."""

    def rollouts(alpha):
        for i, repeats in enumerate(values[alpha]):
            for epoch, value in enumerate(repeats, start=1):
                score = Score.unscored(reason="no_response") if value is None else counted(value)
                given = {"reasoning_steps": score, "nonsense": nonsense(False), **scores}
                category = "logic" if i % 2 else "arithmetic"
                yield Rollout(f"p{i}", epoch=epoch, category=category, scores=given)

    return analyse(read_frame(write_sweep(folder, rollouts, alphas)))


def test_a_mean_can_be_checked_by_hand(tmp_path):
    (steps,) = analysed(tmp_path, {0.0: [[1], [3]], 1.0: [[2], [2]]}).means
    zero, one = steps.overall.means
    # Two prompts, 1 and 3: mean 2, standard error 1, and t at one degree of freedom is 12.7.
    assert zero.estimate.value == 2
    assert zero.estimate.high == pytest.approx(2 + 12.7062, abs=1e-3)
    assert zero.estimate.low == 0  # of -10.7: a count is never below 0
    assert (zero.n, zero.n_prompts, zero.n_unscored) == (2, 2, 0)
    assert one.estimate.value == 2
    assert (one.estimate.low, one.estimate.high) == (None, None)


def test_repeats_of_a_prompt_that_always_counts_alike_promise_no_more_than_one(tmp_path):
    once = analysed(tmp_path / "once", {0.0: [[1], [3], [5]], 1.0: [[1], [3], [5]]})
    often = analysed(tmp_path / "often", {0.0: [[1] * 4, [3] * 4, [5] * 4], 1.0: [[1], [3], [5]]})
    assert once.means[0].overall.means[0].estimate == often.means[0].overall.means[0].estimate


def test_counts_of_nothing_but_zero_and_one_are_no_rate(tmp_path):
    """In a few rollouts each count may be 0 or 1, which once made a rate of it."""
    results = analysed(tmp_path, {0.0: [[0], [1]], 1.0: [[1], [1]]})
    assert results.others == ()
    assert [one.overall.name for one in results.means] == ["reasoning_steps"]
    assert results.data.warnings == ()


def test_a_grade_without_a_unit_has_a_mean_and_may_be_below_zero(tmp_path):
    grades = {"helpfulness": Score(value=-2.5)}
    results = analysed(tmp_path, {0.0: [[0], [1]], 1.0: [[1], [1]]}, **grades)
    helpfulness, _ = (one.overall for one in results.means)
    assert (helpfulness.name, helpfulness.unit) == ("helpfulness", None)
    assert helpfulness.means[0].estimate.value == -2.5


def test_unscored_rollouts_are_counted_and_in_no_mean(tmp_path):
    (steps,) = analysed(tmp_path, {0.0: [[1], [3], [None]], 1.0: [[None], [None], [None]]}).means
    zero, one = steps.overall.means
    assert (zero.estimate.value, zero.n, zero.n_unscored) == (2, 2, 1)
    assert (one.estimate, one.n, one.n_unscored, str(one)) == (None, 0, 3, "no data")


def test_categories_add_up_to_the_whole(tmp_path):
    (steps,) = analysed(tmp_path, {0.0: [[1], [2], [3], [4]], 1.0: [[1], [2], [3], [4]]}).means
    by_name = {curve.name: curve.means[0] for curve in steps.categories}
    assert {name: mean.estimate.value for name, mean in by_name.items()} == {
        "arithmetic": 2,
        "logic": 3,
    }
    assert sum(mean.n for mean in by_name.values()) == steps.overall.means[0].n


@pytest.mark.parametrize(
    ("amplified", "told"),
    [
        ([[9], [10], [12]], "rises from 2.00"),
        ([[2], [1], [3]], "no change can be told"),
        ([[4], [5], [6]], "no interval can be put"),
    ],
)
def test_a_move_is_claimed_only_beyond_its_interval(tmp_path, amplified, told):
    results = analysed(tmp_path, {0.0: [[1], [2], [3]], 1.0: amplified})
    (sentence,) = [one for one in results.findings.summary if "reasoning_steps" in one]
    assert told in sentence


def test_a_change_of_means_is_paired_by_prompt(tmp_path):
    """Prompts from 1 to 50 steps that all take one or two more: obvious, but only pair by pair."""
    before = [[1], [10], [20], [30], [50]]
    after = [[2], [12], [21], [32], [51]]
    results = analysed(tmp_path, {0.0: before, 1.0: after})
    (sentence,) = [one for one in results.findings.summary if "reasoning_steps" in one]
    # Changes 1 2 1 2 1: mean 1.4, deviation 0.548, t at four degrees of freedom 2.776.
    assert sentence.endswith(": +1.40 [0.72, 2.08].")


def test_prompts_without_a_value_on_one_side_have_no_part_in_a_change(tmp_path):
    before, after = [[1], [2], [3], [4]], [[3], [4], [5.5], [None]]
    results = analysed(tmp_path, {0.0: before, 1.0: after})
    (sentence,) = [one for one in results.findings.summary if "reasoning_steps" in one]
    assert sentence.endswith(": +2.17 [1.45, 2.88] over the 3 prompts of both.")


def test_the_report_shows_means_with_their_unit_and_no_share_of_them(tmp_path):
    results = analysed(tmp_path, {0.0: [[1], [3]], 1.0: [[2], [4]]})
    text = markdown(results, ())
    section = text.split("## Counts and grades")[1].split("## ")[0]
    assert "reasoning\\_steps" in section or "reasoning_steps" in section
    assert "2.00 \\[0.00, 14.71\\] (2) †" in section or "2.00 [0.00, 14.71] (2) †" in section
    assert "%" not in section.replace("95%", "")
    assert "arithmetic" in section
