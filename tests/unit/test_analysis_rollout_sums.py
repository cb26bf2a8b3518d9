"""Trace figures summed per rollout: to its end, or up to the token that decided."""

from pathlib import Path

import torch

from harness.analysis.rollout_sums import FIGURES, WHOLE, read_sums
from harness.decoding.trace import TRACE_FIELDS, Trace
from harness.traces.file import TraceFile
from tests.unit.test_traces_file import rollout


def spelled(uuid: str, *texts: str, call: int = 0):
    """A rollout whose every figure, and whose column of alpha 1.5, is 1, 2, 4, ... by token."""
    powers = 2.0 ** torch.arange(len(texts)).unsqueeze(-1)
    trace = Trace(powers.repeat(1, len(TRACE_FIELDS)), (1.5,), powers)
    table = rollout(uuid, tuple(range(len(texts))), texts=list(texts), trace=trace)
    place = table.column_names.index("call")
    column = table.column(place).combine_chunks().cast("int64").to_pandas() * 0 + call
    import pyarrow as pa

    return table.set_column(place, table.schema.field(place), pa.array(column, pa.int32()))


def write(folder: Path, *tables) -> Path:
    file = TraceFile(folder / "some.eval")
    file.add(list(tables))
    file.finish()
    return file.path


def test_all_tokens_are_summed_where_nothing_is_decided(tmp_path: Path):
    path = write(tmp_path, spelled("a", "I", " can", "'t"), spelled("b", "Yes"))
    sums = read_sums(path, {})[WHOLE]
    assert sums.index.tolist() == ["a", "b"]
    for name in (*FIGURES, "logp_nats@1.5"):
        assert sums[name].tolist() == [7, 1]
    assert sums["n_tokens"].tolist() == [3, 1]


def test_tokens_after_the_deciding_phrase_are_left_out_for_its_scorer_only(tmp_path: Path):
    path = write(tmp_path, spelled("a", "I", " can", "'t", " do"), spelled("b", "Yes", "."))
    sums = read_sums(path, {"refusal": {"a": ("I can't do", 5)}})
    assert sums["refusal"]["target_logp_nats"].tolist() == [3, 3]
    assert sums[WHOLE]["target_logp_nats"].tolist() == [15, 3]
    assert sums["refusal"]["n_tokens"].tolist() == [2, 2]


def test_a_scorer_that_decided_no_reply_early_is_summed_like_all_tokens(tmp_path: Path):
    """It read texts that were not asked for, so no rate of such a scorer could be told."""
    path = write(tmp_path, spelled("a", "I", " can", "'t"), spelled("b", "Yes"))
    sums = read_sums(path, {"nonsense": {}})
    assert sums["nonsense"].equals(sums[WHOLE])


def test_a_sample_of_several_calls_is_summed_to_its_end(tmp_path: Path):
    path = write(tmp_path, spelled("a", "I", " can"), spelled("a", "I", " do", call=1))
    sums = read_sums(path, {"refusal": {"a": ("I", 1)}})
    assert sums["refusal"]["target_logp_nats"].tolist() == [6]
    assert sums[WHOLE]["target_logp_nats"].tolist() == [6]
