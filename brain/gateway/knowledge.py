"""Documents that a workspace's questions are answered from: kept, indexed, searched."""

import datetime as dt
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from brain.decisions.reasons import InputError, Reason
from brain.gateway.embedding import Embedding
from brain.gateway.passage_index import Near, Nearest, PassageIndex
from brain.gateway.shelf import UNDO_DAYS, Document, Shelf
from brain.gateway.vector_state import VectorState, tell_built_in
from brain.sources.documents import KINDS, MOST_BYTES
from brain.sources.state import StateStore

__all__ = ["ENDINGS", "MOST_BYTES", "UNDO_DAYS", "Document", "Found", "IndexState", "Knowledge",
           "Passage"]
SAMPLE = Path(__file__).resolve().parents[2] / "docs"
ENDINGS = tuple(KINDS)
"""Endings of the names of documents that can be read."""
MOST_LIMIT = 50
_MOST_QUERY = 4_000
_MOST_INDEXES = 200
_LOOK_S = 1.0


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage that fits a query, best first in a search.

    ``share`` (0..1) is the part of the query's weight whose words stand in it; ``ranks`` and
    ``scores`` are by ranking, "bm25" and "vector". ``is_near`` says that the embedding endpoint's
    vectors found it near enough to be about the query, whatever its words.
    """

    document_id: str
    name: str
    text: str
    score: float
    heading: str = ""
    position: int = 0
    share: float = 0.0
    ranks: Mapping[str, int] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)
    is_near: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """Passages, best first. ``reasons`` say whose vectors ranked them, where there is an embedding
    endpoint."""

    passages: tuple[Passage, ...]
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class IndexState:
    """How a workspace's index stands: ``vectors`` once they are learned."""

    documents: int
    passages: int
    version: int
    vectors: bool


@dataclass(slots=True)
class _Open:
    index: PassageIndex = field(default_factory=PassageIndex)
    turn: threading.Lock = field(default_factory=threading.Lock)
    version: int = 0
    fitting: bool = False
    looked: tuple[int, float] = (-1, 0.0)


