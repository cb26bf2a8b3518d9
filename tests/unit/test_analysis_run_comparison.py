"""Two runs compare at equal doses; an equal alpha means nothing by itself."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from inspect_ai.scorer import Score
from test_analysis_logs import CONFIG, Rollout, nonsense, refusal, trace, write_log

from harness.analysis.frame import read_frame
from harness.analysis.run_comparison import RunComparison, compare_runs
from harness.analysis.run_comparison_findings import run_findings
from harness.errors import AnalysisError

N_PROMPTS = 24


def reply(i: int, strength: float) -> Rollout:
    """Prompt i is refused from strength i / 6 on, and nonsense from strength i / 3 + 2 on."""
    refused, babbles = strength > i / 6, strength > i / 3 + 2
    return Rollout(
        f"p{i:02}",
        prompt=f"Question {i}?",
        trace=trace(dose_nats=strength**2 * (1 + i / 100)),
        scores={
            "refusal": refusal("refusal" if refused else "compliance"),
            "nonsense": nonsense(babbles),
        },
    )


def run(
    folder: Path,
    alphas: tuple[float, ...],
    times: float = 1.0,
    made: Callable[[int, float], Rollout] = reply,
    prompts: range = range(N_PROMPTS),
    under: str = "",
) -> pd.DataFrame:
    """Sweep a model whose difference is so many times the plain one's."""
    folder.mkdir()
    for alpha in alphas:
        name = f"amplified/refuser@{alpha}{under}"
        replies = [replace(made(i, times * alpha), alpha=alpha) for i in prompts]
        write_log(folder, replies, name)
    return read_frame(folder)


@pytest.fixture
def plain(tmp_path: Path) -> pd.DataFrame:
    return run(tmp_path / "a", (0.0, 0.5, 1.0, 2.0))


def only(found: RunComparison):
    (one,) = found.conditions
    return one


def named(found: RunComparison, name: str = "refusal"):
    (one,) = (one for one in only(found).behaviours if one.name == name)
    return one


def test_a_run_equals_one_of_half_the_difference_along_dose_but_not_along_alpha(tmp_path, plain):
    """Twice the difference at half the alpha is the same model: alpha is not comparable."""
    doubled = run(tmp_path / "b", (0.0, 0.25, 0.5, 1.0), times=2.0)
    found = compare_runs(plain, doubled)
    for behaviour in only(found).behaviours:
        assert len(behaviour.at_dose) == 6
        for point in behaviour.at_dose:
            assert point.change.value == pytest.approx(0)
            assert point.change.low <= 0 <= point.change.high
            assert point.alphas[0] == pytest.approx(2 * point.alphas[1])
    refused = {one.alpha: one for one in named(found).at_alpha}
    assert sorted(refused) == [0.0, 0.5, 1.0]
    assert (refused[1.0].a.k, refused[1.0].b.k) == (6, 12)
    assert refused[1.0].change.change == pytest.approx(6 / N_PROMPTS)
    assert refused[1.0].change.low > 0


def test_a_run_beside_itself_differs_by_0_and_its_intervals_hold_0(plain):
    """No prompt moves, which is no proof that none would: the interval is not of width 0."""
    found = compare_runs(plain, plain)
    assert {one.name for one in only(found).behaviours} == {"refusal", "nonsense"}
    for behaviour in only(found).behaviours:
        for point in behaviour.at_dose:
            assert point.change.value == 0
            assert point.change.low < 0 < point.change.high
            assert point.a == point.b
    assert found.differing == ()


def test_a_run_that_refuses_more_at_every_dose_does_so_by_the_known_share(tmp_path, plain):
    """Every second prompt is refused from the start: half of those that are not otherwise."""

    def always(i: int, strength: float) -> Rollout:
        made = reply(i, strength)
        return made if i % 2 else replace(made, scores={"refusal": refusal("refusal")})

    found = compare_runs(plain, run(tmp_path / "b", (0.0, 0.5, 1.0, 2.0), made=always))
    first, *_, last = named(found).at_dose
    assert (first.a.value, first.b.value) == (0.0, 0.5)
    assert first.change.value == 0.5
    assert 0.25 < first.change.low < 0.35
    assert first.change.is_told
    # At the last dose nearly alpha 2: 12 of 24 refused in A, and 6 of the 12 others in B.
    assert last.change.value == pytest.approx(0.25, abs=0.03)


