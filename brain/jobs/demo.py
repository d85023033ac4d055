"""Writing the demonstration: its history once, then its present as time passes."""

import datetime as dt
import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from brain.demo import DemoHistory, DemoPlan, DemoStream, describe, list_annotations, read_plan
from brain.engine import Engine
from brain.models.demo import register_allocation
from brain.optimization.demo import register_optimizations

LIVE_S = 5.0
WRITE_STEP = dt.timedelta(days=5)
LIVE_STEP = dt.timedelta(days=1)


class DemoExistsError(ValueError):
    """There is a demonstration already: remove it before writing another."""


def write(engine: Engine, *, events: int | None = None, days: int | None = None,
          seed: int | None = None, progress: Callable[[float], None] | None = None) -> int:
    """Events written: a history up to the present hour, its marks, workspaces and rollups.

    What is not given comes from the settings; ``progress`` hears the finished share, 0 to 1.
    Its state is written first, so that a history cut short is finished by :func:`go_on` and
    can be removed. Raises DemoExistsError, or ValueError for a plan that cannot be made.
    """
    if engine.has_demo():
        raise DemoExistsError("there is demonstration data already; remove it first")
    chosen, now = engine.settings.demo, engine.clock()
    plan = DemoPlan(chosen.seed if seed is None else seed, days or chosen.days,
                    events or chosen.events, now.replace(minute=0, second=0, microsecond=0))
    history = DemoHistory(plan)
    _insert_new(engine, "workspaces", "workspace_id",
                [{**row, "status": "active", "created_at_utc": history.first_at_utc}
                 for row in history.workspaces])
    engine.state.insert("demo_state", {
        "demo_id": plan.key, "seed": plan.seed, "first_at_utc": history.first_at_utc,
        "last_at_utc": history.first_at_utc, "effects_json": json.dumps(describe(plan)),
        "written_at_utc": now})
    engine.experiments.register_demo(describe(plan))
    stream, at, written = DemoStream(plan), history.first_at_utc, 0
    while at < plan.end_utc:
        end = min(at + WRITE_STEP, plan.end_utc)
        written += _write_window(engine, stream, at, end)
        at = end
        if progress is not None:
            progress((at - history.first_at_utc) / dt.timedelta(days=plan.days))
    engine.settle()
    register_optimizations(engine, json.loads(json.dumps(describe(plan))))
    return written + register_allocation(engine, history.first_at_utc, plan.end_utc)


def go_on(engine: Engine) -> int:
    """Events written to bring the demonstration up to the present, a day's worth at most.

    Nothing without a demonstration, or if the clock went back. After a failure the next call
    writes the same rows, whose ids make a repeat harmless.
    """
    now, rows = engine.clock(), engine.state.rows("demo_state")
    if not rows:
        return 0
    plan, start = read_plan(json.loads(rows[0]["effects_json"])), rows[0]["last_at_utc"]
    end = min(now, start + LIVE_STEP)
    if end <= start:
        return 0
    written = _write_window(engine, _stream(plan), start, end)
    if not engine.has_demo():  # removed while this was writing
        engine.remove_source("demo")
        engine.state.delete("annotations", is_demo=True)
        return 0
    return written


@lru_cache(maxsize=1)
def _stream(plan: DemoPlan) -> DemoStream:
    return DemoStream(plan)


def _write_window(engine: Engine, stream: DemoStream, start: dt.datetime,
                  end: dt.datetime) -> int:
    tables = {kind: table for kind, table in stream.window(start, end).items() if table.num_rows}
    engine.append_tables(tables)
    _insert_new(engine, "annotations", "annotation_id",
                list_annotations(stream.plan, start, end))
    engine.state.update("demo_state", "demo_id", stream.plan.key, last_at_utc=end)
    return sum(table.num_rows for table in tables.values())


def _insert_new(engine: Engine, table: str, key: str, rows: list[dict[str, Any]]) -> None:
    """Insert the rows whose key is not there yet."""
    if rows:
        known = {row[key] for row in engine.state.rows(table)}
        fresh = [row for row in rows if row[key] not in known]
        if fresh:
            engine.state.insert(table, *fresh)
