"""What a rollout's settings may be, and what is said of those that they may not."""

import math

import pytest

from harness.decoding.settings import MAX_SEED, RolloutSettings
from harness.errors import ConfigurationError, InvalidAlpha


@pytest.mark.parametrize("alpha", [math.nan, math.inf, -math.inf])
def test_alpha_must_be_finite(alpha):
    with pytest.raises(InvalidAlpha, match="not finite"):
        RolloutSettings(alpha=alpha)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature", -0.1),
        ("temperature", math.inf),
        ("temperature", math.nan),
        ("top_p", 0.0),
        ("top_p", 1.01),
        ("top_p", math.nan),
        ("top_k", -1),
        ("seed", -1),
        ("seed", MAX_SEED + 1),
        ("max_tokens", 0),
        ("top_logprobs", -1),
        ("top_logprobs", 21),
    ],
)
def test_a_value_out_of_range_is_refused_by_its_name(field, value):
    with pytest.raises(ConfigurationError, match=f"{field} {value}"):
        RolloutSettings(**{field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("alpha", -5.0),
        ("temperature", 0.0),
        ("top_p", 1.0),
        ("top_p", 1e-6),
        ("top_k", 0),
        ("seed", 0),
        ("seed", MAX_SEED),
        ("max_tokens", 1),
        ("top_logprobs", 20),
    ],
)
def test_the_ends_of_each_range_are_allowed(field, value):
    assert getattr(RolloutSettings(**{field: value}), field) == value


def test_a_grid_is_part_of_a_trace():
    with pytest.raises(ConfigurationError, match="trace_alphas for a rollout without a trace"):
        RolloutSettings(trace=False, trace_alphas=(1.0,))
