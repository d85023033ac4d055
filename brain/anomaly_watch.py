"""The platform's own series, watched: read, judged, kept in the state store."""

import datetime as dt
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analytics import usage
from analytics.anomalies.detector import Detector
from analytics.spans import Span, query_params
from brain.sources.frames import plain_times
from brain.sources.state import StateStore

STEP_S = 300
STEP = dt.timedelta(seconds=STEP_S)
SETTLED_AFTER = dt.timedelta(seconds=60)
HISTORY = dt.timedelta(days=28)
MOST_AT_ONCE = 2_000
MOST_MACHINES = 20
MACHINE_METRICS = ("cpu_pct", "memory_pct", "disk_pct", "cache_hit_pct")
USAGE_SERIES = ("requests", "error_pct", "cost_usd", "latency_p95_ms")
FEWEST_REQUESTS = 20
"""Fewer requests than this in 5 minutes say nothing of their error rate or latency."""
NOT_AN_ANOMALY = "not_anomaly"

Values = list[tuple[pd.Timestamp, float | None]]


@dataclass(frozen=True, slots=True)
class _Group:
    """Series that are read together: their ids, and where their values come from."""

    series: tuple[str, ...]
    is_demo: bool
    read: Callable[[Span], Mapping[str, Values]]


class AnomalyWatch:
    """Detectors in the state store, fed with each bucket of 5 minutes once it is over."""

    def __init__(self, state: StateStore, query: Callable[..., pd.DataFrame],
                 clock: Callable[[], dt.datetime], zone: str = "") -> None:
        self._state, self._query, self._clock = state, query, clock
        self._zone = zone or "UTC"
        self._lock = threading.Lock()

    def run_once(self, has_demo: Callable[[], bool]) -> int:
        """How many anomalies are new. At most `MOST_AT_ONCE` buckets of each series are read."""
        due = _floor(self._clock() - SETTLED_AFTER)
        found = 0
        with self._lock:
            known = {row["series"]: row for row in self._state.rows("detectors")}
            for group in self._groups(due, has_demo()):
                span = self._next_span(group, known, due)
                if span is not None:
                    found += self._judge(group, group.read(span), known, span.end)
        return found

    def found(self, start: dt.datetime, end: dt.datetime) -> list[dict[str, Any]]:
        """Anomalies of [start, end), those a person dismissed included, oldest first."""
        column = self._state.tables["anomalies"].c
        at = plain_times({"start": start, "end": end})
        return self._state.rows("anomalies", column.at_utc >= at["start"],
                                column.at_utc < at["end"], order="at_utc")

    def dismiss(self, anomaly_id: str) -> tuple[dict[str, Any], bool]:
        """The anomaly, now "not an anomaly", and whether its detector could learn from it.

        A detector knows its last eight alarms. Raises LookupError for an unknown id.
        """
        with self._lock:
            rows = self._state.rows("anomalies",
                                    self._state.tables["anomalies"].c.anomaly_id == anomaly_id)
            if not rows:
                raise LookupError(f"there is no anomaly {anomaly_id!r:.100}")
            row = rows[0]
            self._state.update("anomalies", "anomaly_id", anomaly_id, verdict=NOT_AN_ANOMALY)
            kept = self._state.rows("detectors",
                                    self._state.tables["detectors"].c.series == row["series"])
            learned = False
            for each in kept:
                detector = Detector.restore(json.loads(each["state_json"]))
                learned = detector.accept(row["at_utc"].timestamp())
                self._state.update("detectors", "series", row["series"],
                                   state_json=json.dumps(detector.state()))
        return row, learned

    def forget_demo(self) -> None:
        """Remove what was found in, and learned from, demonstration data."""
        with self._lock:
            for table in ("anomalies", "detectors"):
                self._state.delete(table, is_demo=True)

    def _groups(self, due: dt.datetime, has_demo: bool) -> list[_Group]:
        groups = [_Group(USAGE_SERIES, has_demo, self._read_usage)]
        machines = self._query("health/instances", start=due - dt.timedelta(hours=1), end=due,
                               metric="cpu_pct")
        for row in machines.head(MOST_MACHINES).to_dict("records"):
            instance, is_demo = str(row["instance"]), bool(row["is_demo"])
            groups.append(_Group(
                tuple(f"{metric}@{instance}" for metric in MACHINE_METRICS), is_demo,
                lambda span, instance=instance, is_demo=is_demo:  # type: ignore[misc]
                    self._read_machine(span, instance, is_demo)))
        return groups

    def _next_span(self, group: _Group, known: Mapping[str, dict[str, Any]],
                   due: dt.datetime) -> Span | None:
        """The buckets to read next, None if there are none yet."""
        begun = [known[series]["until_utc"] for series in group.series if series in known]
        start = max(begun, default=_floor(due - HISTORY))
        if not begun and group.series == USAGE_SERIES:
            first = self._query("usage/first_hour", workspaces=[])["first_hour_utc"].iloc[0]
            if pd.isna(first):
                return None
            start = max(start, first.to_pydatetime())
        end = min(due, start + MOST_AT_ONCE * STEP)
        return Span(start, end) if start < end else None

    def _judge(self, group: _Group, values: Mapping[str, Values],
               known: Mapping[str, dict[str, Any]], until: dt.datetime) -> int:
        """Feed what was read, write down what was found, then how far that was.

        In this order, a stop in between only finds the same again: an id is series and time.
        """
        found: list[dict[str, Any]] = []
        detectors = []
        for series in group.series:
            row = known.get(series)
            detector = (Detector.restore(json.loads(row["state_json"])) if row
                        else Detector(self._zone))
            for at, value in values.get(series, ()):
                point = detector.update(at.timestamp(), value)
                if point.is_alarm:
                    found.append({
                        "anomaly_id": f"{series}@{int(at.timestamp())}", "series": series,
                        "at_utc": at.to_pydatetime(), "score": point.score, "value": value,
                        "expected": point.expected, "low": point.low, "high": point.high,
                        "reason": point.reason, "verdict": "", "is_demo": group.is_demo})
            detectors.append((series, detector, row is not None))
        fresh = self._not_yet_told(found)
        self._state.insert("anomalies", *fresh)
        for series, detector, is_known in detectors:
            changes = {"state_json": json.dumps(detector.state()), "until_utc": until,
                       "updated_at_utc": self._clock(), "is_demo": group.is_demo}
            if is_known:
                self._state.update("detectors", "series", series, **changes)
            else:
                self._state.insert("detectors", {"series": series, **changes})
        return len(fresh)

    def _not_yet_told(self, found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        column = self._state.tables["anomalies"].c.anomaly_id
        told = {row["anomaly_id"] for row in self._state.rows(
            "anomalies", column.in_([each["anomaly_id"] for each in found]))} if found else set()
        return [each for each in found if each["anomaly_id"] not in told]

    def _read_usage(self, span: Span) -> dict[str, Values]:
        filters: dict[str, list[str]] = {
            name: [] for name in ("workspaces", "models", "agents", "regions", "devices")}
        params = usage.minutes_params({**query_params(span), **filters}, STEP_S)
        if params is None:
            raise ValueError(f"usage of {STEP_S} s comes from whole minutes")
        rows = usage.fill_gaps(self._query("usage/minutes", **params), span, STEP_S, usage.SUMS)
        requests = rows["requests"].astype("float64")
        enough = requests >= FEWEST_REQUESTS
        latency = self._query("anomalies/latency_p95", start=span.start, end=span.end,
                              width_s=STEP_S).set_index("bucket_start_utc")["p95_ms"]
        columns = {"requests": requests, "cost_usd": rows["cost_usd"].astype("float64"),
                   "error_pct": 100 * rows["errors"].astype("float64") / requests.where(enough),
                   "latency_p95_ms": rows["bucket_start_utc"].map(latency).where(enough)}
        return {series: _pairs(rows["bucket_start_utc"], column)
                for series, column in columns.items()}

    def _read_machine(self, span: Span, instance: str, is_demo: bool) -> dict[str, Values]:
        rows = self._query("health/machine_series", start=span.start, end=span.end,
                           width_s=STEP_S, instance=instance, is_demo=int(is_demo))
        found = {}
        for metric in MACHINE_METRICS:
            of_metric = rows[rows["metric"] == metric]
            found[f"{metric}@{instance}"] = _pairs(of_metric["bucket_start_utc"],
                                                   of_metric["mean_value"])
        return found


def _pairs(times: pd.Series, values: pd.Series) -> Values:
    return [(at, None if pd.isna(value) else float(value))
            for at, value in zip(times, values, strict=True)]


def _floor(moment: dt.datetime) -> dt.datetime:
    return dt.datetime.fromtimestamp(moment.timestamp() // STEP_S * STEP_S, dt.UTC)
