"""Alerts of budgets, written down once whoever checks."""

import datetime as dt
import json
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from brain.decisions.budget_alerts import AlertMemory, BudgetAlert, decide_alerts
from brain.decisions.budgets import BudgetStatus
from brain.sources.frames import plain_times
from brain.sources.state import StateStore


def tell(state: StateStore, status: BudgetStatus) -> tuple[BudgetAlert, ...]:
    """The new alerts of a budget, with what was told, in one transaction."""
    memories, budget_id = state.tables["budget_memory"], status.budget.budget_id
    try:
        with state.begin() as connection:
            row = connection.execute(sa.select(memories).where(
                memories.c.budget_id == budget_id).with_for_update()).mappings().first()
            before = None if row is None else _decode(dict(row))
            alerts, memory = decide_alerts(status, before)
            if memory == before:
                return ()
            written = plain_times({"window_start_utc": memory.window_start_utc,
                                   "amount_usd": f"{memory.amount_usd:f}",
                                   "told": json.dumps(memory.told)})
            if before is None:
                connection.execute(sa.insert(memories), [{"budget_id": budget_id, **written}])
            else:
                connection.execute(sa.update(memories).where(memories.c.budget_id == budget_id)
                                   .values(**written))
            if alerts:
                connection.execute(sa.insert(state.tables["budget_alerts"]),
                                   [plain_times(_encode(each)) for each in alerts])
    except sa.exc.IntegrityError:  # another process has just told the first ones
        return ()
    return alerts


def read(state: StateStore, start: dt.datetime, end: dt.datetime) -> tuple[dict[str, Any], ...]:
    """Alerts told in [start, end), oldest first."""
    this, plain = state.tables["budget_alerts"], plain_times({"start": start, "end": end})
    return tuple(state.rows("budget_alerts", this.c.at_utc >= plain["start"],
                            this.c.at_utc < plain["end"], order="at_utc"))


def _decode(row: Mapping[str, Any]) -> AlertMemory:
    return AlertMemory(row["window_start_utc"].replace(tzinfo=dt.UTC), Decimal(row["amount_usd"]),
                       tuple(json.loads(row["told"])))


def _encode(alert: BudgetAlert) -> dict[str, Any]:
    return {"alert_id": uuid.uuid4().hex, "budget_id": alert.budget_id, "at_utc": alert.at_utc,
            "window_start_utc": alert.window_start_utc, "crossing": alert.crossing,
            "severity": alert.severity, "message": alert.reason.text[:1000]}
