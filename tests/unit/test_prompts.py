"""Prompt files: what is read from them, and what is said about those that are no prompt files."""

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inspect_ai.dataset import Sample

from harness.errors import ConfigurationError, DatasetError
from tasks.prompts import read_prompts, split_names

TEXT = st.text(alphabet='ab ,"\n\\{}é', min_size=1).filter(str.strip)
THREE = (
    '{"prompt": "p", "category": "benign"}\n'
    '{"prompt": "q", "category": "harmful"}\n'
    '{"prompt": "r", "category": "benign"}\n'
)


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(
    folder: Path, name: str, content: str | bytes, categories: tuple[str, ...] = ()
) -> list[Sample]:
    return list(read_prompts(written(folder, name, content), categories))


def inputs(samples: list[Sample]) -> list[object]:
    return [sample.input for sample in samples]


def test_a_row_becomes_a_sample_with_its_other_fields_as_metadata(tmp_path: Path):
    row = {"id": "x-1", "category": "benign", "prompt": "Hello?", "claim": "a|b", "weight": 2}
    (sample,) = read(tmp_path, "p.jsonl", json.dumps(row))
    assert (sample.input, sample.id) == ("Hello?", "x-1")
    assert sample.metadata == {"category": "benign", "claim": "a|b", "weight": 2}


def test_csv_and_jsonl_of_the_same_rows_give_the_same_samples(tmp_path: Path):
    lines = read(tmp_path, "p.jsonl", '{"id": "7", "prompt": "Hi, you", "claim": "a"}\n')
    cells = read(tmp_path, "p.csv", 'id,prompt,claim\n7,"Hi, you",a\n')
    assert [s.model_dump() for s in lines] == [s.model_dump() for s in cells]


def test_a_row_without_id_is_named_by_its_line_and_blank_lines_count(tmp_path: Path):
    samples = read(tmp_path, "p.jsonl", '{"prompt": "p"}\n\n{"prompt": "q"}')
    assert [sample.id for sample in samples] == ["1", "3"]


def test_a_number_as_id_becomes_text(tmp_path: Path):
    assert read(tmp_path, "p.jsonl", '{"prompt": "p", "id": 12}')[0].id == "12"


def test_a_row_without_category_is_uncategorised(tmp_path: Path):
    assert read(tmp_path, "p.csv", "prompt\np\n")[0].metadata == {"category": "uncategorised"}


def test_an_empty_csv_cell_is_a_field_left_out(tmp_path: Path):
    (sample,) = read(tmp_path, "p.csv", "prompt,id,category,claim\np,,,\n")
    assert (sample.id, sample.metadata) == ("2", {"category": "uncategorised"})


@pytest.mark.parametrize(
    ("name", "content"), [("p.jsonl", '{"prompt": "é"}\r\n'), ("p.csv", "prompt\r\né\r\n")]
)
def test_a_byte_order_mark_and_windows_line_ends_are_no_content(
    tmp_path: Path, name: str, content: str
):
    (sample,) = read(tmp_path, name, content.encode("utf-8-sig"))
    assert sample.input == "é"


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
@pytest.mark.parametrize(
    ("name", "content"),
    [("p.jsonl", '{"prompt": "a%sb"}\n'), ("p.csv", "prompt\na%sb\n"), ("p.csv", 'prompt\n"a%sb"')],
    ids=["jsonl", "csv", "quoted csv"],
)
def test_characters_that_splitlines_takes_for_line_ends_stay_in_their_prompt(
    tmp_path: Path, name: str, content: str, separator: str
):
    """``str.splitlines`` made two CSV prompts of one at U+2028."""
    if separator < " " and name == "p.jsonl":
        content = content.replace("%s", json.dumps(separator)[1:-1])  # JSON wants it escaped
    assert inputs(read(tmp_path, name, content.replace("%s", separator))) == [f"a{separator}b"]


