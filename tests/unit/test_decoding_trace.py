"""The figures of a token and their sums, by hand and against a slow computation in float64."""

from math import log

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.decoding.amplification import amplify
from harness.decoding.engine import Engine
from harness.decoding.measure import StepLogits, likeliest, measure_step
from harness.decoding.sampling import Draw
from harness.decoding.settings import RolloutSettings
from harness.decoding.trace import TRACE_FIELDS, Trace
from harness.errors import ConfigurationError
from tests.fakes import FakePair, request, slow_rollout


def measure(target, baseline, alpha, tokens, logp, amplified=None):
    """Measure rows of which nothing is cut and whose difference is not clipped."""
    if amplified is None:
        amplified = amplify(target, baseline, alpha)
    logits = StepLogits(target, baseline, amplified, alpha, *[target - baseline] * 2)
    drawn = Draw(tokens, logp, amplified, amplified.softmax(-1))
    return measure_step(logits, drawn, torch.ones(len(tokens)))


def measured(target, baseline, alpha, token, sampling_logp=0.0):
    figures = measure(
        torch.tensor([target]),
        torch.tensor([baseline]),
        torch.tensor([[alpha]]),
        torch.tensor([token]),
        torch.tensor([sampling_logp]),
    )
    return dict(zip(TRACE_FIELDS, figures[0].tolist(), strict=True))


def test_one_step_by_hand():
    # Target (3/4, 1/4), baseline (1/2, 1/2): alpha 1 squares the odds, (9/10, 1/10).
    figures = measured([log(3), 0.0], [0.0, 0.0], alpha=1.0, token=1, sampling_logp=-0.5)
    assert figures == pytest.approx(
        {
            "target_logp_nats": log(1 / 4),
            "baseline_logp_nats": log(1 / 2),
            "amplified_logp_nats": log(1 / 10),
            "sampling_logp_nats": -0.5,
            "kl_target_baseline_nats": 3 / 4 * log(3 / 2) + 1 / 4 * log(1 / 2),
            "kl_amplified_target_nats": 9 / 10 * log(6 / 5) + 1 / 10 * log(2 / 5),
            "target_min": 0,
            "target_max": log(3),
            "target_mean": log(3) / 2,
            "target_std": log(3) / 2,
            "baseline_min": 0,
            "baseline_max": 0,
            "baseline_mean": 0,
            "baseline_std": 0,
            "amplified_min": 0,
            "amplified_max": log(9),
            "amplified_mean": log(9) / 2,
            "amplified_std": log(9) / 2,
            "target_difference_cov": (log(3) / 2) ** 2,
            "difference_var": (log(3) / 2) ** 2,
            "amplified_std_closed_form": log(9) / 2,
            "alpha_applied": 1,
            "target_mass_kept": 1,
            "sampling_entropy_nats": 9 / 10 * log(10 / 9) + 1 / 10 * log(10),
            # Of two values that differ by log 9 and come 9 to 1.
            "sampling_surprisal_var": 9 / 10 * 1 / 10 * log(9) ** 2,
        },
        abs=1e-6,
    )


def test_the_dose_is_zero_at_alpha_zero_and_for_identical_models():
    assert measured([1.0, 2.0, 0.5], [0.0, 1.0, 3.0], alpha=0.0, token=0)[
        "kl_amplified_target_nats"
    ] == pytest.approx(0, abs=1e-7)
    assert measured([1.0, 2.0, 0.5], [1.0, 2.0, 0.5], alpha=9.0, token=0)[
        "kl_amplified_target_nats"
    ] == pytest.approx(0, abs=1e-7)


@given(st.integers(0, 2**31))
def test_rounding_never_makes_a_divergence_negative(seed):
    target = torch.randn(50, generator=torch.Generator().manual_seed(seed)).tolist()
    nearly = [logit + 1e-6 for logit in target]
    figures = measured(target, nearly, alpha=1.0, token=0)
    assert figures["kl_target_baseline_nats"] >= 0
    assert figures["kl_amplified_target_nats"] >= 0


@given(
    prompt=st.lists(st.integers(0, 6), min_size=1, max_size=4),
    alpha=st.sampled_from([-1.0, -0.3, 0.0, 0.7, 3.0]),
    temperature=st.sampled_from([0.0, 0.6, 1.0, 1.7]),
    top_p=st.sampled_from([0.5, 0.9, 1.0]),
    top_k=st.sampled_from([0, 1, 4]),
    seed=st.integers(0, 2**63),
)
def test_every_figure_of_a_rollout_equals_a_slow_computation_in_float64(prompt, **settings):
    pair = FakePair.by_history(vocab_size=7)
    asked = request(prompt, max_tokens=4, **settings)
    [rollout] = Engine(pair, frozenset()).run([asked])
    slow = slow_rollout(pair, asked)
    assert rollout.ids == slow.ids
    for field in TRACE_FIELDS:
        expected = [figures[field] for figures in slow.figures]
        assert rollout.trace[field].tolist() == pytest.approx(expected, rel=1e-4, abs=1e-4), field


@given(st.integers(0, 2**31), st.sampled_from([3, 256, 257, 1000]), st.integers(1, 6))
def test_the_likeliest_tokens_are_those_that_sorting_finds(seed, columns, n):
    values = torch.randn(3, columns, generator=torch.Generator().manual_seed(seed))
    ids, highest = likeliest(values, n)
    ordered = values.sort(descending=True)
    assert torch.equal(highest, ordered.values[:, :n])
    assert torch.equal(ids, ordered.indices[:, :n])


