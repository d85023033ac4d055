"""Experiments in the state store: rows, revisions, allocations, and the record of changes."""

import contextlib
import datetime as dt
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from brain.decisions.experiment import Experiment
from brain.decisions.reasons import InputError, Reason
from brain.sources.frames import plain_times
from brain.sources.state import StateStore

BEGINNING = "experiment "
"""How the actions of experiments begin in the record."""


@dataclass(frozen=True, slots=True)
class ExperimentChange:
    """One entry of an experiment's history; ``before`` and ``after`` are its values by field."""

    at_utc: dt.datetime
    person: str
    action: str
    reason: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class AllocationRow:
    """Shares of the variants (0..1) from a moment on, and why."""

    number: int
    at_utc: dt.datetime
    traffic_ratio: float
    shares: Mapping[str, float]
    reasons: tuple[Reason, ...]


class ExperimentRecords:
    """Reads and writes experiments; every change is audited in the same breath."""

    def __init__(self, state: StateStore, clock: Callable[[], dt.datetime]) -> None:
        self._state, self._clock = state, clock
        self._changing = threading.Lock()

    def all(self) -> tuple[Experiment, ...]:
        """Every experiment, by key."""
        return tuple(_decode(row) for row in self._state.rows("experiments",
                                                              order="experiment_key"))

    def find(self, key: str) -> Experiment | None:
        """The experiment of this key."""
        row = self._row(key)
        return _decode(row) if row else None

    def get(self, key: str) -> Experiment:
        """The experiment of this key. Raises LookupError for an unknown one."""
        found = self.find(key)
        if found is None:
            raise LookupError(f"there is no experiment {key!r:.80}")
        return found

    def add(self, given: Experiment, person: str, reason: str = "",
            action: str = "created") -> Experiment:
        """The experiment as stored. Raises InputError where its key is taken."""
        with self._changing:
            if self._row(given.key):
                raise InputError("key_taken", f"there is an experiment {given.key!r} already",
                                 "key")
            self._state.insert("experiments", {"experiment_key": given.key, "revision": 1,
                                               **_columns(given)})
            self._audit(action, given.key, None, given, person, reason)
        return given

    def replace(self, key: str, change: Callable[[Experiment], Experiment], action: str,
                person: str, reason: str = "") -> Experiment:
        """The experiment after ``change``, which may raise and then changes nothing.

        Raises LookupError for an unknown key, InputError where another process was faster.
        """
        with self._changing:
            row = self._row(key)
            if row is None:
                raise LookupError(f"there is no experiment {key!r:.80}")
            before = _decode(row)
            after = change(before)
            table = self._state.tables["experiments"]
            with self._state.begin() as connection:
                done = connection.execute(sa.update(table).where(
                    table.c.experiment_key == key, table.c.revision == row["revision"]).values(
                    revision=row["revision"] + 1, **_columns(after)))
            if not done.rowcount:
                raise InputError("changed_meanwhile", f"{key} was changed by somebody else: "
                                                      "look again", "key")
            self._audit(action, key, before, after, person, reason)
        return after

    def remove(self, key: str, person: str, action: str = "removed") -> None:
        """Forget an experiment with its allocations, units and series."""
        with self._changing:
            before = self.get(key)
            for table in ("experiment_allocations", "experiment_units", "experiment_series",
                          "experiments"):
                self._state.delete(table, experiment_key=key)
            self._audit(action, key, before, None, person, "")

    def history(self, key: str) -> tuple[ExperimentChange, ...]:
        """Every change of an experiment, newest first."""
        audit = self._state.tables["audit"]
        rows = self._state.rows("audit", audit.c.action.like(f"{BEGINNING}%"),
                                audit.c.subject == key, order="audit_id")
        return tuple(_read_change(row) for row in reversed(rows))

    def allocations(self, key: str) -> tuple[AllocationRow, ...]:
        """Every allocation of an experiment, oldest first."""
        column = self._state.tables["experiment_allocations"].c.experiment_key
        return tuple(AllocationRow(
            row["allocation_number"], row["at_utc"], row["traffic_ratio"],
            json.loads(row["shares_json"]),
            tuple(Reason(**each) for each in json.loads(row["reasons_json"])))
            for row in self._state.rows("experiment_allocations", column == key,
                                        order="allocation_number"))

    def allocate(self, key: str, traffic_ratio: float, shares: Mapping[str, float],
                 reasons: Sequence[Reason],
                 at_utc: dt.datetime | None = None) -> AllocationRow:
        """The allocation that holds from ``at_utc`` (now unless given) on."""
        with self._changing:
            known = self.allocations(key)
            row = AllocationRow(known[-1].number + 1 if known else 1,
                                at_utc or self._clock(), traffic_ratio, dict(shares),
                                tuple(reasons))
            self._state.insert("experiment_allocations", {
                "experiment_key": key, "allocation_number": row.number, "at_utc": row.at_utc,
                "traffic_ratio": traffic_ratio, "shares_json": json.dumps(row.shares),
                "reasons_json": json.dumps([asdict(each) for each in reasons])})
        return row

    def unit(self, key: str, unit_id: str) -> dict[str, Any] | None:
        """What is known of a unit: variant, share, when it was assigned and exposed."""
        column = self._state.tables["experiment_units"].c
        rows = self._state.rows("experiment_units", column.experiment_key == key,
                                column.unit_id == unit_id)
        return rows[0] if rows else None

    def assigned_at(self, key: str) -> dict[str, dt.datetime]:
        """When each remembered unit was given its variant."""
        column = self._state.tables["experiment_units"].c.experiment_key
        return {row["unit_id"]: row["assigned_at_utc"]
                for row in self._state.rows("experiment_units", column == key)}

    def keep_unit(self, key: str, unit_id: str, variant: str, share: float) -> None:
        """Remember what a unit was given, and with what share, unless it was exposed before."""
        given = {"variant": variant, "share": share, "assigned_at_utc": self._clock()}
        with contextlib.suppress(sa.exc.IntegrityError), \
                self._state.begin() as connection:  # another process gave it the same meanwhile
            known = self._known(connection, key, unit_id)
            if known is None:
                connection.execute(sa.insert(self._state.tables["experiment_units"]), [plain_times({
                    "experiment_key": key, "unit_id": unit_id, **given, "exposed_at_utc": None})])
            elif known["exposed_at_utc"] is None:
                self._write_unit(connection, key, unit_id, **given)

    def expose_unit(self, key: str, unit_id: str, variant: str, share: float,
                    record: Callable[[], None]) -> str | None:
        """The variant that the unit was exposed to before, None if this is the first time.

        ``record`` writes the event; the unit counts as exposed only if that succeeds.
        """
        try:
            return self._expose_unit(key, unit_id, variant, share, record)
        except sa.exc.IntegrityError:  # another process came between: it has written the unit
            return self._expose_unit(key, unit_id, variant, share, record)

    def _expose_unit(self, key: str, unit_id: str, variant: str, share: float,
                     record: Callable[[], None]) -> str | None:
        now = self._clock()
        with self._state.begin() as connection:
            known = self._known(connection, key, unit_id)
            if known and known["exposed_at_utc"] is not None:
                return str(known["variant"])
            if known:
                self._write_unit(connection, key, unit_id, variant=variant, exposed_at_utc=now)
            else:
                connection.execute(sa.insert(self._state.tables["experiment_units"]), [
                    plain_times({"experiment_key": key, "unit_id": unit_id, "variant": variant,
                                 "share": share, "assigned_at_utc": now, "exposed_at_utc": now})])
            record()
        return None

    def _known(self, connection: sa.Connection, key: str, unit_id: str) -> Mapping[str, Any] | None:
        table = self._state.tables["experiment_units"]
        row = connection.execute(sa.select(table).where(
            table.c.experiment_key == key, table.c.unit_id == unit_id)).first()
        return None if row is None else dict(row._mapping)

    def _write_unit(self, connection: sa.Connection, key: str, unit_id: str,
                    **changes: Any) -> None:
        table = self._state.tables["experiment_units"]
        connection.execute(sa.update(table).where(
            table.c.experiment_key == key, table.c.unit_id == unit_id)
            .values(**plain_times(changes)))

    def _row(self, key: str) -> dict[str, Any] | None:
        column = self._state.tables["experiments"].c.experiment_key
        rows = self._state.rows("experiments", column == key)
        return rows[0] if rows else None

    def _audit(self, action: str, key: str, before: Experiment | None, after: Experiment | None,
               person: str, reason: str) -> None:
        self._state.audit(self._clock(), person, BEGINNING + action, key, _plain(before),
                          {"experiment": _plain(after), "reason": reason})


def _columns(given: Experiment) -> dict[str, Any]:
    return {"state": given.state, "definition_json": msgspec.json.encode(given).decode(),
            "is_demo": given.is_demo, "source": given.source}


def _decode(row: Mapping[str, Any]) -> Experiment:
    return msgspec.json.decode(row["definition_json"], type=Experiment)


def _plain(given: Experiment | None) -> Any:
    return None if given is None else msgspec.to_builtins(given)


def _read_change(row: Mapping[str, Any]) -> ExperimentChange:
    after = json.loads(row["after_json"])
    return ExperimentChange(row["at_utc"], row["person"], row["action"].removeprefix(BEGINNING),
                            after["reason"], json.loads(row["before_json"]), after["experiment"])
