"""Optimization as verbs: JSON in, JSON-able values out."""

import base64
import datetime as dt
from dataclasses import asdict
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from analytics import spans
from brain.decisions.reasons import InputError
from brain.engine import Engine
from brain.optimization.desk import Planned
from brain.optimization.exports import export
from brain.optimization.forms import plan_to_json
from brain.optimization.history import to_line
from brain.optimization.records import Run

Person = Annotated[str, Meta(max_length=128)]
Key = Annotated[str, Meta(max_length=64)]
LAST_RUNS = 100


class PlanOptimization(msgspec.Struct, forbid_unknown_fields=True):
    """``only`` plans one strategy whatever its conditions say."""

    only: Key = ""


class RunOptimization(msgspec.Struct, forbid_unknown_fields=True):
    """As a plan; ``dry_run`` changes nothing."""

    only: Key = ""
    dry_run: bool = False
    person: Person = ""


class StopOptimization(msgspec.Struct, forbid_unknown_fields=True):
    """End the run under way."""

    person: Person = ""


class RollBackOptimization(msgspec.Struct, forbid_unknown_fields=True):
    """Take a past run back."""

    run_id: Key
    person: Person = ""


class OptimizationRuns(msgspec.Struct, forbid_unknown_fields=True):
    """Runs of a range as pages take it, all without one; the newest ``limit`` (100 without a
    range, else all). As a file: CSV as text, Parquet as base64."""

    range: Annotated[str, Meta(max_length=100)] = ""
    limit: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    form: Literal["lines", "json", "csv", "parquet"] = "lines"


class ConfigureOptimizer(msgspec.Struct, forbid_unknown_fields=True):
    """Values by name; "none" takes an optional bound away."""

    changes: dict[str, float | bool | str | None]
    person: Person = ""


class OptimizerConfiguration(msgspec.Struct, forbid_unknown_fields=True):
    """No arguments."""


class UndoOptimizer(msgspec.Struct, forbid_unknown_fields=True):
    """Undo the last change of the configuration."""

    person: Person = ""


def plan(engine: Engine, given: PlanOptimization) -> dict[str, Any]:
    """What would be done now."""
    return _show(engine.optimization.plan(given.only))


def run(engine: Engine, given: RunOptimization) -> dict[str, Any]:
    """The run that was begun, or the plan."""
    if given.dry_run:
        return _show(engine.optimization.plan(given.only))
    return _show(engine.optimization.run(given.only, given.person))


def stop(engine: Engine, given: StopOptimization) -> dict[str, Any]:
    """The run that was ended."""
    return _show(engine.optimization.stop(given.person))


def roll_back(engine: Engine, given: RollBackOptimization) -> dict[str, Any]:
    """The run that takes another back."""
    return _show(engine.optimization.roll_back(given.run_id, given.person))


def list_runs(engine: Engine, given: OptimizationRuns) -> Any:
    """Runs, newest first, as lines or as a file."""
    start = end = None
    if given.range:
        try:
            span = spans.parse_range(given.range, engine.clock())
        except ValueError as error:
            raise InputError("not_a_range", str(error), "range") from error
        start, end = span.start, span.end
    limit = given.limit or (None if given.range else LAST_RUNS)
    runs = engine.optimization.runs(start, end, limit)
    if given.form == "lines":
        return [_line(each) for each in runs]
    body = export(engine, runs, given.form)
    return {"form": given.form, "text": base64.b64encode(body).decode()
            if given.form == "parquet" else body.decode()}


class TickOptimization(msgspec.Struct, forbid_unknown_fields=True):
    """No arguments."""


def tick(engine: Engine, _given: TickOptimization) -> dict[str, Any]:
    """Carry the run under way on, as far as it is due."""
    found = engine.optimization.tick()
    return {"step": found.step if found else ""}


def read_configuration(engine: Engine, _given: OptimizerConfiguration) -> dict[str, Any]:
    """The configuration in force."""
    return asdict(engine.optimization.configuration())


def configure(engine: Engine, given: ConfigureOptimizer) -> dict[str, Any]:
    """The configuration with the changes."""
    return asdict(engine.optimization.configure(given.changes, given.person))


def undo(engine: Engine, given: UndoOptimizer) -> dict[str, Any]:
    """The configuration as before its last change."""
    return asdict(engine.optimization.undo_configuration(given.person))


def _show(found: Run | Planned) -> dict[str, Any]:
    if isinstance(found, Planned):
        return {"run": None, "plan": msgspec.to_builtins(plan_to_json(found.plan)),
                "is_demo": found.observed.is_demo, "fault": found.fault}
    return {"run": {**_line(found), "step": found.step}, "plan": found.body.get("plan"),
            "is_demo": False, "fault": ""}


def _line(run: Run) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, dt.datetime) else value
            for name, value in asdict(to_line(run)).items()} | {"step": run.step}
