"""What constraints do to one step: by hand, by their laws, and against float64."""

from math import log

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import TopPLogitsWarper

from harness.constraint import parse_constraints
from harness.decoding.budget import TOLERANCE
from harness.decoding.constraints import ConstraintTable
from harness.decoding.settings import RolloutSettings

CPU = torch.device("cpu")
TINY = 1e-30

seeds = st.integers(0, 2**31)
alphas = st.floats(-20, 20, width=32)
# A float32 divergence is good to about 1e-6 nats.
ROUNDING = 1e-5


def constrained(target, difference, alpha, *texts, step=0):
    """Constrain one step; a text per row, or one for all rows."""
    target = torch.as_tensor(target, dtype=torch.float32)
    difference = torch.as_tensor(difference, dtype=torch.float32)
    n = len(target)
    texts = texts * n if len(texts) == 1 else texts
    table = ConstraintTable.of(
        [RolloutSettings(constraints=parse_constraints(text)) for text in texts], CPU
    )
    alpha = torch.as_tensor(alpha, dtype=torch.float32).expand(n).unsqueeze(-1)
    return table.apply(target, difference, alpha, torch.as_tensor(step).expand(n))


def random_step(seed, rows=3, vocab=11, spread=2.0):
    generator = torch.Generator().manual_seed(seed)
    target, difference = spread * torch.randn(2, rows, vocab, generator=generator)
    return target, difference


def kl(target, difference, alpha):
    """KL(amplified, target) per row in float64, written out as the sum that it is."""
    t, d = np.asarray(target, np.float64), np.asarray(difference, np.float64)
    alpha = np.asarray(alpha, np.float64)
    logq, logp = t + alpha * d, t
    logq, logp = (x - np.logaddexp.reduce(x, -1, keepdims=True) for x in (logq, logp))
    return (np.exp(logq) * (logq - logp)).sum(-1)


def rows_of(probabilities):
    return torch.tensor(probabilities).log()


# What is not constrained stays as it is


def test_a_batch_without_constraints_has_none():
    assert not ConstraintTable.of([RolloutSettings()] * 3, CPU).any
    assert ConstraintTable.of(
        [RolloutSettings(), RolloutSettings(constraints=parse_constraints("first=1"))], CPU
    ).any


def test_a_step_without_constraints_is_what_was_asked_for():
    target, difference = random_step(0)
    step = constrained(target, difference, [1.0, -1.0, 3.0], "none")
    assert step.difference is difference
    assert step.alpha.flatten().tolist() == [1.0, -1.0, 3.0]
    assert step.cut is None


EVERY_KIND = [
    "plausibility=0.3",
    "target_top_p=0.6",
    "clip=0.5",
    "kl_budget=0.1",
    "first=2",
    "kl_gate=0.4",
    "clip=1:first=4:kl_budget=0.05:kl_gate=0.1:plausibility=0.05:target_top_p=0.9",
]


@pytest.mark.parametrize("text", EVERY_KIND)
def test_a_row_is_constrained_the_same_in_any_batch_and_its_neighbours_are_left_alone(text):
    """Every other row is constrained; on a CPU four of them are worked on at a time."""
    n = 13
    target, difference = random_step(1, rows=n)
    alpha, step = torch.linspace(-4, 4, n), torch.arange(n) % 4
    texts = [text if i % 2 else "none" for i in range(n)]
    together = constrained(target, difference, alpha, *texts, step=step)
    for i in range(n):
        row = slice(i, i + 1)
        alone = constrained(target[row], difference[row], alpha[row], text, step=step[row])
        if i % 2 == 0:
            assert torch.equal(together.difference[i], difference[i])
            assert together.alpha[i].item() == alpha[i]
            assert together.cut is None or not together.cut[i].any()
            continue
        assert torch.equal(together.difference[i], alone.difference[0])
        assert torch.equal(together.alpha[i], alone.alpha[0])
        assert (together.cut is None) == (alone.cut is None)
        if alone.cut is not None:
            assert torch.equal(together.cut[i], alone.cut[0])


