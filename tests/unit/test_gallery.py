"""The committed reports are still what the project writes; if not: make report."""

import json
import re
import shlex
from itertools import pairwise

import jsonschema
import pytest

from harness.reporting.escape import Markdown
from harness.reporting.figures import DRAWERS
from harness.reporting.results_schema import results_schema
from reports import gallery

AGAIN = "the committed report is not what the project writes now: make report"
RUNS = [pytest.param(entry, id=entry.name) for entry in gallery.ENTRIES]


@pytest.mark.parametrize("entry", RUNS)
def test_a_committed_report_satisfies_the_schema_of_results(entry):
    found = json.loads((gallery.REPORTS / entry.name / "results.json").read_text())
    errors = list(jsonschema.Draft202012Validator(results_schema()).iter_errors(found))
    assert [error.message[:200] for error in errors] == [], AGAIN


@pytest.mark.parametrize("entry", RUNS)
def test_a_committed_report_was_made_with_the_present_outline_of_the_templates(entry):
    written = (gallery.REPORTS / entry.name / gallery.MADE_WITH).read_text()
    assert written == gallery.made_with(), AGAIN


@pytest.mark.parametrize("entry", RUNS)
def test_a_committed_report_shows_its_figures_and_no_other_is_left_over(entry):
    folder = gallery.REPORTS / entry.name
    shown = set(re.findall(r"\]\(figures/(\w+\.svg)\)", (folder / "report.md").read_text()))
    assert {path.name for path in (folder / "figures").iterdir()} == shown
    assert shown <= set(DRAWERS)
    assert "rates.svg" in shown


@pytest.mark.parametrize("entry", RUNS)
def test_a_committed_report_was_drawn_by_the_command_of_the_gallery(entry):
    """Every option of the gallery stands in the command that the logs tell."""
    found = json.loads((gallery.REPORTS / entry.name / "results.json").read_text())
    told, given = shlex.split(found["command"]), shlex.split(entry.sweep)
    assert told[2] == given[0]
    for option, value in zip(given[1::2], given[2::2], strict=True):
        assert (option, value) in pairwise(told), AGAIN


def test_the_committed_index_is_what_the_reports_say():
    assert (gallery.REPORTS / "index.md").read_text() == gallery.index_markdown(), AGAIN
    assert (gallery.REPORTS / "index.html").read_text() == gallery.index_html(), AGAIN


def test_every_folder_of_reports_is_in_the_gallery():
    folders = {path.parent.name for path in gallery.REPORTS.glob("*/results.json")}
    assert folders == set(gallery.known_names())


def test_committed_reports_are_small():
    for path in gallery.REPORTS.rglob("*.*"):
        assert path.stat().st_size < 3e6, path


def test_the_null_pair_is_flat_along_alpha():
    """A model against itself: every rollout is the same at every alpha, so every rate is."""
    found = json.loads((gallery.REPORTS / "null" / "results.json").read_text())
    for curve in (found["refusal"]["refusal"], found["refusal"]["benign"], found["nonsense"]):
        assert len({rate["k"] for rate in curve["rates"]}) == 1, curve["name"]
    assert not any(trend["discovery"] for trend in found["trends"])


def test_the_outline_moves_with_headings_and_tables_and_not_with_prose(monkeypatch):
    def hashed(text):
        class Loader:
            def list_templates(self):
                return ["report.md.j2"]

            def get_source(self, environment, name):
                return text, name, None

        class Environment:
            loader = Loader()

        monkeypatch.setattr(gallery, "environment", Environment)
        return gallery.outline_sha256()

    plain = hashed("## Dose\n\nWhat alpha did.\n\n{{ tables.doses(results) }}\n")
    assert hashed("## Dose\n\nWhat alpha really did.\n\n{{ tables.doses(results) }}\n") == plain
    assert hashed("## Doses\n\nWhat alpha did.\n\n{{ tables.doses(results) }}\n") != plain
    assert hashed("## Dose\n\nWhat alpha did.\n") != plain


def test_an_unknown_report_is_refused_with_the_names_of_those_there_are(monkeypatch):
    monkeypatch.setattr(gallery.subprocess, "run", pytest.fail)
    with pytest.raises(SystemExit, match="no report nul; there are: refuser, zorbia"):
        gallery.make(["nul"])


def test_names_and_verdicts_in_the_index_are_escaped():
    row = gallery._row(
        gallery.ENTRIES[0],
        {
            "pair": "<b>",
            "task": "a|b",
            "data": {"n_prompts": 1, "n_rollouts": 2},
            "findings": {"summary": ["Moves: <script>"]},
        },
    )
    assert isinstance(row[0], Markdown)
    assert not any(isinstance(one, Markdown) for one in row[1:])
