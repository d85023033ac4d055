"""The day's checklist: each metric against its target, and one verdict over all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from brain.decisions.reasons import Reason
from brain.decisions.targets import Status, Target, judge

UPTIME = "uptime_s"
ITEMS: tuple[tuple[str, str, str], ...] = (
    ("Uptime", UPTIME, "Engine up"),
    ("Uptime", "availability_pct", "Availability"),
    ("Pods", "pods_running", "Pods running"),
    ("Errors", "error_pct", "Error rate"),
    ("Latency", "generation_latency_p95_ms", "Model calls p95"),
    ("Latency", "api_latency_p95_ms", "API p95"),
    ("Latency", "api_latency_p99_ms", "API p99"),
    ("Latency", "retrieval_latency_p95_ms", "Retrieval p95"),
    ("Throughput", "throughput_per_s", "Requests answered"),
    ("Machine", "cpu_pct", "CPU"),
    ("Machine", "memory_pct", "Memory"),
    ("Machine", "disk_pct", "Disk"),
    ("Cache", "cache_hit_pct", "Hit ratio"),
    ("Cache", "cache_memory_pct", "Memory used"),
    ("Cache", "cache_eviction_pct", "Evictions"),
    ("Database", "db_connections_pct_of_pool", "Connections"),
    ("Database", "db_slow_queries_per_h", "Slow queries"),
    ("Database", "db_index_hit_pct", "Index hit ratio"),
    ("Database", "replication_lag_ms", "Replication lag"),
)
"""Group, metric and label of every line, in order."""

ESSENTIAL = ("availability_pct", "error_pct")
"""Without these two nobody may say that all is well."""

EXIT_STATUS: Mapping[Status, int] = {"ok": 0, "warning": 1, "critical": 2, "unknown": 3}
SURE_FROM_REQUESTS = 20
"""Fewer requests hold no slowest twentieth, so that their p95 is that of one request."""


@dataclass(frozen=True, slots=True)
class Observed:
    """A metric's value, None where unknown; ``note`` says where from, or why not."""

    value: float | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One line: what was seen, what it should be, and the verdict. ``target`` is in words."""

    group: str
    metric: str
    label: str
    unit: str
    value: float | None
    target: str
    verdict: Status
    note: str


@dataclass(frozen=True, slots=True)
class DailyCheck:
    """The checklist and its verdict, with reasons."""

    verdict: Status
    lines: tuple[CheckLine, ...]
    reasons: tuple[Reason, ...]

    @property
    def exit_status(self) -> int:
        """0 well, 1 warning, 2 critical, 3 unknown."""
        return EXIT_STATUS[self.verdict]


@dataclass(frozen=True, slots=True)
class LatencyRow:
    """Latency of one endpoint or agent. Quantiles are None without a request that has one."""

    name: str
    requests: int
    errors: int
    timed_requests: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    verdict: Status = "unknown"
    note: str = ""


def decide_check(observed: Mapping[str, Observed], targets: Mapping[str, Target],
                 demand_unmet: bool = False) -> DailyCheck:
    """The checklist over what was observed; a metric that is not there is unknown.

    The verdict is the worst known one. If that is "ok" while availability or errors are
    unknown, it is "unknown": what is missing is never well. Throughput is judged only while
    ``demand_unmet``.
    Raises InputError for a value that the metric cannot have.
    """
    lines = tuple(_check(group, metric, label, observed.get(metric, Observed(None)), targets,
                         demand_unmet) for group, metric, label in ITEMS)
    bad = {verdict: [line for line in lines if line.verdict == verdict]
           for verdict in ("critical", "warning")}
    missing = [line for line in lines if line.metric in ESSENTIAL and line.verdict == "unknown"]
    verdict: Status = ("critical" if bad["critical"] else "warning" if bad["warning"]
                       else "unknown" if missing else "ok")
    reasons = [Reason(f"{line.metric}_{line.verdict}",
                      f"{line.group}: {line.label} is {line.verdict}.")
               for line in (*bad["critical"], *bad["warning"])]
    reasons += [Reason(f"{line.metric}_unknown", f"{line.group}: {line.label} is unknown, so "
                       "nobody can say that all is well.") for line in missing]
    known = sum(line.verdict != "unknown" for line in lines)
    if not reasons:
        reasons.append(Reason("all_known_well", f"All of {known} known values are well."))
    if known < len(lines):
        reasons.append(Reason("some_unknown", f"{len(lines) - known} of {len(lines)} are unknown "
                                              "and count neither way."))
    return DailyCheck(verdict, lines, tuple(reasons))


def judge_latency(rows: Sequence[LatencyRow], warning_ms: float) -> tuple[LatencyRow, ...]:
    """The rows with a verdict: "warning" where p95 passes ``warning_ms``."""
    return tuple(LatencyRow(
        row.name, row.requests, row.errors, row.timed_requests, row.p50_ms, row.p95_ms,
        row.p99_ms, _judge_p95(row, warning_ms),
        "no request has a latency" if row.p95_ms is None
        else f"only {row.timed_requests} request{'s' * (row.timed_requests != 1)}"
        if row.timed_requests < SURE_FROM_REQUESTS else "") for row in rows)


def describe_target(target: Target) -> str:
    """A metric's levels in words: "≤ 70 %, warns above 70, critical above 85"."""
    if target.low is not None and target.high is not None:
        return f"{target.low:g} to {target.high:g} {target.unit}"
    sign, side = ("≤", "above") if target.better == "lower" else ("≥", "below")
    told = [f"{sign} {target.target:g} {target.unit}"]
    told += [f"{word} {side} {level:g}" for word, level in (
        ("warns", target.warning), ("critical", target.critical)) if level is not None]
    return ", ".join(told)


def _judge_p95(row: LatencyRow, warning_ms: float) -> Status:
    if row.p95_ms is None:
        return "unknown"
    return "warning" if row.p95_ms > warning_ms else "ok"


def _check(group: str, metric: str, label: str, seen: Observed, targets: Mapping[str, Target],
           demand_unmet: bool) -> CheckLine:
    if metric == UPTIME:
        return CheckLine(group, metric, label, "s", seen.value, "none",
                         "unknown" if seen.value is None else "ok", seen.note)
    target = targets[metric]
    verdict, note = judge(target, seen.value), seen.note
    if seen.value is None:
        note = note or "nobody tells"
    elif metric == "throughput_per_s" and not demand_unmet:
        verdict, note = "ok", "; ".join(filter(None, (note, "not counted: no demand is unmet")))
    return CheckLine(group, metric, label, target.unit, seen.value, describe_target(target),
                     verdict, note)
