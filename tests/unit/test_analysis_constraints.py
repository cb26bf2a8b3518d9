"""Rollouts under different constraints stay apart, from the log to the sentences of a report."""

import pytest
from test_analysis_logs import CONFIG, Rollout, nonsense, refusal, trace, write_log

from harness.analysis.behaviours import Curve, curve
from harness.analysis.constraint_comparison import HIDES, Condition, comparison_findings
from harness.analysis.dose import doses
from harness.analysis.frame import by_constraint, finished, read_frame
from harness.analysis.rates import rate_of
from harness.analysis.regime_curves import curve_totals
from harness.analysis.regimes import sense_regime
from harness.analysis.results import Results, analyse
from harness.constraint import RANGES
from harness.errors import AnalysisError

NAME = "first=10:plausibility=0.1"
CONSTRAINED = f"amplified/refuser@1:{NAME}"


def under(*texts, **figures):
    """What the provider writes of a rollout under constraints."""
    return {"config": {**CONFIG, "constraint": list(texts)}, "trace": trace(**figures)}


def judged(sample_id, *, refused, silly=False, **more):
    scores = {
        "refusal": refusal("refusal" if refused else "compliance"),
        "nonsense": nonsense(silly),
    }
    return Rollout(sample_id, scores=scores, **more)


def write_conditions(folder):
    """Ten prompts; at alpha 1 it refuses 8 and rambles in 5, under the constraint 3 and none."""
    for constraint in ("", f":{NAME}"):
        texts = NAME.split(":") if constraint else []
        for alpha in (0.0, 1.0):
            n_refused = {0.0: 1, 1.0: 3 if constraint else 8}[alpha]
            n_silly = 5 if alpha and not constraint else 0
            figures = {
                "dose_nats": alpha / 4,
                "amplified_nll_nats": 2.0 - alpha / 4,
                "alpha_applied": alpha / 2 if constraint else alpha,
                "target_mass_kept": 0.75 if constraint else 1.0,
            }
            rollouts = [
                judged(
                    f"p{i}", refused=i < n_refused, silly=i < n_silly, **under(*texts, **figures)
                )
                for i in range(10)
            ]
            write_log(folder, rollouts, f"amplified/refuser@{alpha:g}{constraint}")
    return folder


@pytest.fixture
def results(tmp_path) -> Results:
    return analyse(read_frame(write_conditions(tmp_path)))


def counts(one):
    return [(rate.k, rate.n) for rate in one.rates]


def test_a_row_says_under_which_constraint_it_was_drawn(tmp_path):
    write_log(tmp_path, [Rollout("a")], 1.0)
    write_log(tmp_path, [Rollout("a")], "amplified/refuser@1:plausibility=0.10:first=10")
    frame = read_frame(tmp_path)
    assert frame[["constraint", "alpha"]].values.tolist() == [[NAME, 1.0], ["none", 1.0]]


def test_logs_of_one_alpha_under_two_constraints_are_both_kept(tmp_path):
    for constraint in ("", ":clip=1", ":clip=2"):
        write_log(tmp_path, [Rollout("a")], f"amplified/refuser@1{constraint}")
    assert set(read_frame(tmp_path)["constraint"]) == {"none", "clip=1", "clip=2"}


def test_two_spellings_of_one_constraint_are_one_constraint(tmp_path):
    write_log(tmp_path, [Rollout("a", text="old")], "amplified/refuser@1:clip=1.0")
    newer = "2026-01-02T00:00:00+00:00"
    write_log(tmp_path, [Rollout("a", text="new")], "amplified/refuser@1:clip=1", created=newer)
    assert read_frame(tmp_path)["completion"].tolist() == ["new"]


@pytest.mark.parametrize(
    ("constraint", "said"),
    [("frist=1", "unknown constraint 'frist'"), ("first=0", "first=0: it takes a whole number")],
)
def test_a_log_under_what_is_no_constraint_is_an_error(tmp_path, constraint, said):
    write_log(tmp_path, [Rollout("a")], f"amplified/refuser@1:{constraint}")
    with pytest.raises(AnalysisError, match=f"can't be placed: .*{said}"):
        read_frame(tmp_path)


