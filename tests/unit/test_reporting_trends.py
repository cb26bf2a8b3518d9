"""Changes and trends in a report: effect sizes beside every p, reasons where there is none."""

import dataclasses

import pytest
from test_analysis_logs import write_sweep
from test_analysis_trends import SWEPT, swept

from harness.analysis.frame import read_frame
from harness.analysis.results import analyse
from harness.reporting import trends
from harness.reporting.render import markdown


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return analyse(read_frame(write_sweep(tmp_path_factory.mktemp("logs"), swept, SWEPT)))


def row(table, *start):
    [found] = [line for line in table.splitlines() if line.startswith(f"| {' | '.join(start)} |")]
    return [cell.strip() for cell in found.strip("|").split(" | ")]


def test_a_change_has_its_interval_and_how_many_prompts_rose_and_fell(results):
    cells = row(trends.changes(results), "refusal")
    # 8 of 24 more prompts at alpha 2; one that did at alpha 0 doesn't at 4.
    assert cells[2].startswith("+33 points")
    assert cells[2].endswith("(↑8 ↓0)")
    assert cells[3].endswith("(↑0 ↓1)")


def test_a_trend_has_an_effect_size_beside_its_p_and_a_mark_where_it_is_a_discovery(results):
    cells = row(trends.along(results, "alpha"), "refusal", "illegal")
    shown = next(x for x in results.trends if (x.behaviour, x.category) == ("refusal", "illegal"))
    assert cells[2:5] == ["0 to 2", f"{shown.k}/36", "12"]
    assert cells[6].startswith("+67 points")
    assert cells[7].endswith("✓")


def test_every_p_stands_beside_an_odds_ratio_or_a_change_with_its_interval(results):
    for regressor in ("alpha", "dose"):
        for line in trends.along(results, regressor).splitlines()[2:]:
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            assert "[" in cells[5] or "[" in cells[6], line


def test_what_could_not_be_tested_is_named_by_its_reason(results):
    cells = row(trends.withheld(results, "alpha"), "no event at any alpha")
    assert "refusal (security)" in cells[1]


def test_the_report_has_the_section_with_its_sentences(results):
    report = markdown(results, ())
    section = report.split("## Changes and trends")[1].split("\n## ")[0]
    for sentence in results.findings.trends:
        assert sentence in section.replace("\\", "")
    assert "### Along dose" in section
    assert "### Lengths along alpha" in section


def test_without_doses_or_tests_the_section_says_less_and_does_not_fail(results):
    along = tuple(one for one in results.trends if one.regressor == "alpha")
    bare = dataclasses.replace(results, trends=along, length_trends=(), changes=())
    section = markdown(bare, ()).split("## Changes and trends")[1].split("\n## ")[0]
    assert "### Along alpha" in section
    assert "### Along dose" not in section
    assert "Each rate against its own" not in section
