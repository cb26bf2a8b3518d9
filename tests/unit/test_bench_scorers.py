"""Labelled files, detectors side by side, and ``amplify bench scorers`` from end to end."""

import json

import pytest
from click.testing import CliRunner

from harness.bench.disguises import EDITS, all_at_once
from harness.bench.figures import read_line
from harness.bench.labelled import Names, read_labelled
from harness.bench.scorers import measure
from harness.bench.string_lists import four_words, xstest_prefixes
from harness.cli import main
from harness.errors import ConfigurationError, DatasetError

OURS = Names(fields={}, labels={})
DECLINE = "I'm sorry, but I can't help with that."
ANSWER = "Mix the flour and the water, and bake it for an hour."


def row(response, label, **more):
    return {"response": response, "label": label, **more}


ROWS = [
    row(DECLINE, "refusal", source_model="a", prompt_id="p1", prompt="How?"),
    row(ANSWER, "compliance", source_model="a", prompt_id="p2", prompt="How?"),
    row(f"Well. {DECLINE}", "refusal", source_model="b", prompt_id="p1", prompt="How?"),
    row("No, there is a law, and it is dangerous.", "compliance", source_model="b", prompt_id="p2"),
    row("\u001b[31mI never got round to it.", "refusal", source_model="b", prompt_id="p3"),
]


@pytest.fixture
def labelled(tmp_path):
    def write(*rows):
        path = tmp_path / "labelled.jsonl"
        lines = [given if isinstance(given, str) else json.dumps(given) for given in rows]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


def run(*words):
    return CliRunner().invoke(main, ["bench", "scorers", *map(str, words)])


def test_a_row_needs_only_a_response_and_a_label(labelled):
    (read,) = read_labelled(labelled(row("Hello.", "compliance")), OURS)
    assert (read.source_model, read.prompt_id, read.prompt, read.line) == ("all", "line 1", None, 1)


def test_a_prompt_stands_for_itself_where_it_has_no_id(labelled):
    (read,) = read_labelled(labelled(row("Hello.", "compliance", prompt="Hi?")), OURS)
    assert read.prompt_id == "Hi?"


def test_a_files_own_names_are_understood(labelled):
    names = Names(fields={"response": "completion", "label": "gold"}, labels={"2": "refusal"})
    (read,) = read_labelled(labelled({"completion": "No.", "gold": 2}), names)
    assert (read.response, read.label) == ("No.", "refusal")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "line 2 is not JSON"),
        ("[]", "line 2 must be an object"),
        ({"label": "refusal"}, "line 2 needs 'response' to be text, not None"),
        (row(["a"], "refusal"), "line 2 needs 'response' to be text"),
        (row("Hello.", "maybe"), "line 2 has the label 'maybe'; labels are compliance"),
        (row("Hello.", True), "line 2 needs 'label' to be text"),
        (row("Hello.", "refusal", prompt=[]), "line 2 needs 'prompt' to be text"),
    ],
)
def test_a_bad_line_is_named(labelled, line, complaint):
    with pytest.raises(DatasetError, match=complaint):
        read_labelled(labelled(row("Hello.", "compliance"), line), OURS)


def test_a_file_without_rows_or_none_at_all_is_refused(labelled, tmp_path):
    with pytest.raises(DatasetError, match="holds no labelled responses"):
        read_labelled(labelled(""), OURS)
    with pytest.raises(DatasetError, match="can't be read"):
        read_labelled(tmp_path / "none.jsonl", OURS)


def test_names_of_what_no_file_has_are_refused():
    with pytest.raises(ConfigurationError, match="unknown field 'reply'"):
        Names(fields={"reply": "x"}, labels={})
    with pytest.raises(ConfigurationError, match="unknown label 'denial'"):
        Names(fields={}, labels={"2": "denial"})


def test_a_field_that_is_named_must_be_there(labelled):
    with pytest.raises(DatasetError, match="needs 'ask' to be text"):
        read_labelled(labelled(ROWS[0]), Names(fields={"prompt": "ask"}, labels={}))


def test_every_disguise_changes_a_response():
    for edit in [*EDITS.values(), all_at_once]:
        assert edit(DECLINE) != DECLINE
    assert EDITS["can not"]("I can't and cannot. CAN\u2019T.") == "I can not and can not. Can not."


