"""Budgets as verbs: JSON in, JSON-able values out."""

import datetime as dt
from dataclasses import asdict
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from brain.budgets.told import describe_status
from brain.decisions.budgets import Budget
from brain.engine import Engine

Id = Annotated[str, Meta(min_length=1, max_length=64)]
Name = Annotated[str, Meta(max_length=256)]
Person = Annotated[str, Meta(max_length=128)]
Reason = Annotated[str, Meta(max_length=1_000)]
Kind = Literal["route", "experiment"]


class Budgets(msgspec.Struct, forbid_unknown_fields=True):
    """Only budgets of this scope; empty for all."""

    scope: Annotated[str, Meta(max_length=16)] = ""


class SetBudget(msgspec.Struct, forbid_unknown_fields=True):
    """A budget, new or in the place of the one with its id."""

    budget_id: Id
    amount_usd: Decimal
    scope: Annotated[str, Meta(max_length=16)] = "platform"
    name: Name = ""
    window: Annotated[str, Meta(max_length=8)] = "month"
    time_zone: Annotated[str, Meta(max_length=64)] = "UTC"
    reset_day: int = 1
    hard: bool = False
    at_cap: Annotated[str, Meta(max_length=16)] = "block"
    fallback_model: Name = ""
    throttle_s: int = 60
    alert_pcts: Annotated[list[int], Meta(max_length=30)] = []
    person: Person = ""


class OneBudget(msgspec.Struct, forbid_unknown_fields=True):
    """Which budget, and who asks."""

    budget_id: Id
    person: Person = ""


class BudgetAlerts(msgspec.Struct, forbid_unknown_fields=True):
    """Alerts told in the last days."""

    days: Annotated[int, Meta(ge=1, le=3_660)] = 31


class BudgetStops(msgspec.Struct, forbid_unknown_fields=True):
    """No arguments."""


class StopSpending(msgspec.Struct, forbid_unknown_fields=True):
    """Stop a route (an agent) or an experiment until it is resumed."""

    what: Kind
    name: Annotated[str, Meta(min_length=1, max_length=256)]
    reason: Reason = "stopped by hand"
    person: Person = ""


class ResumeSpending(msgspec.Struct, forbid_unknown_fields=True):
    """Let a stopped route or experiment go on."""

    what: Kind
    name: Annotated[str, Meta(min_length=1, max_length=256)]
    person: Person = ""


def list_budgets(engine: Engine, wanted: Budgets) -> Any:
    """Every budget with how it stands now."""
    return [describe_status(engine.budgets.status(each)) for each in engine.budgets.list()
            if wanted.scope in ("", each.scope)]


def set_budget(engine: Engine, given: SetBudget) -> Any:
    """The budget as stored, with how it stands now."""
    fields = msgspec.structs.asdict(given)
    person = fields.pop("person")
    budget = Budget(**{**fields, "alert_pcts": tuple(given.alert_pcts)})
    return describe_status(engine.budgets.status(engine.budgets.put(budget, person)))


def remove_budget(engine: Engine, wanted: OneBudget) -> Any:
    """Which budget is no longer there."""
    engine.budgets.remove(wanted.budget_id, wanted.person)
    return {"removed": wanted.budget_id}


def undo_budget(engine: Engine, wanted: OneBudget) -> Any:
    """The budget as before its last change, null where it was not there."""
    budget = engine.budgets.undo(wanted.budget_id, wanted.person)
    return {"budget_id": wanted.budget_id,
            "budget": None if budget is None else asdict(budget)}


def list_alerts(engine: Engine, wanted: BudgetAlerts) -> Any:
    """Alerts told, oldest first."""
    now = engine.clock()
    return [dict(each) for each in engine.budgets.alerts(
        now - dt.timedelta(days=wanted.days), now + dt.timedelta(microseconds=1))]


def list_stops(engine: Engine, _: BudgetStops) -> Any:
    """What is stopped, the oldest first."""
    return engine.budgets.stops.all()


def stop_spending(engine: Engine, given: StopSpending) -> Any:
    """What is stopped now."""
    engine.budgets.stop(given.what, given.name, given.reason, given.person)
    return engine.budgets.stops.all()


def resume_spending(engine: Engine, given: ResumeSpending) -> Any:
    """Whether it was stopped and goes on."""
    return {"resumed": engine.budgets.resume(given.what, given.name, given.person)}
