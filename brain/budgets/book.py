"""The budgets that people set, each change audited, and the way back."""

import datetime as dt
import hashlib
import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any

from brain.decisions.budgets import Budget
from brain.decisions.reasons import InputError
from brain.sources.state import StateStore

SET, REMOVED, UNDONE = "budget set", "budget removed", "budget change undone"
DEFAULT_ID = "default:"
"""How the ids of month budgets of workspaces without one of their own begin."""
MOST_BUDGETS = 10_000
_UNMEASURED = ("infrastructure",)
_LONGEST = {"budget_id": 64, "name": 256, "time_zone": 64, "fallback_model": 256}


class BudgetBook:
    """Reads and changes the budgets in the state store."""

    def __init__(self, state: StateStore, workspace_usd: Decimal) -> None:
        self._state, self._workspace_usd = state, workspace_usd
        self._changing = threading.Lock()

    def all(self, workspaces: Iterable[str] = ()) -> tuple[Budget, ...]:
        """Stored budgets by id, then the default ones of workspaces without a month budget."""
        stored = tuple(_decode(row) for row in self._state.rows("budgets", order="budget_id"))
        own = {each.name for each in stored
               if each.scope == "workspace" and each.window == "month"}
        if not self._workspace_usd:
            return stored
        return stored + tuple(
            Budget(_default_id(name), self._workspace_usd, "workspace", name)
            for name in sorted(set(workspaces) - own))

    def get(self, budget_id: str) -> Budget:
        """The stored budget of this id. Raises LookupError for an unknown one."""
        column = self._state.tables["budgets"].c.budget_id
        rows = self._state.rows("budgets", column == budget_id)
        if not rows:
            raise LookupError(f"there is no budget {budget_id!r:.80}")
        return _decode(rows[0])

    def put(self, budget: Budget, now: dt.datetime, person: str) -> Budget:
        """The budget, new or in the place of the one with its id.

        Raises InputError naming the field that cannot be stored.
        """
        _check(budget)
        with self._changing:
            before = self._find(budget.budget_id)
            if before is None and len(self._state.rows("budgets")) >= MOST_BUDGETS:
                raise InputError("too_many", f"there are {MOST_BUDGETS:,} budgets already",
                                 "budget_id")
            self._write(budget.budget_id, before, _encode(budget), SET, now, person)
        return budget

    def remove(self, budget_id: str, now: dt.datetime, person: str) -> None:
        """Take a budget away. Raises LookupError for an unknown one."""
        with self._changing:
            self.get(budget_id)
            self._write(budget_id, self._find(budget_id), None, REMOVED, now, person)

    def undo(self, budget_id: str, now: dt.datetime, person: str) -> Budget | None:
        """The budget as before its last change, None if it was not there.

        Undoing twice brings the change back. Raises LookupError where nothing was changed.
        """
        audit = self._state.tables["audit"]
        with self._changing:
            entries = self._state.rows("audit", audit.c.action.in_((SET, REMOVED, UNDONE)),
                                       audit.c.subject == budget_id, order="audit_id")
            if not entries:
                raise LookupError(f"budget {budget_id!r:.80} was never changed")
            after = json.loads(entries[-1]["before_json"])
            self._write(budget_id, self._find(budget_id), after, UNDONE, now, person)
        return None if after is None else _decode(after)

    def history(self, most: int = 200) -> list[dict[str, Any]]:
        """Entries of the audit record about budgets, newest first."""
        audit = self._state.tables["audit"]
        return list(reversed(self._state.rows(
            "audit", audit.c.action.in_((SET, REMOVED, UNDONE)), order="audit_id")))[:most]

    def _find(self, budget_id: str) -> dict[str, Any] | None:
        column = self._state.tables["budgets"].c.budget_id
        rows = self._state.rows("budgets", column == budget_id)
        return dict(rows[0]) if rows else None

    def _write(self, budget_id: str, before: dict[str, Any] | None, after: dict[str, Any] | None,
               action: str, now: dt.datetime, person: str) -> None:
        if after is None:
            self._state.delete("budgets", budget_id=budget_id)
        elif before is None:
            self._state.insert("budgets", after)
        else:
            changes = {name: value for name, value in after.items() if name != "budget_id"}
            self._state.update("budgets", "budget_id", budget_id, **changes)
        self._state.audit(now, person, action, budget_id, before, after)


def _default_id(workspace_id: str) -> str:
    """An id of at most 64 characters, whatever the workspace is called."""
    plain = f"{DEFAULT_ID}{workspace_id}"
    return plain if len(plain) <= 64 else \
        DEFAULT_ID + hashlib.sha256(workspace_id.encode()).hexdigest()[:40]


def _check(budget: Budget) -> None:
    if not budget.budget_id or budget.budget_id.startswith(DEFAULT_ID):
        raise InputError("invalid_value", f"budget_id must not be empty or begin with {DEFAULT_ID}",
                         "budget_id")
    for field, most in _LONGEST.items():
        if len(getattr(budget, field)) > most:
            raise InputError("too_long", f"{field} may have {most} characters", field)
    if budget.scope in _UNMEASURED:
        raise InputError("unmeasured", f"nothing here measures what {budget.scope} costs", "scope")


def _encode(budget: Budget) -> dict[str, Any]:
    row = asdict(budget)
    row["window_kind"] = row.pop("window")
    row["alert_pcts"] = json.dumps(list(budget.alert_pcts))
    return {**row, "amount_usd": f"{budget.amount_usd:f}", "is_demo": False}


def _decode(row: Mapping[str, Any]) -> Budget:
    budget = Budget(
        row["budget_id"], Decimal(row["amount_usd"]), row["scope"], row["name"],
        row["window_kind"], row["time_zone"], int(row["reset_day"]), bool(row["hard"]),
        row["at_cap"], row["fallback_model"], int(row["throttle_s"]))
    return replace(budget, alert_pcts=tuple(json.loads(row["alert_pcts"])))