def test_the_string_lists_see_what_they_look_for():
    assert xstest_prefixes(f" {DECLINE}") == "refusal"
    assert xstest_prefixes(f"Well. {DECLINE}") == "compliance"
    assert four_words("It is ILLEGAL.") == "refusal"
    assert four_words(DECLINE) == "compliance"


def test_detectors_are_compared_on_the_same_rows(labelled):
    measured = measure(read_labelled(labelled(*ROWS), OURS))
    scorer, _, prefixes, words = measured.detectors
    # Two of three refusals and both answers; observed 4/5, expected (2 * 3 + 3 * 2) / 25.
    assert scorer.binary.value == pytest.approx((0.8 - 0.48) / 0.52)
    assert (scorer.recall, scorer.false_alarms) == (pytest.approx(2 / 3), 0)
    assert (prefixes.recall, prefixes.false_alarms) == (pytest.approx(1 / 3), 0.5)
    assert (words.recall, words.false_alarms) == (0, 0.5)
    assert {source.name: source.scorer.binary.n for source in measured.sources} == {"a": 2, "b": 3}
    assert [(rule.rule, rule.n, rule.n_right) for rule in measured.rules] == [("declines", 2, 2)]
    assert set(measured.edit_losses.values()) == {0.0}


def test_a_model_whose_rule_was_seen_nowhere_else_is_scored_without_it(labelled):
    measured = measure(read_labelled(labelled(*ROWS[:2]), OURS))
    (only,) = measured.sources
    assert only.scorer.binary.value == 1.0
    assert only.held_out.value == 0.0


def test_the_command_prints_tables_figures_and_who_differs_but_no_response(labelled):
    result = run(labelled(*ROWS))
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert "| four words |" in result.stdout
    assert "line 5, b p3: people refusal, scorer compliance (no phrase declines)" in lines
    assert "never got round" not in result.stdout
    figures = read_line(lines[-1])
    assert (figures["n"], figures["n_prompts"], figures["n_disagreements"]) == (5, 3, 1)
    assert figures["kappa"] == pytest.approx(0.6154, abs=1e-4)


def test_responses_are_shown_when_asked_for_and_can_command_no_terminal(labelled):
    result = run(labelled(*ROWS), "--show")
    assert "    I never got round to it." in result.stdout.splitlines()
    assert "\u001b" not in result.stdout


def test_a_hostile_name_makes_no_table_cell_or_terminal_command(labelled):
    named = [{**given, "source_model": "a|b\u001b[31m`c"} for given in ROWS]
    result = run(labelled(*named))
    assert "| a\\|b\\`c |" in result.stdout
    assert "\u001b" not in result.stdout


def test_a_file_with_one_label_is_reported_without_a_kappa(labelled):
    result = run(labelled(ROWS[1]))
    assert result.exit_code == 0, result.output
    assert "no data" in result.stdout
    assert "kappa" not in read_line(result.stdout.splitlines()[-1])


def test_the_document_gets_the_tables_and_no_list_of_who_differs(labelled, tmp_path):
    document = tmp_path / "scorers.md"
    document.write_text("Above.\n<!-- bench scorers -->\nold\n<!-- /bench scorers -->\nBelow.\n")
    result = run(labelled(*ROWS), "--docs", document)
    assert result.exit_code == 0, result.output
    text = document.read_text()
    assert text.startswith("Above.\n<!-- bench scorers -->\n5 labelled responses to 3 prompts")
    assert text.endswith("<!-- /bench scorers -->\nBelow.\n")
    assert "old" not in text
    assert "line 5" not in text


@pytest.mark.parametrize(
    "words", [("--field", "response"), ("--field", "reply=x"), ("--label", "2=denial")]
)
def test_what_no_file_could_mean_is_refused(labelled, words):
    assert run(labelled(*ROWS), *words).exit_code == 2


def test_a_document_without_markers_is_refused_before_anything_is_read(tmp_path):
    document = tmp_path / "scorers.md"
    document.write_text("no markers\n")
    result = run(tmp_path / "none.jsonl", "--docs", document)
    assert result.exit_code == 2
    assert "bench scorers" in result.output
    assert document.read_text() == "no markers\n"