@pytest.mark.parametrize(
    ("model", "written", "said"),
    [
        (CONSTRAINED, [], "drawn under none: name and text disagree"),
        (CONSTRAINED, ["first=10"], "drawn under first=10: name"),
        ("amplified/refuser@1", ["first=10"], "drawn under first=10: name"),
    ],
)
def test_text_drawn_under_another_constraint_than_the_name_is_refused(
    tmp_path, model, written, said
):
    write_log(tmp_path, [Rollout("a", **under(*written))], model)
    with pytest.raises(AnalysisError, match=said):
        read_frame(tmp_path)


def test_each_constraint_has_results_of_its_own_and_the_unconstrained_come_first(results):
    [constrained] = results.constrained
    assert (results.constraint, constrained.constraint) == ("none", NAME)
    assert counts(results.refusal.refusal) == [(1, 10), (8, 10)]
    assert counts(constrained.refusal.refusal) == [(1, 10), (3, 10)]
    assert (results.data.n_rollouts, constrained.data.n_rollouts) == (20, 20)
    assert (results.lengths[0].n, constrained.lengths[0].n) == (10, 10)


def test_without_unconstrained_rollouts_the_first_constraint_is_shown_by_its_name(tmp_path):
    write_log(tmp_path, [Rollout("a")], CONSTRAINED)
    results = analyse(read_frame(tmp_path))
    assert (results.constraint, results.constrained) == (NAME, ())


def test_nothing_can_be_pooled_over_constraints(tmp_path):
    frame = read_frame(write_conditions(tmp_path))
    with pytest.raises(AssertionError):
        finished(frame)
    with pytest.raises(AssertionError):
        curve("refusal", frame[frame["scorer"] == "refusal"], (0.0, 1.0))


def test_a_part_knows_of_its_own_logs_only(tmp_path):
    parts = by_constraint(read_frame(write_conditions(tmp_path)))
    assert list(parts) == ["none", NAME]
    for name, part in parts.items():
        assert {log["constraint"] for log in part.attrs["run"]["logs"]} == {name}
        assert set(part["constraint"]) == {name}


def test_strength_and_mass_are_means_over_tokens(results):
    [constrained] = results.constrained
    assert [one.alpha_applied.value for one in results.applied] == [0.0, 1.0]
    assert [one.alpha_applied.value for one in constrained.applied] == [0.0, 0.5]
    assert [one.target_mass_kept.value for one in constrained.applied] == [0.75, 0.75]


def test_logs_without_those_figures_say_nothing_of_them(tmp_path):
    write_log(tmp_path, [Rollout("a")], CONSTRAINED)
    [one] = analyse(read_frame(tmp_path)).applied
    assert (one.alpha_applied, one.target_mass_kept) == (None, None)


def test_the_command_draws_every_constraint_again(results):
    assert results.command.endswith(f"--seed 7 --constraint {NAME}")
    assert "--alphas 0,1 " in results.command


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("plausibility=0.1", "not checked"),
        ("target_top_p=0.9", "not checked"),
        ("kl_budget=0.5", "not as predicted"),
        ("first=10", "not as predicted"),
        ("clip=1", "not as predicted"),
    ],
)
def test_the_dose_is_held_against_the_tokens_unless_tokens_were_cut(tmp_path, text, verdict):
    """The gain is nothing like the dose here; a mask would be an honest reason for that."""
    rollouts = [
        Rollout(f"p{i}", **under(text, dose_nats=0.5 + i / 100, amplified_nll_nats=2.2))
        for i in range(10)
    ]
    write_log(tmp_path, rollouts, f"amplified/refuser@1:{text}")
    assert doses(read_frame(tmp_path))[0].verdict == verdict


def test_under_a_mask_the_gain_is_of_what_tokens_were_drawn_from(tmp_path):
    """The dose of the uncut distribution once stood there as 3.4 nats where 0.4 were sampled."""
    figures = {"dose_nats": 3.4, "target_nll_nats": 2.0, "sampling_nll_nats": 1.6}
    rollouts = [Rollout(f"p{i}", **under("plausibility=0.1", **figures)) for i in range(10)]
    write_log(tmp_path, rollouts, "amplified/refuser@3:plausibility=0.1")
    [dose] = doses(read_frame(tmp_path))
    assert dose.dose_nats is None
    assert dose.gain_nats.value == pytest.approx(0.4)