def test_a_step_keeps_the_likeliest_tokens_of_either_side_and_amplified():
    # Odds of the target 4 : 2 : 1, of the baseline 1 : 2 : 4; alpha 1 gives 16 : 2 : 1/4.
    pair = FakePair.by_last_token([[log(4), log(2), 0.0]] * 3, [[0.0, log(2), log(4)]] * 3)
    asked = request((0,), alpha=1.0, temperature=0.1, max_tokens=2, trace_best=True)
    [rollout] = Engine(pair, frozenset()).run([asked])
    for side, ids, odds in (
        ("target", [0, 1, 2], [4, 2, 1]),
        ("baseline", [2, 1, 0], [4, 2, 1]),
        ("amplified", [0, 1, 2], [16, 2, 0.25]),
    ):
        found, logps = rollout.trace.best_tokens(side)
        assert found.tolist() == [ids, ids]
        assert logps[1].exp().tolist() == pytest.approx([odd / sum(odds) for odd in odds])


def test_a_row_without_its_likeliest_tokens_has_the_same_figures_beside_one_with_them():
    pair = FakePair.by_history()
    plain, best = (request((1,), seed=i, trace_best=i == 1, max_tokens=3) for i in range(2))
    [alone] = Engine(pair, frozenset()).run([plain])
    [beside, other] = Engine(pair, frozenset()).run([plain, best])
    assert torch.equal(alone.trace.figures, beside.trace.figures)
    assert beside.trace.best is None
    assert other.trace.best_tokens("target")[0].shape == (3, 5)


def test_the_likeliest_tokens_need_a_trace():
    with pytest.raises(ConfigurationError, match="trace_best for a rollout without a trace"):
        RolloutSettings(trace=False, trace_best=True)


def trace_of(**columns):
    n_tokens = len(next(iter(columns.values())))
    figures = torch.zeros(n_tokens, len(TRACE_FIELDS))
    for field, values in columns.items():
        figures[:, TRACE_FIELDS.index(field)] = torch.tensor(values)
    return Trace(figures)


def test_the_summary_takes_means_of_log_probabilities_and_of_divergences():
    summary = trace_of(
        target_logp_nats=[-1.0, -3.0],
        baseline_logp_nats=[-2.0, -4.0],
        amplified_logp_nats=[-0.5, -1.5],
        sampling_logp_nats=[0.0, -1.0],
        kl_target_baseline_nats=[0.25, 0.75],
        kl_amplified_target_nats=[1.0, 2.0],
    ).summary()
    assert summary["n_tokens"] == 2
    assert summary["target_nll_nats"] == 2.0
    assert summary["baseline_nll_nats"] == 3.0
    assert summary["amplified_nll_nats"] == 1.0
    assert summary["sampling_nll_nats"] == 0.5
    assert summary["kl_target_baseline_nats"] == 0.5
    assert summary["dose_nats"] == 1.5


@pytest.mark.parametrize("side", ["target", "baseline", "amplified"])
def test_the_summary_takes_extremes_of_extremes_and_means_of_the_rest(side):
    summary = trace_of(
        **{
            f"{side}_min": [-5.0, -7.0, -6.0],
            f"{side}_max": [4.0, 9.0, 2.0],
            f"{side}_mean": [1.0, 2.0, 6.0],
            f"{side}_std": [2.0, 2.0, 5.0],
        }
    ).summary()
    assert summary[f"{side}_min"] == -7.0
    assert summary[f"{side}_max"] == 9.0
    assert summary[f"{side}_mean"] == 3.0
    assert summary[f"{side}_std"] == 3.0


def test_the_summary_holds_the_closed_form_beside_the_measured_spread():
    summary = trace_of(amplified_std=[1.0, 2.0], amplified_std_closed_form=[3.0, 4.0]).summary()
    assert (summary["amplified_std"], summary["amplified_std_closed_form"]) == (1.5, 3.5)


def test_the_closed_form_shows_logits_that_were_never_amplified():
    """Trap 3: had the target's logits been sampled, the two figures would differ like this."""
    target, baseline = torch.tensor([[2.0, 0.0]]), torch.tensor([[1.0, 0.0]])
    alpha = torch.tensor([[2.0]])
    figures = measure(
        target, baseline, alpha, torch.tensor([0]), torch.tensor([0.0]), amplified=target
    )
    trace = Trace(figures)
    assert (trace["amplified_std"].item(), trace["amplified_std_closed_form"].item()) == (1.0, 2.0)


def test_a_grid_holds_the_sampled_tokens_log_probability_at_every_strength():
    """One trace then serves every alpha: at -1 it is the baseline's, at 0 the target's."""
    pair = FakePair.by_history()
    asked = request((3, 1), alpha=2.0, max_tokens=5, trace_alphas=(-1.0, 0.0, 2.0, 0.5))
    plain = request((3,), alpha=1.0, max_tokens=3)
    with_grid, without = Engine(pair, frozenset()).run([asked, plain])
    trace = with_grid.trace
    assert trace.grid_alphas == (-1.0, 0.0, 2.0, 0.5)
    for column, side in enumerate(("baseline", "target", "amplified")):
        torch.testing.assert_close(trace.grid_logps_nats[:, column], trace[f"{side}_logp_nats"])
    assert trace.grid_logps_nats.shape == (5, 4)
    assert without.trace.grid_logps_nats.shape == (3, 0)
