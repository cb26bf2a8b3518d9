"""Pooled curves against exact rates of a pair whose replies can all be listed, and what is said."""

import dataclasses
from functools import cache

import numpy as np
import pytest
from test_analysis_logs import Rollout, refusal, write_sweep

from harness.analysis.behaviours import curve
from harness.analysis.densities import Admitted
from harness.analysis.fine_grid import fine_grid
from harness.analysis.frame import read_frame
from harness.analysis.pooled import pooled, pooled_curve
from harness.analysis.results import analyse
from tests.analytic_pair import AnalyticPair, Sweeps

ALPHAS = (0.0, 0.5, 1.0, 2.0)


@cache
def sweeps():
    return Sweeps(AnalyticPair(600, seed=1), ALPHAS)


def drawn(seed, *, n_prompts=60, epochs=2, decided=True):
    """A sweep's pooled curve of the marker, over prompts taken at random."""
    rows, whole, early = sweeps().draw(seed, n_prompts, epochs)
    rows["constraint"] = "none"
    counted = curve("marker", rows, ALPHAS)
    admitted = Admitted(rollouts=rows[["sample_uuid", "sample_id", "alpha"]], left_out=())
    return pooled_curve(counted, ALPHAS, rows, admitted, early if decided else whole)


def width(rate):
    return rate.high - rate.low


def test_the_grid_holds_the_sweeps_alphas_and_divides_each_gap_alike():
    assert fine_grid((0.0, 1.0, 4.0), 4) == (0.0, 0.5, 1.0, 2.5, 4.0)
    assert len(fine_grid((0.0, 0.5, 1.0, 2.0, 4.0, 8.0))) == 41
    assert fine_grid((0.0,)) == (0.0,)


@pytest.mark.slow
@pytest.mark.parametrize("decided", [False, True])
def test_intervals_cover_the_exact_rate_nine_times_in_ten_or_more(decided):
    """Of 60 prompts out of 600, at each of 10 alphas of which most were not drawn at."""
    shown = covered = 0
    for seed in range(15):
        for point in drawn(seed, decided=decided).points[::4]:
            if point.rate is not None:
                shown += 1
                covered += point.low <= sweeps().pair.rate(point.alpha) <= point.high
    assert shown > 120
    assert covered / shown > 0.9


def test_pooled_and_direct_rates_agree_where_both_are_and_pooled_ones_are_surer():
    points = [point for seed in range(3) for point in drawn(seed).points if point.direct]
    at_zero = [point for point in points if point.alpha == 0]
    for point in points:
        assert max(point.low, point.direct.low) < min(point.high, point.direct.high)
        assert width(point) < width(point.direct)
    assert all(width(point.direct) / width(point) > 1.5 for point in at_zero)


def test_weights_up_to_the_deciding_token_are_less_noisy():
    early, whole = drawn(1), drawn(1, decided=False)
    for one, other in zip(early.points, whole.points, strict=True):
        assert one.n_effective > other.n_effective
        assert one.effective_hits > other.effective_hits
    assert early.n_decided_early == sum(point.direct.k for point in early.points if point.direct)


def test_a_sweep_too_small_for_its_alphas_shows_gaps_with_reasons():
    points = drawn(5, n_prompts=8, epochs=1).points
    withheld = [point for point in points if point.withheld]
    assert withheld
    assert all((point.rate, point.low, point.high) == (None, None, None) for point in withheld)
    assert any("effective hits" in point.withheld for point in withheld)
    assert str(withheld[0]) == "withheld"


def test_between_two_alphas_alone_nothing_is_interpolated():
    rows, whole, _ = sweeps().draw(1, 40, 2)
    rows = rows[rows["alpha"].isin([0.0, 0.5])].assign(constraint="none")
    sums = whole.loc[rows["sample_uuid"]].drop(columns=["logp_nats@1", "logp_nats@2"])
    admitted = Admitted(rollouts=rows[["sample_uuid", "sample_id", "alpha"]], left_out=())
    found = pooled_curve(curve("m", rows, (0.0, 0.5)), (0.0, 0.5), rows, admitted, sums)
    between = found.points[1:-1]
    assert {point.withheld for point in between} == {
        "the traces hold probabilities at 3 alphas, too few to go between"
    }
    assert found.points[0].rate is not None


def test_an_alpha_without_a_column_is_withheld_and_not_missing():
    rows, whole, _ = sweeps().draw(1, 40, 2)
    rows["constraint"] = "none"
    kept = rows[rows["alpha"] < 2][["sample_uuid", "sample_id", "alpha"]]
    found = pooled_curve(
        curve("m", rows, ALPHAS),
        ALPHAS,
        rows,
        Admitted(rollouts=kept, left_out=()),
        whole.drop(columns="logp_nats@2"),
    )
    last = found.points[-1]
    assert (last.alpha, last.rate, last.direct.n) == (2.0, None, 80)
    assert last.withheld == "the traces of the other alphas hold no probabilities here"


def refusing(alpha):
    return [Rollout(str(i), scores={"refusal": refusal("refusal")}) for i in range(3)]


def test_without_traces_the_curve_says_why_it_has_no_points(tmp_path):
    frame = read_frame(write_sweep(tmp_path, refusing))
    (found,) = analyse(frame, log_dir=tmp_path).pooled
    assert (found.name, found.points, found.says) == ("refusal", (), None)
    assert found.note.startswith("no traces for ")
    assert analyse(frame).pooled == ()


def test_rollouts_under_a_constraint_are_not_pooled(tmp_path):
    frame = read_frame(write_sweep(tmp_path, refusing)).assign(constraint="kl_budget=0.5")
    counted = curve("refusal", frame, (0.0, 1.0))
    (found,) = pooled(frame, (0.0, 1.0), (counted,), tmp_path)
    assert found.note.startswith("under a constraint")


def test_the_sentence_counts_points_and_compares_widths():
    found = drawn(1)
    shown = sum(point.rate is not None for point in found.points)
    assert found.says.startswith(f"Marker: 480 rollouts of 60 prompts give {shown} of 40 points")
    assert "times as wide" in found.says
    assert dataclasses.replace(found, points=()).says is None
    assert np.isfinite([point.n_effective for point in found.points]).all()
