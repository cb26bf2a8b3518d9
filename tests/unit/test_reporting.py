"""A report from real logs: complete, escaped, repeatable."""

import io
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest
from inspect_ai.scorer import Score
from markdown_it import MarkdownIt
from rich.console import Console
from test_analysis_logs import Rollout, nonsense, refusal, trace, write_log, write_sweep

from harness.analysis.frame import read_frame
from harness.analysis.results import analyse
from harness.reporting.figures import figures
from harness.reporting.render import markdown, write_report
from harness.reporting.terminal import summary_table, summary_text

EVIL = "![x](http://evil.example) <script>| `a` $b$\n\n# Fine\n\x1b[31m\u202e"
PARSER = MarkdownIt("gfm-like")


def sweep(alpha):
    """Twelve harmful-sounding and twelve benign prompts; alpha 1 refuses more of both."""
    for i in range(24):
        category = "benign" if i % 2 else "security_bypass"
        refused = i < (16 if alpha else 6)
        scores = {
            "refusal": refusal("refusal" if refused else "compliance", opening="i can't"),
            "nonsense": nonsense(bool(alpha) and i == 0),
        }
        figures = {"dose_nats": alpha / 4, "amplified_nll_nats": 2 - alpha / 4}
        yield Rollout(
            f"{category}-{i:02}",
            category=category,
            text=f"Reply {i}",
            scores=scores,
            trace=trace(**figures),
            seed=i,
        )


@pytest.fixture
def results(tmp_path):
    logs = tmp_path / "logs"
    logs.mkdir()
    return analyse(read_frame(write_sweep(logs, sweep)))


def hostile(tmp_path):
    logs = tmp_path / "hostile"
    logs.mkdir()
    for alpha in (0.0, 1.0):
        scores = {
            "refusal": refusal("refusal", opening=EVIL),
            f"harness/{EVIL}": Score.unscored(reason=EVIL),
        }
        rollouts = [
            Rollout(
                EVIL, category=EVIL, text=EVIL, prompt=EVIL, scores=scores, config={EVIL: EVIL}
            ),
            Rollout("b", category="other", error=EVIL),
        ]
        write_log(logs, rollouts, f"amplified/{EVIL}@{alpha}", task=EVIL)
    return analyse(read_frame(logs))


def test_a_report_is_markdown_figures_and_json(tmp_path, results):
    report = write_report(results, tmp_path / "report")
    written = sorted(str(path.relative_to(report.parent)) for path in report.parent.rglob("*.*"))
    drawn = [f"figures/{name}" for name in sorted(figures(results))]
    assert written == [*drawn, "report.html", "report.md", "results.json"]
    assert json.loads((report.parent / "results.json").read_text())["pair"] == "refuser"
    for name in drawn:
        assert f"]({name})" in report.read_text()


def test_the_same_logs_give_the_same_bytes(tmp_path, results):
    again = analyse(read_frame(tmp_path / "logs"))
    for one, name in ((results, "first"), (again, "second")):
        write_report(one, tmp_path / name)
    for path in (tmp_path / "first").rglob("*.*"):
        twin = tmp_path / "second" / path.relative_to(tmp_path / "first")
        assert path.read_bytes() == twin.read_bytes(), path.name


def test_rates_stand_in_the_tables_with_interval_and_counts(results):
    report = markdown(results)
    assert "| 0 | 25% [9, 53] (3/12) † | 25% [9, 53] (3/12) † | 0% [0, 14] (0/24) † |" in report
    assert "| 1 | 67% [39, 86] (8/12) † | 67% [39, 86] (8/12) † | 4% [1, 20] (1/24) † |" in report


@pytest.mark.parametrize("kind", ["plain", "hostile"])
def test_every_table_row_has_as_many_cells_as_its_head(tmp_path, results, kind):
    report = markdown(results if kind == "plain" else hostile(tmp_path))
    tables = re.findall(r"(?:^\|.*\n)+", report, re.MULTILINE)
    assert len(tables) > 5
    for table in tables:
        cells = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(cells) == 1, table


def test_a_withheld_text_is_in_no_file_of_the_report(tmp_path):
    """Not in report.md, and not in results.json either, which is published beside it."""
    logs = tmp_path / "logs"
    logs.mkdir()
    scores = {"refusal": refusal("compliance"), "nonsense": nonsense(False)}
    rollout = Rollout("a", category="security_bypass", text="the forbidden steps", scores=scores)
    write_sweep(logs, lambda alpha: [rollout, Rollout("b", category="benign", text="fine")])
    report = write_report(analyse(read_frame(logs)), tmp_path / "report")
    assert (
        "withheld: compliance with a harmful-sounding request, 19 characters" in report.read_text()
    )
    for path in report.parent.rglob("*.*"):
        assert "forbidden" not in path.read_text()


def test_hostile_names_and_texts_change_nothing_in_the_structure(tmp_path):
    report = markdown(hostile(tmp_path))
    html = PARSER.render(report)
    assert "<script" not in html
    assert "<img" in html
    assert html.count("<img") == report.count("](figures/")
    assert "<a " not in html
    assert "<h1>Fine" not in html
    assert "\x1b" not in report
    assert "\u202e" not in report