def test_a_constraint_that_was_asked_other_prompts_is_warned_of(tmp_path):
    write_log(tmp_path, [Rollout("a"), Rollout("b")], 1.0)
    write_log(tmp_path, [Rollout("a")], "amplified/refuser@1:clip=1")
    warnings = analyse(read_frame(tmp_path)).data.warnings
    assert any("clip=1 lacks 1 of 2 prompts and repeats" in said for said in warnings)


def test_doubts_about_one_constraint_name_it(tmp_path):
    write_log(tmp_path, [Rollout("a")], 1.0)
    write_log(tmp_path, [Rollout("a")], "amplified/refuser@1:clip=1", status="cancelled")
    warnings = analyse(read_frame(tmp_path)).data.warnings
    assert [said for said in warnings if said.startswith("under clip=1: the log of amplified/")]


def test_a_constraint_alone_is_no_difference_of_configuration(tmp_path):
    assert analyse(read_frame(write_conditions(tmp_path))).data.warnings == ()


def test_other_weights_under_one_constraint_are_a_difference_of_configuration(tmp_path):
    write_log(tmp_path, [Rollout("a", **under())], 1.0)
    config = {**CONFIG, "constraint": ["clip=1"], "weights": "other"}
    write_log(tmp_path, [Rollout("a", config=config)], "amplified/refuser@1:clip=1")
    [said] = analyse(read_frame(tmp_path)).data.warnings
    assert "2 configurations, which differ in weights" in said


def test_a_constraint_is_held_against_the_unconstrained_at_the_same_alpha(results):
    assert results.comparison[:2] == (
        f"Under {NAME} nonsense stays within 20% up to alpha 1, the last, without it up to alpha "
        "0.40 [0.25, beyond 1]; at alpha 1 it is 0% [0, 31] (0/10), without it 50% [24, 76] "
        "(5/10): -50 points [-88, -12].",
        f"Under {NAME} refusal at alpha 1 is 30% [11, 60] (3/10), without it 80% [49, 94] (8/10): "
        "-50 points [-88, -12].",
    )


def condition(constraint, n_nonsense, n_events, alphas=(0.0, 1.0)):
    prompts = [f"p{i}" for i in range(20)]
    curves = [
        Curve(
            name=name,
            rates=tuple(rate_of([1.0] * k + [0.0] * (20 - k), prompts) for k in hits),
        )
        for name, hits in (("nonsense", n_nonsense), ("fact", n_events))
    ]
    return Condition(
        constraint=constraint,
        alphas=alphas,
        behaviours=(curves[1],),
        nonsense=curves[0],
        sense=sense_regime(curve_totals(alphas, curves[0]), curves[0].rates[-1].high),
    )


def test_no_difference_is_claimed_where_the_interval_holds_zero():
    main, other = condition("none", (0, 0), (2, 9)), condition("clip=1", (0, 0), (2, 8))
    said = comparison_findings(main, [other])[1]
    assert said.startswith("Under clip=1 fact at alpha 1 is 40%")
    assert said.endswith("; no difference can be told.")


def test_alphas_that_are_not_shared_are_not_compared():
    main, other = condition("none", (0, 0), (2, 9)), condition("clip=1", (0, 0), (2, 8), (2.0, 3.0))
    assert [said for said in comparison_findings(main, [other]) if "without it" in said] == []


def test_every_kind_says_what_it_hides():
    assert set(HIDES) == set(RANGES)
    main, other = condition("none", (0, 0), (2, 9)), condition("first=3:clip=2", (0, 0), (2, 8))
    hides = [said for said in comparison_findings(main, [other]) if said.startswith("What ")]
    assert hides[0] == (
        "What clip=2 hides: how strongly the change favours a token beyond 2 nats does not show."
    )
    assert "after 3 tokens" in hides[1]
