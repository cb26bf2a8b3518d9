"""Sampled tokens against their recorded distribution, from steps that can be worked out by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from harness.analysis.calibration import ROUNDING_NATS, calibrations, excess_bound
from harness.analysis.fidelity_findings import calibration_findings
from harness.analysis.token_sums import read_token_sums, token_sums

RNG = np.random.default_rng(4)


def coin(p):
    """Entropy and variance of the surprisal of a coin that shows heads with p."""
    mean = -p * math.log(p) - (1 - p) * math.log(1 - p)
    square = p * math.log(p) ** 2 + (1 - p) * math.log(1 - p) ** 2
    return mean, square - mean**2


def tosses(p, heads, alpha=1.0):
    """Tokens of a coin per rollout; heads is [rollouts, tokens], bool."""
    entropy, variance = coin(p)
    return [
        pd.DataFrame(
            {
                "sample_uuid": f"r{i}",
                "alpha": alpha,
                "sampling_logp_nats": np.where(row, math.log(p), math.log(1 - p)),
                "sampling_entropy_nats": entropy,
                "sampling_surprisal_var": variance,
            }
        )
        for i, row in enumerate(heads)
    ]


def rollouts(n, **columns):
    """A frame of n prompts, one rollout each."""
    names = [f"r{i}" for i in range(n)]
    plain = {"constraint": "none", "alpha": 1.0, "sample_id": names, "sample_uuid": names}
    return pd.DataFrame({**plain, "epoch": 1, "seed": range(n), "error": None, **columns})


def checked(tokens, n, n_checks=1, **columns):
    (one,) = calibrations(rollouts(n, **columns), token_sums(tokens), n_checks)
    return one


def test_a_fair_share_of_heads_has_no_excess_and_one_head_more_has_that_much():
    """Of 4 tosses of a coin with 1/4, one head is expected; each more adds log 3 nats."""
    heads = np.array([[True, False, False, False]] * 5)
    one = checked(tosses(0.25, heads), 5)
    assert one.excess_nats.value == pytest.approx(0, abs=1e-12)
    heads[0] = [True, True, False, False]
    one = checked(tosses(0.25, heads), 5)
    assert one.excess_nats.value == pytest.approx(math.log(3) / 20)
    assert one.z == pytest.approx(math.log(3) / math.sqrt(20 * coin(0.25)[1]))
    assert (one.n_tokens, one.n_prompts) == (20, 5)


def test_a_coin_that_is_not_the_recorded_one_is_found_out():
    one = checked(tosses(0.25, RNG.random((50, 40)) < 0.5), 50)
    assert one.verdict == "not as predicted"
    # Half heads instead of a quarter: log 3 nats in every fourth toss.
    assert one.excess_nats.low < math.log(3) / 4 < one.excess_nats.high


def test_z_is_standard_normal_under_the_recorded_coin():
    zs = [checked(tosses(0.3, RNG.random((10, 50)) < 0.3), 10).z for _ in range(100)]
    assert np.mean(zs) == pytest.approx(0, abs=4 / math.sqrt(100))
    assert np.std(zs) == pytest.approx(1, abs=4 / math.sqrt(200))


def test_the_bound_keeps_its_rate_where_a_normal_approximation_cries_wolf():
    """A token of probability 1e-4 among a thousand certain ones is 9 nats and z = 2.8 at once."""
    p, n, trials = 1e-4, 1000, 4000
    entropy, variance = coin(p)
    rare = RNG.binomial(n, p, size=trials)
    excess = rare * -math.log(p) + (n - rare) * -math.log1p(-p) - n * entropy
    square = rare * (-math.log(p) - entropy) ** 2 + (n - rare) * (-math.log1p(-p) - entropy) ** 2
    normal = np.abs(excess) / math.sqrt(n * variance) > 3.29  # two-sided 0.001
    assert normal.mean() > 0.002
    bounds = [excess_bound(float(s), n * variance, 0.001) for s in square]
    assert (np.abs(excess) > bounds).mean() <= 0.001


@pytest.mark.parametrize("p", [0.02, 0.5])
def test_the_bound_keeps_its_rate_where_much_is_left_to_chance(p):
    n, trials, rate = 2000, 4000, 0.05
    entropy, variance = coin(p)
    heads = RNG.binomial(n, p, size=trials)
    surprise = np.array([-math.log(p) - entropy, -math.log1p(-p) - entropy])
    excess = heads * surprise[0] + (n - heads) * surprise[1]
    square = heads * surprise[0] ** 2 + (n - heads) * surprise[1] ** 2
    bounds = [excess_bound(float(s), n * variance, rate) for s in square]
    assert (np.abs(excess) > bounds).mean() <= rate


def test_the_inequality_behind_the_bound_holds_for_every_x():
    x = np.linspace(-50, 50, 100_001)
    assert (np.exp(x - x**2 / 6) <= 1 + x + x**2 / 3 + 1e-12).all()


def test_all_checks_of_a_sweep_share_its_false_alarms():
    heads = RNG.random((20, 20)) < 0.3
    alone, among = (checked(tosses(0.3, heads), 20, n).bound_nats for n in (1, 12))
    assert alone < among < 1.3 * alone


def certain(surprisal, n=10):
    figures = {"sampling_entropy_nats": 0.0, "sampling_surprisal_var": 0.0}
    return [pd.DataFrame({"sample_uuid": ["r0"] * n, "sampling_logp_nats": -surprisal, **figures})]


def test_greedy_tokens_are_checked_exactly():
    one = checked(certain(0.0), 1)
    assert (one.verdict, one.z, one.bound_nats) == ("as predicted", None, ROUNDING_NATS)
    assert checked(certain(0.01), 1).verdict == "not as predicted"


@pytest.mark.parametrize("surprisal", [0.5, math.inf])
def test_one_token_that_could_not_be_drawn_is_one_too_many(surprisal):
    tokens = [*tosses(0.3, RNG.random((20, 50)) < 0.3), *certain(surprisal, n=1)]
    one = checked(tokens, 20)
    assert one.verdict == "not as predicted"
    assert math.isfinite(one.excess_nats.value)


def test_copies_of_a_rollout_are_no_further_draws():
    heads = np.repeat(RNG.random((1, 50)) < 0.3, 4, axis=0)
    columns = {"sample_id": "a", "epoch": [1, 2, 3, 4], "seed": 7}
    assert checked(tosses(0.3, heads), 4, **columns).n_tokens == 50


def test_tokens_are_banded_by_the_entropy_of_their_step():
    heads = RNG.random((10, 100)) < 0.5
    sure, open_ = tosses(0.01, RNG.random((10, 100)) < 0.01), tosses(0.5, heads)
    one = checked([pd.concat(pair) for pair in zip(sure, open_, strict=True)], 10)
    assert [(band.low_nats, band.high_nats, band.n_tokens) for band in one.bands] == [
        (0.0, 0.1, 1000),
        (0.5, 1.0, 1000),
    ]
    assert [band.entropy_nats for band in one.bands] == pytest.approx([coin(0.01)[0], math.log(2)])
    assert sum(band.n_tokens for band in one.bands) == one.n_tokens
    # A fair coin's surprisal is log 2 whatever it shows.
    assert one.bands[1].surprisal_nats == pytest.approx(math.log(2))


def test_a_rollout_in_two_pieces_is_one_rollout():
    heads = RNG.random((3, 40)) < 0.3
    whole = tosses(0.3, heads)
    pieces = [part for tokens in whole for part in (tokens.iloc[:15], tokens.iloc[15:])]
    pd.testing.assert_frame_equal(token_sums(pieces), token_sums(whole))


def test_without_entropy_or_traces_nothing_is_checked_and_the_reason_is_told(tmp_path):
    assert read_token_sums(tmp_path) is None
    (none,) = calibrations(rollouts(1), None, 1)
    old = checked([tosses(0.3, [[True]])[0].drop(columns="sampling_entropy_nats")], 1)
    for one, why in ((none, "there are no trace files"), (old, "these traces hold no entropy")):
        assert (one.verdict, one.note, one.excess_nats) == ("not checked", why, None)
        assert calibration_findings((one,)) == (
            f"Whether the sampled tokens follow it was not checked: {why}.",
        )


def test_rollouts_without_entropy_are_counted():
    one = checked(tosses(0.3, RNG.random((5, 50)) < 0.3), 8)
    assert (one.verdict, one.n_tokens) == ("as predicted", 250)
    assert one.note == "3 of 8 rollouts hold no entropy"