def test_a_figure_is_valid_svg_and_safe_with_hostile_names(tmp_path, results):
    for one, name in ((results, "plain"), (hostile(tmp_path), "hostile")):
        report = write_report(one, tmp_path / name)
        drawing = ElementTree.parse(report.parent / "figures" / "rates.svg").getroot()
        assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
        tags = {element.tag.rpartition("}")[2] for element in drawing.iter()}
        assert not tags & {"script", "image", "a"}


def test_figures_without_data_are_neither_drawn_nor_left_over(tmp_path, results):
    report = write_report(results, tmp_path / "report")
    logs = tmp_path / "bare"
    logs.mkdir()
    write_sweep(logs, lambda alpha: [Rollout("a", trace=None)])
    assert "(figures/dose.svg)" in report.read_text()
    write_report(analyse(read_frame(logs)), tmp_path / "report")
    assert [path.name for path in (tmp_path / "report" / "figures").iterdir()] == ["lengths.svg"]
    assert re.findall(r"figures/\w+\.svg", report.read_text()) == ["figures/lengths.svg"]


def test_a_report_says_what_failed_and_what_was_not_scored(tmp_path):
    logs = tmp_path / "logs"
    logs.mkdir()
    unscored = {"refusal": Score.unscored(reason="too short")}
    scored = {"refusal": refusal("refusal")}
    rollouts = [
        Rollout("a", scores=unscored),
        Rollout("b", error="out of memory"),
        Rollout("c", scores=scored),
    ]
    write_sweep(logs, lambda alpha: rollouts)
    report = markdown(analyse(read_frame(logs)))
    assert "| unscored by refusal | too short | 2 |" in report
    assert "| failed | out of memory | 2 |" in report
    assert "| 0 | 100% [2, 100] (1/1) † |" in report


@pytest.fixture
def constrained(tmp_path):
    """The same sweep a second time, under a constraint that refuses nothing."""
    logs = tmp_path / "constrained"
    logs.mkdir()
    for alpha in (0.0, 1.0):
        write_log(logs, sweep(alpha), f"amplified/refuser@{alpha:g}")
        plain = [
            replace(rollout, scores={"refusal": refusal("compliance")}) for rollout in sweep(0)
        ]
        write_log(logs, plain, f"amplified/refuser@{alpha:g}:clip=1")
    return analyse(read_frame(logs))


def test_constraints_stand_side_by_side_at_each_alpha(constrained):
    report = markdown(constrained)
    assert "| 1 | none | 67% [39, 86] (8/12) † | 67% [39, 86] (8/12) † | 4% [1, 20] (1/24) † |" in (
        report
    )
    assert "| 1 | clip=1 | 0% [0, 26] (0/12) † | 0% [0, 26] (0/12) † | - |" in report
    assert "## Under clip=1" in report
    assert "- What clip=1 hides: how strongly" in report


def test_a_figure_of_constraints_is_drawn_where_there_are_any(tmp_path, results, constrained):
    assert "constraints.svg" in figures(constrained)
    assert "constraints.svg" not in figures(results)
    report = write_report(constrained, tmp_path / "report")
    assert "(figures/constraints.svg)" in report.read_text()
    drawing = (report.parent / "figures" / "constraints.svg").read_text()
    assert "clip=1" in drawing
    write_report(results, tmp_path / "report")
    assert not (report.parent / "figures" / "constraints.svg").exists()


def test_without_constraints_a_report_does_not_speak_of_them(results):
    assert "onstraint" not in markdown(results).partition("## Method")[0]


def test_a_report_of_one_constraint_alone_names_it(tmp_path):
    write_log(tmp_path, sweep(1.0), "amplified/refuser@1:clip=1")
    report = markdown(analyse(read_frame(tmp_path)))
    assert "drawn under the constraint clip=1; no unconstrained one is in the logs" in report


def test_the_terminal_shows_constraints_in_a_column(results, constrained):
    shown = printed(summary_table(constrained))
    assert "clip=1" in shown
    assert "none" in shown
    assert "constraint" not in printed(summary_table(results))
    assert "What clip=1 hides" in printed(summary_text(constrained))


def printed(renderable):
    console = Console(file=io.StringIO(), width=200, color_system=None)
    console.print(renderable)
    return console.file.getvalue()


def test_the_terminal_shows_the_same_rates_as_the_report(results):
    shown = printed(summary_table(results))
    for curve in (results.refusal.refusal, results.refusal.benign, results.nonsense):
        for rate in curve.rates:
            assert str(rate) in shown
            assert str(rate) in markdown(results)
    assert "0.250 [0.250, 0.250]" in shown


def test_the_terminal_takes_no_orders_from_names(tmp_path):
    results = hostile(tmp_path)
    shown = printed(summary_table(results)) + printed(summary_text(results))
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "<script>" in shown


def test_reading_and_reporting_load_neither_torch_nor_the_shared_state_of_pyplot():
    check = (
        "import sys, harness.reporting.render, harness.reporting.terminal; "
        "print(sorted({'torch', 'transformers', 'matplotlib.pyplot'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
