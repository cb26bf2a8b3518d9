"""How a random number becomes a token, against hand-made tables and transformers' own warpers."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare
from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from harness.decoding.sampling import SamplingTable, draw, uniform_stream
from harness.decoding.settings import MAX_SEED, RolloutSettings

LAST_BELOW_ONE = 1 - 2**-53
CPU = torch.device("cpu")


def draws(logits, uniforms, **asked):
    """Draw from one row of logits once per random number."""
    table = SamplingTable.of([RolloutSettings(**asked)] * len(uniforms), CPU)
    rows = torch.as_tensor(logits, dtype=torch.float32).expand(len(uniforms), -1)
    return draw(rows, table, torch.as_tensor(uniforms, dtype=torch.float64))


def tokens(probabilities, uniforms, **asked):
    return draws(torch.tensor(probabilities).log(), uniforms, **asked).tokens.tolist()


EVERYWHERE = [0.0, 0.2, 0.4, 0.6, 0.8, LAST_BELOW_ONE]


def test_each_token_owns_a_piece_of_the_unit_interval_in_vocabulary_order():
    uniforms = [0.0, 0.49, 0.51, 0.74, 0.76, 0.99]
    assert tokens([0.5, 0.25, 0.25], uniforms) == [0, 0, 1, 1, 2, 2]


def test_temperature_zero_takes_the_likeliest_token_and_is_sure_of_it():
    drawn = draws([1.0, 3.0, 2.0], EVERYWHERE, temperature=0)
    assert drawn.tokens.tolist() == [1] * len(EVERYWHERE)
    assert drawn.logp.tolist() == [0.0] * len(EVERYWHERE)


def test_temperature_divides_the_logits():
    # (4, 1) at temperature 2 are weights (2, 1).
    drawn = draws(torch.tensor([4.0, 1.0]).log(), [0.66, 0.67], temperature=2)
    assert drawn.tokens.tolist() == [0, 1]
    np.testing.assert_allclose(drawn.logp.exp(), [2 / 3, 1 / 3], rtol=1e-6)


def test_top_k_keeps_the_k_likeliest():
    kept = tokens([0.1, 0.4, 0.2, 0.3], EVERYWHERE, top_k=2)
    assert set(kept) == {1, 3}


def test_top_k_beyond_the_vocabulary_keeps_all():
    uniforms = [0.05, 0.3, 0.6, 0.9]
    assert tokens([0.1, 0.4, 0.2, 0.3], uniforms, top_k=99) == [0, 1, 2, 3]


@pytest.mark.parametrize(("top_p", "kept"), [(0.3, {1}), (0.41, {1, 3}), (0.75, {1, 2, 3})])
def test_top_p_keeps_the_token_that_crosses_it(top_p, kept):
    uniforms = np.linspace(0, LAST_BELOW_ONE, 50)
    assert set(tokens([0.1, 0.4, 0.2, 0.3], uniforms, top_p=top_p)) == kept


@pytest.mark.parametrize("top_p", [1e-9, 1e-300])
def test_the_likeliest_token_stays_however_small_top_p_is(top_p):
    assert tokens([0.7, 0.3], EVERYWHERE, top_p=top_p) == [0] * len(EVERYWHERE)


def test_a_token_before_which_the_mass_is_just_reached_is_left_out():
    assert set(draws([0.0, 0.0], EVERYWHERE, top_p=0.5).tokens.tolist()) == {0}


def test_top_p_counts_the_mass_that_top_k_has_left():
    # Of the two kept, the likelier has 4/7, more than half; of all four it has 0.4.
    assert set(tokens([0.4, 0.3, 0.2, 0.1], EVERYWHERE, top_k=2, top_p=0.5)) == {0}


def test_top_p_counts_the_mass_after_temperature():
    # 0.6 becomes 0.45 at this temperature, so a second token is needed for half the mass.
    assert set(tokens([0.6, 0.3, 0.1], EVERYWHERE, top_p=0.5, temperature=3)) == {0, 1}
    assert set(tokens([0.6, 0.3, 0.1], EVERYWHERE, top_p=0.5)) == {0}


def test_the_log_probability_is_that_of_the_drawn_token_after_truncation():
    drawn = draws(torch.tensor([0.1, 0.4, 0.2, 0.3]).log(), [0.1, 0.9], top_k=2)
    assert drawn.tokens.tolist() == [1, 3]
    np.testing.assert_allclose(drawn.logp.exp(), [4 / 7, 3 / 7], rtol=1e-6)


@pytest.mark.parametrize("impossible", [-torch.inf, -1e4])
@pytest.mark.parametrize("uniform", [0.0, 0.5, LAST_BELOW_ONE])
def test_a_token_of_no_probability_is_never_drawn(uniform, impossible):
    """The ends of the interval are where an inverse distribution function slips past its ends."""
    logits = [impossible, 0.3, impossible, 0.1, impossible]
    drawn = draws(logits, [uniform])
    assert drawn.tokens.item() in (1, 3)
    assert drawn.logp.isfinite().item()


@given(st.lists(st.floats(-30, 30), min_size=2, max_size=40))
def test_the_largest_random_number_draws_a_possible_token(logits):
    drawn = draws([*logits, -1e4], [LAST_BELOW_ONE])
    assert drawn.tokens.item() < len(logits)


@given(
    seed=st.integers(0, 2**31),
    temperature=st.sampled_from([0.3, 1.0, 2.5]),
    top_k=st.sampled_from([0, 1, 3, 12]),
    top_p=st.sampled_from([0.2, 0.71, 0.93, 1.0]),
)
@settings(max_examples=40)
def test_temperature_top_k_and_top_p_agree_with_transformers(seed, temperature, top_k, top_p):
    logits = 2 * torch.randn(1, 12, generator=torch.Generator().manual_seed(seed))
    uniforms = uniform_stream(seed, 64)
    drawn = draws(logits, uniforms, temperature=temperature, top_k=top_k, top_p=top_p)
    warped = TemperatureLogitsWarper(temperature)(None, logits)
    warped = TopKLogitsWarper(top_k)(None, warped) if top_k else warped
    expected = TopPLogitsWarper(top_p)(None, warped).log_softmax(-1)[0]
    ends = expected.double().exp().cumsum(0)
    ends[-1] = 1.0
    assert drawn.tokens.tolist() == [int((ends <= u).sum()) for u in uniforms]
    torch.testing.assert_close(drawn.logp, expected[drawn.tokens])


def test_frequencies_follow_the_distribution():
    probabilities = np.array([0.05, 0.4, 0.15, 0.3, 0.1])
    counts = np.bincount(tokens(probabilities, uniform_stream(7, 20_000)), minlength=5)
    assert chisquare(counts, 20_000 * probabilities).pvalue > 1e-4
    # The same counts must speak against a distribution that differs by two points in a hundred.
    other = probabilities + np.array([0.02, -0.02, 0, 0, 0])
    assert chisquare(counts, 20_000 * other).pvalue < 1e-4


def test_rare_tokens_behind_a_likely_one_all_keep_their_share():
    """Near 0.5 a float32 sum moves by steps of 6e-8, which 60 tokens of 1e-9 have to share."""
    logits = torch.zeros(1002)
    logits[1:-1] = np.log(2e-9)
    around_the_middle = np.linspace(0.5 - 6e-7, 0.5 + 6e-7, 5000)
    drawn = set(draws(logits, around_the_middle).tokens.tolist())
    assert len(drawn) > 990


def test_a_large_vocabulary_is_drawn_as_in_float64():
    logits = torch.randn(49_152, generator=torch.Generator().manual_seed(0))
    uniforms = np.linspace(0.001, 0.999, 9)
    weights = np.exp(logits.double().numpy())
    expected = np.searchsorted(weights.cumsum() / weights.sum(), uniforms, side="right")
    assert np.abs(draws(logits, uniforms).tokens.numpy() - expected).max() <= 1


def test_rows_of_all_kinds_draw_as_if_each_were_alone():
    kinds = [
        {"temperature": 0},
        {"top_k": 2},
        {"temperature": 0.5},
        {"top_p": 0.6, "temperature": 2},
        {"top_k": 1},
        {},
    ]
    logits = 2 * torch.randn(len(kinds), 9, generator=torch.Generator().manual_seed(3))
    uniform = uniform_stream(3, len(kinds))
    together = draw(logits, SamplingTable.of([RolloutSettings(**k) for k in kinds], CPU), uniform)
    for i, kind in enumerate(kinds):
        alone = draws(logits[i], uniform[i : i + 1], **kind)
        assert together.tokens[i] == alone.tokens[0]
        torch.testing.assert_close(together.logp[i], alone.logp[0])


def test_drawing_leaves_the_logits_as_they_were():
    """The trace measures the same tensor, which must not carry a row's top-k mask."""
    logits = torch.tensor([[1.0, 2.0, 3.0]])
    draw(logits, SamplingTable.of([RolloutSettings(top_k=1)], CPU), torch.tensor([0.5]).double())
    assert logits.tolist() == [[1.0, 2.0, 3.0]]


