"""Vectors of passages by latent semantic analysis, learned from the passages themselves.

Words and, for longer words, their runs of four letters are hashed into features, so that
compounds and other endings come near each other; tf-idf (1 + ln tf) over passages, then the first
singular vectors. Source: Deerwester et al., "Indexing by Latent Semantic Analysis" (1990).
"""

import zlib
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEATURES = 1 << 16
DIMENSIONS = 128
MOST_FITTED = 4_000
FEWEST_FITTED = 8
_MOST_DENSE = 1_000
_GRAM = 4
_GRAM_WEIGHT = 0.5

Counts = dict[int, float]


@lru_cache(maxsize=200_000)
def _features_of(word: str) -> tuple[tuple[int, float], ...]:
    found = [(zlib.crc32(word.encode()) % FEATURES, 1.0)]
    if len(word) > _GRAM:
        padded = f"#{word}#"
        found += [(zlib.crc32(padded[at:at + _GRAM].encode()) % FEATURES, _GRAM_WEIGHT)
                  for at in range(len(padded) - _GRAM + 1)]
    return tuple(found)


def count_features(words: Sequence[str]) -> Counts:
    """By hashed feature, how often a passage has it, runs of letters counted half."""
    found: Counts = {}
    for word, count in Counter(words).items():
        for feature, weight in _features_of(word):
            found[feature] = found.get(feature, 0.0) + weight * count
    return found


class Lsa:
    """What was learned: the weight of each feature, and where it points."""

    def __init__(self, idf: NDArray[np.float32], directions: NDArray[np.float32]) -> None:
        self._idf, self._directions = idf, directions
        self.dimensions = directions.shape[1]

    @classmethod
    def fit(cls, taken: Sequence[Counts], seed: int = 0) -> "Lsa | None":
        """Learned from passages; None if they are fewer than FEWEST_FITTED."""
        if len(taken) < FEWEST_FITTED:
            return None
        matrix = _matrix(taken)
        found = np.asarray((matrix > 0).sum(axis=0)).ravel()
        idf = (np.log((1 + len(taken)) / (1 + found)) + 1).astype(np.float32)
        weighted = _weigh(matrix, idf)
        size = min(DIMENSIONS, len(taken) - 1)
        if len(taken) <= _MOST_DENSE:
            return cls(idf, _directions(weighted, size))
        from sklearn.decomposition import TruncatedSVD
        svd = TruncatedSVD(size, n_iter=2, random_state=seed).fit(weighted)
        return cls(idf, np.ascontiguousarray(svd.components_.T.astype(np.float32)))

    def embed(self, passages: Sequence[Counts]) -> NDArray[np.float32]:
        """A unit vector for each passage, zero for one without a known feature."""
        if not passages:
            return np.zeros((0, self.dimensions), np.float32)
        vectors = _weigh(_matrix(passages), self._idf) @ self._directions
        sizes = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.where(sizes > 1e-9, sizes, 1), np.float32)


def _directions(weighted: Any, size: int) -> NDArray[np.float32]:
    """The first singular vectors of few passages, exactly, by the products between them."""
    values, sides = np.linalg.eigh((weighted @ weighted.T).toarray().astype(float))
    first = np.argsort(-values)[:size]
    first = first[values[first] > 1e-9]
    return np.ascontiguousarray(
        weighted.T @ (sides[:, first] / np.sqrt(values[first])), dtype=np.float32)


def _matrix(passages: Sequence[Counts]) -> Any:
    from scipy.sparse import csr_matrix
    ends = np.cumsum([0, *(len(each) for each in passages)])
    columns = np.fromiter((feature for each in passages for feature in each), np.int32, ends[-1])
    values = np.fromiter((count for each in passages for count in each.values()), np.float32,
                         ends[-1])
    return csr_matrix((values, columns, ends), shape=(len(passages), FEATURES))


def _weigh(matrix: Any, idf: NDArray[np.float32]) -> Any:
    """1 + ln tf (tf below 1 stays), times idf, rows of length 1."""
    weighted = matrix.copy()
    weighted.data = np.where(weighted.data > 1, 1 + np.log(np.maximum(weighted.data, 1)),
                             weighted.data)
    weighted = weighted.multiply(idf[None, :]).tocsr()
    sizes = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1))).ravel()
    sizes[sizes == 0] = 1
    weighted.data /= np.repeat(sizes, np.diff(weighted.indptr))
    return weighted.astype(np.float32)
