"""The tokens of some rollouts with what each side made of them, from the trace files.

Reads row groups that hold one of the rollouts and no others, so that a large run costs what is
shown of it. Knows trace files; refuses to know which rollouts are fit to be shown.
"""

import itertools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from harness.analysis.traces import KEYS, damaged, schema_of, sources
from harness.errors import AnalysisError

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]
Number = TypeVar("Number", bound=np.generic)

SIDES = ("target", "baseline", "amplified")
N_LIKELIEST = 5


@dataclass(frozen=True, kw_only=True, eq=False)
class Likeliest:
    """The likeliest next tokens of one side at each position, falling."""

    texts: Ints
    """[tokens, 5], places in the vocabulary; -1 where there are fewer."""
    logps_nats: Floats
    """[tokens, 5], at temperature 1, before any constraint; NaN where there are fewer."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Tokens:
    """The tokens of one reply."""

    texts: Ints
    """Each token decoded by itself, [tokens], places in the vocabulary."""
    logps_nats: Mapping[str, Floats]
    """Log-probability of each token at temperature 1, [tokens], by side."""
    likeliest: Mapping[str, Likeliest] | None
    """By side; None where the trace file has no such columns."""

    def __len__(self) -> int:
        return len(self.texts)

    def between(self, start: int, end: int) -> "Tokens":
        """Cut some out, with their likeliest where all of them have any."""
        best = self.likeliest
        if best is not None and any((one.texts[start:end, 0] < 0).any() for one in best.values()):
            best = None
        return Tokens(
            texts=self.texts[start:end],
            logps_nats={side: logps[start:end] for side, logps in self.logps_nats.items()},
            likeliest=best
            and {
                side: Likeliest(texts=one.texts[start:end], logps_nats=one.logps_nats[start:end])
                for side, one in best.items()
            },
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class TokenTable:
    """Tokens by the ``sample_uuid`` of their rollouts, and what their texts are."""

    vocabulary: tuple[str, ...]
    rollouts: Mapping[str, Tokens]


_WANTED = pa.schema(
    [
        *zip(KEYS, [pa.string(), pa.int32(), pa.int32()], strict=True),
        ("token_text", pa.string()),
        *((f"{side}_logp_nats", pa.float32()) for side in SIDES),
        *((f"{side}_best_texts", pa.list_(pa.string())) for side in SIDES),
        *((f"{side}_best_logps_nats", pa.list_(pa.float32())) for side in SIDES),
    ]
)


def read_tokens(log_dir: Path, uuids: Collection[str]) -> TokenTable:
    """Read the tokens of some rollouts; those without a trace are left out.

    Where a task asked several times per sample, the tokens are those of the last answer.

    Args:
        log_dir: the folder that a sweep logged to.
        uuids: ``sample_uuid`` of the rollouts.

    Raises:
        AnalysisError: if a file is damaged, of another schema version, or a copy of another.
    """
    kept = pa.array(sorted(uuids), pa.string())
    groups = [group for file in sources(log_dir).files for group in _groups(file, kept)]
    if not groups:
        return TokenTable(vocabulary=(), rollouts={})
    table = pa.concat_tables(groups).sort_by([(key, "ascending") for key in KEYS])
    _refuse_copies(log_dir, table)
    vocabulary, whole = _tokens(table)
    return TokenTable(
        vocabulary=vocabulary,
        # Calls of a sample follow each other, so that the last one stays.
        rollouts={uuid: whole.between(start, end) for uuid, start, end in _answers(table)},
    )


def _groups(file: Path, kept: pa.Array) -> Iterator[pa.Table]:
    """Yield the rows of some rollouts from each row group that has any."""
    there = [name for name in _WANTED.names if name in schema_of(file).names]
    try:
        with pq.ParquetFile(file) as parquet:
            for i in range(parquet.num_row_groups):
                names = parquet.read_row_group(i, columns=["sample_uuid"])["sample_uuid"]
                wanted = pc.is_in(names, kept)
                if pc.any(wanted).as_py():
                    yield _filled(parquet.read_row_group(i, columns=there).filter(wanted))
    except (OSError, pa.ArrowException) as error:
        raise damaged(file, error) from error


def _filled(table: pa.Table) -> pa.Table:
    """Give a table all columns, with nulls in those that its file lacks."""
    for field in _WANTED:
        if field.name not in table.column_names:
            table = table.append_column(field, pa.nulls(len(table), field.type))
    return table.select(_WANTED.names).cast(_WANTED)


def _refuse_copies(log_dir: Path, table: pa.Table) -> None:
    keys = table.select(KEYS)
    if len(keys.group_by(KEYS).aggregate([])) < len(keys):
        raise AnalysisError(
            f"two trace files under {str(log_dir)!r} hold the same rollouts: remove the copies"
        )


def _answers(table: pa.Table) -> Iterator[tuple[str, int, int]]:
    """Yield the sample, the first row and the end of each call, in their order."""
    names, calls = table["sample_uuid"].to_numpy(), table["call"].to_numpy()
    new = (names[1:] != names[:-1]) | (calls[1:] != calls[:-1])
    starts = np.flatnonzero(np.append(True, new)).tolist()
    for start, end in itertools.pairwise([*starts, len(table)]):
        yield str(names[start]), start, end


def _tokens(table: pa.Table) -> tuple[tuple[str, ...], Tokens]:
    """Turn rows to arrays, and texts to places in a vocabulary."""
    lists = {side: table[f"{side}_best_texts"].combine_chunks() for side in SIDES}
    texts = pa.chunked_array(
        [*table["token_text"].chunks, *(lists[side].flatten() for side in SIDES)]
    )
    coded = texts.dictionary_encode().combine_chunks()
    codes = coded.indices.to_numpy().astype(np.int32)
    ends = np.cumsum([len(table), *(len(lists[side].flatten()) for side in SIDES)])
    own, *best = np.split(codes, ends[:-1])
    return tuple(coded.dictionary.to_pylist()), Tokens(
        texts=own,
        logps_nats={side: _floats(table[f"{side}_logp_nats"]) for side in SIDES},
        likeliest={
            side: Likeliest(
                texts=_matrix(lists[side], flat, np.int32(-1)),
                logps_nats=_logps(table[f"{side}_best_logps_nats"].combine_chunks()),
            )
            for side, flat in zip(SIDES, best, strict=True)
        },
    )


def _floats(column: pa.ChunkedArray) -> Floats:
    return np.asarray(column.to_numpy(), dtype=np.float32)


def _logps(column: pa.Array) -> Floats:
    flat = np.asarray(column.flatten().to_numpy(zero_copy_only=False), dtype=np.float32)
    return _matrix(column, flat, np.float32(np.nan))


def _matrix(lists: pa.Array, flat: NDArray[Number], missing: Number) -> NDArray[Number]:
    """Lay lists out as rows of five."""
    lengths = np.asarray(pc.fill_null(pc.list_value_length(lists), 0))
    column = np.arange(len(flat)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    row = np.repeat(np.arange(len(lists)), lengths)
    rows = np.full((len(lists), N_LIKELIEST), missing)
    kept = column < N_LIKELIEST
    rows[row[kept], column[kept]] = flat[kept]
    return rows
