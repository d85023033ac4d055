"""The index of one workspace's passages: full text and vectors, kept step by step."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from analytics.retrieval.full_text import FullText
from analytics.retrieval.fusion import best_rows, fuse_ranks
from analytics.retrieval.passages import Piece, cut_passages
from analytics.retrieval.vectors import FEWEST_FITTED, MOST_FITTED, Counts, Lsa, count_features
from analytics.retrieval.words import find_words

CANDIDATES = 100
_GROWTH = 2.0
_NEAR = 0.25
_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class Hit:
    """A found passage. ``share`` is the part of the query's weight whose words it has.

    ``ranks`` and ``scores`` are by ranking: "bm25" and, once there are vectors, "vector".
    ``is_near`` says that vectors made elsewhere found it near enough to be about the query.
    """

    document_id: str
    name: str
    position: int
    heading: str
    text: str
    score: float
    share: float
    ranks: Mapping[str, int] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)
    is_near: bool = False


@dataclass(frozen=True, slots=True)
class Near:
    """A query's vector made elsewhere, of unit length, and the cosine from which a passage is
    near it."""

    vector: NDArray[np.float32]
    least_cosine: float


@dataclass(frozen=True, slots=True)
class Nearest:
    """Cosines of the passages that a database found near a query, by document and position."""

    cosines: Mapping[tuple[str, int], float]


@dataclass(frozen=True, slots=True)
class _Row:
    document_id: str
    name: str
    piece: Piece

    def words(self) -> list[str]:
        """What the passage is found by: its document's name and its headings too."""
        return find_words(f"{self.name} {self.piece.heading}\n{self.piece.text}")

    def count(self) -> Counts:
        """Its features for vectors, counted anew: kept, they would take more than the texts."""
        return count_features(self.words())


