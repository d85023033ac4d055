"""The one table of targets: what each metric should be, and when to worry."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

from brain.decisions.reasons import InputError

Better = Literal["lower", "higher", "inside"]
Status = Literal["ok", "warning", "critical", "unknown"]


@dataclass(frozen=True, slots=True)
class Target:
    """What a metric should be. A level is the last value that has not passed it.

    ``better`` "inside" uses ``low`` and ``high`` in place of ``target``. A metric without
    ``critical`` never gets critical; its score is 0 at half or twice its target.
    """

    metric: str
    unit: str
    better: Better
    target: float | None = None
    warning: float | None = None
    critical: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def worst(self) -> float:
        """Value at which the metric's part of the health score is 0.

        Raises ValueError for a metric whose good values lie inside a range.
        """
        if self.critical is not None:
            return self.critical
        if self.target is None:
            raise ValueError(f"{self.metric} has a range and no worst value")
        return self.target / 2 if self.better == "higher" else self.target * 2


DEFAULT_TARGETS: tuple[Target, ...] = (
    Target("cpu_pct", "%", "lower", 70, 70, 85),
    Target("memory_pct", "%", "lower", 80, 75, 90),
    Target("disk_pct", "%", "lower", 75, 85, 95),
    Target("api_latency_p95_ms", "ms", "lower", 200, 300, 500),
    Target("api_latency_p99_ms", "ms", "lower", 500, 1000, 2000),
    Target("generation_latency_p95_ms", "ms", "lower", 1500, 2000, 3000),
    Target("retrieval_latency_p95_ms", "ms", "lower", 300, 500, 1000),
    Target("throughput_per_s", "per s", "higher", 1000, 800),
    Target("error_pct", "%", "lower", 1, 1, 5),
    Target("success_pct", "%", "higher", 99, 99, 95),
    Target("availability_pct", "%", "higher", 99.9, 99.9, 99),
    Target("cache_hit_pct", "%", "higher", 85, 65, 50),
    Target("cache_memory_pct", "%", "lower", 80, 80, 90),
    Target("cache_eviction_pct", "%", "lower", 5, 5, 10),
    Target("db_connections_pct_of_pool", "% of pool", "lower", 70, 80, 90),
    Target("db_slow_queries_per_h", "per h", "lower", 5, 5, 10),
    Target("db_index_hit_pct", "%", "higher", 98, 98, 95),
    Target("replication_lag_ms", "ms", "lower", 100, 100, 2000),
    Target("pods_running", "pods", "inside", low=3, high=10),
)
"""Targets as delivered, in the order pages show them."""

TARGETS: Mapping[str, Target] = MappingProxyType({each.metric: each for each in DEFAULT_TARGETS})
"""Targets as delivered, by metric."""


def check_value(target: Target, value: float | None) -> float | None:
    """The value of a metric if it is one the metric can have; None and "unknown" are one.

    Raises InputError for what is no finite number, is negative, or a percentage above 100.
    """
    if value is None:
        return None
    try:
        finite = math.isfinite(value)
    except (OverflowError, TypeError):
        finite = False
    if not finite:
        raise InputError("not_finite", f"{target.metric} must be a finite number", target.metric)
    if value < 0:
        raise InputError("out_of_range", f"{target.metric} must not be negative, got {value}",
                         target.metric)
    if target.unit == "%" and value > 100:
        raise InputError("out_of_range", f"{target.metric} must be at most 100, got {value}",
                         target.metric)
    return value


def judge(target: Target, value: float | None) -> Status:
    """Status of one value; a value exactly on a level has not passed it.

    Raises InputError as `check_value` does.
    """
    value = check_value(target, value)
    if value is None:
        return "unknown"
    if target.low is not None and target.high is not None:
        return "ok" if target.low <= value <= target.high else "warning"
    sign = 1 if target.better == "lower" else -1
    if target.critical is not None and value * sign > target.critical * sign:
        return "critical"
    if target.warning is not None and value * sign > target.warning * sign:
        return "warning"
    return "ok"


def with_overrides(rows: Iterable[Mapping[str, Any]],
                   base: Mapping[str, Target] = TARGETS) -> dict[str, Target]:
    """The table of targets with changed rows laid over it.

    A row has ``metric`` and any of ``target``, ``warning``, ``critical`` as number or text;
    None keeps the level, "none" removes it (warning and critical only). The target of a
    metric that is good inside a range is text such as "3-10".
    Raises InputError naming the field for an unknown metric, a level that is no number or
    cannot be reached, and levels in the wrong order.
    """
    changed = dict(base)
    for row in rows:
        metric = str(row.get("metric", ""))
        if metric not in changed:
            raise InputError("unknown_metric", f"there is no metric {metric!r}", "metric")
        old = changed[metric]
        if old.better == "inside":
            new = _override_range(old, row)
        else:
            new = replace(old, target=_level(old, row, "target"),
                          warning=_level(old, row, "warning"),
                          critical=_level(old, row, "critical"))
            _check_order(new)
        changed[metric] = new
    return changed


def _level(old: Target, row: Mapping[str, Any], name: str) -> float | None:
    given = row.get(name)
    if given is None:
        return getattr(old, name)
    if str(given).strip().lower() == "none" and name != "target":
        return None
    try:
        level = float(given)
    except (TypeError, ValueError) as error:
        raise InputError("not_a_number", f"{name} of {old.metric} must be a number, "
                                         f"got {given!r:.60}", name) from error
    try:
        return check_value(old, level)
    except InputError as error:
        raise InputError(error.code, f"{name} of {error.message}", name) from error


def _override_range(old: Target, row: Mapping[str, Any]) -> Target:
    for name in ("warning", "critical"):
        if row.get(name) is not None:
            raise InputError("no_such_level", f"{old.metric} has a range and no {name}", name)
    if row.get("target") is None:
        return old
    low_text, dash, high_text = str(row["target"]).replace("–", "-").partition("-")
    try:
        low, high = float(low_text), float(high_text)
    except ValueError as error:
        raise InputError("not_a_range", f"target of {old.metric} must read like 3-10, "
                                        f"got {row['target']!r:.60}", "target") from error
    if not (dash and math.isfinite(high) and 0 <= low <= high):
        raise InputError("not_a_range", f"target of {old.metric} must go from low to high",
                         "target")
    return replace(old, low=low, high=high)


def _check_order(new: Target) -> None:
    sign = 1 if new.better == "lower" else -1
    if new.target is None or new.target == new.worst:
        raise InputError("wrong_order", f"target of {new.metric} must differ from the value "
                                        "at which its score is 0", "target")
    if new.critical is None:
        return
    for name in ("target", "warning"):
        level = getattr(new, name)
        passes = level is not None and level * sign > new.critical * sign
        if passes or (name == "target" and level == new.critical):
            raise InputError("wrong_order", f"{name} of {new.metric} must be on the good side "
                                            f"of critical ({new.critical:g})", name)
