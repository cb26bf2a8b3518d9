"""The rows behind the headline curves are those that the curves counted."""

from inspect_ai.scorer import Score
from test_analysis_logs import Rollout, nonsense, refusal, write_sweep

from harness.analysis.behaviours import curve
from harness.analysis.frame import read_frame
from harness.analysis.headline import decided_beginnings, headline_rows
from harness.analysis.results import analyse, headline_curves


def sweep(alpha):
    for i, category in enumerate(["social_engineering", "social_engineering", "benign", "benign"]):
        refuses = alpha > 0 or i == 0
        yield Rollout(
            str(i),
            category=category,
            text="Sorry, no. And so on.",
            scores={
                "refusal": refusal("refusal" if refuses else "compliance"),
                "nonsense": nonsense(i == 3),
                "claims": Score(value=float(i == 2)),
                "judge": Score(value=0.75 if i else 0.25, metadata={"grader": "g"}),
            },
        )


def test_every_headline_curve_is_counted_again_from_its_rows(tmp_path):
    frame = read_frame(write_sweep(tmp_path, sweep))
    results = analyse(frame)
    curves = headline_curves(results.refusal, results.nonsense, results.others)
    assert len(curves) == 5
    for one in curves:
        rows = headline_rows(one.name, frame)
        assert curve(one.name, rows, results.alphas) == one


def test_a_reply_comes_with_the_place_where_the_phrase_that_decided_ends(tmp_path):
    frame = read_frame(write_sweep(tmp_path, sweep))
    rows = frame[frame["scorer"] == "refusal"].assign(decided_chars=float("nan"), sample_uuid="u")
    assert decided_beginnings(rows) == {}
    rows.iloc[0, rows.columns.get_loc("decided_chars")] = 9
    assert decided_beginnings(rows) == {"u": ("Sorry, no. And so on.", 9)}