def test_a_lone_row_of_a_large_vocabulary_has_the_same_bits_on_two_threads():
    """A sum over one row was split among threads; beside other rows it was not."""
    target, difference = random_step(0, rows=5, vocab=49_152)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        together = constrained(target, difference, 3.0, "kl_budget=0.5")
        alone = [
            constrained(target[i : i + 1], difference[i : i + 1], 3.0, "kl_budget=0.5").alpha
            for i in range(5)
        ]
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(together.alpha, torch.cat(alone))


@pytest.mark.parametrize("text", EVERY_KIND)
def test_off_the_cpu_no_value_is_read_on_the_host(text):
    """Tensors without values can be computed with, and read by nobody: a GPU need not wait."""
    table = ConstraintTable.of(
        [RolloutSettings(constraints=parse_constraints(text))] * 5, torch.device("meta")
    )
    target, difference = torch.empty(2, 5, 11, device="meta")
    alpha, step = torch.empty(5, 1, device="meta"), torch.empty(5, dtype=int, device="meta")
    constrained_step = table.apply(target, difference, alpha, step)
    assert constrained_step.difference.shape == (5, 11)
    assert constrained_step.alpha.shape == (5, 1)


@pytest.mark.gpu
@pytest.mark.parametrize("text", EVERY_KIND)
def test_a_gpu_constrains_as_the_cpu_does_and_never_waits(text):
    target, difference = random_step(1, rows=9)
    settings = [RolloutSettings(constraints=parse_constraints(text))] * 9
    alpha, step = torch.linspace(-4, 4, 9).unsqueeze(-1), torch.arange(9) % 4
    on_cpu = ConstraintTable.of(settings, CPU).apply(target, difference, alpha, step)
    given = [x.cuda() for x in (target, difference, alpha, step)]
    table = ConstraintTable.of(settings, torch.device("cuda"))
    torch.cuda.set_sync_debug_mode("error")
    try:
        on_gpu = table.apply(*given)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    torch.testing.assert_close(on_gpu.difference.cpu(), on_cpu.difference)
    torch.testing.assert_close(on_gpu.alpha.cpu(), on_cpu.alpha, rtol=TOLERANCE, atol=1e-6)
    assert (on_gpu.cut is None) == (on_cpu.cut is None)
    if on_gpu.cut is not None:
        assert torch.equal(on_gpu.cut.cpu(), on_cpu.cut)


@pytest.mark.parametrize("text", EVERY_KIND)
def test_nothing_that_was_given_is_changed_in_place(text):
    """The trace measures the same tensors."""
    target, difference = random_step(2)
    before = target.clone(), difference.clone()
    constrained(target, difference, 3.0, text, step=9)
    assert torch.equal(target, before[0])
    assert torch.equal(difference, before[1])


@given(seeds, alphas)
def test_identical_models_are_never_amplified_and_never_clipped(seed, alpha):
    target, _ = random_step(seed)
    nothing = torch.zeros_like(target)
    for text in ("clip=0.1", "kl_budget=0.01"):
        step = constrained(target, nothing, alpha, text)
        assert torch.equal(step.difference, nothing)
        assert (step.alpha == alpha).all()
    assert (constrained(target, nothing, alpha, "kl_gate=1e-30").alpha == 0).all()


# Masks


@pytest.mark.parametrize(
    ("beta", "kept"), [("0.2", [0, 1, 2, 3]), ("0.3", [0, 1, 2]), ("0.6", [0, 1]), ("1", [0])]
)
def test_plausibility_keeps_tokens_within_beta_of_the_likeliest(beta, kept):
    target = rows_of([[0.4, 0.3, 0.2, 0.1]])
    [cut] = constrained(target, torch.zeros(1, 4), 1.0, f"plausibility={beta}").cut
    assert [i for i in range(4) if not cut[i]] == kept


@pytest.mark.parametrize(
    ("top_p", "kept"), [("0.3", {1}), ("0.41", {1, 3}), ("0.69", {1, 3}), ("0.75", {1, 2, 3})]
)
def test_the_targets_nucleus_keeps_the_token_that_crosses_its_edge(top_p, kept):
    target = rows_of([[0.1, 0.4, 0.2, 0.3]])
    [cut] = constrained(target, torch.zeros(1, 4), 1.0, f"target_top_p={top_p}").cut
    assert {i for i in range(4) if not cut[i]} == kept


