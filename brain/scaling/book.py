"""Policies, schedules and caps as changed while running: who changed what, and the way back."""

import datetime as dt
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from brain.decisions.reasons import InputError
from brain.scaling.plans import DELIVERED, LONGEST_NAME, READERS, to_body
from brain.sources.state import StateStore

CHANGED, REMOVED, UNDONE = "scaling {} changed", "scaling {} removed", "scaling {} undone"


@dataclass(frozen=True, slots=True)
class BookChange:
    """One entry of the history; None is an item as delivered, or none."""

    at_utc: dt.datetime
    person: str
    action: str
    key: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


class ScalingBook:
    """Reads and changes items of a kind: policy, schedule or cap."""

    def __init__(self, state: StateStore) -> None:
        self._state = state
        self._changing = threading.Lock()

    def items(self, kind: str) -> dict[str, Any]:
        """Every item by key, delivered ones first; one that cannot be used is as delivered."""
        return self._read(kind)[0]

    def faults(self, kind: str) -> dict[str, str]:
        """Why stored items cannot be used, by key."""
        return self._read(kind)[1]

    def put(self, kind: str, key: str, body: Mapping[str, Any], now: dt.datetime,
            person: str) -> Any:
        """The item as stored. Raises InputError naming the field, having changed nothing."""
        key = key.strip()
        if not key or len(key) > LONGEST_NAME:
            raise InputError("missing_field", f"a name has 1 to {LONGEST_NAME} characters", "name")
        item = READERS[kind](body)
        with self._changing:
            self._write(kind, key, to_body(item), CHANGED, now, person)
        return item

    def remove(self, kind: str, key: str, now: dt.datetime, person: str) -> None:
        """Remove an item; a delivered one is as delivered again. Raises LookupError."""
        with self._changing:
            if self._stored(kind, key) is None:
                raise LookupError(f"no {kind} {key!r:.80} was added or changed")
            self._write(kind, key, None, REMOVED, now, person)

    def undo(self, kind: str, key: str, now: dt.datetime, person: str) -> None:
        """Put an item back as before its last change; twice brings the change back.

        Raises LookupError where nothing was changed.
        """
        with self._changing:
            last = next(iter(self.history(kind, key)), None)
            if last is None:
                raise LookupError(f"no {kind} {key!r:.80} was ever changed")
            self._write(kind, key, last.before, UNDONE, now, person)

    def history(self, kind: str, key: str = "") -> list[BookChange]:
        """Every change of a kind, newest first, of one item or of all."""
        audit = self._state.tables["audit"]
        actions = [each.format(kind) for each in (CHANGED, REMOVED, UNDONE)]
        where: list[Any] = [audit.c.action.in_(actions)]
        if key:
            where.append(audit.c.subject == key)
        return [BookChange(row["at_utc"], row["person"], row["action"], row["subject"],
                           json.loads(row["before_json"]), json.loads(row["after_json"]))
                for row in reversed(self._state.rows("audit", *where, order="audit_id"))]

    def _read(self, kind: str) -> tuple[dict[str, Any], dict[str, str]]:
        found, faults = dict(DELIVERED[kind]), {}
        column = self._state.tables["scaling_items"].c.kind
        for row in self._state.rows("scaling_items", column == kind, order="item_key"):
            try:
                found[row["item_key"]] = READERS[kind](json.loads(row["body_json"]))
            except InputError as error:  # stored by an older program
                faults[row["item_key"]] = error.message
        return found, faults

    def _stored(self, kind: str, key: str) -> dict[str, Any] | None:
        columns = self._state.tables["scaling_items"].c
        rows = self._state.rows("scaling_items", columns.kind == kind, columns.item_key == key)
        return json.loads(rows[0]["body_json"]) if rows else None

    def _write(self, kind: str, key: str, after: Mapping[str, Any] | None, action: str,
               now: dt.datetime, person: str) -> None:
        before = self._stored(kind, key)
        if before is not None:
            self._state.delete("scaling_items", kind=kind, item_key=key)
        if after is not None:
            self._state.insert("scaling_items", {
                "kind": kind, "item_key": key, "body_json": json.dumps(after),
                "changed_at_utc": now})
        self._state.audit(now, person, action.format(kind), key, before, after)
