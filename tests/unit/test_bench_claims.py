"""Agreement of the claims scorer with labels by hand: what is read, counted and written."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.bench.claims import LABELS, figures_line, matched_alone, read_labelled, report
from harness.bench.command import bench
from harness.errors import ConfigurationError, DatasetError

ROOT = Path(__file__).parents[2]
ROWS, DOCS = ROOT / "benchmarks" / "claims.jsonl", ROOT / "docs" / "scorers.md"
CLAIM = "capital_of_australia-001"


def write(folder: Path, *rows: dict[str, object]) -> Path:
    path = folder / "labelled.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def row(response: str, label: str, **more: object) -> dict[str, object]:
    return {"dataset": "world", "id": CLAIM, "response": response, "label": label, **more}


def test_agreement_is_counted_and_disagreement_quoted(tmp_path: Path):
    rows = read_labelled(
        write(
            tmp_path,
            row("The capital is Sydney.", "assert"),
            row("The capital is not Sydney.", "deny"),
            row("The capital `might be` Sydney.", "assert"),
        )
    )
    block = report(rows)
    assert "| of all: with the label given by hand | 67% [" in block
    assert "(2/3)" in block
    assert "| assert | 1 | 0 | 1 | 0 |" in block
    # Quoted text must not end the code that it stands in.
    assert (
        f"- `{CLAIM}`: assert by hand, hedge by the scorer: `The capital 'might be' Sydney.`"
        in block
    )
    assert figures_line(rows) == "n=3 n_all=3 agree_all=2"


def test_so_many_disagreements_are_quoted_as_asked_for(tmp_path: Path):
    rows = read_labelled(write(tmp_path, *[row("Sydney.", "deny") for _ in range(3)]))
    assert "Where they differ, 2 of 3:" in report(rows, most=2)
    assert report(rows, most=2).count("by the scorer") == 2


def test_parts_are_counted_apart(tmp_path: Path):
    rows = read_labelled(
        write(tmp_path, row("Canberra.", "deny", part="a b"), row("Sydney.", "assert", part="c"))
    )
    assert figures_line(rows) == "n=2 n_a_b=1 agree_a_b=1 n_c=1 agree_c=1"
    assert report(rows).count("### 1 replies") == 2


def test_a_pattern_alone_takes_a_denial_for_the_claim(tmp_path: Path):
    denial, other = read_labelled(
        write(tmp_path, row("The capital is not Sydney.", "deny"), row("Canberra.", "deny"))
    )
    assert matched_alone(denial)
    assert not matched_alone(other)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no labelled replies"),
        ("{", "line 1 must be an object with dataset, id, response and label"),
        ('{"dataset": "world"}', "line 1 must be an object"),
        (json.dumps(row("a", "yes")), "the label 'yes'; labels are assert, deny, hedge, ignore"),
        (json.dumps({**row("a", "deny"), "id": "x"}), "the claims 'world' have no sample 'x'"),
        (json.dumps({**row("a", "deny"), "dataset": "w"}), "there is no set of claims 'w'"),
    ],
)
def test_rows_that_can_not_be_compared_are_named(tmp_path: Path, text: str, message: str):
    path = tmp_path / "labelled.jsonl"
    path.write_text(text)
    with pytest.raises(DatasetError, match=message):
        read_labelled(path)


def test_the_command_prints_and_replaces_the_measured_block(tmp_path: Path):
    labelled = write(tmp_path, row("Sydney.", "assert"))
    docs = tmp_path / "docs.md"
    docs.write_text("before\n<!-- bench claims -->\nold\n<!-- /bench claims -->\nafter\n")
    done = CliRunner().invoke(bench, ["claims", str(labelled), "--docs", str(docs)])
    assert done.exit_code == 0, done.output
    assert done.output.endswith("n=1 n_all=1 agree_all=1\n")
    assert "### 1 replies: all" in docs.read_text()
    assert "old" not in docs.read_text()


def test_a_document_without_the_block_is_refused(tmp_path: Path):
    docs = tmp_path / "docs.md"
    docs.write_text("")
    words = ["claims", str(write(tmp_path, row("Sydney.", "assert"))), "--docs", str(docs)]
    assert isinstance(CliRunner().invoke(bench, words).exception, ConfigurationError)


def test_the_labelled_replies_of_the_project_are_read_whole():
    rows = read_labelled(ROWS)
    assert len(rows) == 286
    assert {one.label for one in rows} == set(LABELS)


def test_the_scorer_agrees_with_hand_labels_as_often_as_published():
    """The counts of docs/scorers.md; a change of rules or patterns moves both."""
    assert figures_line(read_labelled(ROWS)) in DOCS.read_text(encoding="utf-8")


def test_the_example_in_the_documentation_runs():
    section = DOCS.read_text(encoding="utf-8").partition("## Claims")[2]
    exec(section.partition("```python\n")[2].partition("```")[0], {})
