"""The table of targets as changed while running: who changed what, and the way back."""

import datetime as dt
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from brain.decisions.reasons import InputError
from brain.decisions.targets import TARGETS, Target, with_overrides
from brain.sources.state import StateStore

CHANGED, RESET, UNDONE = "target changed", "target reset", "target change undone"
LEVELS = ("target", "warning", "critical")
_LONGEST_LEVEL = 32


@dataclass(frozen=True, slots=True)
class TargetRow:
    """One metric: its levels in force and as delivered, and who changed them when.

    ``fault`` says why a stored change cannot be used; the delivered levels hold then.
    """

    target: Target
    default: Target
    changed_by: str = ""
    changed_at_utc: dt.datetime | None = None
    fault: str = ""

    @property
    def is_changed(self) -> bool:
        """Whether a level differs from the delivered one."""
        return self.target != self.default


@dataclass(frozen=True, slots=True)
class TargetChange:
    """One entry of the history: the changed levels before and after, None for as delivered."""

    at_utc: dt.datetime
    person: str
    action: str
    metric: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


class TargetTable:
    """Reads and changes the one table of targets in the state store."""

    def __init__(self, state: StateStore) -> None:
        self._state = state
        self._changing = threading.Lock()

    def in_force(self) -> dict[str, Target]:
        """The target of every metric, read anew, so that a change by any process counts."""
        return self._read()[0]

    def rows(self) -> tuple[TargetRow, ...]:
        """Every metric in the order pages show them."""
        in_force, faults = self._read()
        last = {each.metric: each for each in reversed(self.history())}
        stored = {row["metric"] for row in self._state.rows("targets")}
        return tuple(TargetRow(
            in_force[metric], default,
            last[metric].person if metric in stored and metric in last else "",
            last[metric].at_utc if metric in stored and metric in last else None,
            faults.get(metric, "")) for metric, default in TARGETS.items())

    def history(self, metric: str = "") -> list[TargetChange]:
        """Every change, newest first, of one metric or of all."""
        audit = self._state.tables["audit"]
        where = (audit.c.action.in_((CHANGED, RESET, UNDONE)),
                 *((audit.c.subject == metric,) if metric else ()))
        return [TargetChange(row["at_utc"], row["person"], row["action"], row["subject"],
                             json.loads(row["before_json"]), json.loads(row["after_json"]))
                for row in reversed(self._state.rows("audit", *where, order="audit_id"))]

    def set(self, metric: str, levels: Mapping[str, Any], now: dt.datetime,
            person: str) -> TargetRow:
        """The row with its new levels; None keeps a level, "none" removes one.

        Raises InputError naming the field, as `with_overrides` does, having changed nothing.
        """
        given = {name: str(levels[name]).strip() for name in LEVELS
                 if levels.get(name) is not None}
        with self._changing:
            before = self._stored(metric)
            if not given:
                raise InputError("nothing_to_change", "give a target, a warning or a critical "
                                                      "level", "target")
            if too_long := [name for name in given if len(given[name]) > _LONGEST_LEVEL]:
                raise InputError("too_long", f"{too_long[0]} of {metric} may have "
                                             f"{_LONGEST_LEVEL} characters", too_long[0])
            after = {**(before or dict.fromkeys(LEVELS)), **given}
            with_overrides([{"metric": metric, **after}])
            self._write(metric, before, after, CHANGED, now, person)
        return self._row(metric)

    def reset(self, metric: str, now: dt.datetime, person: str) -> TargetRow:
        """The row as delivered. Raises InputError for an unknown metric."""
        with self._changing:
            if (before := self._stored(metric)) is not None:
                self._write(metric, before, None, RESET, now, person)
        return self._row(metric)

    def undo(self, metric: str, now: dt.datetime, person: str) -> TargetRow:
        """The row as before its last change; an empty metric means the last changed one.

        Undoing twice brings the change back. Raises LookupError where nothing was changed,
        InputError for an unknown metric.
        """
        with self._changing:
            if metric:
                self._stored(metric)
            last = next(iter(self.history(metric)), None)
            if last is None:
                raise LookupError(f"no target{f' of {metric}' if metric else ''} was ever changed")
            after = None if last.before is None else {
                name: last.before.get(name) for name in LEVELS}
            self._write(last.metric, self._stored(last.metric), after, UNDONE, now, person)
        return self._row(last.metric)

    def _row(self, metric: str) -> TargetRow:
        return next(row for row in self.rows() if row.target.metric == metric)

    def _read(self) -> tuple[dict[str, Target], dict[str, str]]:
        rows = self._state.rows("targets")
        try:
            return with_overrides(rows), {}
        except InputError:
            return _leave_out_unusable(rows)

    def _stored(self, metric: str) -> dict[str, Any] | None:
        if metric not in TARGETS:
            raise InputError("unknown_metric", f"there is no metric {metric!r:.80}", "metric")
        column = self._state.tables["targets"].c.metric
        found = self._state.rows("targets", column == metric)
        return {name: found[0][name] for name in LEVELS} if found else None

    def _write(self, metric: str, before: dict[str, Any] | None, after: dict[str, Any] | None,
               action: str, now: dt.datetime, person: str) -> None:
        if after is None:
            self._state.delete("targets", metric=metric)
        elif before is None:
            self._state.insert("targets", {"metric": metric, **after, "changed_at_utc": now})
        else:
            self._state.update("targets", "metric", metric, **after, changed_at_utc=now)
        self._state.audit(now, person, action, metric, before, after)


def _leave_out_unusable(rows: list[dict[str, Any]]) -> tuple[dict[str, Target], dict[str, str]]:
    """A change that an older program stored must not keep every page from being shown."""
    in_force, faults = dict(TARGETS), {}
    for row in rows:
        try:
            in_force = with_overrides([row], in_force)
        except InputError as error:
            faults[str(row["metric"])] = error.message
    return in_force, faults
