"""A full-text index that grows and shrinks by passages; BM25 scores.

score = sum over query words of idf × tf (k1 + 1) / (tf + k1 (1 - b + b length / mean length)),
idf = ln(1 + (N - df + 0.5) / (df + 0.5)). Source: Robertson and Zaragoza, "The Probabilistic
Relevance Framework: BM25 and Beyond" (2009), in the form of Apache Lucene.
"""

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

K1, B = 1.2, 0.75
_MOST_REPEATS = 65_535


class FullText:
    """Rows are numbered in the order they come; a removed row's number is not used again."""

    def __init__(self) -> None:
        self._terms: dict[str, int] = {}
        self._rows: list[array[int]] = []
        self._counts: list[array[int]] = []
        self._lengths: array[int] = array("I")
        self._alive = bytearray()
        self._count, self._total = 0, 0

    def __len__(self) -> int:
        return self._count

    @property
    def rows(self) -> int:
        """Rows ever added, removed ones included."""
        return len(self._alive)

    def add(self, words: Sequence[str]) -> int:
        """The number of the new row."""
        row = len(self._alive)
        for word, count in Counter(words).items():
            term = self._terms.setdefault(word, len(self._rows))
            if term == len(self._rows):
                self._rows.append(array("I"))
                self._counts.append(array("H"))
            self._rows[term].append(row)
            self._counts[term].append(min(count, _MOST_REPEATS))
        self._lengths.append(len(words))
        self._alive.append(1)
        self._count += 1
        self._total += len(words)
        return row

    def remove(self, row: int) -> None:
        """Take a row out."""
        if self._alive[row]:
            self._alive[row] = 0
            self._count -= 1
            self._total -= self._lengths[row]

    def is_alive(self) -> NDArray[np.bool_]:
        """By row, whether it is still there."""
        return np.array(np.frombuffer(self._alive, np.uint8), dtype=bool)

    def weigh(self, words: Iterable[str]) -> dict[str, float]:
        """Each word's idf; one that no row has weighs as much as one of a single row would."""
        weights = {}
        for word in dict.fromkeys(words):
            held = self._held(word)
            found = 0 if held is None else int(held[2].sum())
            rows = max(self._count, 1)
            found = max(found, 1)
            weights[word] = math.log(1 + (rows - found + 0.5) / (found + 0.5))
        return weights

    def score(self, words: Iterable[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """By row: its BM25 score (0 without any of the words), and the share of the words'
        weight that it has."""
        scores, shares = np.zeros(self.rows), np.zeros(self.rows)
        weights = self.weigh(words)
        whole = sum(weights.values())
        if not self._count or not whole:
            return scores, shares
        mean = max(self._total / self._count, 1e-9)
        lengths = np.frombuffer(self._lengths, np.uint32)
        for word, weight in weights.items():
            held = self._held(word)
            if held is None:
                continue
            rows, counts, alive = held
            rows, counts = rows[alive], counts[alive].astype(float)
            scores[rows] += weight * counts * (K1 + 1) / (
                counts + K1 * (1 - B + B * lengths[rows] / mean))
            shares[rows] += weight / whole
        return scores, shares

    def _held(self, word: str) -> (
            tuple[NDArray[np.uint32], NDArray[np.uint16], NDArray[np.bool_]] | None):
        term = self._terms.get(word)
        if term is None:
            return None
        rows = np.frombuffer(self._rows[term], np.uint32)
        alive = np.frombuffer(self._alive, np.uint8)[rows].astype(bool)
        return rows, np.frombuffer(self._counts[term], np.uint16), alive