@given(seeds, alphas)
def test_masks_depend_on_the_target_alone(seed, alpha):
    target, difference = random_step(seed)
    for text in ("plausibility=0.2", "target_top_p=0.7"):
        asked = constrained(target, difference, alpha, text)
        plain = constrained(target, 0 * difference, 0.0, text)
        assert torch.equal(asked.cut, plain.cut)
        assert torch.equal(asked.alpha.flatten(), torch.full((3,), alpha))
        assert asked.difference is difference


@given(seeds, st.floats(0.001, 0.999), st.floats(0.01, 20))
def test_the_nucleus_agrees_with_transformers(seed, top_p, spread):
    target, _ = random_step(seed, rows=5, vocab=50, spread=spread)
    cut = constrained(target, 0 * target, 1.0, f"target_top_p={top_p}").cut
    expected = TopPLogitsWarper(top_p)(None, target).isinf()
    # A token at whose edge the mass is top_p up to rounding may fall to either side.
    mass = target.double().softmax(-1)
    before = torch.stack([(row * (row > row[:, None])).sum(-1) for row in mass])
    doubtful = (before - top_p).abs() < 1e-6
    assert torch.equal(cut | doubtful, expected | doubtful)


def test_equally_likely_tokens_stay_in_the_nucleus_together():
    cut = constrained(torch.zeros(1, 8), torch.zeros(1, 8), 1.0, "target_top_p=0.3").cut
    assert not cut.any()


@pytest.mark.parametrize("text", [f"plausibility={TINY}", "target_top_p=0.9999999"])
def test_a_mask_that_asks_for_nothing_cuts_nothing(text):
    target, difference = random_step(3, rows=20)
    assert not constrained(target, difference, 3.0, text).cut.any()


@given(seeds, st.sampled_from(["plausibility=1", "target_top_p=1e-30", "target_top_p=1e-6"]))
def test_the_strictest_mask_leaves_the_likeliest_token(seed, text):
    target, difference = random_step(seed)
    cut = constrained(target, difference, 1.0, text).cut
    assert (~cut).sum(-1).tolist() == [1, 1, 1]
    assert not cut[torch.arange(3), target.argmax(-1)].any()


@pytest.mark.parametrize("text", ["plausibility=0.5", "target_top_p=0.9"])
def test_a_token_without_probability_is_cut_and_disturbs_nothing(text):
    """Padded vocabulary entries come as -1e4."""
    target = torch.tensor([[1.0, -1e4, 1.0, -1e4]])
    [cut] = constrained(target, torch.zeros(1, 4), 1.0, text).cut
    assert cut.tolist() == [False, True, False, True]


# Whether a step is amplified at all


def test_first_amplifies_so_many_tokens_and_no_more():
    target, difference = random_step(0, rows=4)
    step = constrained(target, difference, 2.5, "first=2", step=torch.tensor([0, 1, 2, 3]))
    assert step.alpha.flatten().tolist() == [2.5, 2.5, 0.0, 0.0]


def test_the_gate_opens_above_its_level_of_divergence():
    # KL of (3/4, 1/4) from (1/2, 1/2) is 0.75 log 1.5 + 0.25 log 0.5 = 0.1308.
    target, difference = [[log(3), 0.0]] * 2, [[log(3), 0.0]] * 2
    step = constrained(target, difference, -1.5, "kl_gate=0.130", "kl_gate=0.132")
    assert step.alpha.flatten().tolist() == [-1.5, 0.0]


@given(seeds, st.floats(-10, 10), st.floats(-10, 10))
def test_the_gate_does_not_see_a_constant_in_the_logits(seed, shift_target, shift_difference):
    target, difference = random_step(seed, rows=8)
    level = kl(target - difference, difference, np.full((8, 1), 1.0))  # KL(target, baseline)
    opened = constrained(
        target + shift_target, difference + shift_difference, 1.0, f"kl_gate={np.median(level)}"
    ).alpha.flatten()
    sure = np.abs(level - np.median(level)) > 1e-4
    assert opened.numpy()[sure].tolist() == (level > np.median(level))[sure].astype(float).tolist()


