"""The comparison of two runs as a report: its files, and what the command refuses."""

import json
from dataclasses import replace

import pandas as pd
import pytest
from click.testing import CliRunner
from test_analysis_run_comparison import reply, run

from harness.analysis.run_comparison import RunComparison, compare_runs
from harness.cli import main
from harness.reporting.figures.run_comparison import figures_of
from harness.reporting.render_comparison import comparison_markdown, write_comparison


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, pd.DataFrame]:
    folder = tmp_path_factory.mktemp("logs")
    plain = run(folder / "a", (0.0, 0.5, 1.0, 2.0))
    return plain, run(folder / "b", (0.0, 0.25, 0.5, 1.0), times=2.0)


@pytest.fixture(scope="module")
def found(frames) -> RunComparison:
    return compare_runs(*frames)


def line_of(text: str, start: str) -> str:
    (line,) = (line for line in text.splitlines() if line.startswith(start))
    return line


def test_the_report_holds_rates_and_changes_at_equal_doses_and_at_equal_alphas(found):
    text = comparison_markdown(found, figures_of(found))
    doses, alphas = text.split("### At equal alphas")
    assert "### At equal doses" in doses
    assert doses.count("| 0.000 | 0% [") == 2
    refusal = alphas.split("#### refusal at equal alphas")[1]
    assert "(6/24)" in refusal
    assert "(12/24)" in refusal
    assert "| 1 | 1.115 [" in alphas


def test_the_same_runs_give_the_same_bytes_in_every_file(found, tmp_path):
    for folder in ("one", "two"):
        write_comparison(found, tmp_path / folder)
    names = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*.*"))
    assert [name.as_posix() for name in names] == [
        "comparison.json",
        "figures/compared_changes_1.svg",
        "figures/compared_rates_1.svg",
        "report.html",
        "report.md",
    ]
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_the_page_holds_the_figures_themselves(found, tmp_path):
    page = write_comparison(found, tmp_path).with_suffix(".html").read_text()
    assert 'id="compared_rates_1"' in page
    assert "<img" not in page


def test_comparison_json_holds_the_points(found, tmp_path):
    write_comparison(found, tmp_path)
    (condition,) = json.loads((tmp_path / "comparison.json").read_text())["conditions"]
    point = condition["behaviours"][0]["at_dose"][-1]
    assert point["change"]["low"] <= 0 <= point["change"]["high"]
    assert point["dose_nats"] == condition["common_doses"][1]


def test_runs_without_common_doses_get_no_figure_and_say_why(tmp_path):
    a = run(tmp_path / "a", (1.0, 2.0))
    b = run(tmp_path / "b", (1.0, 2.0), times=10.0)
    found = compare_runs(a, b)
    (tmp_path / "out" / "figures").mkdir(parents=True)
    (tmp_path / "out" / "figures" / "compared_rates_1.svg").write_text("of an earlier report")
    text = write_comparison(found, tmp_path / "out").read_text()
    assert "Nothing is compared at equal doses: their doses do not overlap" in text
    assert list((tmp_path / "out" / "figures").iterdir()) == []


def test_what_differs_is_a_table_and_its_text_is_only_text(tmp_path, frames):
    hostile = "<script>alert(1)</script> | [x](y)"

    def other(i: int, strength: float):
        made = reply(i, strength)
        return replace(made, config={**made.config, "dtype": hostile})

    found = compare_runs(frames[0], run(tmp_path / "b", (0.0, 1.0), made=other))
    text = comparison_markdown(found, figures_of(found))
    assert line_of(text, "| dtype |").count(" | ") == 2
    assert "<script>" not in text
    page = write_comparison(found, tmp_path / "out").with_suffix(".html").read_text()
    assert "<script>alert" not in page


def test_the_command_writes_beside_the_second_run_and_says_what_it_found(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        run(tmp_path / name / "logs", (0.0, 1.0))
    logs = [str(tmp_path / name / "logs") for name in ("a", "b")]
    done = CliRunner().invoke(main, ["report", "--compare", *logs])
    assert done.exit_code == 0, done.output
    assert "no difference can be told" in done.output
    assert (tmp_path / "b" / "comparison" / "report.html").exists()


@pytest.mark.parametrize("words", [[], ["logs", "--compare", "a", "b"]])
def test_one_folder_or_two_are_wanted_and_never_both(words):
    done = CliRunner().invoke(main, ["report", *words])
    assert done.exit_code == 2
