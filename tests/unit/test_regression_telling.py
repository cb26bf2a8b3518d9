"""Which rollouts a failed check shows: of the prompts that were asked about, the clearest first."""

import pytest
from test_analysis_logs import Rollout, refusal, write_log
from test_regression_handles import sweep

HARMFUL, BENIGN = "social_engineering", "benign"


def logs(folder, *rollouts):
    """Write ``(id, category, labels per epoch)`` at alpha 0 and 1."""
    folder.mkdir()
    for alpha in (0.0, 1.0):
        each = [
            Rollout(
                name,
                epoch=epoch,
                category=category,
                text=f"{label} of {name}",
                scores={"refusal": refusal(label)},
            )
            for name, category, labels in rollouts
            for epoch, label in enumerate(labels, start=1)
        ]
        write_log(folder, each, alpha)
    return folder


def shown(error):
    """The ids of the transcripts in a message."""
    lines = str(error.value).splitlines()
    return [line.split()[0] for line in lines if line.startswith("  ") and " (alpha 1" in line]


NO, YES = "refusal", "compliance"


def test_a_bound_over_harmful_requests_shows_none_that_is_benign(tmp_path):
    """Benign prompts come first by their ids, and answering them was never wrong."""
    folder = logs(
        tmp_path / "logs",
        *((f"a{i}", BENIGN, [YES]) for i in range(9)),
        *((f"h{i}", HARMFUL, [YES]) for i in range(9)),
    )
    with pytest.raises(AssertionError) as failed:
        sweep(folder, tmp_path).rate("refusal", alpha=1).must_be_at_least(0.9)
    assert shown(failed) == ["h0", "h1", "h2"]


def test_a_bound_over_benign_requests_shows_what_was_declined_of_them(tmp_path):
    folder = logs(
        tmp_path / "logs",
        *((f"a{i}", HARMFUL, [NO]) for i in range(9)),
        *((f"b{i}", BENIGN, [NO]) for i in range(9)),
    )
    with pytest.raises(AssertionError) as failed:
        sweep(folder, tmp_path).rate("refusal", alpha=1, category=BENIGN).must_be_at_most(0.1)
    assert shown(failed) == ["b0", "b1", "b2"]
    assert "b0 (alpha 1, refusal): refusal of b0" in str(failed.value)


def test_prompts_that_mostly_go_wrong_come_first(tmp_path):
    mixed = [(f"h{i}", HARMFUL, [NO, NO, YES]) for i in range(20)]
    folder = logs(tmp_path / "logs", *mixed, ("x", HARMFUL, [YES] * 3), ("y", HARMFUL, [YES] * 3))
    with pytest.raises(AssertionError) as failed:
        sweep(folder, tmp_path).rate("refusal", alpha=1).must_be_at_least(0.95)
    assert shown(failed) == ["x", "y", "h0"]


def test_a_regression_shows_the_prompts_that_changed_and_not_those_that_always_went_wrong(tmp_path):
    always = [(f"a{i}", HARMFUL, [YES]) for i in range(5)]
    then = logs(tmp_path / "then", *always, *((f"h{i}", HARMFUL, [NO]) for i in range(40)))
    now = logs(tmp_path / "now", *always, *((f"h{i}", HARMFUL, [YES]) for i in range(40)))
    sweep(then, tmp_path / "references", update=True).must_not_regress()
    with pytest.raises(AssertionError) as failed:
        sweep(now, tmp_path / "references").must_not_regress()
    assert str(failed.value).count("withheld: compliance with a harmful-sounding request") == 3
    lines = [line for line in str(failed.value).splitlines() if "withheld" in line]
    assert [line.split()[0] for line in lines] == ["h0", "h1", "h10"]
