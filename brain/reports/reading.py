"""Reading what the daily check and the latency report are about."""

import datetime as dt
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analytics import health, spans
from analytics.spans import Span
from brain import watch
from brain.decisions.check import (
    UPTIME,
    DailyCheck,
    LatencyRow,
    Observed,
    decide_check,
    judge_latency,
)
from brain.decisions.health import Demand, judge_demand
from brain.decisions.reasons import InputError
from brain.decisions.targets import TARGETS
from brain.engine import Engine
from brain.settings import SettingsError

LONGEST_LATENCY_SPAN = dt.timedelta(hours=48)
DEMAND_SPAN = dt.timedelta(minutes=15)
MOST_NAMES = 100
_NO_FILTERS: dict[str, list[str]] = {
    each: [] for each in ("workspaces", "models", "agents", "regions", "devices")}


@dataclass(frozen=True, slots=True)
class CheckReport:
    """A daily check: when it was made, over which span, in which zone times are told."""

    at_utc: dt.datetime
    start_utc: dt.datetime
    end_utc: dt.datetime
    zone: str
    check: DailyCheck


@dataclass(frozen=True, slots=True)
class LatencyReport:
    """Latency of all requests of a span, and by endpoint and agent."""

    at_utc: dt.datetime
    start_utc: dt.datetime
    end_utc: dt.datetime
    zone: str
    warning_ms: float
    total: LatencyRow
    endpoints: tuple[LatencyRow, ...]
    agents: tuple[LatencyRow, ...]

    @property
    def slow(self) -> tuple[str, ...]:
        """Endpoints and agents whose p95 passes the warning level, in words."""
        return tuple(f"{kind} {row.name or '(none)'}" for kind, rows in (
            ("endpoint", self.endpoints), ("agent", self.agents))
            for row in rows if row.verdict == "warning")


def read_check(engine: Engine, range_text: str = "24h") -> CheckReport:
    """The daily check of a range that ends now or earlier.

    Raises InputError for a text that is no range.
    """
    now, zone = engine.clock(), report_zone(engine)
    span = _parse(range_text, now, zone)
    observed = _of_requests(engine, span) | _of_machine(engine, span, now)
    for metric, value in _of_services(engine).items():
        if metric not in observed or observed[metric].value is None:
            observed[metric] = value
    observed[UPTIME] = Observed((now - engine.opened_at_utc).total_seconds(), "this process")
    demand = judge_demand(Demand(_rejected(engine, span, now), None, observed.get(
        "cpu_pct", Observed(None)).value))
    return CheckReport(now, span.start, span.end, zone,
                       decide_check(observed, engine.targets(), demand.unmet))


def read_latency(engine: Engine, range_text: str = "24h") -> LatencyReport:
    """Latency by endpoint and agent of a range; reads its events three times.

    Raises InputError for a text that is no range, or one longer than 48 hours.
    """
    now, zone = engine.clock(), report_zone(engine)
    span = _parse(range_text, now, zone)
    if span.length > LONGEST_LATENCY_SPAN:
        raise InputError("too_long", "endpoints are read from the events themselves: choose a "
                                     "range of at most 48 hours", "range")
    warning_ms = engine.settings.reports.latency_warning_ms

    def rows(dimension: str) -> tuple[LatencyRow, ...]:
        found = engine.query("latency/by_name", start=span.start, end=span.end, workspaces=[],
                             dimension=dimension, limit=MOST_NAMES)
        return judge_latency([_to_row(row) for row in found.to_dict("records")], warning_ms)

    total = next(iter(rows("")), LatencyRow("", 0, 0, 0, None, None, None,
                                            note="no requests in this range"))
    return LatencyReport(now, span.start, span.end, zone, warning_ms, total, rows("endpoint"),
                         rows("agent_id"))


def report_zone(engine: Engine) -> str:
    """Name of the zone that reports are made and told in. Raises SettingsError for no zone."""
    name = engine.settings.reports.time_zone
    try:
        return zoneinfo.ZoneInfo(name).key
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise SettingsError(f"BRAIN_REPORTS_TIME_ZONE={name!r} is not the name of a time zone"
                            ) from error


def _parse(range_text: str, now: dt.datetime, zone: str) -> Span:
    try:
        return spans.parse_range(range_text, now, zone)
    except ValueError as error:
        raise InputError("not_a_range", str(error), "range") from error


