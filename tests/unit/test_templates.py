"""Templates of a user in the place of ours, and what is said of those that can't be used."""

import html
from pathlib import Path

import pytest
from click.testing import CliRunner
from test_analysis_logs import Rollout, nonsense, refusal, write_sweep

from harness.analysis.frame import read_frame
from harness.analysis.results import analyse
from harness.cli import main
from harness.errors import ConfigurationError
from harness.reporting.render import markdown, write_report
from harness.reporting.templating import known_templates

ROOT = Path(__file__).parents[2]


def rollouts(alpha):
    scores = {"refusal": refusal("refusal"), "nonsense": nonsense(False)}
    return [Rollout("a", text="A reply", scores=scores), Rollout("b", category="benign")]


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    return write_sweep(tmp_path_factory.mktemp("logs"), rollouts)


@pytest.fixture(scope="module")
def results(logs):
    return analyse(read_frame(logs))


def folder_of(tmp_path, **files):
    for name, text in files.items():
        path = tmp_path / "mine" / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "mine"


def test_a_template_replaces_ours_of_its_name_and_the_others_stay(tmp_path, results):
    mine = folder_of(tmp_path, sections__examples_md_j2="## My examples of {{ results.pair }}\n")
    text = markdown(results, templates=mine)
    assert "## My examples of refuser" in text
    assert "## Examples" not in text
    assert "## Summary" in text


def test_the_page_is_made_of_the_same_text(tmp_path, results):
    mine = folder_of(tmp_path, report_md_j2="# Mine\n\n**{{ results.task }}** <b>bold</b>\n")
    report = write_report(results, tmp_path / "report", templates=mine)
    assert report.read_text() == "# Mine\n\n**refusal** <b>bold</b>\n"
    page = report.with_suffix(".html").read_text()
    assert "<title>Mine</title>" in page
    assert "<p><strong>refusal</strong> &lt;b&gt;bold&lt;/b&gt;</p>" in page


def test_a_style_sheet_is_taken_as_it_stands_and_the_policy_names_it(tmp_path, results):
    css = "body::before{content:'{{ mine }}'}"
    report = write_report(results, tmp_path / "r", templates=folder_of(tmp_path, page_css=css))
    page = report.with_suffix(".html").read_text()
    assert f"<style>{css}</style>" in page
    # By openssl dgst -sha256 -binary | base64.
    digest = "qKwQ7gPzoRtf+NSmUM8D5Epu/If6YdC+x+dt8FsHD+o="
    assert f"style-src 'sha256-{digest}'" in html.unescape(page)


def test_what_a_template_prints_is_escaped_as_in_ours(tmp_path, results):
    mine = folder_of(tmp_path, report_md_j2="{{ '<script>*x*</script>' }}")
    assert markdown(results, templates=mine) == r"&lt;script&gt;\*x\*&lt;/script&gt;"


@pytest.mark.parametrize("name", ["reprot_md_j2", "sections__new_md_j2", "card_md_j2"])
def test_a_file_that_replaces_nothing_is_refused_with_the_names_that_do(tmp_path, results, name):
    mine = folder_of(tmp_path, **{name: "x"})
    with pytest.raises(ConfigurationError, match=r"replaces nothing.*page\.css.*report\.md\.j2"):
        write_report(results, tmp_path / "report", templates=mine)
    assert not (tmp_path / "report").exists()


def test_what_a_system_leaves_in_a_folder_is_passed_over(tmp_path, results):
    mine = folder_of(tmp_path, report_md_j2="mine")
    (mine / ".DS_Store").write_text("")
    assert markdown(results, templates=mine) == "mine"


def test_a_folder_that_is_none_is_named(tmp_path, results):
    with pytest.raises(ConfigurationError, match="nowhere is no folder"):
        markdown(results, templates=tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("\n{% if %}", r"report\.md\.j2 in .*, line 2"),
        ("{{ results.nonsuch }}", "nonsuch"),
        ("{% include 'sections/nonsuch.md.j2' %}", "nonsuch.*known are: "),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
    ],
)
def test_a_template_that_cannot_be_filled_says_where_and_why(tmp_path, results, written, said):
    mine = folder_of(tmp_path, report_md_j2=written)
    with pytest.raises(ConfigurationError, match=said):
        markdown(results, templates=mine)


@pytest.mark.parametrize(("name", "end"), [("page_css", "</STYLE >"), ("page_js", "</script>")])
def test_a_file_that_would_end_its_own_element_is_refused(tmp_path, results, name, end):
    with pytest.raises(ConfigurationError, match="split the word"):
        write_report(results, tmp_path / "r", templates=folder_of(tmp_path, **{name: end}))


def test_the_command_takes_a_folder_and_names_the_page(tmp_path, logs):
    words = ["report", str(logs), "--report-dir", str(tmp_path / "report"), "--templates"]
    done = CliRunner().invoke(main, [*words, str(folder_of(tmp_path, report_md_j2="# Mine"))])
    assert done.exit_code == 0, done.output
    assert f"In a browser: {tmp_path / 'report' / 'report.html'}" in done.output
    assert (tmp_path / "report" / "report.md").read_text() == "# Mine"


def test_every_template_that_can_be_replaced_is_documented():
    documented = (ROOT / "docs" / "reports.md").read_text()
    for name in known_templates():
        folder, slash, _ = name.partition("/")
        assert f"`{folder}{slash}" in documented, name
