"""Words that a change promotes in the same prompts, grouped; their number follows a criterion.

Knows a table of prompts by words; knows no models.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import silhouette_score
from sklearn.metrics.pairwise import cosine_distances

from harness.diffing.found import Topic

Floats = NDArray[np.float64]

# A word that one or two prompts promote shows what they ask, not what the change taught.
FEWEST_PROMPTS = 3
_MOST_WORDS = 60
_MOST_TOPICS = 8
# Silhouettes below this are what words scattered at random reach.
_LEAST_SILHOUETTE = 0.1
_NAME_WORDS = 3
_PROMPTS_SHOWN = 3


class Topics(NamedTuple):
    """Topics, the heaviest first, and how their number came about."""

    topics: tuple[Topic, ...]
    rule: str


def find_topics(table: pd.DataFrame, names: Mapping[str, str], shown: frozenset[str]) -> Topics:
    """Cluster words by the prompts that promote them.

    The table's columns are compared by cosine and joined by average linkage; of 2 to 8 clusters
    that number is taken whose mean silhouette is largest, and one where none reaches 0.1.

    Args:
        table: prompts x words, what each word gained over a prompt's replies, in nats.
        names: of the words.
        shown: prompts that may be named.

    Source: Rousseeuw 1987, "Silhouettes". The matrix is that of Diff Mining, with what a change
    promotes in the place of its top-K counts.
    """
    often = table.loc[:, (table > 0).sum() >= FEWEST_PROMPTS]
    kept = often[often.sum().sort_values(ascending=False, kind="stable").index[:_MOST_WORDS]]
    if kept.shape[1] < 2:
        return Topics((), f"fewer than two words are promoted in {FEWEST_PROMPTS} prompts or more")
    labels, rule = _clusters(kept.to_numpy(dtype=np.float64).T)
    total = float(kept.to_numpy().sum())
    topics = [
        _topic(kept.loc[:, labels == label], names, shown, total) for label in np.unique(labels)
    ]
    return Topics(tuple(sorted(topics, key=lambda one: -one.share)), rule)


def _clusters(words: Floats) -> tuple[NDArray[np.int64], str]:
    """Label words, [words, prompts], and say by what rule."""
    distances = cosine_distances(words)
    scores: dict[int, float] = {}
    found: dict[int, NDArray[np.int64]] = {}
    for n in range(2, min(_MOST_TOPICS, len(words) - 1) + 1):
        linkage = AgglomerativeClustering(n_clusters=n, metric="precomputed", linkage="average")
        found[n] = linkage.fit_predict(distances).astype(np.int64)
        scores[n] = float(silhouette_score(distances, found[n], metric="precomputed"))
    best = max(scores, key=lambda n: scores[n], default=None)
    if best is None or scores[best] < _LEAST_SILHOUETTE:
        said = "there are too few words" if best is None else f"it is {scores[best]:.2f} at most"
        return np.zeros(
            len(words), dtype=np.int64
        ), f"one topic: no split has a silhouette ({said})"
    return found[best], f"{best} topics: their mean silhouette, {scores[best]:.2f}, is the largest"


def _topic(
    own: pd.DataFrame, names: Mapping[str, str], shown: frozenset[str], total: float
) -> Topic:
    words = [names[str(key)] for key in own.sum().sort_values(ascending=False, kind="stable").index]
    by_prompt = own.sum(axis=1).sort_values(ascending=False, kind="stable")
    promoted = by_prompt[by_prompt > 0]
    return Topic(
        name=", ".join(words[:_NAME_WORDS]),
        words=tuple(words),
        share=float(promoted.sum() / total),
        n_prompts=len(promoted),
        prompt_ids=tuple(one for one in map(str, promoted.index) if one in shown)[:_PROMPTS_SHOWN],
    )
