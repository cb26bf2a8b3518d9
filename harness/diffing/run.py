"""A scan that can be stopped: records in parts, and beside them what has been summed so far.

A folder holds one scan, of one pair over one corpus, and says which.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq

from harness.diffing.corpus import Corpus
from harness.diffing.records import to_table
from harness.diffing.scan import Scanned, scan
from harness.diffing.sums import TokenSums
from harness.errors import ConfigurationError, DatasetError
from harness.pairs.loading import LoadedPair

# A part of 64 prompts with two replies of 48 tokens has 6,000 rows, 0.2 MB, and what is summed
# beside it takes 4 MB over a vocabulary of 49,152; a killed process loses half a minute.
_PROMPTS_PER_PART = 64

_STATE = "sums.npz"


class _Progress(NamedTuple):
    """How far a folder's scan has come."""

    n_prompts: int
    n_parts: int


def run_scan(
    pair: LoadedPair,
    corpus: Corpus,
    folder: Path,
    tell: Callable[[int], object] = lambda n: None,
) -> TokenSums:
    """Scan a corpus, or the rest of it where an earlier call stopped.

    Args:
        pair: whose weights are in memory.
        corpus: what is read.
        folder: where records go (:func:`harness.diffing.records.read_records` reads them).
        tell: is told how many tokens have been read.

    Returns:
        What was summed over all prompts.

    Raises:
        ConfigurationError: if the folder holds another scan.
        DatasetError: if there is nothing to read.
        UnsupportedRequest: if only the likeliest tokens of a side are known.
    """
    if not corpus.prompts:
        raise DatasetError(f"the corpus {corpus.name} is empty: there is nothing to scan")
    sums = TokenSums(pair.model.vocab_size, pair.model.device)
    key = f"{pair.fingerprint}-{corpus.fingerprint}"
    (folder / "parts").mkdir(parents=True, exist_ok=True)
    start, part = _restore(folder / _STATE, key, sums)
    tell(sum(one.n_tokens for one in corpus.prompts[:start]))
    waiting: list[Scanned] = []
    for scanned in scan(pair.model, corpus.replies, sums, start):
        waiting.append(scanned)
        tell(corpus.prompts[scanned.place].n_tokens)
        last = scanned.place == len(corpus.prompts) - 1
        if len(waiting) >= _PROMPTS_PER_PART or last:
            _write_part(folder, part, corpus, waiting, pair)
            part += 1
            _save(folder / _STATE, key, sums, _Progress(scanned.place + 1, part))
            waiting = []
    return sums


def _write_part(
    folder: Path, number: int, corpus: Corpus, scanned: Sequence[Scanned], pair: LoadedPair
) -> None:
    path = folder / "parts" / f"{number:06}.parquet"
    partial = path.with_suffix(".partial")
    pq.write_table(to_table(corpus.prompts, scanned, pair.chat.tokens), partial)
    os.replace(partial, path)


def _save(path: Path, key: str, sums: TokenSums, done: _Progress) -> None:
    """Write the state whole or not at all; parts beyond it are written again."""
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        state = {"key": np.array(key), "progress": np.array(done), **sums.state()}
        np.savez(file, **state)  # type: ignore[arg-type]  # numpy's own keyword is a bool
    os.replace(partial, path)


def _restore(path: Path, key: str, sums: TokenSums) -> _Progress:
    if not path.exists():
        return _Progress(0, 0)
    try:
        with np.load(path) as state:
            found = str(state["key"])
            if found == key:
                sums.restore(state)
                return _Progress(*map(int, state["progress"]))
    except (OSError, ValueError, KeyError) as error:
        raise ConfigurationError(f"{path} can't be read ({error}); give another --out") from error
    raise ConfigurationError(
        f"{path.parent} holds a scan of other weights or another corpus ({found}, and this is "
        f"{key}); give another --out"
    )
