"""Cards of System health: value, status, threshold, small line, change, and who measured it."""

import pandas as pd

from analytics import health
from brain.decisions import targets
from pages.ui import charts, data, format, health_lines, health_prometheus
from pages.ui import health as shown
from pages.ui.cards import Card
from pages.ui.filters import View
from pages.ui.health import EVENTS, PROMETHEUS, Seen

NO_REQUESTS = "Unknown without requests."
AVAILABILITY = ("Minutes that were not down, per 100 minutes with requests. A minute is down if at "
                "least two of its requests failed, and at least half of all. Minutes without "
                "requests do not count.")
MACHINE = (
    ("cpu_pct", "CPU", "Time that the processors were busy."),
    ("memory_pct", "Memory", "Main memory in use."),
    ("disk_pct", "Disk", "Space in use on the disk of the system."))
CACHE = ("Look-ups that the cache answered, per 100. Comes from samples named cache_hit_pct, else "
         "from Redis over the last ten minutes, else from Prometheus.")
CONNECTIONS = ("Connections that are open: Prometheus' brain_ai_active_connections, else those to "
               "this console's own port. It has no target.")


def requests(now: Seen, before: Seen, line: pd.DataFrame, latencies: pd.DataFrame,
             up: pd.DataFrame) -> list[Card]:
    """Request rate, error rate, p95 latency and availability."""
    judge = _Judge(now)
    metric = now.latency_metric
    ours = now.origin == EVENTS
    demand = shown.demand(now)
    plural = "" if now.requests == 1 else "s"
    rate = f"{now.requests:,} request{plural}" if now.requests else "no requests"
    if demand.unmet:
        rate = f"{rate}, demand unmet"
    known = now.rate_per_s is not None and (now.requests > 0 or not ours)
    status = judge.status("throughput_per_s") if demand.unmet else "ok"
    return [
        Card("Request rate", format.per_s(now.rate_per_s),
             f"{'Requests per second, the mean over the range so far.' if ours else RATE} "
             "Its target counts only while demand is unmet: a quiet night is no incident. "
             f"{' '.join(reason.text for reason in demand.reasons)}",
             format.change(now.rate_per_s, before.rate_per_s),
             charts.sparkline(line["rate_per_s"]), status if known else "unknown",
             note=_note(rate if ours else now.why.get("rate_per_s", ""), now.origin)),
        Card("Error rate", format.pct(now.error_pct),
             f"Failed requests per 100 requests. {NO_REQUESTS} {judge.levels('error_pct')}",
             format.difference(now.error_pct, before.error_pct, "points"),
             charts.sparkline(line["error_pct"]), judge.status("error_pct"), "lower",
             _note(now.why.get("error_pct") or judge.short("error_pct"), now.origin)),
        Card("Latency p95", format.ms(now.p95_ms),
             f"95 of 100 requests were answered within this time{', ±1 %' if ours else ''}. "
             f"{judge.levels(metric)}", format.change(now.p95_ms, before.p95_ms),
             charts.sparkline(latencies["p95_ms"]), judge.status(metric), "lower",
             _note(now.why.get("p95_ms") or judge.short(metric), now.origin)),
        Card("Availability", format.pct(now.availability_pct),
             f"{AVAILABILITY} {judge.levels('availability_pct')}",
             format.difference(now.availability_pct, before.availability_pct, "points"),
             charts.sparkline(up["availability_pct"]), judge.status("availability_pct"), "higher",
             _note(judge.short("availability_pct"), EVENTS)),
    ]


RATE = "HTTP requests per second over the settings' window."


def machine(view: View, now: Seen, before: Seen, lines: pd.DataFrame) -> list[Card]:
    """CPU, memory, disk, cache hit ratio and active connections: last value, its mean's change."""
    judge = _Judge(now)
    found = [_gauge_card(metric, label, what, now, before, lines, judge)
             for metric, label, what in MACHINE]
    cache = _line(view, "cache_hit_pct", now, lines)
    return [*found, _gauge_card("cache_hit_pct", "Cache hit ratio", CACHE, now, before, cache,
                                judge), _connections(view, now, before)]