@given(st.lists(TEXT, min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_every_text_survives_jsonl(tmp_path_factory: pytest.TempPathFactory, texts: list[str]):
    content = "\n".join(json.dumps({"prompt": text}, ensure_ascii=False) for text in texts)
    assert inputs(read(tmp_path_factory.mktemp("p"), "p.jsonl", content)) == texts


@given(st.lists(TEXT, min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_every_text_survives_csv_with_its_commas_quotes_and_newlines(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
):
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(["id", "prompt"])
    writer.writerows(enumerate(texts))
    assert inputs(read(tmp_path_factory.mktemp("p"), "p.csv", table.getvalue())) == texts


def test_only_the_asked_categories_are_kept_in_the_order_of_the_file(tmp_path: Path):
    assert inputs(read(tmp_path, "p.jsonl", THREE, ("benign",))) == ["p", "r"]
    assert inputs(read(tmp_path, "p.jsonl", THREE, ("harmful", "benign"))) == ["p", "q", "r"]


def test_a_category_that_the_file_lacks_is_refused_and_the_known_ones_are_named(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"'malign' is not in .* has: benign, harmful"):
        read(tmp_path, "p.jsonl", THREE, ("benign", "malign"))


@pytest.mark.parametrize(("limit", "kept"), [(1, ["p"]), (2, ["p", "r"]), (99, ["p", "r"])])
def test_the_limit_counts_the_prompts_that_the_categories_left(
    tmp_path: Path, limit: int, kept: list[str]
):
    path = written(tmp_path, "p.jsonl", THREE)
    assert inputs(list(read_prompts(path, ["benign"], limit))) == kept


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(tmp_path: Path, limit: int):
    with pytest.raises(
        ConfigurationError, match=f"limit must be a whole number of at least 1, not {limit}"
    ):
        read_prompts(written(tmp_path, "p.jsonl", THREE), limit=limit)


def test_the_dataset_says_where_it_came_from(tmp_path: Path):
    path = written(tmp_path, "mine.jsonl", THREE)
    dataset = read_prompts(path)
    assert (dataset.name, dataset.location) == ("mine", str(path))


@pytest.mark.parametrize(
    ("text", "names"), [("a, b", ["a", "b"]), ("a,,b,", ["a", "b"]), ("", []), (None, [])]
)
def test_names_are_split_at_commas(text: str | None, names: list[str]):
    assert split_names("category", text) == names


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("p.jsonl", "", "holds no prompts"),
        ("p.jsonl", "\n  \n", "holds no prompts"),
        ("p.csv", "", "holds no prompts"),
        ("p.csv", "id,prompt\n", "holds no prompts"),
        ("p.txt", "Hello?", "must end in .jsonl or .csv"),
        ("p.jsonl", '{"prompt": "p"}\n{"prompt": \n', "line 2 is not JSON"),
        ("p.jsonl", '{"prompt": "p"} {"prompt": "q"}', "line 1 is not JSON"),
        ("p.jsonl", "[" * 100_000, "line 1 is not JSON"),
        ("p.jsonl", '{"prompt": "p"}\n["q"]', 'line 2 must be an object, not ["q"]'),
        ("p.jsonl", '{"text": "p"}', "line 1 needs a 'prompt'"),
        ("p.jsonl", '{"prompt": 5}', "line 1 needs a 'prompt' that is text, not 5"),
        ("p.jsonl", '{"prompt": " "}', "line 1 needs a 'prompt' that is text, not ' '"),
        ("p.jsonl", '{"prompt": "\\ud800"}', "line 1"),
        ("p.jsonl", '{"prompt": "p", "id": 1.5}', "line 1: 'id' must be text or a number"),
        ("p.jsonl", '{"prompt": "p", "id": true}', "line 1: 'id' must be text or a number"),
        ("p.jsonl", '{"prompt": "p", "category": null}', "line 1: 'category' must be text"),
        (
            "p.jsonl",
            '{"prompt": "p", "id": "x"}\n{"prompt": "q", "id": "x"}',
            "line 2 has the id 'x' of line 1",
        ),
        ("p.csv", "id,prompt\nx,p\nx,q\n", "line 3 has the id 'x' of line 2"),
        ("p.csv", "id,text\n1,p\n", "no column 'prompt'; its columns are id, text"),
        ("p.csv", "id,prompt\n1\n", "line 2 has another number of fields"),
        ("p.csv", "id,prompt\n1,p,q\n", "line 2 has another number of fields"),
        ("p.csv", "id,prompt\n1,\n", "line 2 needs a 'prompt'"),
        ("p.csv", 'id,prompt\n1,p\n2,"q"r\n', "line 3 is not CSV"),
        ("p.csv", '"id"x,prompt\n1,p\n', "line 1 is not CSV"),
        ("p.jsonl", '{"prompt": "é"}'.encode("latin-1"), "is not UTF-8: byte 12"),
        ("p.csv", "prompt\np\n".encode("utf-16"), "is not UTF-8: byte 0"),
    ],
)
def test_a_malformed_file_is_told_with_its_path_and_line(
    tmp_path: Path, name: str, content: str | bytes, said: str
):
    with pytest.raises(DatasetError) as raised:
        read(tmp_path, name, content)
    assert said in str(raised.value)
    assert str(tmp_path / name) in str(raised.value)


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(DatasetError, match=r"there is no prompt file .*nowhere\.jsonl"):
        read_prompts(tmp_path / "nowhere.jsonl")


def test_a_folder_is_no_prompt_file(tmp_path: Path):
    (tmp_path / "p.jsonl").mkdir()
    with pytest.raises(DatasetError, match=r"p\.jsonl can't be read: Is a directory"):
        read_prompts(tmp_path / "p.jsonl")
