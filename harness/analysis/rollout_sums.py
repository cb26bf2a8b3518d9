"""What the traces say of a rollout as a whole, or up to the token that decided a behaviour.

Log-probabilities of tokens add up to that of the rollout, so weights need one row per rollout.
Knows trace columns and texts. Refuses to know weights.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.trace_stream import TraceChunk, trace_chunks, trace_columns
from harness.traces.layout import GRID_PREFIX

WHOLE = ""
"""The key of the sums over all tokens."""

FIGURES = (
    "target_logp_nats",
    "baseline_logp_nats",
    "sampling_logp_nats",
    "kl_target_baseline_nats",
    "kl_amplified_target_nats",
)

Prefixes = Mapping[str, str]
"""By ``sample_uuid``: the reply up to where a behaviour was decided."""


def read_sums(path: Path, decided: Mapping[str, Prefixes]) -> dict[str, pd.DataFrame]:
    """Sum the log-probabilities and divergences of each sample's tokens, in one pass.

    Args:
        path: as of :func:`~harness.analysis.traces.read_traces`.
        decided: by scorer, where replies were decided.

    Returns:
        By scorer, and under ``WHOLE`` over all tokens: a row per ``sample_uuid``, with
        ``n_tokens``, ``FIGURES`` and the grid's columns, NaN where a file lacks one. A reply that
        a scorer did not decide early, whose tokens don't spell its text (a character in two
        tokens), or that took several calls is summed to its end.

    Raises:
        AnalysisError: as ``trace_chunks`` does.
    """
    grid = [name for name in trace_columns(path) if name.startswith(GRID_PREFIX)]
    figures = [*FIGURES, *grid]
    texts = ["token_text"] if any(decided.values()) else []
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in (WHOLE, *decided)}
    for chunk in trace_chunks(path, [*figures, *texts]):
        uuids = chunk.tokens["sample_uuid"].iloc[chunk.starts].astype(str).tolist()
        sizes = np.diff(chunk.starts, append=len(chunk.tokens))
        for name, found in parts.items():
            kept = _kept(chunk, uuids, sizes, decided[name]) if name else sizes
            found.append(_summed(chunk, figures, kept).assign(sample_uuid=uuids))
    whole = pd.concat(parts[WHOLE], ignore_index=True)
    repeated = set(whole["sample_uuid"][whole["sample_uuid"].duplicated()])
    for name in decided:
        rows = pd.concat(parts[name], ignore_index=True)
        parts[name] = [rows.where(~rows["sample_uuid"].isin(repeated), whole)]
    return {name: _per_sample(found) for name, found in parts.items()}


def deciding_token(texts: Sequence[str], prefix: str) -> int | None:
    """Count the tokens that spell a reply's beginning; None where they spell something else."""
    spelled, wanted = "", prefix.lstrip()
    for n, text in enumerate(texts, start=1):
        spelled = (spelled + text).lstrip() if not spelled else spelled + text
        if len(spelled) >= len(wanted):
            return n if spelled.startswith(wanted) else None
    return None


def _kept(
    chunk: TraceChunk, uuids: list[str], sizes: NDArray[np.intp], prefixes: Prefixes
) -> NDArray[np.intp]:
    """How many tokens of each rollout count, [rollouts]."""
    kept = sizes.copy()
    texts = chunk.tokens["token_text"].to_numpy(dtype=object)
    for i, uuid in enumerate(uuids):
        if uuid in prefixes:
            begin = chunk.starts[i]
            n = deciding_token(texts[begin : begin + sizes[i]].tolist(), prefixes[uuid])
            kept[i] = sizes[i] if n is None else n
    return kept


def _summed(chunk: TraceChunk, figures: list[str], kept: NDArray[np.intp]) -> pd.DataFrame:
    n_tokens = len(chunk.tokens)
    sizes = np.diff(chunk.starts, append=n_tokens)
    place = np.arange(n_tokens) - np.repeat(chunk.starts, sizes)
    ignored = np.flatnonzero(place >= np.repeat(kept, sizes))
    sums = {}
    for name in figures:
        values = chunk.tokens[name].to_numpy(dtype=np.float64, copy=True)
        values[ignored] = 0.0
        sums[name] = np.add.reduceat(values, chunk.starts)
    return pd.DataFrame({"n_tokens": kept, **sums})


def _per_sample(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Add up the calls of a sample: each was drawn given those before it."""
    rows = pd.concat(parts, ignore_index=True)
    if rows["sample_uuid"].is_unique:
        return rows.set_index("sample_uuid")
    return rows.groupby("sample_uuid", sort=False).sum(skipna=False)
