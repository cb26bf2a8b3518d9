"""Reading trace files: which rows come, and what is said of files that can't be read."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from inspect_ai.log import EvalDataset, EvalLog, EvalSample, EvalSpec, write_eval_log

from harness.analysis.traces import read_traces
from harness.errors import AnalysisError
from harness.traces.file import TraceFile
from harness.traces.layout import VERSION_KEY
from tests.unit.test_traces_file import rollout


def write(folder: Path, name: str, *uuids: str) -> Path:
    file = TraceFile(folder / f"{name}.eval")
    file.add([rollout(uuid) for uuid in uuids])
    file.finish()
    return file.path


def with_metadata(path: Path, metadata: dict[bytes, bytes]) -> Path:
    pq.write_table(pq.read_table(path).replace_schema_metadata(metadata), path)
    return path


def uuids(path: Path) -> list[str]:
    return sorted(read_traces(path)["sample_uuid"].unique())


def test_a_folder_is_read_with_its_subfolders(tmp_path: Path):
    (tmp_path / "kind=a").mkdir()  # how other tools write a column's value
    write(tmp_path, "one", "a")
    write(tmp_path / "kind=a", "two", "b", "c")
    assert uuids(tmp_path) == ["a", "b", "c"]


def test_one_file_is_read_alone(tmp_path: Path):
    one = write(tmp_path, "one", "a")
    write(tmp_path, "two", "b")
    assert uuids(one) == ["a"]


def test_a_log_gets_the_rows_of_its_samples_from_whatever_file_of_its_folder(tmp_path: Path):
    write(tmp_path, "first", "a", "failed")
    write(tmp_path, "second", "b")
    samples = [EvalSample(id=u, epoch=1, uuid=u, input="", target="") for u in ("a", "b")]
    spec = EvalSpec(
        created="2026-01-01T00:00:00+00:00",
        task="t",
        dataset=EvalDataset(),
        model="amplified/tiny",
        config={},
    )
    log = tmp_path / "second.eval"
    write_eval_log(EvalLog(eval=spec, samples=samples, status="success"), str(log))
    assert uuids(log) == ["a", "b"]


def test_chosen_columns_come_beside_the_key(tmp_path: Path):
    frame = read_traces(write(tmp_path, "one", "a"), ["target_std"])
    assert list(frame.columns) == ["sample_uuid", "call", "position", "target_std"]


def test_a_column_that_no_file_has_is_named_with_those_that_there_are(tmp_path: Path):
    write(tmp_path, "one", "a")
    with pytest.raises(AnalysisError, match=r"no column tarqet_std; they have sample_uuid, .*_std"):
        read_traces(tmp_path, ["tarqet_std"])


def test_a_folder_without_traces_says_where_they_come_from(tmp_path: Path):
    with pytest.raises(AnalysisError, match=r"no traces for .*, unless -M traces=sums"):
        read_traces(tmp_path)


def test_a_path_that_does_not_exist_is_named(tmp_path: Path):
    with pytest.raises(AnalysisError, match=r"no file .*nowhere"):
        read_traces(tmp_path / "nowhere")


def test_another_schema_version_is_refused(tmp_path: Path):
    path = with_metadata(write(tmp_path, "one", "a"), {VERSION_KEY: b"2"})
    with pytest.raises(AnalysisError, match="schema version 2, and version 1 is read here"):
        read_traces(path)


def test_a_parquet_file_of_something_else_is_refused(tmp_path: Path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "x.traces.parquet")
    with pytest.raises(AnalysisError, match="not a trace file: it names no schema version"):
        read_traces(tmp_path)


def test_a_file_that_was_cut_off_is_told_by_its_name(tmp_path: Path):
    path = write(tmp_path, "one", "a")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(AnalysisError, match=r"one\.traces\.parquet' can't be read .*remove the"):
        read_traces(tmp_path)


def test_a_damaged_log_is_told_by_its_name(tmp_path: Path):
    write(tmp_path, "one", "a")
    (tmp_path / "one.eval").write_text("")
    with pytest.raises(AnalysisError, match=r"one\.eval' can't be read"):
        read_traces(tmp_path / "one.eval")
