"""Documents as the state store keeps them, and the version that every change counts up."""

import datetime as dt
import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from analytics.retrieval.passages import cut_passages
from brain.decisions.reasons import InputError
from brain.sources.documents import read_document
from brain.sources.frames import plain_times
from brain.sources.state import StateStore

UNDO_DAYS = 7
_MOST_NAME, _MOST_WORKSPACE = 256, 128


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


class Shelf:
    """The documents of every workspace of one platform. Safe to share between threads."""

    def __init__(self, state: StateStore, clock: Callable[[], dt.datetime],
                 whoami: Callable[[], str]) -> None:
        self._state, self._clock, self._whoami = state, clock, whoami

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
        over = table.c.deleted_at_utc < before.replace(tzinfo=None)
        with self._state.begin() as connection:
            connection.execute(sa.delete(self._vectors).where(
                self._vectors.c.document_id.in_(sa.select(table.c.document_id).where(over))))
            return int(connection.execute(sa.delete(table).where(over)).rowcount)

    def version(self, workspace_id: str) -> int:
        """Counts up with every change to the workspace's documents; 0 before the first."""
        table = self._state.tables["knowledge_versions"]
        rows = self._state.rows("knowledge_versions", table.c.workspace_id == workspace_id)
        return int(rows[0]["version"]) if rows else 0

    @property
    def _documents(self) -> sa.Table:
        return self._state.tables["knowledge_documents"]

    @property
    def _vectors(self) -> sa.Table:
        return self._state.tables["knowledge_vectors"]

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
            if changes.get("deleted_at_utc"):
                connection.execute(sa.delete(self._vectors).where(
                    self._vectors.c.document_id.in_(document_ids)))

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
        self._follow_up()

    def _follow_up(self) -> None:
        """What is to be done after a document came, changed or went."""
