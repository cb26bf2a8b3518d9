"""One log's trace file: rows as they were measured, parts, and what an interruption leaves."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch

import harness
from harness.analysis.traces import read_traces
from harness.decoding.trace import SIDES, TRACE_FIELDS, Trace
from harness.traces.file import TraceFile
from harness.traces.rows import SampleCall, TracedRollout, rollout_table


def rollout(uuid: str = "u", ids: tuple[int, ...] = (7, 8), **given: Any) -> Any:
    """Lay out a rollout whose figure number f at token t is 100 t + f."""
    tokens = torch.arange(len(ids)).unsqueeze(-1)
    figures = (100 * tokens + torch.arange(len(TRACE_FIELDS))).float()
    known: dict[str, Any] = {
        "message_id": "m",
        "model": "amplified/tiny@1.5",
        "pair": "tiny",
        "alpha": 1.5,
        "constraint": "none",
        "seed": 2**63,
        "stop_reason": "stop",
        "ids": ids,
        "texts": [f"<{i}>" for i in ids],
        "trace": Trace(figures),
    }
    of = SampleCall(sample_uuid=uuid, sample_id="s", epoch=2, call=0)
    return rollout_table(of, TracedRollout(**{**known, **given}))


def with_grid(uuid: str, *alphas: float) -> Any:
    """Lay out a rollout of one token with log-probability -alpha at each alpha."""
    grid = -torch.tensor([alphas])
    trace = Trace(torch.zeros(1, len(TRACE_FIELDS)), alphas, grid)
    return rollout(uuid, (7,), trace=trace)


def with_best(uuid: str) -> Any:
    """Lay out a rollout of one token, of whose vocabulary of two tokens all are known."""
    likely = torch.tensor([4.0, 3, -1, -1, -1, -0.5, -1.5, 0, 0, 0])
    trace = Trace(torch.zeros(1, len(TRACE_FIELDS)), best=likely.repeat(3).unsqueeze(0))
    return rollout(uuid, (7,), trace=trace, best_texts={one: [["<4>", "<3>"]] for one in SIDES})


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.fixture
def file(tmp_path: Path) -> TraceFile:
    return TraceFile(tmp_path / "2026_refusal_v1.5_x.eval")


def test_a_token_is_a_row_and_a_figure_a_column(file: TraceFile):
    file.add([rollout()])
    file.finish()
    frame = read_traces(file.path)
    assert frame["token_id"].tolist() == [7, 8]
    assert frame["position"].tolist() == [0, 1]
    assert frame["token_text"].tolist() == ["<7>", "<8>"]
    for i, field in enumerate(TRACE_FIELDS):
        assert frame[field].tolist() == [i, 100 + i]
    assert frame["seed"].unique().tolist() == [2**63]
    assert frame[["sample_uuid", "sample_id", "epoch", "call", "alpha"]].iloc[1].tolist() == [
        "u",
        "s",
        2,
        0,
        1.5,
    ]


def test_the_figures_are_copied_so_that_the_batch_that_they_are_a_part_of_can_go():
    figures = torch.zeros(2, len(TRACE_FIELDS))
    table = rollout(trace=Trace(figures))
    figures.fill_(9)
    assert table["target_max"].to_pylist() == [0, 0]


def test_the_file_names_its_log_its_version_and_its_units(file: TraceFile):
    file.add([with_grid("u", 1.0)])
    file.finish()
    schema = pq.read_schema(file.path)
    assert file.path.name == "2026_refusal_v1.5_x.traces.parquet"
    assert schema.metadata[b"amplify.log"] == b"2026_refusal_v1.5_x.eval"
    assert schema.metadata[b"amplify.version"] == harness.__version__.encode()
    assert schema.metadata[b"amplify.schema_version"] == b"1"
    assert schema.field("target_logp_nats").metadata[b"unit"] == b"nats"
    assert schema.field("difference_var").metadata[b"unit"] == b"logits squared"
    assert schema.field("logp_nats@1").metadata[b"unit"] == b"nats"
    assert pq.ParquetFile(file.path).metadata.row_group(0).column(0).compression == "ZSTD"


def test_a_grid_is_a_column_per_alpha_and_rollouts_of_other_grids_have_nan_there(file: TraceFile):
    file.add([with_grid("a", 0.0, 1.5), rollout("b", (7,)), with_grid("c", 1.5, 2.0)])
    file.finish()
    frame = read_traces(file.path).set_index("sample_uuid")
    grid = frame[["logp_nats@0", "logp_nats@1.5", "logp_nats@2"]].to_numpy()
    expected = pd.DataFrame([[0, -1.5, None], [None] * 3, [None, -1.5, -2]], dtype="float32")
    pd.testing.assert_frame_equal(pd.DataFrame(grid), expected)


def test_the_likeliest_tokens_are_lists_and_rollouts_without_them_have_none(file: TraceFile):
    file.add([with_best("a"), rollout("b", (7,))])
    file.finish()
    frame = read_traces(file.path).set_index("sample_uuid")
    for side in SIDES:
        assert list(frame.loc["a", f"{side}_best_ids"]) == [4, 3]
        assert list(frame.loc["a", f"{side}_best_logps_nats"]) == [-0.5, -1.5]
        assert list(frame.loc["a", f"{side}_best_texts"]) == ["<4>", "<3>"]
        assert frame.loc["b", f"{side}_best_ids"] is None


def test_parts_with_other_grids_become_one_file(file: TraceFile):
    for uuid, alpha in (("a", 1.0), ("b", 2.0)):
        file.add([with_grid(f"{uuid}{i}", alpha) for i in range(32)])
    assert len(files_in(file.parts)) == 2
    file.finish()
    frame = read_traces(file.path)
    assert frame["sample_uuid"].tolist() == [f"{u}{i}" for u in "ab" for i in range(32)]
    assert frame["logp_nats@1"].isna().tolist() == [False] * 32 + [True] * 32
    assert frame["logp_nats@2"].isna().tolist() == [True] * 32 + [False] * 32


def test_a_finished_file_leaves_nothing_beside_it(file: TraceFile):
    for i in range(70):
        file.add([rollout(f"u{i}")])
    file.finish()
    assert files_in(file.path.parent) == [file.path.name]
    assert read_traces(file.path)["sample_uuid"].nunique() == 70


def test_without_rollouts_there_is_no_file(file: TraceFile):
    file.add([])
    file.finish()
    assert files_in(file.path.parent) == []


def test_what_a_killed_process_leaves_is_read_like_the_file(file: TraceFile):
    for i in range(70):
        file.add([rollout(f"u{i}")])
    # Killed here, in the middle of another part.
    (file.parts / "000002.parquet.tmp").write_bytes(b"PAR1")
    assert not file.path.exists()
    assert read_traces(file.path.parent)["sample_uuid"].nunique() == 64


def test_a_kill_between_the_file_and_the_removal_of_its_parts_doubles_nothing(
    file: TraceFile, monkeypatch: pytest.MonkeyPatch
):
    file.add([rollout(f"u{i}") for i in range(32)])
    monkeypatch.setattr("harness.traces.file.shutil.rmtree", lambda path: None)
    file.finish()
    assert files_in(file.parts)
    assert len(read_traces(file.path.parent)) == 64


def test_a_write_that_fails_leaves_no_file_and_loses_nothing(
    file: TraceFile, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    file.add([rollout("a")])
    with monkeypatch.context() as patch:
        patch.setattr(pq.ParquetWriter, "write_table", full)
        with pytest.raises(OSError, match="No space"):
            file.finish()
    assert not [name for name in files_in(file.path.parent) if name.endswith((".tmp", ".parquet"))]
    file.finish()
    assert read_traces(file.path)["sample_uuid"].unique().tolist() == ["a"]


def test_a_log_that_goes_on_keeps_what_it_had(file: TraceFile):
    file.add([rollout("a")])
    file.finish()
    file.add([rollout("b")])
    file.finish()
    assert read_traces(file.path)["sample_uuid"].unique().tolist() == ["a", "b"]