def _line(view: View, metric: str, now: Seen, of_machine: pd.DataFrame | None = None,
          ) -> pd.DataFrame:
    """The line of a service's metric, from whoever gave its value."""
    origin = now.origins.get(metric, "")
    if origin in {"Redis", PROMETHEUS, "This machine"}:
        return health_lines.service(view, metric, origin)
    return pd.DataFrame({metric: []}) if of_machine is None else of_machine


def _gauge_card(metric: str, label: str, what: str, now: Seen, before: Seen,
                lines: pd.DataFrame, judge: "_Judge") -> Card:
    gauge = now.gauges.get(metric) or health.missing_gauge(metric)
    past = before.gauges.get(metric) or health.missing_gauge(metric)
    return Card(label, format.pct(gauge.last),
                f"{what} Shown is the last value; the change is that of the mean over the range"
                f"{'' if gauge.mean is None else f' ({gauge.mean:.1f} %)'}. {judge.levels(metric)}",
                format.difference(gauge.mean, past.mean, "points", least=0.5),
                charts.sparkline(lines[metric]), judge.status(metric),
                "higher" if metric == "cache_hit_pct" else "lower",
                _note(_age(gauge, metric) or judge.short(metric), now.origins.get(metric, "")))


def _connections(view: View, now: Seen, before: Seen) -> Card:
    metric = "active_connections"
    gauge = now.gauges.get(metric) or health.missing_gauge(metric)
    past = before.gauges.get(metric) or health.missing_gauge(metric)
    return Card("Active connections", format.count(gauge.last), CONNECTIONS,
                format.difference(gauge.mean, past.mean, "connections", least=0.5),
                charts.sparkline(_line(view, metric, now)[metric]),
                "unknown" if gauge.current is None else "ok",
                note=_note(_age(gauge, metric), now.origins.get(metric, "")))


def _age(gauge: health.Gauge, metric: str) -> str:
    """What to say of a value that is missing or too old."""
    if gauge.last_at_utc is None:
        prometheus = health_prometheus.status()
        if metric == "active_connections" and prometheus.is_configured \
                and prometheus.status != "ok":
            return "Prometheus is silent"
        return "no value in this range"
    if gauge.is_stale:
        return f"last value {format.ago(gauge.last_at_utc, data.now())}"
    return ""


def _note(text: str, origin: str) -> str:
    named = origin.lower() if origin in {EVENTS, "This machine"} else origin
    return " · ".join(part for part in (text, named) if part)


class _Judge:
    """Status and levels of metrics, from the one table of targets."""

    def __init__(self, seen: Seen) -> None:
        self._targets = shown.table_of_targets()
        self._values = seen.values()

    def status(self, metric: str) -> str:
        return targets.judge(self._targets[metric], self._values.get(metric))

    def levels(self, metric: str) -> str:
        target = self._targets[metric]
        side = "above" if target.better == "lower" else "below"
        told = [f"Target {target.target:g} {target.unit}"]
        told += [f"{word} {side} {level:g} {target.unit}" for word, level in
                 (("warning", target.warning), ("critical", target.critical)) if level is not None]
        return f"{', '.join(told)}."

    def short(self, metric: str) -> str:
        target = self._targets[metric]
        side = ">" if target.better == "lower" else "<"
        level = target.warning
        return "" if level is None else f"warns at {side} {level:,g} {target.unit}"


def origin_of_charts(origin: str) -> str:
    """Where a chart of requests comes from, and why it is old if it is."""
    if origin != PROMETHEUS:
        return "From the event store."
    found = health_prometheus.status()
    window = data.settings().prometheus.window
    if found.status == "ok":
        return f"From Prometheus, rates over {window}."
    return f"From Prometheus. {found.text} Last value {format.ago(found.value_at_utc, data.now())}."