def _of_requests(engine: Engine, span: Span) -> dict[str, Observed]:
    """Errors, availability, latency and throughput of the engine's own requests."""
    params: dict[str, Any] = {**spans.query_params(span), **_NO_FILTERS}
    total = engine.query("usage/totals", **params).iloc[0]
    requests, errors = int(total["requests"]), int(total["errors"])
    if not requests:
        return {metric: Observed(None, "no requests in this range") for metric in (
            "error_pct", "availability_pct", "generation_latency_p95_ms", "throughput_per_s")}
    up = engine.query("health/availability", **health.availability_params(params))
    latency = engine.query("usage/latency", **params).iloc[0]
    p95_ms, p99_ms = (_known(latency[name]) for name in ("p95_ms", "p99_ms"))
    return {
        "error_pct": Observed(health.error_pct(errors, requests),
                              f"{errors:,} of {requests:,} requests"),
        "availability_pct": Observed(health.availability_pct(up), "minutes that were not down"),
        "generation_latency_p95_ms": Observed(
            p95_ms, "no request has a latency" if p99_ms is None else f"p99 {p99_ms:,.0f} ms"),
        "throughput_per_s": Observed(health.rate_per_s(requests, span, engine.clock()))}


def _of_machine(engine: Engine, span: Span, now: dt.datetime) -> dict[str, Observed]:
    """CPU, memory, disk and cache hit ratio: last values of the machine that is shown first."""
    search = health.search_span(span)
    machine = health.choose_machine(health.list_machines(engine.query(
        "health/instances", start=search.start, end=search.end, metric="cpu_pct")), "",
        engine.has_demo())
    if machine is None:
        return {metric: Observed(None, "no machine sent samples") for metric in health.GAUGES}
    rows = engine.query("health/machine_summary", start=span.start, end=span.end,
                        instance=machine.instance, is_demo=int(machine.is_demo))
    gauges = health.read_gauges(rows, span, now, machine.stale_after)
    return {metric: Observed(gauge.current, f"{machine.title}{', too old' * gauge.is_stale}")
            for metric, gauge in gauges.items() if metric in TARGETS}


def _of_services(engine: Engine) -> dict[str, Observed]:
    """Present values of the watched servers; why there is none of one that does not answer."""
    found: dict[str, Observed] = {}
    for source in sorted(engine.sources(), key=lambda each: each.status != "ok"):
        if source.name == "Prometheus" and source.status == "ok":
            answers: dict[str, float | None] = _of_prometheus(source.values)
        else:
            answers = {metric: float(value) if source.status == "ok" else None
                       for metric, value in source.values.items()
                       if metric in TARGETS and isinstance(value, int | float)}
        name = source.name.partition(" (")[0]
        for metric, value in answers.items():
            found.setdefault(metric, Observed(
                value, f"{name}, now" if source.status == "ok" else f"{name} does not answer"))
    return found


def _of_prometheus(values: Mapping[str, Any]) -> dict[str, float | None]:
    found = {metric: (watch.answer(values, figure).value, scale) for figure, metric, scale in (
        ("latency_p95_s", "api_latency_p95_ms", 1_000.0),
        ("latency_p99_s", "api_latency_p99_ms", 1_000.0),
        ("cache_hit_ratio", "cache_hit_pct", 100.0))}
    found["pods_running"] = watch.rows(values, "pods", "phase").get("Running"), 1.0
    return {metric: value * scale for metric, (value, scale) in found.items()
            if value is not None}


def _rejected(engine: Engine, span: Span, now: dt.datetime) -> int | None:
    """Requests turned away in the last 15 minutes of the span; None without requests."""
    end = max(min(span.end, now), span.start + spans.MINUTE)
    row = engine.query("health/rejections", start=max(span.start, end - DEMAND_SPAN), end=end,
                       **_NO_FILTERS).iloc[0]
    return int(row["rejected"]) if int(row["requests"]) else None


def _to_row(row: Mapping[Any, Any]) -> LatencyRow:
    return LatencyRow(str(row["name"]), int(row["requests"]), int(row["errors"]),
                      int(row["timed_requests"]), _known(row["p50_ms"]), _known(row["p95_ms"]),
                      _known(row["p99_ms"]))


def _known(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)
