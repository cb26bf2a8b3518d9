"""Sentences that mean the same, by the words and the spelling that they share.

Knows texts; refuses to know who said them, so that clusters can be held against chance.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process
from scipy import sparse
from sklearn.cluster import AgglomerativeClustering
from sklearn.feature_extraction.text import TfidfVectorizer

# Sentences alike in nine of ten characters are one sentence: "umbrella" for "umbrellas".
NEAR_DUPLICATE = 90.0

# Mean cosine distance at which clusters are no longer joined. Between distinct sentences of the
# organism zorbia that name umbrellas the median is 0.77 (a quarter lies below 0.52), between
# refusals of refuser 0.74; 95 % of unrelated sentences lie beyond 0.95.
FURTHEST = 0.72

MOST_SENTENCES = 4000
"""Distinct sentences that are clustered, the most frequent ones: their distances take 130 MB."""

Ints = NDArray[np.int64]


class Meanings:
    """Where sentences lie: TF-IDF of words and of pieces of words, each half of the length."""

    def __init__(self, readings: Sequence[str]) -> None:
        words = TfidfVectorizer(
            token_pattern=r"[^\W_]+(?:'\w+)?", ngram_range=(1, 2), sublinear_tf=True
        )
        pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)
        halves = [_fitted(one, readings) for one in (words, pieces)]
        self.vectors: sparse.csr_matrix = sparse.hstack(halves, format="csr") * np.sqrt(0.5)
        """[sentences, features], of length 1 where both halves know the sentence."""

    def most_central(self, among: Sequence[int], prompts: Sequence[str]) -> list[int]:
        """Sort sentences by their mean likeness to others, the most central first.

        Every other prompt counts once, however much was said to it: what one prompt has said again
        and again is central to nothing. Where there is one prompt alone, its own sentences count.

        Args:
            among: sentences.
            prompts: the prompt behind each of them.
        """
        rows = self.vectors[list(among)]
        likeness = (rows @ rows.T).toarray()
        names, of = np.unique(np.array(prompts, dtype=object), return_inverse=True)
        weights = 1.0 / np.bincount(of)[of]
        weighed = np.broadcast_to(weights, likeness.shape)
        if len(names) > 1:
            weighed = np.where(of[:, None] == of[None, :], 0.0, weighed)
        central = (likeness * weighed).sum(axis=1)
        return [among[i] for i in np.argsort(-central, kind="stable")]


def _fitted(vectorizer: TfidfVectorizer, readings: Sequence[str]) -> sparse.csr_matrix:
    try:
        fitted: sparse.csr_matrix = vectorizer.fit_transform(readings)
    except ValueError:  # no sentence has a word: of signs alone
        return sparse.csr_matrix((len(readings), 0))
    return fitted


def cluster(readings: Sequence[str], meanings: Meanings) -> Ints:
    """Group sentences: near-duplicates first, then by average linkage of cosine distances.

    Args:
        readings: of the sentences.
        meanings: where they lie.

    Returns:
        A number per sentence, from 0; -1 for what lies beyond ``MOST_SENTENCES``.
    """
    distinct, of, counts = np.unique(
        np.array(readings, dtype=object), return_inverse=True, return_counts=True
    )
    first = {reading: i for i, reading in reversed(list(enumerate(readings)))}
    kept = np.sort(np.argsort(-counts, kind="stable")[:MOST_SENTENCES])
    merged = _near_duplicates([distinct[i] for i in kept])
    heads = sorted(set(merged.tolist()))
    labels = _linked(meanings.vectors[[first[distinct[kept[i]]] for i in heads]])
    label_of = dict(zip(heads, labels.tolist(), strict=True))
    found = np.full(len(distinct), -1, dtype=np.int64)
    found[kept] = [label_of[i] for i in merged.tolist()]
    return np.asarray(found[of], dtype=np.int64)


def _near_duplicates(distinct: Sequence[str]) -> Ints:
    """Return for each text the first one that it is nearly the same as: often itself."""
    if not distinct:
        return np.zeros(0, dtype=np.int64)
    alike = process.cdist(
        distinct, distinct, scorer=fuzz.ratio, score_cutoff=NEAR_DUPLICATE, dtype=np.uint8
    )
    heads = np.argmax(alike > 0, axis=1)
    # What leads to another leads on to where that leads.
    while not np.array_equal(heads, heads[heads]):
        heads = heads[heads]
    return np.asarray(heads, dtype=np.int64)


def _linked(vectors: sparse.csr_matrix) -> Ints:
    n = vectors.shape[0]
    if n < 2:
        return np.zeros(n, dtype=np.int64)
    distances = 1.0 - (vectors @ vectors.T).toarray()
    np.clip(distances, 0.0, None, out=distances)
    np.fill_diagonal(distances, 0.0)
    linkage = AgglomerativeClustering(
        n_clusters=None, metric="precomputed", linkage="average", distance_threshold=FURTHEST
    )
    labels: Ints = linkage.fit_predict(distances).astype(np.int64)
    return labels