def test_nothing_is_told_beyond_the_doses_that_both_reach(tmp_path, plain):
    found = compare_runs(plain, run(tmp_path / "b", (0.0, 0.5, 1.0)))
    least, most = only(found).common_doses
    assert least == 0
    # B ends at strength 1, a dose of 1.115; some resamples of the prompts end a little before.
    assert 1.05 < most < 1.115
    assert all(point.dose_nats <= most for point in named(found).at_dose)
    assert f"to {most:.3f} nats per token" in " ".join(run_findings(found))


def test_runs_whose_doses_do_not_meet_are_compared_at_equal_alphas_alone(tmp_path):
    a = run(tmp_path / "a", (1.0, 2.0))
    b = run(tmp_path / "b", (1.0, 2.0), times=10.0)
    found = compare_runs(a, b)
    assert only(found).common_doses is None
    assert named(found).at_dose == ()
    assert [one.alpha for one in named(found).at_alpha] == [1.0, 2.0]
    assert "doses do not overlap: A from 1.115 to 4.460 and B from 111.500" in only(found).note


def test_negative_alphas_have_no_part_in_the_dose_but_in_equal_alphas(tmp_path):
    a = run(tmp_path / "a", (-1.0, 0.0, 1.0))
    found = compare_runs(a, a)
    assert only(found).common_doses[0] == 0
    assert [one.alpha for one in named(found).at_alpha] == [-1.0, 0.0, 1.0]


def test_prompts_of_one_run_alone_are_counted_and_left_out(tmp_path, plain):
    found = compare_runs(plain, run(tmp_path / "b", (0.0, 1.0), prompts=range(4, 30)))
    assert (len(found.shared.ids), found.shared.n_only_a, found.shared.n_only_b) == (20, 4, 6)
    assert {rate.n_prompts for rate in named(found).a} == {20}
    assert "left out: 4 that only A asked, 6 that only B asked" in run_findings(found)[0]


def test_one_id_with_other_words_is_another_prompt(tmp_path, plain):
    def reworded(i: int, strength: float) -> Rollout:
        return replace(reply(i, strength), prompt="Else?") if i == 3 else reply(i, strength)

    found = compare_runs(plain, run(tmp_path / "b", (0.0, 1.0), made=reworded))
    assert found.shared.reworded == ("p03",)
    assert "p03" not in found.shared.ids


def test_runs_without_a_common_prompt_are_refused(tmp_path, plain):
    other = run(tmp_path / "b", (0.0, 1.0), prompts=range(100, 110))
    with pytest.raises(AnalysisError, match=r"no prompt is in both runs \(A has 24, B has 10\)"):
        compare_runs(plain, other)


def test_runs_of_other_tasks_are_refused_by_name(tmp_path, plain):
    (tmp_path / "b").mkdir()
    write_log(tmp_path / "b", [reply(0, 0.0)], task="false_facts")
    with pytest.raises(AnalysisError, match="task refusal and run B of false_facts"):
        compare_runs(plain, read_frame(tmp_path / "b"))


def test_what_is_set_otherwise_is_listed(tmp_path, plain):
    def shorter(i: int, strength: float) -> Rollout:
        return replace(reply(i, strength), config={**CONFIG, "max_tokens": 32, "dtype": "bf16"})

    found = compare_runs(plain, run(tmp_path / "b", (0.0, 1.0), made=shorter))
    assert [(one.name, one.a, one.b) for one in found.differing] == [
        ("dtype", "float32", "bf16"),
        ("max_tokens", "64", "32"),
    ]


