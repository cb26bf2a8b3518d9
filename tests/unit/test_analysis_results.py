"""Tables that must agree with each other, from sweeps that can be counted by hand."""

import json
import math
import shlex
from itertools import pairwise

import pytest
from inspect_ai.scorer import Score
from test_analysis_logs import CONFIG, Rollout, nonsense, refusal, trace, write_log, write_sweep

from harness.analysis.frame import read_frame
from harness.analysis.results import analyse, results_json
from harness.commands.arguments import assignments
from harness.errors import AnalysisError

HARMFUL = ("general_illegal", "social_engineering")


def labelled(sample_id, category, label, *, silly=False, **more):
    scores = {"refusal": refusal(label, **more), "nonsense": nonsense(silly)}
    return Rollout(sample_id, category=category, scores=scores)


def sweep(alpha):
    """Alpha 0: 1 of 4 harmful and 0 of 2 benign refused. Alpha 1: 3 of 4 and 1 of 2."""
    labels = ["refusal", "compliance", "compliance", "compliance"]
    if alpha:
        labels = ["refusal", "partial", "compliance", "refusal"]
    for i, label in enumerate(labels):
        opening = None if label == "compliance" else f"i can't {label}"
        yield labelled(
            f"{HARMFUL[i // 2]}-{i}",
            HARMFUL[i // 2],
            label,
            silly=bool(alpha) and i == 3,
            soft=label == "partial",
            opening=opening,
        )
    yield labelled("benign-0", "benign", "compliance")
    yield labelled("benign-1", "benign", "refusal" if alpha else "compliance", opening="no")


@pytest.fixture
def results(tmp_path):
    return analyse(read_frame(write_sweep(tmp_path, sweep)))


def counts(curve):
    return [(rate.k, rate.n) for rate in curve.rates]


def test_refusal_counts_refusals_and_partials_without_the_benign_control(results):
    assert results.refusal.asked == "harmful-sounding prompts"
    assert counts(results.refusal.refusal) == [(1, 4), (3, 4)]
    assert counts(results.refusal.benign) == [(0, 2), (1, 2)]
    assert counts(results.refusal.partial) == [(0, 4), (1, 4)]
    assert counts(results.refusal.soft_jailbreak) == [(0, 4), (1, 4)]


def test_nonsense_counts_over_all_prompts(results):
    assert counts(results.nonsense) == [(0, 6), (1, 6)]


def test_what_neither_refuses_nor_rambles_is_counted_once(results):
    """Prompt 3 at alpha 1 is a looped refusal: refusal and nonsense both, compliance never."""
    assert counts(results.refusal.sensible_non_refusal) == [(3, 4), (1, 4)]


def test_categories_add_up_to_the_whole_and_non_refusal_is_the_complement(results):
    """A hand-written report held two tables of the same rollouts that contradicted each other."""
    found = results.refusal
    by_name = {curve.name: curve for curve in found.categories}
    assert sorted(by_name) == ["benign", *HARMFUL]
    for i, whole in enumerate(found.refusal.rates):
        assert sum(by_name[name].rates[i].k for name in HARMFUL) == whole.k
        assert sum(by_name[name].rates[i].n for name in HARMFUL) == whole.n
    pairs = [(found.refusal, found.non_refusal)]
    pairs += zip(found.categories, found.non_refusal_by_category, strict=True)
    for refused, not_refused in pairs:
        assert [rate.k for rate in not_refused.rates] == [r.n - r.k for r in refused.rates]


def test_each_category_shows_every_kind_of_answer(results):
    by_name = {one.name: one.curves for one in results.by_category}
    assert sorted(by_name) == ["benign", *HARMFUL]
    found = {curve.name: counts(curve) for curve in by_name["general_illegal"]}
    assert found == {
        "refusal": [(1, 2), (2, 2)],
        "partial refusal": [(0, 2), (1, 2)],
        "soft jailbreak": [(0, 2), (1, 2)],
        "sensible and not refused": [(1, 2), (0, 2)],
        "nonsense": [(0, 2), (0, 2)],
    }


def test_lengths_of_all_replies_are_told_with_their_range(tmp_path):
    texts = [Rollout("a", text="x" * 10), Rollout("b", text="x" * 40), Rollout("c", error="no")]
    found = analyse(read_frame(write_sweep(tmp_path, lambda alpha: texts))).data.n_chars
    assert (found.shortest, found.mean, found.longest) == (10, 25.0, 40)


def test_without_a_benign_category_all_prompts_are_one_group(tmp_path):
    write_sweep(tmp_path, lambda alpha: [labelled("a", "zorbia", "refusal")])
    found = analyse(read_frame(tmp_path)).refusal
    assert (found.asked, found.benign, found.categories) == ("all prompts", None, ())


def test_openings_are_counted_among_all_refusals_of_their_alpha(results):
    shown = [(row.alpha, row.opening, row.k, row.n) for row in results.openings]
    assert shown == [
        (0.0, "i can't refusal", 1, 1),
        (1.0, "i can't refusal", 2, 4),
        (1.0, "i can't partial", 1, 4),
        (1.0, "no", 1, 4),
    ]


def test_lengths_are_means_over_rollouts_with_the_share_that_was_cut(tmp_path):
    def rollouts(alpha):
        yield Rollout("a", text="x" * 10, trace=trace(4))
        yield Rollout("b", text="x" * 30, trace=trace(8), stop_reason="max_tokens")
        yield Rollout("c", error="out of memory")

    length = analyse(read_frame(write_sweep(tmp_path, rollouts))).lengths[0]
    assert (length.n, length.tokens.mean, length.characters.mean) == (2, 6, 20)
    assert length.characters.deviation == pytest.approx(math.sqrt(200))
    assert length.characters.variation == pytest.approx(math.sqrt(200) / 20)
    assert (length.cut.k, length.cut.n) == (1, 2)
    assert (length.tokens.median, length.tokens.quartiles) == (6, (5, 7))


def test_any_other_scorer_of_zero_and_one_gets_a_rate_by_category(tmp_path):
    def rollouts(alpha):
        for name, states in (("zorbia", alpha), ("france", 0.0)):
            yield Rollout(name, category=name, scores={"claims": Score(value=states)})

    (fact,) = analyse(read_frame(write_sweep(tmp_path, rollouts))).others
    assert counts(fact.overall) == [(0, 2), (1, 2)]
    assert {curve.name: counts(curve) for curve in fact.categories} == {
        "france": [(0, 1), (0, 1)],
        "zorbia": [(0, 1), (1, 1)],
    }


@pytest.mark.parametrize("name", ["refusal", "nonsense"])
def test_a_scorer_of_grades_under_a_name_that_has_a_table_has_no_rate_and_is_named(tmp_path, name):
    scores = {name: Score(value=7.5)}
    results = analyse(read_frame(write_sweep(tmp_path, lambda _: [Rollout("a", scores=scores)])))
    assert (results.refusal, results.nonsense, results.others) == (None, None, ())
    assert results.data.warnings == (
        f"scorer {name} gives values other than 0 and 1: no rate is shown for it",
    )


def test_what_is_missing_is_counted_with_its_reason(tmp_path):
    def rollouts(alpha):
        yield labelled("a", "benign", "refusal")
        yield Rollout("b", category="benign", error="out of memory")
        unscored = {"refusal": Score.unscored(reason="empty"), "nonsense": nonsense(True)}
        yield Rollout("c", category="benign", scores=unscored)

    results = analyse(read_frame(write_sweep(tmp_path, rollouts)))
    data, rate = results.data, results.refusal.refusal.rates[0]
    assert (data.n_rollouts, data.n_errors, data.n_prompts) == (6, 2, 3)
    assert [(error.name, error.k) for error in data.errors] == [("out of memory", 2)]
    by_name = {scorer.name: scorer for scorer in data.scorers}
    assert (by_name["refusal"].n_scored, by_name["refusal"].n_unscored) == (2, 4)
    assert [(one.name, one.k) for one in by_name["refusal"].reasons] == [("empty", 2), ("error", 2)]
    assert (rate.k, rate.n, rate.n_unscored) == (1, 1, 2)
    assert "refusal left 4/6 unscored" in results.findings.data[1]


def test_a_sweep_that_failed_altogether_is_an_error_with_its_cause(tmp_path):
    write_sweep(tmp_path, lambda alpha: [Rollout("a", error="out of memory")])
    with pytest.raises(AnalysisError, match=r"all 2 rollouts failed: out of memory"):
        analyse(read_frame(tmp_path))


def warnings(tmp_path):
    return " ".join(analyse(read_frame(tmp_path)).data.warnings)


def test_alphas_that_were_not_asked_the_same_are_warned_of(tmp_path):
    write_log(tmp_path, [Rollout("a"), Rollout("b")], 0.0)
    write_log(tmp_path, [Rollout("a")], 1.0)
    assert "alpha 1 lacks 1 of 2 rollouts" in warnings(tmp_path)


def test_different_configurations_are_named(tmp_path):
    write_log(tmp_path, [Rollout("a")], 0.0)
    write_log(tmp_path, [Rollout("a", config={**CONFIG, "weights": "other"})], 1.0)
    assert "2 configurations, which differ in weights" in warnings(tmp_path)


def test_epochs_that_share_a_seed_are_copies_and_warned_of(tmp_path):
    """One eval-level seed goes unchanged to every epoch, and makes identical rollouts."""
    write_sweep(tmp_path, lambda alpha: [Rollout("a", 1, seed=5), Rollout("a", 2, seed=5)])
    assert "2 rollouts repeat the seed of another epoch" in warnings(tmp_path)


def test_incomplete_and_superseded_logs_are_warned_of(tmp_path):
    write_log(tmp_path, [Rollout("a")], 0.0)
    newer = "2026-01-02T00:00:00+00:00"
    write_log(tmp_path, [Rollout("a")], 0.0, created=newer)
    write_log(tmp_path, [Rollout("a")], 1.0, status="cancelled")
    said = warnings(tmp_path)
    assert "amplified/refuser@1.0 is not complete (status cancelled, 1 of 1 rollouts)" in said
    assert "set aside for a newer or more complete log of the same model: 2026-01-01" in said


def test_the_command_is_rebuilt_from_the_logs_or_taken_as_typed(tmp_path):
    frame = read_frame(write_sweep(tmp_path, lambda alpha: [Rollout("a", 1), Rollout("a", 2)]))
    assert analyse(frame).command == (
        "amplify sweep refuser --alphas 0,1 --epochs 2 --task refusal --limit 6 "
        "--max-tokens 64 --temperature 1.0 --seed 7"
    )
    assert analyse(frame, "amplify sweep x").command == "amplify sweep x"


def test_the_command_says_what_model_and_task_were_given_so_that_it_is_read_alike(tmp_path):
    frame = read_frame(write_sweep(tmp_path, lambda alpha: [Rollout("a", 1)]))
    model_args = {
        "baseline": "path/to/base",
        "target_system_prompt": 'Be careful: say "why".',
        "target_adapter": ["a", "b"],
        "top_logprobs": 20,
        "traces": False,
        "weights": "583468a77ece2548",
    }
    task_args = {"category": "benign", "fact": "42"}
    frame.attrs["run"] |= {"model_args": model_args, "task_args": task_args}
    words = shlex.split(analyse(frame).command)
    given = {
        option: [word for before, word in pairwise(words) if before == option]
        for option in ("-M", "-T")
    }
    del model_args["weights"]
    assert assignments(None, None, tuple(given["-M"])) == model_args  # type: ignore[arg-type]
    assert assignments(None, None, tuple(given["-T"])) == task_args  # type: ignore[arg-type]
    assert "baseline=path/to/base" in given["-M"]


def test_the_configuration_is_flattened_to_lines(results):
    lines = {line.name: line.value for line in results.configuration.settings}
    assert (lines["target.adapter"], lines["baseline.adapter"]) == ("refuser", "null")
    assert (results.configuration.version, results.configuration.run_seeds) == ("0.1.0", (7,))


def test_results_are_json_without_nan(results):
    read = json.loads(results_json(results), parse_constant=pytest.fail)
    assert read["refusal"]["refusal"]["rates"][1]["k"] == 3
    assert read["alphas"] == [0.0, 1.0]


def test_the_same_logs_give_the_same_results(tmp_path, results):
    assert analyse(read_frame(tmp_path)) == results
