"""Query text: kept where its workspace allows it, else turned into a keyed hash on the way in."""

import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from brain.decisions.query_text import find_topic, normalize_query
from brain.decisions.reasons import InputError
from brain.sources import frames
from brain.sources.duckdb_store import DuckEventStore
from brain.sources.state import StateStore

ALLOWED, FORBIDDEN = "query text allowed", "query text forbidden"
FORGOTTEN = "query texts deleted"
_SECRET = "query_hash"  # noqa: S105 - the name of a secret, not one
_LONGEST_ID = 128


@dataclass(frozen=True, slots=True)
class WorkspacePrivacy:
    """Whether a workspace's questions may be stored in their wording, and how many are."""

    workspace_id: str
    name: str
    keeps_query_text: bool
    texts: int


class QueryPrivacy:
    """Guards every way in: only what a workspace allows is written down anywhere."""

    def __init__(self, state: StateStore, store: DuckEventStore, now: dt.datetime) -> None:
        self._state, self._store = state, store
        self._key = read_secret(state, _SECRET, now)
        self._keyed = hmac.new(self._key, digestmod=hashlib.sha256)

    def protect(self, kind: str, table: pa.Table) -> pa.Table:
        """Whole events of a kind as they may be written down.

        A text gives its event the keyed hash and, where the sender named none, a topic; then it
        goes, unless its workspace allows it. A hash without a text stays as the sender gave it.
        """
        if not _has_text(kind, table):
            return table
        hashes, topics = self._read_texts(table)
        for name, values in (("query_hash", hashes), ("query_topic", topics)):
            place = table.schema.get_field_index(name)
            table = table.set_column(place, table.schema.field(name),
                                     pa.array(values, pa.string()))
        return self.withhold(kind, table)

    def withhold(self, kind: str, table: pa.Table) -> pa.Table:
        """Events without the texts that their workspaces do not, or no longer, allow."""
        if not _has_text(kind, table):
            return table
        return frames.without_texts(table, self.allowed())

    def hash_text(self, workspace_id: str, text: str) -> str:
        """32 hex digits: HMAC-SHA-256 of the workspace and the question in its one form.

        Each workspace has hashes of its own, so that a text which one of them allows does not
        tell what was asked in another. Source: RFC 2104.
        """
        told = f"{workspace_id}\0{normalize_query(text)}".encode("utf-8", "surrogatepass")
        keyed = self._keyed.copy()  # twenty times as fast as looking the digest up each time
        keyed.update(told)
        return keyed.hexdigest()[:32]

    def derive_key(self, purpose: str) -> bytes:
        """A secret of this platform for one purpose, the same in all its processes."""
        return hmac.digest(self._key, f"key for {purpose}".encode(), "sha256")

    def allowed(self) -> frozenset[str]:
        """Workspaces that allow it, read anew, so that a change by any process counts at once."""
        keeps = self._state.tables["workspaces"].c.keeps_query_text
        return frozenset(row["workspace_id"] for row
                         in self._state.rows("workspaces", keeps.is_(True)))

    def rows(self, seen: Sequence[str] = ()) -> list[WorkspacePrivacy]:
        """Every workspace by id: those with a row, with texts, and those ``seen`` in events."""
        known = {row["workspace_id"]: row for row in self._state.rows("workspaces")}
        texts = {row["workspace_id"]: row["texts"] for row
                 in self._store.read("queries/count_texts", {"workspaces": []}).to_pylist()}
        return [WorkspacePrivacy(
            each, str(known.get(each, {}).get("name", each)),
            bool(known.get(each, {}).get("keeps_query_text", False)), int(texts.get(each, 0)))
            for each in sorted({*known, *texts, *seen})]

    def set(self, workspace_id: str, keep: bool, now: dt.datetime, person: str) -> None:
        """Allow or forbid the wording of a workspace's questions from now on, audited.

        Raises InputError for a workspace id that no event could carry.
        """
        if not 0 < len(workspace_id) <= _LONGEST_ID:
            raise InputError("invalid_workspace", f"a workspace id has 1 to {_LONGEST_ID} "
                                                  "characters", "workspace_id")
        this = self._state.tables["workspaces"]
        there = self._state.rows("workspaces", this.c.workspace_id == workspace_id)
        before = bool(there and there[0]["keeps_query_text"])
        if there:
            self._state.update("workspaces", "workspace_id", workspace_id, keeps_query_text=keep)
        else:
            self._state.insert("workspaces", {
                "workspace_id": workspace_id, "name": workspace_id, "keeps_query_text": keep,
                "created_at_utc": now})
        self._state.audit(now, person, ALLOWED if keep else FORBIDDEN, workspace_id,
                          {"keeps_query_text": before}, {"keeps_query_text": keep})

    def forget(self, workspace_id: str, now: dt.datetime, person: str) -> int:
        """How many stored texts of a workspace were taken away; their hashes and topics stay."""
        found = self._store.read("queries/count_texts", {"workspaces": [workspace_id]}).to_pylist()
        texts = int(found[0]["texts"]) if found else 0
        if texts:
            self._store.execute("queries/forget_texts", workspace_id=workspace_id)
        self._state.audit(now, person, FORGOTTEN, workspace_id, {"texts": texts}, {"texts": 0})
        return texts

    def _read_texts(self, table: pa.Table) -> tuple[list[str], list[str]]:
        """Hash and topic of each row; a question is worked on once, however often it comes."""
        made: dict[tuple[str, str], tuple[str, str]] = {}
        hashes, topics = [], []
        for workspace_id, text, told_hash, told_topic in zip(
                *(table[name].to_pylist() for name in
                  ("workspace_id", "query_text", "query_hash", "query_topic")), strict=True):
            if text is None:
                hashes.append(told_hash)
                topics.append(told_topic)
                continue
            if (workspace_id, text) not in made:
                made[workspace_id, text] = (self.hash_text(workspace_id, text), find_topic(text))
            hashes.append(made[workspace_id, text][0])
            topics.append(told_topic or made[workspace_id, text][1])
        return hashes, topics


def _has_text(kind: str, table: pa.Table) -> bool:
    return kind == "requests" and table["query_text"].null_count < table.num_rows


def read_secret(state: StateStore, name: str, now: dt.datetime) -> bytes:
    """A secret of this platform, made at the first call."""
    where: Any = state.tables["secrets"].c.name == name
    if not state.rows("secrets", where):
        try:
            state.insert("secrets", {"name": name, "value_hex": secrets.token_hex(32),
                                     "created_at_utc": now})
        except sa.exc.IntegrityError:  # another process was faster: its secret holds
            return bytes.fromhex(state.rows("secrets", where)[0]["value_hex"])
    return bytes.fromhex(state.rows("secrets", where)[0]["value_hex"])
