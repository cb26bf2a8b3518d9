"""What a whole sweep of a task says of its behaviours, from logs to sentences."""

import pytest
from inspect_ai.scorer import Score
from test_analysis_logs import Rollout, nonsense, trace, write_log

from harness.analysis.frame import read_frame
from harness.analysis.results import analyse, plain_json
from harness.analysis.task_moves import task_moves

ALPHAS = (-1.0, 0.0, 1.0, 2.0)


def moves_of(folder, checks, told=lambda i, alpha: True, babble=lambda alpha: False, n=12):
    """A sweep of n prompts; ``checks`` and the rest are functions of prompt and alpha."""
    for alpha in ALPHAS:
        write_log(
            folder,
            [
                Rollout(
                    f"p{i}",
                    alpha=alpha,
                    trace=trace(dose_nats=alpha**2 / 10),
                    scores={
                        "reasoning_checks": Score(
                            value=float(checks(i, alpha)), metadata={"unit": "checks"}
                        ),
                        "answer_stated": Score(value=float(told(i, alpha))),
                        "nonsense": nonsense(babble(alpha)),
                    },
                )
                for i in range(n)
            ],
            f"amplified/refuser@{alpha}",
            task="tasks/reasoning",
        )
    return task_moves(analyse(read_frame(folder)))


def rising(i, alpha):
    return (1 + i % 3) * (alpha + 1)


def by_name(moves):
    return {one.name: one for one in moves.behaviours}


def test_rates_and_counts_stand_side_by_side_with_the_dose_of_each_alpha(tmp_path):
    moves = moves_of(tmp_path, rising)
    assert [one.name for one in moves.behaviours] == [
        "answer_stated",
        "reasoning_checks",
        "nonsense",
    ]
    assert (moves.task, moves.n_prompts, moves.n_rollouts, moves.alphas) == (
        "reasoning",
        12,
        48,
        ALPHAS,
    )
    assert [one.value for one in moves.doses_nats] == pytest.approx([0.1, 0, 0.1, 0.4])
    checks = by_name(moves)["reasoning_checks"]
    assert checks.unit == "checks"
    assert [one.estimate.value for one in checks.values] == [0, 2, 4, 6]


def test_slopes_and_the_plain_change_can_be_checked_by_hand(tmp_path):
    checks = by_name(moves_of(tmp_path, rising))["reasoning_checks"]
    # Each prompt climbs by 1, 2 or 3 per alpha; over doses 0, 0.1, 0.4 its values 1, 2, 3 (times
    # that) have the slope 12/2.6 = 4.615 per nat.
    assert checks.along_alpha.estimate.value == 2
    assert checks.along_alpha.discovery
    assert checks.along_dose.alphas == (0.0, 1.0, 2.0)
    assert checks.along_dose.estimate.value == pytest.approx(2 * 12 / 26, abs=1e-6)
    assert checks.plain.change.value == 2
    assert checks.plain.change.low > 0


def test_what_never_moves_says_so_and_has_no_slope(tmp_path):
    moves = moves_of(tmp_path, lambda i, alpha: 0)
    stated, checks = by_name(moves)["answer_stated"], by_name(moves)["reasoning_checks"]
    assert (stated.along_alpha.note, checks.along_alpha.note) == (
        "every reply scores 1",
        "every reply scores 0",
    )
    assert (checks.plain.change, checks.plain.note) == (None, "no prompt changes")
    assert moves.findings[0] == "Along alpha no behaviour has a slope."


def test_alphas_of_nonsense_have_no_part_but_in_that_of_nonsense_itself(tmp_path):
    moves = moves_of(tmp_path, rising, babble=lambda alpha: alpha == 2)
    assert moves.sensible == (-1.0, 0.0, 1.0)
    named = by_name(moves)
    assert named["reasoning_checks"].along_alpha.alphas == (-1.0, 0.0, 1.0)
    assert named["nonsense"].along_alpha.alphas == ALPHAS
    assert moves.findings[-1].startswith(
        "Slopes are over alpha -1, 0, 1. At 2, where more than 20%"
    )


def test_everything_fits_into_json(tmp_path):
    assert '"along_alpha"' in plain_json(moves_of(tmp_path, rising))
