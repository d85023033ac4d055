"""Targets, the daily check and the latency report as verbs: JSON in, JSON-able values out."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from brain.decisions.check import describe_target
from brain.engine import Engine
from brain.targets import TargetRow

Metric = Annotated[str, Meta(max_length=128)]
Person = Annotated[str, Meta(max_length=128)]
Level = Annotated[str, Meta(max_length=32)] | float | None


class Targets(msgspec.Struct, forbid_unknown_fields=True):
    """No arguments."""


class SetTarget(msgspec.Struct, forbid_unknown_fields=True):
    """Levels to change: a number, "none" for no level, null to keep it; a range reads "3-10"."""

    metric: Metric
    target: Level = None
    warning: Level = None
    critical: Level = None
    person: Person = ""


class ResetTarget(msgspec.Struct, forbid_unknown_fields=True):
    """Which metric gets its delivered levels back."""

    metric: Metric
    person: Person = ""


class UndoTarget(msgspec.Struct, forbid_unknown_fields=True):
    """Whose last change is undone; empty for the last changed metric."""

    metric: Metric = ""
    person: Person = ""


class TargetHistory(msgspec.Struct, forbid_unknown_fields=True):
    """Only changes of this metric; empty for all."""

    metric: Metric = ""


class Report(msgspec.Struct, forbid_unknown_fields=True):
    """Which report, over which range."""

    name: Literal["check", "latency"] = "check"
    range: Annotated[str, Meta(max_length=100)] = "24h"


def list_targets(engine: Engine, _: Targets) -> Any:
    """Every metric with its levels."""
    return [describe_row(row) for row in engine.target_table.rows()]


def set_target(engine: Engine, given: SetTarget) -> Any:
    """The metric with its new levels."""
    levels = {name: getattr(given, name) for name in ("target", "warning", "critical")}
    return describe_row(engine.set_target(given.metric, levels, given.person))


def reset_target(engine: Engine, given: ResetTarget) -> Any:
    """The metric with its delivered levels."""
    return describe_row(engine.reset_target(given.metric, given.person))


def undo_target(engine: Engine, given: UndoTarget) -> Any:
    """The metric as before its last change."""
    return describe_row(engine.undo_target(given.metric, given.person))


def list_changes(engine: Engine, wanted: TargetHistory) -> Any:
    """Changes of targets, newest first."""
    return [asdict(each) for each in engine.target_table.history(wanted.metric)]


def make_report(engine: Engine, wanted: Report) -> Any:
    """A report's data."""
    from brain.reports.files import read_report
    return msgspec.to_builtins(read_report(engine, wanted.name, wanted.range)[0])


def describe_row(row: TargetRow) -> dict[str, Any]:
    """A row of the table of targets."""
    return {**asdict(row.target), "in_words": describe_target(row.target),
            "default": asdict(row.default), "is_changed": row.is_changed,
            "changed_by": row.changed_by, "changed_at_utc": row.changed_at_utc,
            "fault": row.fault}