def test_scorers_of_one_run_alone_are_named(tmp_path, plain):
    def more(i: int, strength: float) -> Rollout:
        counted = Score(value=3.0, metadata={"unit": "steps"})
        scores = {"refusal": refusal("refusal"), "states": Score(value=1.0), "steps": counted}
        return replace(reply(i, strength), scores=scores)

    found = only(compare_runs(plain, run(tmp_path / "b", (0.0, 1.0), made=more)))
    assert (found.only_a, found.only_b, found.no_rates) == (("nonsense",), ("states",), ("steps",))


def test_constraints_of_the_same_name_are_compared_and_others_named(tmp_path, plain):
    run(tmp_path / "b", (0.0, 1.0))
    first = CONFIG | {"constraint": ["first=10"]}
    for alpha in (0.0, 1.0):
        constrained = [replace(reply(i, alpha), config=first) for i in range(N_PROMPTS)]
        write_log(tmp_path / "b", constrained, f"amplified/refuser@{alpha}:first=10")
    found = compare_runs(plain, read_frame(tmp_path / "b"))
    assert (only(found).a.constraint, only(found).b.constraint) == ("none", "none")
    assert found.unmatched == ("first=10 (run B only)",)


def test_a_run_under_one_constraint_is_compared_with_one_without_any(tmp_path, plain):
    """Under a mask the dose is that of what was sampled: the gain."""
    masked = CONFIG | {"constraint": ["plausibility=0.1"]}

    def cut(i: int, strength: float) -> Rollout:
        figures = trace(dose_nats=9.0, target_nll_nats=2.0 + strength**2, sampling_nll_nats=2.0)
        return replace(reply(i, strength), config=masked, trace=figures)

    b = run(tmp_path / "b", (0.0, 1.0, 2.0), made=cut, under=":plausibility=0.1")
    found = only(compare_runs(plain, b))
    assert (found.a.constraint, found.b.constraint) == ("none", "plausibility=0.1")
    assert (found.a.dose_source, found.b.dose_source) == ("dose", "gain")
    assert [dose.value for dose in found.b.doses] == pytest.approx([0.0, 1.0, 4.0])
    assert found.common_doses is not None


def test_several_constraints_without_a_common_one_are_refused(tmp_path):
    frames = []
    for name, kinds in (("a", ("first=10", "first=20")), ("b", ("first=30",))):
        (tmp_path / name).mkdir()
        for kind in kinds:
            config = CONFIG | {"constraint": [kind]}
            made = [replace(reply(i, 1.0), config=config) for i in range(N_PROMPTS)]
            write_log(tmp_path / name, made, f"amplified/refuser@1.0:{kind}")
        frames.append(read_frame(tmp_path / name))
    with pytest.raises(AnalysisError, match="share no constraint"):
        compare_runs(*frames)


def test_logs_without_traces_are_compared_at_equal_alphas_alone(tmp_path, plain):
    def untraced(i: int, strength: float) -> Rollout:
        return replace(reply(i, strength), trace=None)

    found = only(compare_runs(plain, run(tmp_path / "b", (0.0, 1.0), made=untraced)))
    assert found.note == "run B has no dose at some alpha"
    assert found.b.doses == (None, None)


def test_few_prompts_are_not_resampled(tmp_path):
    a = run(tmp_path / "a", (0.0, 1.0), prompts=range(5))
    assert only(compare_runs(a, a)).note == "only 5 prompts in both: too few to resample"


def test_a_difference_is_claimed_only_where_its_interval_leaves_out_0(tmp_path, plain):
    said = " ".join(run_findings(compare_runs(plain, plain)))
    assert "refusal is" in said
    assert "no difference can be told" in said
    doubled = run(tmp_path / "b", (0.0, 0.25, 0.5, 1.0), times=2.0)
    said = " ".join(run_findings(compare_runs(plain, doubled)))
    assert "Alpha 1 is a dose of 1.115 [1.085, 1.145] nats per token in A and of 4.460" in said


def test_nonsense_chooses_the_dose_that_sentences_speak_of(plain):
    """Nothing babbles before strength 2, so the last dose is the one."""
    found = compare_runs(plain, plain)
    last = named(found, "nonsense").at_dose[-1].dose_nats
    assert f"At a dose of {last:.3f} nats per token refusal is" in " ".join(run_findings(found))
