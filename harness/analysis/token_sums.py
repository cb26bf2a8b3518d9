"""Tokens to sums per rollout and entropy band, a piece of a trace at a time.

Knows the figures of trace files. Refuses to know alphas' verdicts.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.trace_stream import trace_chunks, trace_columns
from harness.analysis.traces import sources

BAND_EDGES_NATS = (0.1, 0.5, 1.0, 2.0, 4.0)
"""Where one band of step entropies ends and the next begins."""
FIGURES = (
    "alpha",
    "sampling_logp_nats",
    "sampling_entropy_nats",
    "sampling_surprisal_var",
    "amplified_std",
    "target_std",
    "target_difference_cov",
    "difference_var",
)
"""Columns of trace files that are looked at; older files lack the entropy and the variance."""

# A token whose probability is 1 can't be surprising; what float32 leaves of that is far below.
CERTAIN_VARIANCE = 1e-12
SURPRISED_NATS = 0.1
MOST_NATS = 1e4
"""Stands for the surprisal of a token of probability 0."""

Floats = NDArray[np.float64]


def read_token_sums(log_dir: Path) -> pd.DataFrame | None:
    """Add up all tokens of a folder of logs; None where it holds no trace files.

    Raises:
        AnalysisError: if a trace file is damaged or of another version.
    """
    if not sources(log_dir).files:
        return None
    there = set(trace_columns(log_dir))
    asked = [name for name in FIGURES if name in there]
    return token_sums(chunk.tokens for chunk in trace_chunks(log_dir, asked))


def token_sums(pieces: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Add up each rollout's tokens by the entropy of their steps.

    The entropy is known before a token is drawn, so tokens may be grouped by it; grouped by the
    probability that they turned out to have, they would be chosen by the result.

    Args:
        pieces: tokens with ``sample_uuid`` and ``FIGURES``, of which some may be missing or null.

    Returns:
        One row per ``sample_uuid`` and ``band`` (0 is below the first edge), with ``n_tokens``
        and sums over tokens: ``entropy_nats``, ``surprisal_nats`` (-log p), ``variance`` (of the
        surprisal, nats squared), ``square`` (of surprisal minus entropy), ``n_impossible`` (tokens
        that could not be drawn), ``std`` (of the amplified logits) and
        ``std_asked`` (what it must be at the alpha that was asked for). NaN where a token lacks
        the figure.
    """
    found = [_piece(tokens) for tokens in pieces if len(tokens)]
    if not found:
        return pd.DataFrame({"sample_uuid": pd.Series(dtype=str)})
    # A rollout may go on in the next piece. Not a function of our own per group: 100,000 rollouts
    # make half a million groups of eight columns.
    by_band = pd.concat(found).groupby(["sample_uuid", "band"], sort=False)
    return by_band.sum(skipna=False).reset_index()


def _piece(tokens: pd.DataFrame) -> pd.DataFrame:
    figure = {name: _column(tokens, name) for name in FIGURES}
    entropy, variance = figure["sampling_entropy_nats"], figure["sampling_surprisal_var"]
    # A probability of 0 would make every sum infinite.
    surprisal = np.minimum(-figure["sampling_logp_nats"], MOST_NATS)
    excess = surprisal - entropy
    impossible = (variance <= CERTAIN_VARIANCE) & (np.abs(excess) > SURPRISED_NATS)
    impossible |= surprisal >= MOST_NATS
    figures = {
        "n_tokens": np.ones(len(tokens)),
        "entropy_nats": entropy,
        "surprisal_nats": surprisal,
        "variance": variance,
        "square": excess**2,
        "n_impossible": impossible.astype(np.float64),
        "std": figure["amplified_std"],
        "std_asked": _std_asked(figure),
    }
    n_bands = len(BAND_EDGES_NATS) + 1
    band = np.where(np.isnan(entropy), 0, np.digitize(entropy, BAND_EDGES_NATS))
    codes, names = pd.factorize(tokens["sample_uuid"].to_numpy(dtype=object))
    keys, index = np.unique(codes * n_bands + band, return_inverse=True)
    sums = {name: np.bincount(index, weights=values) for name, values in figures.items()}
    return pd.DataFrame({"sample_uuid": names[keys // n_bands], "band": keys % n_bands, **sums})


def _std_asked(figure: dict[str, Floats]) -> Floats:
    """``sqrt(var(t) + 2 alpha cov(t, d) + alpha^2 var(d))`` with the alpha of the model's name."""
    alpha = figure["alpha"]
    variance = (
        figure["target_std"] ** 2
        + 2 * alpha * figure["target_difference_cov"]
        + alpha**2 * figure["difference_var"]
    )
    return np.sqrt(np.maximum(variance, 0))


def _column(tokens: pd.DataFrame, name: str) -> Floats:
    if name not in tokens:
        return np.full(len(tokens), np.nan)
    return tokens[name].to_numpy(dtype=np.float64)
