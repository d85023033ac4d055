"""Vectors that an embedding endpoint made of passages: kept, and made where they lack."""

import base64
import datetime as dt
import hashlib
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from brain.gateway.passage_index import (
    CANDIDATES,
    Near,
    Nearest,
    PassageIndex,
    name_passages,
)
from brain.gateway.vector_state import Fault
from brain.sources.embeddings import EmbeddingEndpoint, EmbeddingFault
from brain.sources.frames import plain_times
from brain.sources.state import StateStore
from brain.sources.vector_column import LengthDiffers, VectorColumn

_log = logging.getLogger("brain.embeddings")
FORM = 1
"""Counts up when documents are cut into passages, or put to the endpoint, otherwise than before."""
_AT_ONCE = 200
_PAUSE_S = 15.0
_REFUSED_S = 600.0
_MOST_REFUSED = 5
_CLOSING_S = 2.0


@dataclass(frozen=True, slots=True)
class _Lacking:
    """A document without vectors of its text."""

    document_id: str
    workspace_id: str
    text_hash: str
    passages: int


class DocumentVectors:
    """The vectors of one model of one endpoint. Safe to share between threads.

    ``barrier`` says why a workspace's texts may not go to the endpoint, "" where they may;
    ``column`` keeps the vectors where PostgreSQL has pgvector.
    """

    def __init__(self, endpoint: EmbeddingEndpoint, batch: int, timeout_s: float,
                 state: StateStore, clock: Callable[[], dt.datetime],
                 barrier: Callable[[str], str], column: VectorColumn | None = None) -> None:
        self._endpoint, self._batch, self._timeout_s = endpoint, batch, timeout_s
        self._state, self._clock, self._barrier = state, clock, barrier
        self._column = column
        self._filling, self._turn = threading.Lock(), threading.Lock()
        self._thread: threading.Thread | None = None
        self._again = self._closed = False
        self._not_before = 0.0
        self._refused: dict[str, tuple[str, float]] = {}
        self._random = random.Random()  # noqa: S311 - an order, nothing secret
        self.made = 0
        """Counts up whenever vectors were kept or forgotten here."""
        self.fault: Fault | None = None

    def load(self, workspace_id: str, index: PassageIndex) -> None:
        """Give an index the vectors that it lacks, as far as they are there."""
        lacking = index.lacking
        found = self._ready(workspace_id)
        ready = [each for each in found if each in lacking]
        if self._column is not None:
            for each in ready:
                index.note_kept(each, found[each])
            return
        table = self._state.tables["knowledge_vectors"]
        for at in range(0, len(ready), _AT_ONCE):
            with self._state.begin() as connection:
                rows = connection.execute(sa.select(
                    table.c.document_id, table.c.passages, table.c.vectors).where(
                    table.c.model == self._endpoint.model,
                    table.c.document_id.in_(ready[at:at + _AT_ONCE]))).all()
            for document_id, passages, vectors in rows:
                if passages:
                    index.give(document_id, _decode(vectors, passages))

    def place(self, workspace_id: str, vector: NDArray[np.float32], least_cosine: float,
              index: PassageIndex) -> Near | Nearest | None:
        """What a search goes by for a question's vector; None where the passages' vectors have
        another length."""
        if self._column is None:
            return Near(vector, least_cosine) if len(vector) == index.given_dimensions else None
        try:
            return Nearest(self._column.find_nearest(workspace_id, self._endpoint.model, vector,
                                                     least_cosine, CANDIDATES))
        except LengthDiffers:
            return None

    def count(self, workspace_id: str) -> tuple[int, frozenset[str]]:
        """How many of a workspace's passages have vectors of their present text, and the documents
        that these are of."""
        ready = self._ready(workspace_id)
        return sum(ready.values()), frozenset(ready)

    def forget(self, workspace_id: str) -> None:
        """Let a workspace's vectors be made anew."""
        self._state.delete("knowledge_vectors", workspace_id=workspace_id,
                           model=self._endpoint.model)
        self._refused.clear()
        self._not_before = 0.0
        self.made += 1

    def fill_soon(self) -> None:
        """Make what lacks in the background, once for all who ask meanwhile."""
        with self._turn:
            if self._closed:
                return
            self._again = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="brain-document-vectors",
                                                daemon=True)
                self._thread.start()

    def fill(self) -> int:
        """How many passages got their vectors now. What stood in the way is in ``fault``."""
        made = refused = 0
        with self._filling:
            fault: EmbeddingFault | None = None
            self._move_into_column()
            for group in self._groups():
                if self._closed:
                    break
                done, fault = self._make_apart(group)
                made += done
                refused = 0 if done else refused + len(group)
                if fault is not None and (fault.kind != "refused" or refused >= _MOST_REFUSED):
                    self._not_before = time.monotonic() + max(_PAUSE_S, fault.retry_after_s or 0)
                    break
            if fault is not None:
                self.fault = Fault(fault.message, self._clock())
            elif made or not self._refused:
                self.fault = None
        return made

    def close(self) -> None:
        """End the work in the background; nothing is written any more once this returns."""
        with self._turn:
            self._closed, thread = True, self._thread
        self._endpoint.close()
        if thread is not None:
            thread.join(_CLOSING_S)

    def _work(self) -> None:
        while True:
            with self._turn:
                if not self._again or self._closed or time.monotonic() < self._not_before:
                    self._thread = None
                    return
                self._again = False
            try:
                self.fill()
            except Exception as error:  # the next try may find the store well again
                if not self._closed:
                    _log.exception("vectors of documents could not be made")
                    self._not_before = time.monotonic() + _PAUSE_S
                    self.fault = Fault(f"this went wrong here: {type(error).__name__}",
                                       self._clock())

    def _make_apart(self, group: "Sequence[_Lacking]") -> tuple[int, EmbeddingFault | None]:
        """How many passages of a group got vectors; one that is refused stops no other one."""
        try:
            return self._make(group), None
        except EmbeddingFault as failed:
            if failed.kind != "refused":
                return 0, failed
            if len(group) == 1:
                self._refused[group[0].document_id] = (group[0].text_hash,
                                                       time.monotonic() + _REFUSED_S)
                return 0, failed
        made = 0
        last: EmbeddingFault | None = None
        for number, each in enumerate(group, 1):
            done, alone = self._make_apart([each])
            made, last = made + done, alone or last
            if alone is not None and (alone.kind != "refused"
                                      or (not made and number >= _MOST_REFUSED)):
                break
        return made, last

    def _make(self, group: "Sequence[_Lacking]") -> int:
        """How many passages of a group got vectors; none of a workspace that was barred meanwhile.

        Raises EmbeddingFault.
        """
        table = self._state.tables["knowledge_documents"]
        barred = {each.workspace_id for each in group if self._barrier(each.workspace_id)}
        with self._state.begin() as connection:
            rows = connection.execute(sa.select(
                table.c.document_id, table.c.name, table.c.content, table.c.content_hash).where(
                table.c.document_id.in_([each.document_id for each in group
                                         if each.workspace_id not in barred]),
                table.c.deleted_at_utc.is_(None))).all()
        texts = {document_id: name_passages(name, content)
                 for document_id, name, content, _ in rows}
        hashes = {document_id: self._mark(name, content_hash)
                  for document_id, name, _, content_hash in rows}
        vectors = self._embed([text for each in texts.values() for text in each])
        at = 0
        for document_id, passages in texts.items():
            self._keep(next(each for each in group if each.document_id == document_id),
                       hashes[document_id], vectors[at:at + len(passages)])
            at += len(passages)
        return at

    def _embed(self, texts: list[str]) -> NDArray[np.float32]:
        found = []
        for at in range(0, len(texts), self._batch):
            if self._closed:
                raise EmbeddingFault("unavailable", "this program is about to end")
            found.append(self._endpoint.embed(texts[at:at + self._batch], self._timeout_s))
        if len({each.shape[1] for each in found}) > 1:
            raise EmbeddingFault("bad_answer", f"{self._endpoint.place} gave vectors of different "
                                               "lengths from call to call")
        return np.concatenate(found) if found else np.zeros((0, 0), np.float32)

    def _keep(self, document: _Lacking, text_hash: str, vectors: NDArray[np.float32]) -> None:
        """Write a document's vectors, unless it has changed or gone meanwhile."""
        table, documents = (self._state.tables[name] for name in (
            "knowledge_vectors", "knowledge_documents"))
        row = {"document_id": document.document_id, "model": self._endpoint.model,
               "text_hash": text_hash, "workspace_id": document.workspace_id,
               "passages": len(vectors), "made_at_utc": self._clock(),
               "vectors": "" if self._column is not None else _encode(vectors)}
        with self._turn:
            if self._closed:
                return
            try:
                with self._state.begin() as connection:
                    now = connection.execute(sa.select(
                        documents.c.name, documents.c.content_hash).where(
                        documents.c.document_id == document.document_id,
                        documents.c.deleted_at_utc.is_(None))).first()
                    if now is None or self._mark(*now) != text_hash:
                        return
                    connection.execute(sa.delete(table).where(
                        table.c.document_id == document.document_id,
                        table.c.model == self._endpoint.model))
                    connection.execute(sa.insert(table), [plain_times(row)])
                    if self._column is not None:
                        self._column.put(connection, document.workspace_id, document.document_id,
                                         self._endpoint.model, vectors)
            except sa.exc.IntegrityError:
                return  # another process was faster
            self.made += 1

    def _move_into_column(self) -> None:
        """Put vectors that were kept before PostgreSQL had pgvector into its column."""
        if self._column is None:
            return
        table = self._state.tables["knowledge_vectors"]
        for document_id, workspace_id, name, content_hash, _, text_hash, passages in self._rows():
            if self._closed or text_hash != _hash(name, content_hash):
                continue
            key = (table.c.document_id == document_id, table.c.model == self._endpoint.model,
                   table.c.text_hash == text_hash)
            with self._state.begin() as connection:
                kept = connection.execute(sa.select(table.c.vectors).where(*key)
                                          .with_for_update()).scalar_one_or_none()
                if kept is not None:
                    connection.execute(sa.update(table).where(*key).values(
                        vectors="", text_hash=self._mark(name, content_hash)))
                    self._column.put(connection, workspace_id, document_id, self._endpoint.model,
                                     _decode(kept, passages))
            self.made += 1

    def _mark(self, name: str, content_hash: str) -> str:
        """The hash of a document's text, which also says where vectors of it are kept."""
        return _hash(name, content_hash, "" if self._column is None else "column")

    def _groups(self) -> "Iterator[list[_Lacking]]":
        """Documents that lack vectors, small ones together; in no order, so that processes which
        do this at once seldom do the same."""
        lacking = self._find_lacking()
        self._random.shuffle(lacking)
        group: list[_Lacking] = []
        for each in lacking:
            if group and sum(one.passages for one in group) + each.passages > self._batch:
                yield group
                group = []
            group.append(each)
        if group:
            yield group

    def _find_lacking(self) -> list[_Lacking]:
        now = time.monotonic()
        self._refused = {key: kept for key, kept in self._refused.items() if kept[1] > now}
        barred: dict[str, bool] = {}
        found = []
        for document_id, workspace_id, name, content_hash, chunks, text_hash, _ in self._rows():
            wanted = self._mark(name, content_hash)
            if text_hash == wanted or self._refused.get(document_id, ("",))[0] == wanted:
                continue
            if workspace_id not in barred:
                barred[workspace_id] = bool(self._barrier(workspace_id))
            if not barred[workspace_id]:
                found.append(_Lacking(document_id, workspace_id, wanted, chunks))
        return found

    def _ready(self, workspace_id: str) -> dict[str, int]:
        """How many passages have vectors, by document whose vectors are of its present text."""
        return {document_id: passages for document_id, _, name, content_hash, _, text_hash, passages
                in self._rows(workspace_id) if text_hash == self._mark(name, content_hash)}

    def _rows(self, workspace_id: str | None = None) -> "list[tuple[Any, ...]]":
        documents, vectors = (self._state.tables[name] for name in (
            "knowledge_documents", "knowledge_vectors"))
        chosen = sa.select(
            documents.c.document_id, documents.c.workspace_id, documents.c.name,
            documents.c.content_hash, documents.c.chunks, vectors.c.text_hash,
            vectors.c.passages).select_from(documents.outerjoin(vectors, sa.and_(
                vectors.c.document_id == documents.c.document_id,
                vectors.c.model == self._endpoint.model))).where(
            documents.c.deleted_at_utc.is_(None))
        if workspace_id is not None:
            chosen = chosen.where(documents.c.workspace_id == workspace_id)
        with self._state.begin() as connection:
            return [tuple(row) for row in connection.execute(chosen)]


def _hash(name: str, content_hash: str, kept_in: str = "") -> str:
    """What tells whether vectors are of a document's present text."""
    return hashlib.sha256(f"{FORM}{kept_in}\n{name}\n{content_hash}".encode()).hexdigest()


def _encode(vectors: NDArray[np.float32]) -> str:
    return base64.b64encode(vectors.astype("<f4").tobytes()).decode()


def _decode(vectors: str, passages: int) -> NDArray[np.float32]:
    return np.frombuffer(base64.b64decode(vectors), "<f4").reshape(passages, -1).astype(
        np.float32, copy=False) if passages else np.zeros((0, 0), np.float32)
