"""Configuration, runs and health to take away: JSON, CSV, Parquet."""

import datetime as dt
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from brain.optimization.history import RunLine, to_line
from brain.optimization.records import Run

if TYPE_CHECKING:
    import pandas as pd

    from brain.engine import Engine

FORMS = ("json", "csv", "parquet")
COLUMNS = tuple(field.name for field in fields(RunLine))


def to_rows(runs: Sequence[Run]) -> "pd.DataFrame":
    """Runs as rows with `COLUMNS`, newest first; what is not known is empty."""
    import pandas as pd
    found = pd.DataFrame([asdict(to_line(run)) for run in runs], columns=list(COLUMNS))
    for name in ("started_at_utc", "ended_at_utc"):
        found[name] = pd.to_datetime(found[name], utc=True)
    for name in ("before", "after", "expected_gain", "measured_gain", "gain_low", "gain_high",
                 "latency_change_ms", "cost_usd_per_h", "duration_s"):
        found[name] = found[name].astype("float64")
    return found


def to_values(engine: "Engine", runs: Sequence[Run]) -> dict[str, Any]:
    """Configuration, runs with all that was kept of them, strategies' records, and health."""
    from brain.decisions.check import UPTIME
    from brain.reports.reading import read_check
    check = read_check(engine, "1h").check
    demo = any(run.is_demo for run in runs)
    return {
        "exported_at_utc": engine.clock().isoformat(),
        "configuration": asdict(engine.optimization.configuration()),
        "runs": [{**_iso(asdict(to_line(run))), "steps": [
            {"step": row["step"], "at_utc": row["at_utc"].isoformat(), "note": row["note"]}
            for row in engine.optimization.book.steps(run.run_id)],
            "body": run.body} for run in runs],
        "records": [asdict(each) for each in engine.optimization.records()],
        "demo_records": [asdict(each) for each in engine.optimization.records(is_demo=True)]
        if demo else [],
        "system_health": {each.metric: each.value for each in check.lines if each.metric != UPTIME}}


def export(engine: "Engine", runs: Sequence[Run], form: str) -> bytes:
    """The file of a form, one of `FORMS`."""
    if form == "json":
        return json.dumps(to_values(engine, runs), indent=1, default=str).encode()
    rows = to_rows(runs)
    if form == "csv":
        from analytics.exports import to_csv
        return to_csv(rows)
    out = io.BytesIO()
    rows.to_parquet(out, index=False)
    return out.getvalue()


def _iso(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, dt.datetime) else value
            for name, value in values.items()}
