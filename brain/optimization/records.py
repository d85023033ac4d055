"""Runs in the state store: each step committed before what it stands for is done."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from brain.sources.frames import plain_times
from brain.sources.state import StateStore

STEPS = ("planned", "checkpointed", "applying", "stabilizing", "measuring", "judged",
         "rolling_back", "learning", "finished")
"""A run's steps in order; `rolling_back` is left out by a run that is kept."""
LEASE = "optimizer"


class LostLeaseError(RuntimeError):
    """Another process runs optimizations now: this one must not go on."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run. ``body`` holds plan, rules, checkpoint, windows, judgement and notes, as JSON."""

    run_id: str
    started_at_utc: dt.datetime
    cause: str
    person: str
    strategy: str
    actuator: str
    step: str = "planned"
    due_at_utc: dt.datetime = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
    verdict: str = ""
    rolled_back: bool = False
    ended_at_utc: dt.datetime | None = None
    is_demo: bool = False
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be done."""
        return self.step == "finished"


class RunBook:
    """Reads and writes runs, the lease, and who may write them."""

    def __init__(self, state: StateStore) -> None:
        self._state = state

    def take_lease(self, owner: str, now: dt.datetime, lease_s: float) -> bool:
        """Whether the owner may run optimizations until ``lease_s`` from now."""
        table = self._state.tables["optimization_lease"]
        plain, until = _plain(now), _plain(now + dt.timedelta(seconds=lease_s))
        with self._state.begin() as connection:
            done = connection.execute(sa.update(table).where(
                table.c.name == LEASE, sa.or_(table.c.owner == owner, table.c.until_utc <= plain)
            ).values(owner=owner, until_utc=until))
            if done.rowcount:
                return True
            if connection.execute(sa.select(table.c.owner).where(table.c.name == LEASE)).first():
                return False
            try:
                with connection.begin_nested():
                    connection.execute(sa.insert(table), {"name": LEASE, "owner": owner,
                                                          "until_utc": until})
            except sa.exc.IntegrityError:  # another process was first
                return False
            return True

    def give_up_lease(self, owner: str) -> None:
        """Let another process run optimizations at once."""
        self._state.delete("optimization_lease", name=LEASE, owner=owner)

    def begin(self, run: Run, owner: str, note: str) -> None:
        """Keep a new run. Raises LostLeaseError, having kept nothing."""
        table = self._state.tables["optimization_runs"]
        with self._state.begin() as connection:
            self._check_lease(connection, owner, run.started_at_utc)
            connection.execute(sa.insert(table), [_to_row(run)])
            self._note(connection, run, run.started_at_utc, note)

    def advance(self, before: Run, after: Run, owner: str, now: dt.datetime, note: str) -> Run:
        """The run as kept. Raises LostLeaseError, having kept nothing, for a run that is not as
        ``before`` any more, or a lease that is another's."""
        table = self._state.tables["optimization_runs"]
        with self._state.begin() as connection:
            self._check_lease(connection, owner, now)
            done = connection.execute(sa.update(table).where(
                table.c.run_id == before.run_id, table.c.step == before.step,
                table.c.due_at_utc == _plain(before.due_at_utc)).values(**_to_row(after)))
            if done.rowcount != 1:
                raise LostLeaseError(f"run {before.run_id} was carried on by another process")
            self._note(connection, after, now, note)
        return after

    def open_run(self) -> Run | None:
        """The run that is not over, None where there is none."""
        column = self._state.tables["optimization_runs"].c.step
        rows = self._state.rows("optimization_runs", column != "finished", order="started_at_utc")
        return _from_row(rows[0]) if rows else None

    def find(self, run_id: str) -> Run:
        """A run. Raises LookupError for an unknown one."""
        column = self._state.tables["optimization_runs"].c.run_id
        rows = self._state.rows("optimization_runs", column == run_id)
        if not rows:
            raise LookupError(f"there is no optimization run {run_id!r:.80}")
        return _from_row(rows[0])

    def runs(self, start: dt.datetime | None = None, end: dt.datetime | None = None,
             limit: int | None = None) -> list[Run]:
        """Runs that began in [start, end), newest first."""
        column = self._state.tables["optimization_runs"].c.started_at_utc
        where = [*([column >= _plain(start)] if start else []),
                 *([column < _plain(end)] if end else [])]
        rows = self._state.rows("optimization_runs", *where, order="started_at_utc")
        found = [_from_row(row) for row in reversed(rows)]
        return found if limit is None else found[:limit]

    def steps(self, run_id: str) -> list[dict[str, Any]]:
        """The steps that a run entered, in order: step, at_utc, note."""
        column = self._state.tables["optimization_steps"].c.run_id
        return self._state.rows("optimization_steps", column == run_id, order="number")

    def add_finished(self, *runs: Run) -> int:
        """How many runs that are over were added; those that are there already are left alone."""
        known = {row["run_id"] for row in self._state.rows("optimization_runs")}
        fresh = [run for run in runs if run.run_id not in known]
        self._state.insert("optimization_runs", *(_to_row(run) for run in fresh))
        return len(fresh)

    def _check_lease(self, connection: sa.Connection, owner: str, now: dt.datetime) -> None:
        table = self._state.tables["optimization_lease"]
        found = connection.execute(sa.select(table.c.owner).where(table.c.name == LEASE)).first()
        if found is None or found[0] != owner:
            raise LostLeaseError("another process runs optimizations")

    def _note(self, connection: sa.Connection, run: Run, now: dt.datetime, note: str) -> None:
        table = self._state.tables["optimization_steps"]
        last = connection.execute(sa.select(sa.func.max(table.c.number)).where(
            table.c.run_id == run.run_id)).scalar()
        connection.execute(sa.insert(table), {
            "run_id": run.run_id, "number": (last or 0) + 1, "step": run.step,
            "at_utc": _plain(now), "note": note[:1000]})


def _plain(moment: dt.datetime) -> dt.datetime:
    return moment.astimezone(dt.UTC).replace(tzinfo=None)


def _to_row(run: Run) -> dict[str, Any]:
    return plain_times({
        "run_id": run.run_id, "started_at_utc": run.started_at_utc,
        "ended_at_utc": run.ended_at_utc, "cause": run.cause, "person": run.person[:128],
        "strategy": run.strategy, "actuator": run.actuator, "step": run.step,
        "due_at_utc": run.due_at_utc, "verdict": run.verdict, "rolled_back": run.rolled_back,
        "body_json": json.dumps(run.body), "is_demo": run.is_demo})


def _from_row(row: Mapping[str, Any]) -> Run:
    return Run(row["run_id"], row["started_at_utc"], row["cause"], row["person"],
               row["strategy"], row["actuator"], row["step"], row["due_at_utc"], row["verdict"],
               bool(row["rolled_back"]), row["ended_at_utc"], bool(row["is_demo"]),
               json.loads(row["body_json"]))
