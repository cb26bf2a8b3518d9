"""What the traces say of a rollout as a whole, or up to the token that decided a behaviour.

Log-probabilities of tokens add up to that of the rollout, so weights need one row per rollout.
Knows trace columns and texts. Refuses to know weights.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.deciding import tokens_to
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

Decided = tuple[str, int]
"""A reply, and how many of its characters decided a behaviour."""


def read_sums(path: Path, decided: Mapping[str, Mapping[str, Decided]]) -> dict[str, pd.DataFrame]:
    """Sum the log-probabilities and divergences of each sample's tokens, in one pass.

    Args:
        path: as of :func:`~harness.analysis.traces.read_traces`.
        decided: by scorer and ``sample_uuid``, where replies were decided.

    Returns:
        By scorer, and under ``WHOLE`` over all tokens: a row per ``sample_uuid``, with
        ``n_tokens``, ``FIGURES`` and the grid's columns, NaN where a file lacks one. A reply that
        a scorer did not decide early, or that took several calls, is summed to its end.

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


def _kept(
    chunk: TraceChunk, uuids: list[str], sizes: NDArray[np.intp], decided: Mapping[str, Decided]
) -> NDArray[np.intp]:
    """How many tokens of each rollout count, [rollouts]."""
    kept = sizes.copy()
    if not decided:
        return kept
    texts = chunk.tokens["token_text"].to_numpy(dtype=object)
    for i, uuid in enumerate(uuids):
        if uuid in decided:
            begin = chunk.starts[i]
            kept[i] = tokens_to(texts[begin : begin + sizes[i]].tolist(), *decided[uuid])
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
