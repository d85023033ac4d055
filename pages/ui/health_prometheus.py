"""What Prometheus tells of the span a reader looks at: requests, machines, services."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from analytics import health
from analytics.health import Gauge, Machine
from analytics.spans import MINUTE, Span
from brain.watch import WORDS, SourceStatus, answer
from pages.ui import data
from pages.ui.filters import View

NAME = "Prometheus"
REQUESTS = {"request_rate_per_s": "rate_per_s", "error_ratio": "error_pct",
            "latency_p50_s": "p50_ms", "latency_p95_s": "p95_ms", "latency_p99_s": "p99_ms"}
NODES = {"node_cpu_ratio": "cpu_pct", "node_memory_ratio": "memory_pct",
         "node_disk_ratio": "disk_pct"}
SERVICES = {"cache_hit_ratio": "cache_hit_pct", "active_connections": "active_connections"}
COLUMNS = {**REQUESTS, **NODES, **SERVICES}
"""Column of the charts by the figure that fills it."""
STALE_AFTER = 3 * MINUTE
LIVE_PATIENCE_S = 0.4


def status() -> SourceStatus:
    """How Prometheus is doing, with its last answers."""
    return next(each for each in data.sources() if each.name == NAME)


def list_nodes() -> tuple[Machine, ...]:
    """Machines that Prometheus knows by node_exporter, by name."""
    found = status()
    samples = found.values.get("node_cpu_ratio", ())
    at = found.value_at_utc or data.now()
    return tuple(sorted((Machine(each.labels.get("instance", ""), False, False, at, STALE_AFTER,
                                 "Prometheus") for each in samples),
                        key=lambda machine: machine.instance))


def lines(view: View, width_s: int, span: Span | None = None,
          machine: Machine | None = None) -> tuple[pd.DataFrame, str]:
    """Every figure of COLUMNS over the span, gaps where there is none, and why it is old or absent.

    Ratios are percentages, latencies milliseconds. Machines' figures are those of ``machine``.
    """
    span = span or view.span
    start = span.start.timestamp() // width_s * width_s
    aligned = Span(dt.datetime.fromtimestamp(start, dt.UTC), span.end)
    points: dict[str, Any] = dict.fromkeys(COLUMNS.values(), ())
    told = ""
    if status().is_configured:
        live = span.end >= data.now() - MINUTE
        found = data.engine().watch.history(
            tuple(COLUMNS), aligned, width_s, LIVE_PATIENCE_S if live
            else data.settings().prometheus.timeout_s, is_before=span != view.span)
        told = found.reason or ("Prometheus is being asked." if found.is_pending else "")
        for figure, column in COLUMNS.items():
            points[column] = _points(found.values.get(figure, ()), machine
                                     if figure in NODES else None, figure in NODES)
    scale = {column: 100.0 if column.endswith("_pct") else 1_000.0 for column in points
             if column.endswith(("_pct", "_ms"))}
    return health.range_line(points, aligned, width_s, scale), told


def _points(series: Sequence[Any], machine: Machine | None, by_machine: bool) -> Sequence[Any]:
    if by_machine:
        wanted = machine.instance if machine else None
        series = [each for each in series if each.labels.get("instance") == wanted]
    return series[0].points if series else ()


def requests(view: View, span: Span, width_s: int) -> Mapping[str, Any]:
    """Rate, errors and p95 of a span: the last answers while it reaches the present, else the mean
    of the line; ``why`` says why a value is missing."""
    line, _ = lines(view, width_s, span)
    why: dict[str, str] = {}
    found: dict[str, float | None] = {}
    is_now = span == view.span and span.end >= data.now() - MINUTE
    values = status().values
    for figure, column in (("request_rate_per_s", "rate_per_s"), ("error_ratio", "error_pct"),
                           ("latency_p95_s", "p95_ms")):
        mean = line[column].mean()
        found[column] = None if pd.isna(mean) else float(mean)
        if is_now:
            given = answer(values, figure)
            scale = {"error_pct": 100.0, "p95_ms": 1_000.0}.get(column, 1.0)
            found[column] = None if given.value is None else given.value * scale
            why[column] = WORDS.get(given.why, "")
    return {**found, "why": why, "requests": 0}


def gauge(metric: str, view: View, span: Span, width_s: int) -> Gauge | None:
    """A service's figure over a span; None where Prometheus is not configured."""
    if not status().is_configured:
        return None
    line, _ = lines(view, width_s, span)
    return _newest(metric, next(figure for figure, column in SERVICES.items() if column == metric),
                   health.gauge_of_line(metric, line, _due(span), _stale_after(width_s)), span,
                   None)


def machine_gauges(machine: Machine, view: View, span: Span, width_s: int) -> dict[str, Gauge]:
    """CPU, memory, disk and uptime of a machine that node_exporter measures."""
    line, _ = lines(view, width_s, span, machine)
    found = {metric: _newest(metric, figure, health.gauge_of_line(
        metric, line, _due(span), _stale_after(width_s)), span, machine)
        for figure, metric in NODES.items()}
    found["uptime_s"] = _newest("uptime_s", "node_uptime_s", health.missing_gauge("uptime_s"),
                                span, machine)
    return {metric: each for metric, each in found.items() if each.last is not None}


def _newest(metric: str, figure: str, of_line: Gauge, span: Span,
            machine: Machine | None) -> Gauge:
    """The line's gauge with the last answer as its value, while the span reaches the present."""
    if span.end < data.now() - MINUTE:
        return of_line
    found = status()
    samples = [each for each in found.values.get(figure, ()) if each.value is not None
               and (machine is None or each.labels.get("instance") == machine.instance)]
    if not samples:
        return of_line
    scale = 100.0 if metric.endswith("_pct") else 1.0
    return Gauge(metric, samples[0].value * scale, found.value_at_utc, of_line.mean,
                 of_line.highest, found.status != "ok")


def _due(span: Span) -> dt.datetime:
    return min(span.end, data.now())


def _stale_after(width_s: int) -> dt.timedelta:
    return max(STALE_AFTER, 2 * dt.timedelta(seconds=width_s))
