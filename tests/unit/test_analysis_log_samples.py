"""The quick reader gives what Inspect's gives, and leaves to that what it does not know."""

import json
from pathlib import Path
from zipfile import ZipFile

import pytest
from inspect_ai.log import read_eval_log
from inspect_ai.model import ChatMessageSystem, ChatMessageUser
from inspect_ai.scorer import Score
from test_analysis_logs import Rollout, nonsense, refusal, write_log

from harness.analysis import log_samples
from harness.analysis.log_samples import NeededSample, read_samples
from harness.analysis.logs import LogInfo, find_logs
from harness.errors import AnalysisError

FIELDS = {"id", "epoch", "input", "output", "scores", "metadata", "uuid", "error"}


def read(folder: Path) -> list[dict[str, object]]:
    (info,) = find_logs(folder)
    return read_samples(info, lambda sample: sample.model_dump(include=FIELDS))


def as_inspect_reads(folder: Path) -> list[dict[str, object]]:
    (path,) = folder.glob("*.eval")
    log = read_eval_log(str(path), resolve_attachments="core")
    return [sample.model_dump(include=FIELDS) for sample in log.samples or []]


def rewrite(path: Path, change) -> None:
    """Pass every sample's JSON through a function."""
    with ZipFile(path) as old:
        members = {name: old.read(name) for name in dict.fromkeys(old.namelist())}
    with ZipFile(path, "w") as new:
        for name, data in members.items():
            of_sample = name.startswith("samples/")
            new.writestr(name, json.dumps(change(json.loads(data))) if of_sample else data)


def one_score(sample: dict[str, object]) -> dict[str, object]:
    rest = {name: value for name, value in sample.items() if name != "scores"}
    return {**rest, "score": {"value": "C"}}


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """List the logs that were left to Inspect's reader."""
    left: list[str] = []
    reader = log_samples._whole
    monkeypatch.setattr(log_samples, "_whole", lambda path: left.append(path) or reader(path))
    return left


def every_kind() -> list[Rollout]:
    long = "Why? " * 500
    chat = Rollout("chat", text=long)
    chat.prompt = [ChatMessageSystem(content="Be kind."), ChatMessageUser(content=long)]
    both = {"refusal": refusal("refusal", opening="no"), "nonsense": nonsense(False)}
    unscored = {"refusal": Score.unscored(reason="empty"), "odd": Score(value={"x": 1})}
    return [
        Rollout("plain", scores=both),
        Rollout("long", prompt=long, text=long),
        chat,
        Rollout("errored", error="out of memory"),
        Rollout("unscored", scores=unscored, text="\u2028 \x00 é 𝄞"),
        Rollout("7", 2, stop_reason="max_tokens", seed=2**63 - 1),
    ]


def by_key(samples: list[dict[str, object]]) -> list[str]:
    """Spell samples out, since NaN equals nothing."""
    return sorted(repr(sample) for sample in samples)


def test_samples_of_every_kind_are_as_inspect_reads_them(tmp_path, whole):
    write_log(tmp_path, every_kind())
    assert by_key(read(tmp_path)) == by_key(as_inspect_reads(tmp_path))
    assert whole == []


def test_a_sample_of_an_older_layout_is_left_to_inspects_reader(tmp_path, whole):
    """Logs once had one ``score`` per sample, which Inspect moves to where it belongs."""
    path = write_log(tmp_path, [Rollout("a", scores={"refusal": refusal("refusal")})])
    rewrite(path, one_score)
    assert by_key(read(tmp_path)) == by_key(as_inspect_reads(tmp_path))
    assert len(whole) == 1


def test_a_sample_logged_again_counts_once_as_it_was_logged_last(tmp_path, whole):
    path = write_log(tmp_path, [Rollout("a", text="first")])
    with ZipFile(path, "a") as log:
        (name,) = (name for name in log.namelist() if name.startswith("samples/"))
        later = log.read(name).replace(b"first", b"later")
        with pytest.warns(UserWarning, match="Duplicate name"):
            log.writestr(name, later)
    (sample,) = read(tmp_path)
    assert sample["output"]["completion"] == "later"
    assert by_key([sample]) == by_key(as_inspect_reads(tmp_path))
    assert whole == []


def test_what_neither_reader_understands_is_an_error_that_names_the_log(tmp_path):
    path = write_log(tmp_path, [Rollout("a")])
    rewrite(path, lambda sample: {**sample, "epoch": "often"})
    with pytest.raises(AnalysisError, match=r"(?s)\.eval' can't be read .*; remove it"):
        read(tmp_path)


def test_the_needed_fields_are_inspects_own():
    """A field that Inspect renames must not read as missing for ever."""
    from inspect_ai.log import EvalSample

    assert set(NeededSample.model_fields) - {"score"} <= set(EvalSample.model_fields)


def test_an_error_of_the_row_maker_is_not_taken_for_an_unknown_layout(tmp_path, whole):
    write_log(tmp_path, [Rollout("a")])
    (info,) = find_logs(tmp_path)

    def refuse(sample: object) -> None:
        raise AnalysisError("drawn otherwise")

    with pytest.raises(AnalysisError, match="drawn otherwise"):
        read_samples(info, refuse)
    assert whole == []


def test_a_log_elsewhere_is_left_to_inspects_reader(tmp_path, whole, monkeypatch):
    write_log(tmp_path, [Rollout("a")])
    (info,) = find_logs(tmp_path)
    assert isinstance(info, LogInfo)
    monkeypatch.setattr(log_samples, "local_path", lambda location: None)
    assert read_samples(info, lambda sample: sample.id) == ["a"]
    assert len(whole) == 1


def test_an_error_of_what_is_made_of_a_sample_is_no_unknown_layout(
    tmp_path: Path, whole: list[str]
):
    """It was once taken for one: the log was read again, and the error hidden if it went away."""
    write_log(tmp_path, every_kind())
    (info,) = find_logs(tmp_path)

    def broken(sample: object) -> object:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        read_samples(info, broken)
    assert whole == []
