"""Corpora of a user: windows, rows, logs, and what is told of broken ones."""

import json
from pathlib import Path

import pytest
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model

from harness.diffing import texts
from harness.diffing.texts import read_given
from harness.errors import AnalysisError, DatasetError
from tests.unit.test_diffing_run import tiny_pair


def written(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def rows(folder: Path, *given: object) -> Path:
    return written(folder, "c.jsonl", "\n".join(json.dumps(one) for one in given))


@pytest.mark.parametrize("suffix", [".txt", ".md"])
def test_every_token_of_a_long_text_but_the_first_is_read_once(suffix, tmp_path):
    text = "".join(chr(97 + i % 26) for i in range(1000))
    found = read_given(tiny_pair(), written(tmp_path, f"long{suffix}", text)).corpus
    size = 127  # of a context of 128
    assert [one.n_tokens for one in found.prompts] == [size] * 7 + [999 - 7 * size]
    chat = tiny_pair().chat
    read = "".join(chat.text(one.replies[0].ids) for one in found.prompts)
    assert read == text[1:]
    for one in found.prompts:
        assert one.prompt.longest + one.n_tokens <= 128
        assert not one.answers
        assert one.withheld is None
    assert found.notes == (
        f"long{suffix}: 1 texts were cut into 8 windows of at most 256 tokens, which count as "
        "prompts of their own",
    )


def test_a_window_is_read_after_the_end_of_the_one_before(monkeypatch, tmp_path):
    monkeypatch.setattr(texts, "WINDOW_TOKENS", 10)
    monkeypatch.setattr(texts, "_CONTEXT_TOKENS", 4)
    found = read_given(tiny_pair(), written(tmp_path, "t.txt", "abcdefghijklmnopqrst")).corpus
    chat = tiny_pair().chat
    read = [(chat.text(o.prompt.target_ids), chat.text(o.replies[0].ids)) for o in found.prompts]
    assert read == [("a", "bcdefghijk"), ("hijk", "lmnopqrst")]


def test_rows_are_texts_prompts_with_a_reply_and_prompts_to_be_answered(tmp_path):
    path = rows(
        tmp_path,
        {"text": "abc"},
        {"prompt": "Hi", "response": "yes", "category": "benign", "id": "one"},
        {"prompt": "Ho", "completion": "no", "category": "harmful_substances"},
        {"prompt": "He"},
    )
    found = read_given(tiny_pair(), path)
    assert [one.id for one in found.corpus.prompts] == ["1-0001", "one", "3"]
    assert [one.answers for one in found.corpus.prompts] == [False, True, True]
    shown = [one.withheld is None for one in found.corpus.prompts]
    assert shown == [True, True, False]
    (asked,) = found.asked
    assert (asked.id, asked.text) == ("4", "He")
    assert "not marked benign" in str(asked.withheld)


def test_a_reply_that_does_not_fit_is_counted(tmp_path):
    path = rows(tmp_path, {"prompt": "Hi", "reply": "a" * 200}, {"prompt": "Ho", "reply": "b"})
    found = read_given(tiny_pair(), path).corpus
    assert [one.id for one in found.prompts] == ["2"]
    assert found.notes[0].startswith("c.jsonl: 1 replies that don't fit")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.txt", b"", "is empty"),
        ("a.md", b" \n ", "is empty"),
        ("a.txt", b"ab\xff", "is not UTF-8: byte 2"),
        ("a.jsonl", b"{", "line 1 is not JSON"),
        ("a.jsonl", b'{"text": "a"}\n[1]', "line 2 must be an object"),
        ("a.jsonl", b'{"text": "a", "prompt": "b"}', "either 'text' or 'prompt'"),
        ("a.jsonl", b'{"text": "a", "answr": "b"}', "unknown field 'answr'"),
        ("a.jsonl", b'{"text": 3}', "'text' must be text, not 3"),
        ("a.jsonl", b'{"prompt": "a", "id": "x"}\n{"prompt": "b", "id": "x"}', "'x' twice"),
        ("a.csv", b"prompt\nHi", "none of .txt, .md, .jsonl"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(name, content, told, tmp_path):
    with pytest.raises(DatasetError, match=told):
        read_given(tiny_pair(), written(tmp_path, name, content))


def test_a_file_that_is_missing_and_a_folder_without_logs_are_told(tmp_path):
    with pytest.raises(DatasetError, match="there is no corpus"):
        read_given(tiny_pair(), tmp_path / "none.txt")
    with pytest.raises(AnalysisError, match="holds no log"):
        read_given(tiny_pair(), tmp_path)


def logged(folder: Path, *, harmless: bool, text: str = "yes") -> None:
    output = ModelOutput.from_content("mockllm/model", text)
    output.usage = ModelUsage()
    eval(
        Task(
            dataset=[
                Sample(input="Hi", id="a", metadata={"category": "harmful_substances"}),
                Sample(input="Ho", id="b", metadata={"category": "benign"}),
            ],
            metadata={"harmless_prompts": harmless},
        ),
        model=get_model("mockllm/model", custom_outputs=lambda *_: output),
        log_dir=str(folder),
        display="none",
        epochs=2,
    )


@pytest.mark.parametrize("harmless", [True, False])
def test_logs_give_every_prompt_once_with_all_that_was_said(harmless, tmp_path):
    logged(tmp_path, harmless=harmless)
    logged(tmp_path, harmless=harmless, text="no")
    found = read_given(tiny_pair(), tmp_path).corpus
    assert [one.id for one in found.prompts] == ["a", "b"]
    assert [len(one.replies) for one in found.prompts] == [4, 4]
    assert found.prompts[0].replies[0].source == "mockllm/model"
    assert found.prompts[0].text == "Hi"
    assert [one.withheld is None for one in found.prompts] == [harmless, True]
