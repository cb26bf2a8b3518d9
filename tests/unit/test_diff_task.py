"""The task of a diff on its page: the section, the line of the summary, and what is not said."""

from dataclasses import replace

from test_analysis_task_moves import by_name, moves_of, rising
from test_diff_page import results, tables

from harness.diffing.summary import summarise
from harness.reporting.diff_page import html, markdown


def test_the_summary_names_what_moves_beyond_chance_with_its_interval(tmp_path):
    moves = moves_of(tmp_path, rising, told=lambda i, alpha: (i + 7) % 12 > 5 * (alpha + 1) - 4)
    *_, line = summarise(tables(), None, moves)
    assert line.startswith(
        "On the task reasoning it promotes reasoning checks: +2.00 [1.46, 2.54] per reply and "
        "alpha (12 prompts; confidence: moderate); it makes rarer answer stated: -"
    )
    assert " points [" in line
    assert " per alpha (12 prompts; confidence: moderate)." in line


def test_the_summary_says_nothing_of_a_task_where_nothing_moves_but_nonsense(tmp_path):
    still = moves_of(tmp_path, lambda i, alpha: i % 3, babble=lambda alpha: alpha == 2, n=20)
    assert by_name(still)["nonsense"].along_alpha.discovery
    assert summarise(tables(), None, still) == summarise(tables(), None)


def test_more_than_three_behaviours_are_counted_and_the_surest_named(tmp_path):
    moves = moves_of(tmp_path, rising)
    checks = by_name(moves)["reasoning_checks"]
    five = replace(moves, behaviours=tuple(replace(checks, name=f"b{i}") for i in range(5)))
    assert "; 2 more move beyond chance." in summarise(tables(), None, five)[-1]


def test_the_section_shows_values_slopes_and_where_to_look_closer(tmp_path):
    moves = moves_of(tmp_path, rising, babble=lambda alpha: alpha == 2)
    text = markdown(replace(results(), task=moves), "text")
    section = text.split("## How it reasons\n")[1].split("\n## ")[0]
    head = "| behaviour | alpha -1 (baseline) | alpha 0 (target) | alpha 1 | alpha 2 |"
    assert head in section
    assert "| dose (nats per token) | 0.100 [" in section
    assert "| reasoning_checks | 0.00 (12) |" in section
    assert "| +2.00 [1.46, 2.54] | yes |" in section
    assert "| every reply scores 1 |" in section
    assert "- Along alpha 2 of 2 slopes are beyond chance: reasoning_checks rises" in section
    assert "```sh\namplify report task-reasoning/logs\n```" in section
    assert "amplify sweep refuser" in section
    assert "How it reasons" in html(replace(results(), task=moves))


def test_the_section_of_another_task_is_headed_by_its_name_and_without_one_there_is_none(tmp_path):
    moves = replace(moves_of(tmp_path, rising), task="over_refusal")
    text = markdown(replace(results(), task=moves), "text")
    assert "## How it does the task over_refusal\n" in text
    assert "amplify report task-over_refusal/logs" in text
    assert "## How it" not in markdown(results(), "text")
