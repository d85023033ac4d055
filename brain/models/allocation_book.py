"""Allocation policies, their shares over time and their stopped routes, in the state store."""

import datetime as dt
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from brain.decisions.allocation import AllocationPolicy, RouteSeen, check_allocation
from brain.decisions.allocation_context import Experience
from brain.decisions.reasons import InputError, Reason
from brain.sources.state import StateStore

SET, REMOVED, UNDONE = "allocation set", "allocation removed", "allocation change undone"
STOPPED, RESUMED = "route stopped", "route resumed"
MOST_POLICIES = 500


@dataclass(frozen=True, slots=True)
class ShareVersion:
    """Shares in force from ``at_utc`` on, what the routes had done by then, and why."""

    policy_id: str
    version: int
    at_utc: dt.datetime
    mode: str
    shares: Mapping[str, float]
    seen: tuple[RouteSeen, ...]
    reasons: tuple[Reason, ...]
    person: str


class AllocationBook:
    """Reads and changes; every change is audited."""

    def __init__(self, state: StateStore) -> None:
        self._state = state
        self._changing = threading.Lock()

    def all(self) -> tuple[AllocationPolicy, ...]:
        """Every policy, by id."""
        return tuple(_decode(row) for row in
                     self._state.rows("allocation_policies", order="policy_id"))

    def get(self, policy_id: str) -> AllocationPolicy:
        """The policy of this id. Raises LookupError for an unknown one."""
        row = self._find(policy_id)
        if row is None:
            raise LookupError(f"there is no allocation {policy_id!r:.80}")
        return _decode(row)

    def put(self, policy: AllocationPolicy, now: dt.datetime, person: str) -> AllocationPolicy:
        """The policy, new or in the place of the one with its id.

        Raises InputError naming the field that cannot be used.
        """
        check_allocation(policy)
        with self._changing:
            stored = self.all()
            for other in stored:
                if other.policy_id != policy.policy_id and (
                        other.workspace_id, other.task_class) == (
                        policy.workspace_id, policy.task_class):
                    raise InputError("repeated", f"{other.policy_id} already divides this traffic",
                                     "task_class")
            before = self._find(policy.policy_id)
            if before is None and len(stored) >= MOST_POLICIES:
                raise InputError("too_many", f"there are {MOST_POLICIES} allocations already",
                                 "policy_id")
            self._write(policy.policy_id, before, _encode(policy, now), SET, now, person)
        return policy

    def remove(self, policy_id: str, now: dt.datetime, person: str) -> None:
        """Take a policy away; its history stays. Raises LookupError for an unknown one."""
        with self._changing:
            self.get(policy_id)
            self._write(policy_id, self._find(policy_id), None, REMOVED, now, person)

    def undo(self, policy_id: str, now: dt.datetime, person: str) -> AllocationPolicy | None:
        """The policy as before its last change, None if it was not there.

        Undoing twice brings the change back. Raises LookupError where nothing was changed.
        """
        audit = self._state.tables["audit"]
        with self._changing:
            entries = self._state.rows("audit", audit.c.action.in_((SET, REMOVED, UNDONE)),
                                       audit.c.subject == policy_id, order="audit_id")
            if not entries:
                raise LookupError(f"allocation {policy_id!r:.80} was never changed")
            after = json.loads(entries[-1]["before_json"])
            row = None if after is None else _encode(_decode(after), now)
            self._write(policy_id, self._find(policy_id), row, UNDONE, now, person)
        return None if after is None else _decode(after)

    def remove_demo(self) -> int:
        """How many policies of the demonstration went, with their shares and stops."""
        with self._changing:
            gone = [each.policy_id for each in self.all() if each.is_demo]
            for policy_id in gone:
                for table in ("allocation_policies", "allocation_shares", "allocation_stops",
                              "allocation_resumes", "allocation_contexts"):
                    self._state.delete(table, policy_id=policy_id)
        return len(gone)

    # shares

    def latest(self, policy_id: str) -> ShareVersion | None:
        """The shares in force."""
        table = self._state.tables["allocation_shares"]
        last = sa.select(sa.func.max(table.c.version)).where(
            table.c.policy_id == policy_id).scalar_subquery()
        rows = self._state.rows("allocation_shares", table.c.policy_id == policy_id,
                                table.c.version == last)
        return _version(rows[0]) if rows else None

    def history(self, policy_id: str, start: dt.datetime, end: dt.datetime
                ) -> tuple[ShareVersion, ...]:
        """Versions that began in [start, end), and the one in force at its start; oldest first."""
        table = self._state.tables["allocation_shares"]
        rows = self._state.rows("allocation_shares", table.c.policy_id == policy_id,
                                table.c.at_utc < end.astimezone(dt.UTC).replace(tzinfo=None),
                                order="version")
        found = [_version(row) for row in rows]
        first = max((place for place, each in enumerate(found) if each.at_utc <= start), default=0)
        return tuple(found[first:])

    def note_shares(self, policy_id: str, mode: str, shares: Mapping[str, float],
                    seen: Sequence[RouteSeen], reasons: Sequence[Reason], now: dt.datetime,
                    person: str) -> int:
        """The number of the new version."""
        with self._changing:
            last = self.latest(policy_id)
            version = 1 if last is None else last.version + 1
            self._state.insert("allocation_shares", {
                "policy_id": policy_id, "version": version, "at_utc": now, "mode": mode,
                "shares_json": json.dumps(dict(shares)),
                "seen_json": json.dumps([asdict(each) for each in seen]),
                "reasons_json": json.dumps([[each.code, each.text] for each in reasons]),
                "person": person})
        return version

    def note_contexts(self, policy_id: str, version: int,
                      experiences: Sequence[Experience]) -> None:
        """Keep what routes earned by context beside the shares of a version; older ones go."""
        self._state.delete("allocation_contexts", policy_id=policy_id)
        self._state.insert("allocation_contexts", {
            "policy_id": policy_id, "version": version,
            "experiences_json": json.dumps([each.to_json() for each in experiences])})

    def contexts(self, policy_id: str) -> tuple[Experience, ...]:
        """What routes earned by context, as last kept."""
        column = self._state.tables["allocation_contexts"].c.policy_id
        rows = self._state.rows("allocation_contexts", column == policy_id)
        return tuple(map(Experience.from_json, json.loads(rows[0]["experiences_json"]))) \
            if rows else ()

    # stopped routes

    def stops(self) -> list[dict[str, Any]]:
        """What is stopped, the oldest first: policy_id, route, at_utc, person, reason."""
        return self._state.rows("allocation_stops", order="at_utc")

    def resumes(self, policy_id: str) -> dict[str, dt.datetime]:
        """When each route of a policy was last let go on."""
        column = self._state.tables["allocation_resumes"].c.policy_id
        return {row["route"]: row["at_utc"]
                for row in self._state.rows("allocation_resumes", column == policy_id)}

    def stop(self, policy_id: str, route: str, reason: str, now: dt.datetime, person: str) -> None:
        """Let a policy choose a route no more. Raises InputError for a name that is none."""
        if not all(route.partition("/")) or len(route) > 512:
            raise InputError("invalid_value", "a route is provider/model", "route")
        with self._changing:
            self._state.delete("allocation_stops", policy_id=policy_id, route=route)
            self._state.insert("allocation_stops", {
                "policy_id": policy_id, "route": route, "at_utc": now, "person": person,
                "reason": reason[:1000]})
        self._state.audit(now, person, STOPPED, f"{policy_id} {route}", None, {"reason": reason})

    def resume(self, policy_id: str, route: str, now: dt.datetime, person: str) -> bool:
        """Whether it was stopped and may be chosen again, its past forgiven."""
        with self._changing:
            if not self._state.delete("allocation_stops", policy_id=policy_id, route=route):
                return False
            self._state.delete("allocation_resumes", policy_id=policy_id, route=route)
            self._state.insert("allocation_resumes", {"policy_id": policy_id, "route": route,
                                                      "at_utc": now})
        self._state.audit(now, person, RESUMED, f"{policy_id} {route}", None, None)
        return True

    def _find(self, policy_id: str) -> dict[str, Any] | None:
        column = self._state.tables["allocation_policies"].c.policy_id
        rows = self._state.rows("allocation_policies", column == policy_id)
        return dict(rows[0]) if rows else None

    def _write(self, policy_id: str, before: dict[str, Any] | None, after: dict[str, Any] | None,
               action: str, now: dt.datetime, person: str) -> None:
        self._state.delete("allocation_policies", policy_id=policy_id)
        if after is not None:
            self._state.insert("allocation_policies", after)
        self._state.audit(now, person, action, policy_id, before, after)


def _encode(policy: AllocationPolicy, now: dt.datetime) -> dict[str, Any]:
    body = asdict(policy)
    row = {name: body.pop(name) for name in ("policy_id", "workspace_id", "task_class", "mode",
                                             "is_demo")}
    return {**row, "body_json": json.dumps(body), "changed_at_utc": now}


def _decode(row: Mapping[str, Any]) -> AllocationPolicy:
    body = json.loads(row["body_json"])
    return AllocationPolicy(
        row["policy_id"], row["workspace_id"], row["task_class"], row["mode"],
        **{**body, "routes": tuple(body["routes"])}, is_demo=bool(row["is_demo"]))


def _version(row: Mapping[str, Any]) -> ShareVersion:
    return ShareVersion(
        row["policy_id"], int(row["version"]), row["at_utc"], row["mode"],
        json.loads(row["shares_json"]),
        tuple(RouteSeen(**each) for each in json.loads(row["seen_json"])),
        tuple(Reason(*each) for each in json.loads(row["reasons_json"])), row["person"])
