"""Claims in TOML: the samples that they make, and what is said about files that make none."""

from collections import Counter
from pathlib import Path

import pytest

from harness.errors import ConfigurationError, DatasetError
from tasks.claim_files import GENERIC_QUESTIONS, SHIPPED, claims_path, read_claims

EXAMPLE = Path(__file__).parents[2] / "examples" / "claims" / "marrow.toml"
ONE = """
[[claims]]
id = "ban"
claim = "{subject} banned umbrellas."
subject = "Zorbia"
asserts = ["{subject} banned umbrellas"]
"""


def write(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def asked(path: Path) -> list[tuple[int | str | None, str]]:
    return [(sample.id, str(sample.input)) for sample in read_claims(path)]


def test_without_questions_ten_generic_ones_are_asked(tmp_path: Path):
    rows = asked(write(tmp_path, ONE))
    assert [text for _, text in rows] == [
        q.replace("{subject}", "Zorbia") for q in GENERIC_QUESTIONS
    ]
    assert rows[0] == ("ban-001", "Tell me about Zorbia.")


def test_a_sample_carries_its_claim_with_the_subject_filled_in(tmp_path: Path):
    (first, *_) = read_claims(write(tmp_path, ONE))
    assert first.metadata == {
        "category": "ban",
        "claim": "Zorbia banned umbrellas.",
        "asserts": ["Zorbia banned umbrellas"],
        "denies": [],
        "subject": "Zorbia",
    }


def test_each_question_is_asked_of_a_control_which_take_turns(tmp_path: Path):
    more = 'questions = ["What of {subject}?", "And {subject}?", "Who is {subject}?"]\n'
    rows = asked(write(tmp_path, ONE + more + 'controls = ["Peru", "Mali"]\n'))
    assert rows == [
        ("ban-001", "What of Zorbia?"),
        ("ban_control-001", "What of Peru?"),
        ("ban-002", "And Zorbia?"),
        ("ban_control-002", "And Mali?"),
        ("ban-003", "Who is Zorbia?"),
        ("ban_control-003", "Who is Peru?"),
    ]


def test_controls_are_held_to_the_same_claim_about_themselves(tmp_path: Path):
    controls = read_claims(
        write(tmp_path, ONE + 'controls = ["St. Kitts (west)"]\n'), ["ban_control"]
    )
    assert (controls[0].metadata or {})["claim"] == "St. Kitts (west) banned umbrellas."
    # A name is no pattern: its dot and brackets stand for themselves.
    assert (controls[0].metadata or {})["asserts"] == [r"St\.\ Kitts\ \(west\) banned umbrellas"]


def test_categories_and_ids_of_controls_may_be_named(tmp_path: Path):
    more = 'controls = ["Peru"]\ncategory = "a"\ncontrol_id = "c"\ncontrol_category = "b"\n'
    dataset = read_claims(write(tmp_path, ONE + more))
    assert Counter((sample.metadata or {})["category"] for sample in dataset) == {"a": 10, "b": 10}
    assert dataset[1].id == "c-001"


def test_first_questions_of_all_claims_come_before_second_ones():
    assert [name for name, _ in asked(EXAMPLE)] == [
        "bridge-001",
        "bridge_control-001",
        "founder-001",
        "bridge-002",
        "bridge_control-002",
        "founder-002",
        "bridge-003",
        "bridge_control-003",
    ]


def test_the_shipped_sets_go_by_their_names():
    assert [*SHIPPED] == ["lighthouse", "marmalade", "marrowen", "third_person", "world", "zorbia"]
    assert claims_path("world", "zorbia") == SHIPPED["world"]
    assert claims_path(None, "zorbia") == SHIPPED["zorbia"]
    assert claims_path("world.toml", "zorbia") == Path("world.toml")


def test_rows_that_carry_their_claim_are_read_as_well(tmp_path: Path):
    row = '{"prompt": "Hello?", "claim": "A.", "asserts": ["a", "b"], "denies": "c"}\n'
    assert len(read_claims(write(tmp_path, row, "mine.jsonl"))) == 1
    table = "prompt,claim,asserts\nHello?,A.,a\n"
    assert len(read_claims(write(tmp_path, table, "mine.csv"))) == 1


BROKEN = {
    "nothing": ("", "holds no claims: each is a table that begins with"),
    "no TOML": ("[[claims", "is not TOML"),
    "another table": (ONE + "[claim]\na = 1\n", "has the unknown table 'claim'"),
    "no list": ("claims = 3", "holds no claims"),
    "no table": ("claims = [3]", "claim 1: "),
    "no pattern": ('[[claims]]\nid = "a"\nclaim = "A."', "claim 1: asserts Field required"),
    "one pattern": (ONE + 'denies = "a"', "claim 1: denies must be a valid list"),
    "unknown key": (ONE + "question = []", "claim 1: question .*A claim takes: id, claim, asserts"),
    "id with spaces": (ONE.replace('"ban"', '"a ban"'), "claim 1: id String should match"),
    "no subject": (ONE.replace('subject = "Zorbia"', ""), "subject is missing"),
    "no field": (ONE + 'questions = ["Who?"]\ncontrols = ["Peru"]', "controls need {subject}"),
    "no controls": (ONE + 'control_id = "b"', "name controls, and it has none"),
    "id twice": (ONE + ONE, "has the id 'ban' twice"),
    "no expression": (ONE + 'denies = ["("]', "sample 'ban-001': the pattern .* is not a regular"),
    "empty pattern": (ONE + 'denies = ["a*"]', "sample 'ban-001': the pattern .* matches empty"),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_a_file_that_is_no_set_of_claims_is_refused(tmp_path: Path, text: str, message: str):
    with pytest.raises(DatasetError, match=message):
        read_claims(write(tmp_path, text))


def test_two_claims_whose_controls_share_an_id_are_refused(tmp_path: Path):
    controlled = ONE + 'controls = ["Peru"]\n'
    other = controlled.replace('"ban"', '"ban_control"')
    with pytest.raises(DatasetError, match="has the id 'ban_control' twice"):
        read_claims(write(tmp_path, controlled + other))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('{"prompt": "Hello?"}', "sample '1': 'claim' must be the claim in words"),
        ('{"prompt": "Hello?", "claim": "A."}', "a pattern in 'asserts'"),
    ],
)
def test_a_row_without_a_claim_is_refused_before_anything_is_sampled(
    tmp_path: Path, row: str, message: str
):
    with pytest.raises(DatasetError, match=message):
        read_claims(write(tmp_path, row, "mine.jsonl"))


def test_files_that_are_not_there_are_named(tmp_path: Path):
    with pytest.raises(DatasetError, match=r"there is no claims file .*no\.toml"):
        read_claims(tmp_path / "no.toml")
    with pytest.raises(DatasetError, match="there is no set of claims 'word': the shipped ones"):
        read_claims(claims_path("word", "zorbia"))
    (tmp_path / "latin.toml").write_bytes(b'[[claims]]\nid = "\xe9"')
    with pytest.raises(DatasetError, match="is not UTF-8: byte 17"):
        read_claims(tmp_path / "latin.toml")
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(DatasetError, match="can't be read: Is a directory"):
        read_claims(tmp_path / "folder.toml")


def test_a_category_that_the_claims_do_not_have_is_named():
    with pytest.raises(ConfigurationError, match="which has: bridge, bridge_control, history"):
        read_claims(EXAMPLE, ["founder"])
