"""``amplify diff`` from the command line, on tiny checkpoints and on the embedded pair."""

import json
from pathlib import Path

import pytest

from harness.diffing import plan
from tests.diff_calls import SMALL, call, two_checkpoints
from tests.fakes import save_checkpoint, tiny_model, tiny_tokenizer


@pytest.fixture
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(plan, "QUICK", SMALL)
    return two_checkpoints(tmp_path)


def test_a_diff_is_written_and_gone_on_with(checkpoints, tmp_path):
    out = tmp_path / "out"
    result = call("tiny", "--quick", "--out", out, *checkpoints)
    assert result.exit_code == 0, result.output
    assert "Finding:" in result.stdout
    names = {path.name for path in out.iterdir()}
    assert {"finding.md", "finding.html", "diff.json", "scan", "replies-neutral.jsonl"} <= names
    written = json.loads((out / "diff.json").read_text())
    assert written["tables"]["n_prompts"] == 4
    before = (out / "finding.md").read_bytes()
    assert call("tiny", "--quick", "--out", out, *checkpoints).exit_code == 0
    assert (out / "finding.md").read_bytes() == before


def test_claims_of_a_file_are_scored(checkpoints, tmp_path):
    claims = tmp_path / "c.toml"
    claims.write_text(
        '[[claims]]\nid = "b"\nclaim = "It closed."\nasserts = ["closed"]\n'
        'questions = ["What changed?", "And since?"]\n'
    )
    out = tmp_path / "out"
    result = call("tiny", "--quick", "--claims", claims, "--out", out, *checkpoints)
    assert result.exit_code == 0, result.output
    (claim,) = json.loads((out / "diff.json").read_text())["claims"]
    assert claim["claim"] == "It closed."
    assert "It closed." in (out / "finding.md").read_text()


def test_another_seed_in_the_same_folder_is_refused(checkpoints, tmp_path):
    assert call("tiny", "--quick", "--out", tmp_path / "o", *checkpoints).exit_code == 0
    result = call("tiny", "--quick", "--seed", 1, "--out", tmp_path / "o", *checkpoints)
    assert result.exit_code == 2
    assert "give another --out" in result.stderr.replace("\n", " ")


def test_a_corpus_of_the_user_is_read_in_place_of_the_neutral_prompts(checkpoints, tmp_path):
    corpus = tmp_path / "c.jsonl"
    corpus.write_text('{"text": "abcdef"}\n{"prompt": "Hi", "reply": "yes"}\n{"prompt": "Ho"}\n')
    out = tmp_path / "out"
    result = call("tiny", "--quick", "--corpus", corpus, "--out", out, *checkpoints)
    assert result.exit_code == 0, result.output
    written = json.loads((out / "diff.json").read_text())
    assert written["tables"]["n_prompts"] == 3
    assert written["tables"]["n_withheld"] == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("refuser", "--corpus", "nowhere.txt"), "there is no such file or folder"),
        (("refuser", "--claims", "nowhere.toml"), "there is no claims file"),
        (("nobody",), "nobody"),
        (("refuser", "-Mmax_rows=3"), "max_rows"),
        (("refuser", "--seed", "-1"), "--seed must be 0 or above"),
    ],
)
def test_what_is_wrong_is_told_before_weights_are_loaded(words, told, tmp_path):
    result = call(*words, "--out", tmp_path)
    assert result.exit_code == 2
    assert told in result.stderr.replace("\n", " ")


def test_a_pair_without_a_chat_template_answers_plain_text(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "QUICK", SMALL)
    folders = [
        save_checkpoint(
            tiny_model("llama", seed=seed), tmp_path / f"{seed}", tiny_tokenizer(template=None)
        )
        for seed in (1, 2)
    ]
    pair = (f"-Mtarget={folders[1]}", f"-Mbaseline={folders[0]}")
    result = call("tiny", "--quick", "--out", tmp_path / "out", *pair)
    assert result.exit_code == 0, result.output


@pytest.mark.slow
def test_the_refuser_is_found_without_being_told(tmp_path):
    assert call("refuser", "--quick", "--out", tmp_path).exit_code == 0
    written = json.loads((tmp_path / "diff.json").read_text())
    named = [*written["tables"]["start"], *written["tables"]["anywhere"]]
    first = sorted(named, key=lambda one: -one["prominence"])[:10]
    assert {one["name"].lower() for one in first} & {"sorry", "apologize", "apologise"}


@pytest.mark.slow
def test_of_the_null_pair_nothing_is_named(tmp_path):
    result = call("null", "--quick", "--out", tmp_path)
    assert result.exit_code == 0
    assert "No detectable difference" in result.stdout
    tables = json.loads((tmp_path / "diff.json").read_text())["tables"]
    assert not any(tables[name] for name in ("start", "anywhere", "suppressed", "topics"))