class PassageIndex:
    """Safe to share between threads; a search sees whole documents only."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._text = FullText()
        self._rows: list[_Row | None] = []
        self._by_document: dict[str, list[int]] = {}
        self._lsa: Lsa | None = None
        self._vectors: NDArray[np.float32] = np.zeros((0, 0), np.float32)
        self._fitted = 0
        self._given: NDArray[np.float32] = np.zeros((0, 0), np.float32)
        self._lacking: set[str] = set()
        self._furnished: set[str] = set()

    def __len__(self) -> int:
        return len(self._text)

    @property
    def documents(self) -> frozenset[str]:
        """Ids of the documents that have passages here."""
        return frozenset(self._by_document)

    @property
    def lacking(self) -> frozenset[str]:
        """Ids of the documents whose passages have no vectors made elsewhere."""
        with self._turn:
            return frozenset(self._lacking)

    def passages_of(self, document_id: str) -> int:
        """How many passages a document has here."""
        return len(self._by_document.get(document_id, ()))

    @property
    def given_dimensions(self) -> int:
        """How many numbers a vector made elsewhere has, 0 while there is none."""
        return self._given.shape[1]

    @property
    def has_vectors(self) -> bool:
        """Whether vectors take part in a search."""
        return self._lsa is not None

    @property
    def wants_fit(self) -> bool:
        """Whether there are so many more passages than vectors were learned from that learning
        anew would pay."""
        return len(self) >= max(FEWEST_FITTED, self._fitted * _GROWTH)

    def put(self, document_id: str, name: str, text: str) -> int:
        """How many passages the document, new or changed, has now."""
        pieces = cut_passages(text)
        fresh = [_Row(document_id, name, each) for each in pieces]
        words = [each.words() for each in fresh]
        with self._turn:
            self._drop(document_id)
            rows = []
            for row, found in zip(fresh, words, strict=True):
                rows.append(self._text.add(found))
                self._rows.append(row)
            self._by_document[document_id] = rows
            if rows:
                self._lacking.add(document_id)
            if self._lsa is not None and rows:
                self._vectors = _placed(self._vectors, rows[0], self._lsa.embed(
                    [count_features(each) for each in words]))
        return len(pieces)

    def give(self, document_id: str, vectors: NDArray[np.float32]) -> bool:
        """Whether vectors made elsewhere fit the document: one for each of its passages, in order,
        as long as those of the others. Then they take part in searches by such a vector."""
        with self._turn:
            rows = self._by_document.get(document_id, ())
            if not rows or len(rows) != len(vectors):
                return False
            if not self._furnished:
                self._given = np.zeros((0, vectors.shape[1]), np.float32)
            if vectors.shape[1] != self._given.shape[1]:
                return False
            self._given = _placed(self._given, rows[0], vectors)
            self._lacking.discard(document_id)
            self._furnished.add(document_id)
        return True

    def note_kept(self, document_id: str, passages: int) -> None:
        """Note that a database has vectors of a document's passages, if it has that many."""
        with self._turn:
            if len(self._by_document.get(document_id, ())) == passages:
                self._lacking.discard(document_id)

    def drop(self, document_id: str) -> None:
        """Take a document's passages out."""
        with self._turn:
            self._drop(document_id)

    def fit(self) -> bool:
        """Whether vectors were learned from the passages as they are now."""
        with self._turn:
            rows = list(self._rows)
        there = [each for each in rows if each is not None]
        step = max(1, -(-len(there) // MOST_FITTED))
        lsa = Lsa.fit([each.count() for each in there[::step]])
        if lsa is None:
            return False
        vectors = np.zeros((len(rows), lsa.dimensions), np.float32)
        for at in range(0, len(rows), _AT_ONCE):
            vectors[at:at + _AT_ONCE] = lsa.embed([_count(each) for each in rows[at:at + _AT_ONCE]])
        with self._turn:
            late = self._rows[len(rows):]
            self._lsa, self._vectors, self._fitted = lsa, vectors, len(there)
            if late:
                self._vectors = _placed(self._vectors, len(rows),
                                        lsa.embed([_count(each) for each in late]))
        return True

    def search(self, query: str, limit: int, by: Iterable[str] = ("bm25", "vector"),
               near: Near | Nearest | None = None) -> tuple[Hit, ...]:
        """The best passages by the fused rankings, best first.

        With ``near``, vectors made elsewhere rank in the place of the learned ones.
        """
        words = find_words(query)
        with self._turn:
            if not (words or near) or not len(self._text):
                return ()
            scores, shares = self._text.score(words)
            found: dict[str, NDArray[np.floating]] = {"bm25": scores}
            if (cosines := self._compare(words, near)) is not None:
                found["vector"] = cosines
            rankings = {name: best_rows(each, CANDIDATES) for name, each in found.items()
                        if name in by}
            places = {name: {row: place for place, row in enumerate(ranked, start=1)}
                      for name, ranked in rankings.items()}
            hits = []
            for row, score in fuse_ranks(rankings)[:limit]:
                kept = self._rows[row]
                if kept is not None:
                    piece = kept.piece
                    hits.append(Hit(
                        kept.document_id, kept.name, piece.position, piece.heading, piece.text,
                        score,
                        float(shares[row]),
                        {name: ranks[row] for name, ranks in places.items() if row in ranks},
                        {name: float(found[name][row]) for name in rankings},
                        near is not None and row in places.get("vector", ())))
        return tuple(hits)

    def _compare(self, words: list[str], near: Near | Nearest | None
                 ) -> NDArray[np.floating] | None:
        """Each row's cosine to the query, 0 where it is too small; None where no vectors are."""
        if isinstance(near, Nearest):
            cosines = np.zeros(self._text.rows, np.float32)
            for (document_id, position), cosine in near.cosines.items():
                rows = self._by_document.get(document_id, ())
                if position < len(rows):
                    cosines[rows[position]] = cosine
            return cosines
        if near is not None:
            if len(near.vector) != self._given.shape[1]:
                return None
            cosines = np.zeros(self._text.rows, np.float32)
            given = self._given[:self._text.rows]
            cosines[:len(given)] = given @ near.vector
            enough = cosines >= near.least_cosine
        elif self._lsa is not None:
            cosines = self._vectors[:self._text.rows] @ self._lsa.embed([count_features(words)])[0]
            enough = cosines > _NEAR
        else:
            return None
        return np.where(self._text.is_alive() & enough, cosines, 0)

    def _drop(self, document_id: str) -> None:
        self._lacking.discard(document_id)
        self._furnished.discard(document_id)
        for row in self._by_document.pop(document_id, ()):
            self._text.remove(row)
            self._rows[row] = None


def _placed(matrix: NDArray[np.float32], first: int, vectors: NDArray[np.float32]
            ) -> NDArray[np.float32]:
    """The matrix with rows' vectors in their place; room doubles, so that adding stays cheap."""
    last = first + len(vectors)
    if last > len(matrix):
        grown = np.zeros((max(last, 2 * len(matrix)), vectors.shape[1]), np.float32)
        grown[:len(matrix)] = matrix
        matrix = grown
    matrix[first:last] = vectors
    return matrix


def name_passages(name: str, text: str) -> list[str]:
    """A document's passages as texts for an embedding endpoint, in their order: below the
    document's name and their headings."""
    return ["\n".join(filter(None, (name, each.heading, each.text)))
            for each in cut_passages(text)]


def _count(row: _Row | None) -> Counts:
    return {} if row is None else row.count()


def rank_documents(hits: Sequence[Hit]) -> list[str]:
    """Documents in the order of their best passages."""
    return list(dict.fromkeys(each.document_id for each in hits))