# Clipping


def test_clip_bounds_the_change_of_log_probabilities():
    # Log-ratios log 2, 0 and log 1/2: the middle one stays.
    target, baseline = rows_of([[0.4, 0.3, 0.3]]), rows_of([[0.2, 0.3, 0.5]])
    step = constrained(target, target - baseline, 1.0, "clip=0.1")
    np.testing.assert_allclose(step.difference, [[0.1, 0.0, -0.1]], atol=1e-6)


@given(seeds, st.floats(-50, 50), st.floats(-50, 50), st.floats(0.1, 4))
def test_clip_does_not_see_a_constant_in_the_logits(seed, shift_target, shift_baseline, bound):
    """Clamping a plain difference of logits would: a constant is in no distribution."""
    target, difference = random_step(seed)
    shifted = difference + shift_target - shift_baseline
    plain = constrained(target, difference, 1.0, f"clip={bound}")
    moved = constrained(target + shift_target, shifted, 1.0, f"clip={bound}")
    torch.testing.assert_close(
        (target + plain.difference).softmax(-1),
        (target + moved.difference).softmax(-1),
        atol=1e-4,
        rtol=1e-3,
    )


@given(seeds, alphas, st.floats(0.01, 3))
def test_a_clipped_step_moves_no_further_than_twice_alpha_times_the_bound(seed, alpha, bound):
    target, difference = random_step(seed, spread=4.0)
    step = constrained(target, difference, alpha, f"clip={bound}")
    assert (kl(target, step.difference, step.alpha) <= 2 * abs(alpha) * bound + ROUNDING).all()


def test_a_bound_that_is_not_reached_changes_nothing_to_the_bit():
    target, difference = random_step(4)
    for bound in ("1e30", "50"):
        step = constrained(target, difference, 1.0, f"clip={bound}")
        assert torch.equal(step.difference, difference)


def test_logits_that_are_not_numbers_leave_the_other_rows_alone():
    """The engine ends such a row with an error; the others go on."""
    target, difference = random_step(5, rows=2)
    target[0, 3] = torch.nan
    for text in EVERY_KIND:
        step = constrained(target, difference, 2.0, text)
        alone = constrained(target[1:], difference[1:], 2.0, text)
        assert torch.equal(step.alpha[1], alone.alpha[0])
        assert torch.equal(step.difference[1], alone.difference[0])


# Composition


def test_a_step_that_is_not_amplified_spends_no_budget_and_is_masked_all_the_same():
    target, difference = random_step(6, rows=2)
    step = constrained(
        target,
        difference,
        3.0,
        "first=1:kl_budget=0.1:plausibility=0.5",
        step=torch.tensor([0, 1]),
    )
    plain = constrained(target, difference, 3.0, "plausibility=0.5")
    assert step.alpha[0] > 0
    assert step.alpha[1] == 0
    assert torch.equal(step.cut, plain.cut)


def test_the_gate_sees_the_difference_before_it_is_clipped():
    # Clipped to 1e-3 nats the divergence would be far below the level.
    step = constrained([[log(3), 0.0]], [[log(3), 0.0]], 1.0, "clip=0.001:kl_gate=0.1")
    assert step.alpha.item() == 1.0


@given(seeds, st.floats(0.05, 1.0))
def test_the_budget_is_spent_on_the_clipped_difference(seed, kappa):
    target, difference = random_step(seed)
    both = constrained(target, difference, 20.0, f"clip=0.5:kl_budget={kappa}")
    clipped = constrained(target, difference, 20.0, "clip=0.5")
    budgeted = constrained(target, clipped.difference, 20.0, f"kl_budget={kappa}")
    assert torch.equal(both.difference, clipped.difference)
    assert torch.equal(both.alpha, budgeted.alpha)


@given(seeds)
def test_two_masks_cut_what_either_cuts(seed):
    target, difference = random_step(seed)
    both = constrained(target, difference, 1.0, "plausibility=0.2:target_top_p=0.8").cut
    each = [
        constrained(target, difference, 1.0, text).cut
        for text in ("plausibility=0.2", "target_top_p=0.8")
    ]
    assert torch.equal(both, each[0] | each[1])
