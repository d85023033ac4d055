"""Documents that a workspace's questions are answered from: kept, indexed, searched."""

import datetime as dt
import hashlib
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from analytics.retrieval.passages import cut_passages
from brain.decisions.reasons import InputError
from brain.gateway.passage_index import PassageIndex
from brain.sources.documents import KINDS, MOST_BYTES, read_document
from brain.sources.frames import plain_times
from brain.sources.state import StateStore

__all__ = ["ENDINGS", "MOST_BYTES", "Document", "IndexState", "Knowledge", "Passage"]
SAMPLE = Path(__file__).resolve().parents[2] / "docs"
UNDO_DAYS = 7
ENDINGS = tuple(KINDS)
"""Endings of the names of documents that can be read."""
MOST_LIMIT = 50
_MOST_NAME, _MOST_WORKSPACE, _MOST_QUERY = 256, 128, 4_000
_MOST_INDEXES = 200


@dataclass(frozen=True, slots=True)
class Document:
    """A document as listed. ``version`` is the workspace's at the document's last change."""

    document_id: str
    workspace_id: str
    name: str
    media_type: str
    size_bytes: int
    chunks: int
    version: int
    created_at_utc: dt.datetime
    updated_at_utc: dt.datetime
    is_demo: bool


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage that fits a query, best first in a search.

    ``share`` (0..1) is the part of the query's weight whose words stand in it; ``ranks`` and
    ``scores`` are by ranking, "bm25" and "vector".
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


