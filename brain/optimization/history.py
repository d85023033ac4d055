"""Runs that are over: what the next plan learns from them, what charts and pages tell of them."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from brain.decisions.optimization.learning import PastRun
from brain.decisions.optimization.strategies import BY_KEY
from brain.optimization.records import Run

HOUR = dt.timedelta(hours=1)
LATENCIES = ("api_latency_p95_ms", "generation_latency_p95_ms")


def change_of(run: Run, metric: str = "") -> dict[str, Any] | None:
    """The measured change of a metric, of the goal where none is named; None if there is none."""
    judgement = run.body.get("judgement") or {}
    name = metric or judgement.get("goal")
    return next((each for each in judgement.get("changes", ()) if each["metric"] == name), None)


def to_past(runs: Iterable[Run], now: dt.datetime) -> tuple[PastRun, ...]:
    """The runs as plans take them."""
    found = []
    for run in runs:
        if not run.is_over or run.body.get("undoes"):
            continue
        wanted, before = run.body.get("wanted", {}), run.body.get("expected", {})
        way: Literal["", "up", "down"] = ""
        if "replicas" in wanted and before.get("replicas") is not None:
            way = "up" if wanted["replicas"] > before["replicas"] else "down"
        change = change_of(run)
        # Its effect may last, so it rests from its end on, not from its beginning.
        age = now - (run.ended_at_utc or run.started_at_utc)
        found.append(PastRun(
            run.strategy, max(0.0, age.total_seconds()), run.body.get("situation", ""),
            run.verdict or "unclear",  # type: ignore[arg-type]
            run.rolled_back, way, None if change is None else change["gain"]))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run as a table, an export or a chart shows it; None is unknown."""

    run_id: str
    started_at_utc: dt.datetime
    ended_at_utc: dt.datetime | None
    cause: str
    person: str
    strategy: str
    title: str
    actuator: str
    actions: str
    goal: str
    before: float | None
    after: float | None
    expected_gain: float | None
    measured_gain: float | None
    gain_low: float | None
    gain_high: float | None
    latency_change_ms: float | None
    cost_usd_per_h: float | None
    verdict: str
    rolled_back: bool
    duration_s: float | None
    why: str
    is_demo: bool


def to_line(run: Run) -> RunLine:
    """A run in one line."""
    change = change_of(run) or {}
    latency = next((found for name in LATENCIES if (found := change_of(run, name))), {})
    plan = run.body.get("plan") or {}
    expected = plan.get("expected") or {}
    judged = (run.body.get("judgement") or {}).get("reasons") or [{}]
    strategy = BY_KEY.get(run.strategy)
    ended = run.ended_at_utc
    return RunLine(
        run.run_id, run.started_at_utc, ended, run.cause, run.person, run.strategy,
        run.body.get("title") or (strategy.title if strategy else run.strategy), run.actuator,
        tell_actions(run), run.body.get("goal", ""), change.get("before"),
        change.get("after"), expected.get("gain"), change.get("gain"), change.get("low"),
        change.get("high"), latency["after"] - latency["before"] if latency else None,
        expected.get("cost_usd_per_h"),
        run.verdict, run.rolled_back,
        None if ended is None else (ended - run.started_at_utc).total_seconds(),
        judged[0].get("text", ""), run.is_demo)


def tell_actions(run: Run) -> str:
    """What was changed, in one line: "replicas 4 → 8"."""
    expected, wanted = run.body.get("expected", {}), run.body.get("wanted", {})
    if run.body.get("undoes"):
        expected, wanted = wanted, run.body.get("checkpoint", {})
    told = [f"{name} {_show(expected.get(name))} → {_show(value)}"
            for name, value in wanted.items()]
    return ", ".join(told) or "; ".join(run.body.get("told", ()))


def list_marks(runs: Sequence[Run], start: dt.datetime,
               end: dt.datetime) -> list[dict[str, Any]]:
    """A mark for every run that changed something in [start, end), as charts take them."""
    marks = []
    for run in runs:
        applied = run.body.get("applied_at")
        if run.is_demo or not (applied or run.body.get("undoes")):
            continue
        at = dt.datetime.fromisoformat(applied) if applied else run.started_at_utc
        if not start <= at < end:
            continue
        line = to_line(run)
        how = ("taken back by hand" if run.body.get("undoes") else "rolled back"
               if run.rolled_back else line.verdict.replace("_", " ") or "under way")
        marks.append({"annotation_id": f"run-{run.run_id}", "at_utc": at,
                      "end_utc": run.ended_at_utc if run.ended_at_utc and run.ended_at_utc >= at
                      else None, "kind": "optimization", "workspace_id": "",
                      "text": f"{line.title}: {line.actions} ({how})", "is_demo": False,
                      "origin": "run"})
    return marks


def _show(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} {weight:.3g}" for name, weight in value.items()) + "}"
    return f"{value:,.10g}" if isinstance(value, int | float) else "unknown"
