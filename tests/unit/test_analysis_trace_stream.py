"""Reading traces in pieces gives what reading them at once gives."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.analysis.trace_stream import trace_chunks, trace_columns, trace_sums
from harness.analysis.traces import KEYS, read_traces
from harness.decoding.trace import TRACE_FIELDS
from harness.errors import AnalysisError
from harness.traces.file import TraceFile
from tests.unit.test_analysis_traces import write
from tests.unit.test_traces_file import rollout, with_grid

COLUMN = TRACE_FIELDS[3]
"""Figure 3: 3 at the first token, 103 at the second, 203 at the third."""


def write_lengths(folder: Path, *lengths: int) -> Path:
    file = TraceFile(folder / "some.eval")
    file.add([rollout(f"u{i}", tuple(range(n))) for i, n in enumerate(lengths)])
    file.finish()
    return file.path


def as_plain(tokens: pd.DataFrame) -> pd.DataFrame:
    return tokens.astype({"sample_uuid": str})


@pytest.mark.parametrize("n_tokens", [1, 2, 3, 100])
def test_chunks_of_any_size_join_to_what_is_read_at_once(tmp_path: Path, n_tokens: int):
    path = write_lengths(tmp_path, 1, 3, 2, 5, 1)
    chunks = list(trace_chunks(path, [COLUMN], n_tokens))
    joined = pd.concat([as_plain(chunk.tokens) for chunk in chunks], ignore_index=True)
    whole = read_traces(path, [COLUMN])
    pd.testing.assert_frame_equal(joined[whole.columns], as_plain(whole))
    assert sum(len(chunk.starts) for chunk in chunks) == 5


def test_no_rollout_is_cut_by_a_row_group_or_by_a_chunk(tmp_path: Path):
    path = write_lengths(tmp_path, 4, 4, 4)
    pq.write_table(pq.read_table(path), path, row_group_size=3)
    for chunk in trace_chunks(path, [COLUMN], 3):
        assert chunk.tokens["position"].iloc[chunk.starts].tolist() == [0] * len(chunk.starts)
        assert chunk.tokens["position"].iloc[-1] == 3


def test_figures_are_summed_over_the_tokens_of_each_rollout(tmp_path: Path):
    sums = trace_sums(write_lengths(tmp_path, 1, 3), [COLUMN])
    assert sums.values.tolist() == [["u0", 0, 1, 3.0], ["u1", 0, 3, 3.0 + 103.0 + 203.0]]


def test_sums_are_taken_in_double_precision(tmp_path: Path):
    """A float32 sum of 2^24 + 1 + 1 stays at 2^24."""
    path = write_lengths(tmp_path, 3)
    table = pq.read_table(path)
    at = table.schema.get_field_index(COLUMN)
    values = pa.array([2.0**24, 1.0, 1.0], pa.float32())
    pq.write_table(table.set_column(at, table.schema.field(at), values), path)
    assert trace_sums(path, [COLUMN])[COLUMN].tolist() == [2.0**24 + 2]


def test_what_a_file_did_not_measure_is_nan_and_never_0(tmp_path: Path):
    for name, alphas in (("one", (0.0, 1.0)), ("two", (1.0,))):
        file = TraceFile(tmp_path / f"{name}.eval")
        file.add([with_grid(name, *alphas)])
        file.finish()
    sums = trace_sums(tmp_path, ["logp_nats@0", "logp_nats@1"]).set_index("sample_uuid")
    assert sums["logp_nats@1"].to_dict() == {"one": -1.0, "two": -1.0}
    assert sums.loc["one", "logp_nats@0"] == 0.0
    assert np.isnan(sums.loc["two", "logp_nats@0"])
    assert {"logp_nats@0", "logp_nats@1"} <= set(trace_columns(tmp_path))


def test_keys_and_dictionaries_survive_several_files(tmp_path: Path):
    write(tmp_path, "one", "a", "b")
    write(tmp_path, "two", "c")
    assert trace_sums(tmp_path, [])["sample_uuid"].tolist() == ["a", "b", "c"]
    assert list(next(trace_chunks(tmp_path, [])).tokens.columns) == KEYS


def test_a_copied_file_is_refused_instead_of_counted_twice(tmp_path: Path):
    path = write(tmp_path, "one", "a")
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / path.name).write_bytes(path.read_bytes())
    with pytest.raises(AnalysisError, match="hold the same rollouts: remove the copies"):
        trace_sums(tmp_path, [COLUMN])


def test_texts_are_no_figures(tmp_path: Path):
    with pytest.raises(AnalysisError, match="can't be summed over token_text"):
        trace_sums(write(tmp_path, "one", "a"), ["token_text"])


def test_unknown_columns_and_missing_traces_are_named_before_anything_is_read(tmp_path: Path):
    with pytest.raises(AnalysisError, match="no traces for"):
        trace_chunks(tmp_path, [])
    write(tmp_path, "one", "a")
    with pytest.raises(AnalysisError, match="no column tarqet_std"):
        trace_chunks(tmp_path, ["tarqet_std"])