class Knowledge:
    """The documents of every workspace of one platform. Safe to share between threads; other
    processes on the same state store see each change at their next search."""

    def __init__(self, state: StateStore, clock: Callable[[], dt.datetime],
                 whoami: Callable[[], str]) -> None:
        self._state, self._clock, self._whoami = state, clock, whoami
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._turn = threading.Lock()

    # documents

    def ingest(self, workspace_id: str, name: str, data: bytes | str, media_type: str = "", *,
               person: str = "", is_demo: bool = False) -> Document:
        """The document as kept. One of the same name is replaced; the same text changes nothing.

        Raises InputError for a document that cannot be read.
        """
        return self._write(workspace_id, "", name, data, media_type, person, is_demo)

    def update(self, workspace_id: str, document_id: str, data: bytes | str, media_type: str = "",
               *, name: str = "", person: str = "") -> Document:
        """The document with its new text. Raises LookupError for an unknown one."""
        known = self.document(workspace_id, document_id)
        return self._write(workspace_id, document_id, name or known.name, data, media_type, person,
                           known.is_demo)

    def document(self, workspace_id: str, document_id: str) -> Document:
        """One document. Raises LookupError where the workspace has none of that id."""
        table = self._documents
        rows = self._list(table.c.workspace_id == workspace_id,
                          table.c.document_id == document_id, table.c.deleted_at_utc.is_(None))
        if not rows:
            raise LookupError(f"workspace {workspace_id!r:.80} has no document {document_id!r:.80}")
        return rows[0]

    def documents(self, workspace_id: str) -> tuple[Document, ...]:
        """A workspace's documents by name."""
        table = self._documents
        return self._list(table.c.workspace_id == workspace_id, table.c.deleted_at_utc.is_(None))

    def text(self, workspace_id: str, document_id: str) -> str:
        """A document's whole text. Raises LookupError for an unknown one."""
        self.document(workspace_id, document_id)
        table = self._documents
        with self._state.begin() as connection:
            return str(connection.execute(sa.select(table.c.content).where(
                table.c.document_id == document_id)).scalar_one())

    def workspaces(self) -> tuple[str, ...]:
        """Workspaces that have documents, by name."""
        table = self._documents
        with self._state.begin() as connection:
            return tuple(connection.execute(
                sa.select(table.c.workspace_id).where(table.c.deleted_at_utc.is_(None))
                .distinct().order_by(table.c.workspace_id)).scalars())

    def delete(self, workspace_id: str, document_id: str, person: str = "") -> Document:
        """The document that is not found any more; `restore` brings it back within UNDO_DAYS.

        Raises LookupError for an unknown one.
        """
        known = self.document(workspace_id, document_id)
        self._change(workspace_id, [document_id], deleted_at_utc=self._clock())
        self._tell("document removed", known, person)
        return known

    def restore(self, workspace_id: str, document_id: str, person: str = "") -> Document:
        """A deleted document, there again. Raises LookupError if it is gone for good, InputError
        if another of its name has come meanwhile."""
        table = self._documents
        kept = self._list(table.c.workspace_id == workspace_id,
                          table.c.document_id == document_id)
        if not kept:
            raise LookupError(f"document {document_id!r:.80} cannot be brought back any more")
        if any(each.name == kept[0].name and each.document_id != document_id
               for each in self.documents(workspace_id)):
            raise InputError("name_taken", f"there is another document named {kept[0].name!r:.80} "
                                           "now; remove it first", "name")
        self._change(workspace_id, [document_id], deleted_at_utc=None)
        self._tell("document brought back", kept[0], person)
        return self.document(workspace_id, document_id)

    def purge(self, after_days: float = UNDO_DAYS) -> int:
        """How many documents deleted more than ``after_days`` ago are gone for good."""
        table = self._documents
        before = self._clock() - dt.timedelta(days=after_days)
        with self._state.begin() as connection:
            return int(connection.execute(sa.delete(table).where(
                table.c.deleted_at_utc < before.replace(tzinfo=None))).rowcount)

    # sample

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

    def version(self, workspace_id: str) -> int:
        """Counts up with every change to the workspace's documents; 0 before the first."""
        table = self._state.tables["knowledge_versions"]
        rows = self._state.rows("knowledge_versions", table.c.workspace_id == workspace_id)
        return int(rows[0]["version"]) if rows else 0

    def search(self, workspace_id: str, query: str, limit: int = 5,
               by: Iterable[str] = ("bm25", "vector")) -> tuple[Passage, ...]:
        """The passages that fit best, by full text and vectors fused; none where nothing fits.

        Until vectors are learned, in the background after the first search, full text alone
        decides. Raises InputError for a query or limit that cannot be used.
        """
        if not 1 <= limit <= MOST_LIMIT:
            raise InputError("out_of_range", f"limit must be 1 to {MOST_LIMIT}", "limit")
        opened = self._synced(workspace_id)
        if opened.index.wants_fit:
            self._fit_later(opened)
        return tuple(Passage(each.document_id, each.name, each.text, each.score, each.heading,
                             each.position, each.share, each.ranks, each.scores)
                     for each in opened.index.search(query[:_MOST_QUERY], limit, by))

    def reindex(self, workspace_id: str) -> IndexState:
        """The state of an index made anew from the documents, vectors included."""
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

    @property
    def _documents(self) -> sa.Table:
        return self._state.tables["knowledge_documents"]

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
        return opened

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

    def _list(self, *where: Any) -> tuple[Document, ...]:
        table = self._documents
        columns = [table.c[name] for name in Document.__dataclass_fields__]
        with self._state.begin() as connection:
            rows = connection.execute(sa.select(*columns).where(*where)
                                      .order_by(table.c.name, table.c.document_id)).mappings().all()
        found: list[dict[str, Any]] = [
            {name: value.replace(tzinfo=dt.UTC) if isinstance(value, dt.datetime) else value
             for name, value in row.items()} for row in rows]
        return tuple(Document(**each) for each in found)

    def _write(self, workspace_id: str, document_id: str, name: str, data: bytes | str,
               media_type: str, person: str, is_demo: bool) -> Document:
        name = " ".join(name.replace("\x00", "").split())
        if not 0 < len(name) <= _MOST_NAME:
            raise InputError("invalid_name", f"a document's name has 1 to {_MOST_NAME} characters",
                             "name")
        if not 0 < len(workspace_id) <= _MOST_WORKSPACE:
            raise InputError("invalid_workspace", "a workspace id has 1 to 128 characters",
                             "workspace_id")
        found = read_document(data.encode() if isinstance(data, str) else data, name, media_type)
        digest = hashlib.sha256(found.text.encode(errors="replace")).hexdigest()
        table, now = self._documents, self._clock()
        same = table.c.document_id == document_id if document_id else table.c.name == name
        values = {"name": name, "media_type": found.media_type, "size_bytes": found.size_bytes,
                  "chunks": len(cut_passages(found.text)), "content": found.text,
                  "content_hash": digest, "updated_at_utc": now, "is_demo": is_demo,
                  "workspace_id": workspace_id, "deleted_at_utc": None}
        with self._state.begin() as connection:
            version = self._next_version(connection, workspace_id, now)
            known = connection.execute(sa.select(table.c.document_id, table.c.content_hash,
                                                 table.c.name).where(
                table.c.workspace_id == workspace_id, same,
                table.c.deleted_at_utc.is_(None))).first()
            if known and (known[1], known[2]) == (digest, name):
                connection.rollback()  # the version has not changed either
                return self.document(workspace_id, known[0])
            if known:
                connection.execute(sa.update(table).where(table.c.document_id == known[0])
                                   .values(**plain_times({**values, "version": version})))
            else:
                document_id = uuid.uuid4().hex
                connection.execute(sa.insert(table), [plain_times(
                    {**values, "version": version, "document_id": document_id,
                     "created_at_utc": now})])
        done = self.document(workspace_id, known[0] if known else document_id)
        self._tell("document changed" if known else "document added", done, person)
        return done

    def _change(self, workspace_id: str, document_ids: list[str], **changes: Any) -> None:
        table, now = self._documents, self._clock()
        with self._state.begin() as connection:
            version = self._next_version(connection, workspace_id, now)
            connection.execute(sa.update(table).where(
                table.c.workspace_id == workspace_id, table.c.document_id.in_(document_ids))
                .values(**plain_times({**changes, "version": version})))

    def _next_version(self, connection: sa.Connection, workspace_id: str,
                      now: dt.datetime) -> int:
        """The workspace's new version, the row being held until the transaction ends."""
        table = self._state.tables["knowledge_versions"]
        moment = now.replace(tzinfo=None)
        done = connection.execute(sa.update(table).where(table.c.workspace_id == workspace_id)
                                  .values(version=table.c.version + 1, changed_at_utc=moment))
        if not done.rowcount:
            connection.execute(sa.insert(table), [{"workspace_id": workspace_id, "version": 1,
                                                   "changed_at_utc": moment}])
        return int(connection.execute(sa.select(table.c.version).where(
            table.c.workspace_id == workspace_id)).scalar_one())

    def _tell(self, action: str, document: Document, person: str) -> None:
        told = {"workspace": document.workspace_id, "name": document.name,
                "chunks": document.chunks, "version": document.version}
        self._state.audit(self._clock(), person or self._whoami(), action, document.document_id,
                          None, told)


def without_text(document: Document) -> dict[str, Any]:
    """A document's row for machines."""
    return {name: getattr(document, name) for name in Document.__dataclass_fields__}