@given(st.integers(0, MAX_SEED), st.integers(0, 50), st.integers(0, 50))
def test_a_longer_stream_starts_with_the_shorter_one(seed, length, more):
    assert torch.equal(uniform_stream(seed, length + more)[:length], uniform_stream(seed, length))


@given(st.integers(0, MAX_SEED - 1))
def test_neighbouring_seeds_give_unrelated_streams(seed):
    assert not set(uniform_stream(seed, 20).tolist()) & set(uniform_stream(seed + 1, 20).tolist())


def test_a_stream_lies_in_the_unit_interval_and_fills_it():
    stream = uniform_stream(0, 10_000)
    assert stream.dtype == torch.float64
    assert 0 <= stream.min() < 0.001
    assert 0.999 < stream.max() < 1
    assert chisquare(np.histogram(stream, bins=10, range=(0, 1))[0]).pvalue > 1e-4


def test_a_stream_never_changes_between_versions():
    """Published rollouts are repeated from their seeds."""
    expected = [0.011546754286331562, 0.24154919656271812, 0.11142585551493822]
    assert uniform_stream(0, 3).tolist() == expected


def test_a_stream_is_the_same_in_every_process():
    """Trap 4: seeds made with Python's ``hash`` of a string differ from process to process."""
    script = (
        "from harness.decoding.sampling import uniform_stream;"
        "print(uniform_stream(2**64 - 1, 3).tolist())"
    )
    printed = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert printed.strip() == str(uniform_stream(2**64 - 1, 3).tolist())