class Knowledge(Shelf):
    """The documents of every workspace of one platform, and their search; other processes on the
    same state store see each change at their next search."""

    def __init__(self, state: StateStore, clock: Callable[[], dt.datetime],
                 whoami: Callable[[], str], embedding: Embedding | None = None) -> None:
        super().__init__(state, clock, whoami)
        self._embedding = embedding
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._turn = threading.Lock()

    def load_sample(self, workspace_id: str, person: str = "") -> int:
        """How many of this product's own documentation pages are now sample documents."""
        pages = sorted(SAMPLE.glob("*.md"))
        for page in pages:
            self.ingest(workspace_id, page.name, page.read_bytes(), person=person, is_demo=True)
        return len(pages)

    def remove_sample(self, workspace_id: str = "", person: str = "") -> int:
        """How many sample documents of a workspace, or of all, were removed for good."""
        removed = 0
        for each in (workspace_id,) if workspace_id else self.workspaces():
            samples = [one.document_id for one in self.documents(each) if one.is_demo]
            if samples:
                self._change(each, samples, deleted_at_utc=self._clock())
                self._state.audit(self._clock(), person or self._whoami(),
                                  "sample documents removed", each, {"documents": len(samples)},
                                  None)
            removed += len(samples)
        return removed

    # searching

    def search(self, workspace_id: str, query: str, limit: int = 5,
               by: Iterable[str] = ("bm25", "vector")) -> tuple[Passage, ...]:
        """The passages that `find` finds."""
        return self.find(workspace_id, query, limit, by).passages

    def find(self, workspace_id: str, query: str, limit: int = 5,
             by: Iterable[str] = ("bm25", "vector"), time_s: float | None = None) -> Found:
        """The passages that fit best, by full text and vectors fused; none where nothing fits.

        The embedding endpoint, where there is one, is waited for ``time_s`` at most. Otherwise the
        built-in vectors rank; until those are learned, in the background after the first search,
        full text alone decides. Raises InputError for a query or limit that cannot be used.
        """
        if not 1 <= limit <= MOST_LIMIT:
            raise InputError("out_of_range", f"limit must be 1 to {MOST_LIMIT}", "limit")
        by, query = tuple(by), query[:_MOST_QUERY]
        opened = self._synced(workspace_id)
        near: Near | Nearest | None = None
        reasons: tuple[Reason, ...] = ()
        if self._embedding is not None and "vector" in by and len(opened.index):
            near, reasons = self._embedding.find_near(workspace_id, query, opened.index, time_s)
        if opened.index.wants_fit:
            self._fit_later(opened)
        return Found(tuple(
            Passage(each.document_id, each.name, each.text, each.score, each.heading,
                    each.position, each.share, each.ranks, each.scores, each.is_near)
            for each in opened.index.search(query, limit, by, near)), reasons)

    @property
    def threads(self) -> Executor | None:
        """Where searches may wait for an embedding endpoint, None where there is none."""
        return None if self._embedding is None else self._embedding.threads

    def reindex(self, workspace_id: str) -> IndexState:
        """The state of an index made anew from the documents, built-in vectors included. Those of
        an embedding endpoint are made anew in the background."""
        if self._embedding is not None:
            self._embedding.vectors.forget(workspace_id)
            self._embedding.vectors.fill_soon()
        with self._turn:
            self._open[workspace_id] = _Open()
        opened = self._synced(workspace_id)
        opened.index.fit()
        return self.index_state(workspace_id)

    def index_state(self, workspace_id: str) -> IndexState:
        """How a workspace's index stands in this process."""
        opened = self._synced(workspace_id)
        return IndexState(len(self.documents(workspace_id)), len(opened.index), opened.version,
                          opened.index.has_vectors)

    # vectors of an embedding endpoint

    def vector_state(self, workspace_id: str) -> VectorState:
        """Whose vectors rank a workspace's passages, how many have them, and what is in the way.

        No index is made for this where no search has made it yet.
        """
        passages = sum(each.chunks for each in self.documents(workspace_id))
        index = self._synced(workspace_id).index if workspace_id in self._open else PassageIndex()
        if self._embedding is None:
            return tell_built_in(passages, has_vectors=index.has_vectors)
        return self._embedding.state(workspace_id, passages, index.lacking)

    def embed(self) -> int:
        """How many passages, of any workspace, got the endpoint's vectors that they lacked."""
        return 0 if self._embedding is None else self._embedding.vectors.fill()

    def embed_soon(self) -> None:
        """The same in the background."""
        if self._embedding is not None:
            self._embedding.vectors.fill_soon()

    def close(self) -> None:
        """End what runs in the background, before the state store is closed."""
        if self._embedding is not None:
            self._embedding.close()

    def _follow_up(self) -> None:
        self.embed_soon()

    def _synced(self, workspace_id: str) -> _Open:
        """The workspace's index with every change that is in the state store."""
        with self._turn:
            opened = self._open.setdefault(workspace_id, _Open())
            self._open.move_to_end(workspace_id)
            while len(self._open) > _MOST_INDEXES:
                self._open.popitem(last=False)
        version = self.version(workspace_id)
        if version != opened.version:
            with opened.turn:
                self._follow(workspace_id, opened)
        if self._embedding is not None:
            self._look_for_vectors(workspace_id, opened, self._embedding)
        return opened

    def _look_for_vectors(self, workspace_id: str, opened: _Open, embedding: Embedding) -> None:
        """Give the index what was made meanwhile, here at once, elsewhere after a second."""
        made, now = embedding.vectors.made, time.monotonic()
        if opened.index.lacking and (made != opened.looked[0] or now - opened.looked[1] > _LOOK_S):
            with opened.turn:
                embedding.vectors.load(workspace_id, opened.index)
                opened.looked = (made, now)

    def _follow(self, workspace_id: str, opened: _Open) -> None:
        version, table = self.version(workspace_id), self._documents
        columns = (table.c.document_id, table.c.name, table.c.content, table.c.deleted_at_utc)
        with self._state.begin() as connection:
            changed = connection.execute(sa.select(*columns).where(
                table.c.workspace_id == workspace_id, table.c.version > opened.version)
                .order_by(table.c.version, table.c.document_id)).all()
            alive = set(connection.execute(sa.select(table.c.document_id).where(
                table.c.workspace_id == workspace_id,
                table.c.deleted_at_utc.is_(None))).scalars())
        for document_id, name, content, deleted in changed:
            if deleted is None:
                opened.index.put(document_id, name, content)
            else:
                opened.index.drop(document_id)
        for document_id in opened.index.documents - alive:  # purged before this process saw it go
            opened.index.drop(document_id)
        opened.version = version

    def _fit_later(self, opened: _Open) -> None:
        with opened.turn:
            if opened.fitting:
                return
            opened.fitting = True

        def fit() -> None:
            try:
                opened.index.fit()
            finally:
                opened.fitting = False
        threading.Thread(target=fit, name="brain-knowledge-fit", daemon=True).start()
