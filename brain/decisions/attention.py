"""What needs a person's attention, most urgent first?"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from brain.decisions.targets import TARGETS, Status, Target

Urgency = Literal["critical", "warning", "unknown"]
_ORDER = ("critical", "warning", "unknown")
WAITING_EVENTS = 10_000
WAITING_HOURS = 24
UNUSUAL_FOR = dt.timedelta(hours=1)
MOST_UNUSUAL = 3
DEMO_STALE_AFTER = dt.timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at: how urgent, a code, a sentence, and the page that helps.

    ``anomaly_id`` names the anomaly that a reader may dismiss, '' for every other finding.
    """

    urgency: Urgency
    code: str
    text: str
    page: str
    anomaly_id: str = ""


@dataclass(frozen=True, slots=True)
class Unusual:
    """An anomaly that nobody dismissed; ``series`` is a metric, or ``metric@machine``."""

    anomaly_id: str
    series: str
    at_utc: dt.datetime
    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class Situation:
    """What the rules look at. ``statuses`` and ``values`` are by metric of the table of targets.

    ``demo_until_utc`` is how far demonstration data reaches, None without any.
    """

    now: dt.datetime
    requests: int
    unpriced_requests: int
    unpriced_models: int
    waiting_events: int
    waiting_hours: int
    faults: tuple[str, ...]
    statuses: Mapping[str, Status]
    values: Mapping[str, float | None]
    demo_until_utc: dt.datetime | None
    silent_sources: tuple[tuple[str, str], ...] = ()
    unusual: tuple[Unusual, ...] = ()
    optimizer_alerts: tuple[str, ...] = ()


def list_findings(seen: Situation,
                  targets: Mapping[str, Target] = TARGETS) -> tuple[Finding, ...]:
    """Findings, most urgent first; empty if nothing needs attention."""
    found: list[Finding] = []
    for rule in RULES:
        found.extend(rule(seen, targets))
    return tuple(sorted(found, key=lambda finding: _ORDER.index(finding.urgency)))


def find_faults(seen: Situation, _targets: Mapping[str, Target]) -> list[Finding]:
    """Stores that do not hold what they accepted."""
    return [Finding("critical", "store_fault", f"The stores do not hold all that was accepted: "
                                               f"{fault}.", "data") for fault in seen.faults]


def find_missed_targets(seen: Situation, targets: Mapping[str, Target]) -> list[Finding]:
    """Metrics past their warning or critical level."""
    found = []
    for metric, status in seen.statuses.items():
        value, target = seen.values.get(metric), targets[metric]
        if value is None or status not in {"warning", "critical"}:
            continue
        level = target.critical if status == "critical" else target.warning
        if level is None:
            continue
        side = "above" if target.better == "lower" else "below"
        found.append(Finding(
            "critical" if status == "critical" else "warning", f"{metric}_{status}",
            f"{title_of(metric)} is {value:,.4g} {target.unit}, {side} the {status} level of "
            f"{level:,g} {target.unit}.", "health"))
    return found


def find_unusual(seen: Situation, _targets: Mapping[str, Target]) -> list[Finding]:
    """Anomalies of the last hour, the latest of each series, the highest scores first."""
    latest = {each.series: each for each in sorted(seen.unusual, key=lambda each: each.at_utc)
              if seen.now - UNUSUAL_FOR <= each.at_utc <= seen.now}
    found = []
    for each in sorted(latest.values(), key=lambda each: -each.score)[:MOST_UNUSUAL]:
        metric, _, machine = each.series.partition("@")
        name = title_of(metric) + (f" of {machine}" if machine else "")
        found.append(Finding(
            "warning", "anomaly", f"{name} was unusual at {each.at_utc:%H:%M} UTC: {each.reason}.",
            _PAGES_OF_SERIES.get(metric, "health"), each.anomaly_id))
    return found


def find_optimizer_alerts(seen: Situation, _targets: Mapping[str, Target]) -> list[Finding]:
    """Optimizations that could not be taken back as they should."""
    return [Finding("critical", "optimization_not_back", f"Optimization: {each}.", "optimization")
            for each in seen.optimizer_alerts]


def find_unpriced(seen: Situation, _targets: Mapping[str, Target]) -> list[Finding]:
    """Requests that no cost includes."""
    if not seen.unpriced_requests:
        return []
    asked = "1 request" if seen.unpriced_requests == 1 else f"{seen.unpriced_requests:,} requests"
    models = "1 model" if seen.unpriced_models == 1 else f"{seen.unpriced_models:,} models"
    return [Finding("warning", "unpriced_requests",
                    f"{asked} of {models} without a price. The cost shown leaves them out.",
                    "costs")]


def find_waiting(seen: Situation, _targets: Mapping[str, Target]) -> list[Finding]:
    """Accepted data that pages do not show yet."""
    if seen.waiting_events < WAITING_EVENTS and seen.waiting_hours < WAITING_HOURS:
        return []
    return [Finding("warning", "data_waiting",
                    f"{seen.waiting_events:,} events and the totals of {seen.waiting_hours:,} "
                    "hours wait to be shown.", "data")]


def find_stale_demo(seen: Situation, _targets: Mapping[str, Target]) -> list[Finding]:
    """Demonstration data that has stopped."""
    if seen.demo_until_utc is None or seen.now - seen.demo_until_utc < DEMO_STALE_AFTER:
        return []
    return [Finding("unknown", "demo_stale",
                    f"Demonstration data ends at {seen.demo_until_utc:%-d %b %Y %H:%M} UTC. It "
                    "goes on only while the server runs with its jobs.", "data")]


def find_silence(seen: Situation, _targets: Mapping[str, Target]) -> list[Finding]:
    """No requests, or sources that do not answer."""
    found = [Finding("warning", "source_silent", f"{name}: {reason}", "health")
             for name, reason in seen.silent_sources]
    if not seen.requests:
        found.append(Finding("unknown", "no_requests",
                             "No requests in this range under these filters.", "import"))
    return found


def title_of(metric: str) -> str:
    """A metric's name as people read it."""
    return _TITLES.get(metric, metric.replace("_", " "))


_PAGES_OF_SERIES = {"cost_usd": "costs", "requests": "traffic"}

RULES = (find_faults, find_optimizer_alerts, find_missed_targets, find_unusual, find_unpriced,
         find_waiting, find_silence, find_stale_demo)
"""The rules, in order."""

_TITLES = {
    "requests": "Requests", "cost_usd": "Spend", "latency_p95_ms": "Latency p95",
    "cpu_pct": "CPU use", "memory_pct": "Memory use", "disk_pct": "Disk use",
    "api_latency_p95_ms": "API latency p95", "api_latency_p99_ms": "API latency p99",
    "generation_latency_p95_ms": "Request latency p95",
    "retrieval_latency_p95_ms": "Retrieval latency p95", "throughput_per_s": "Throughput",
    "error_pct": "Error rate", "success_pct": "Success rate", "availability_pct": "Availability",
    "cache_hit_pct": "Cache hit ratio", "cache_memory_pct": "Cache memory",
    "cache_eviction_pct": "Cache evictions"}
