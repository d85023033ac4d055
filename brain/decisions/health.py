"""How well is the platform, from 0 to 100, and what holds it back?"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from brain.decisions.reasons import InputError, Reason
from brain.decisions.targets import TARGETS, Status, Target, check_value, judge

WEIGHTS: Mapping[str, int] = {"availability": 40, "performance": 30, "errors": 20,
                              "resources": 10}
"""Weight of each part in percent."""


@dataclass(frozen=True, slots=True)
class HealthPart:
    """One part of the score.

    ``score`` is 0 to 100 or None (unknown); ``weight_pct`` is its weight after the unknown
    parts have given theirs away; ``cost`` is how many points of the total it takes.
    """

    name: str
    score: float | None
    weight_pct: float
    cost: float
    metrics: tuple[str, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HealthScore:
    """The score, 0 to 100, or None where it cannot be told; ``unknown`` names unknown parts."""

    score: float | None
    parts: tuple[HealthPart, ...]
    unknown: tuple[str, ...]
    statuses: Mapping[str, Status]
    reasons: tuple[Reason, ...]


CAPACITY_PCT = 60.0
"""Use of capacity above which demand may go unmet."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What tells whether more was asked for than was done; None where it is unknown.

    ``rejected`` counts requests turned away (HTTP 429 and the like), ``queued`` those that wait,
    ``capacity_pct`` is how much of the machine is in use, 0 to 100.
    """

    rejected: int | None = None
    queued: float | None = None
    capacity_pct: float | None = None


@dataclass(frozen=True, slots=True)
class DemandVerdict:
    """Whether demand is unmet, and every sign of it; with no sign known it is taken as met."""

    unmet: bool
    reasons: tuple[Reason, ...]


def judge_demand(seen: Demand) -> DemandVerdict:
    """Whether demand is unmet: requests are rejected or queued, or over 60 % of capacity is used.

    Raises InputError naming the field for a value that is negative or not finite.
    """
    for name in ("rejected", "queued", "capacity_pct"):
        value = getattr(seen, name)
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise InputError("out_of_range", f"{name} must be a finite number of 0 or more, got "
                                             f"{value!r:.40}", name)
    signs = []
    if seen.rejected:
        signs.append(Reason("requests_rejected", f"{seen.rejected:,} requests were turned away."))
    if seen.queued:
        signs.append(Reason("requests_queued", f"{seen.queued:,.0f} requests wait."))
    if seen.capacity_pct is not None and seen.capacity_pct > CAPACITY_PCT:
        signs.append(Reason("capacity_in_use", f"{seen.capacity_pct:.0f} % of capacity is in use, "
                                               f"above {CAPACITY_PCT:g} %."))
    if signs:
        return DemandVerdict(True, tuple(signs))
    if seen.rejected is None and seen.queued is None and seen.capacity_pct is None:
        return DemandVerdict(False, (Reason("demand_unknown", "Nothing tells whether demand is "
                                                              "unmet; it is taken as met."),))
    return DemandVerdict(False, (Reason("demand_met", "No request was turned away or waits, as "
                                        f"far as known, and no more than {CAPACITY_PCT:g} % of "
                                        "capacity is known to be in use."),))


def score_metric(target: Target, value: float) -> float:
    """Points from 0 to 100: 100 at the target, 0 at the critical level, linear, clamped.

    Without a critical level 0 is at half the target if higher is better, at twice it if
    lower is. Raises ValueError for a metric whose good values lie inside a range.
    """
    worst = target.worst
    if target.target is None:
        raise ValueError(f"{target.metric} has no target")
    return min(100.0, max(0.0, 100.0 * ((value - worst) / (target.target - worst))))


def summarize_health(values: Mapping[str, float | None],
                     targets: Mapping[str, Target] = TARGETS,
                     demand_unmet: bool = False) -> HealthScore:
    """The health score with its parts, what each cost, and what is unknown.

    Weights: availability 40, performance 30, errors 20, resources 10. Performance is the
    mean of ``api_latency_p95_ms`` (where that is unknown, ``generation_latency_p95_ms``, which
    has targets of its own) and, only while ``demand_unmet``, ``throughput_per_s``;
    errors is ``error_pct``, or ``success_pct`` where that is unknown; resources is the worst
    of CPU, memory and disk. A part without data is left out and the others are re-weighted;
    with availability and errors both unknown there is no score.

    Raises InputError naming the metric for one not in ``targets``, for NaN, infinity,
    negative values and percentages above 100.
    """
    known: dict[str, float] = {}
    for metric, value in values.items():
        if metric not in targets:
            raise InputError("unknown_metric", f"there is no metric {metric!r:.80}", metric)
        if (checked := check_value(targets[metric], value)) is not None:
            known[metric] = checked
    statuses: dict[str, Status] = {
        metric: judge(target, known.get(metric)) for metric, target in targets.items()}
    if not demand_unmet and "throughput_per_s" in known:
        statuses["throughput_per_s"] = "ok"
    points = {metric: score_metric(targets[metric], known[metric]) for metric in known
              if targets[metric].better != "inside"}
    parts = _weigh((
        _combine("availability", ("availability_pct",), points, min),
        _combine("performance", (_latency(points), "throughput_per_s") if demand_unmet
                 else (_latency(points),), points, _mean),
        _combine("errors", ("success_pct",) if "error_pct" not in points
                 and "success_pct" in points else ("error_pct",), points, min),
        _combine("resources", ("cpu_pct", "memory_pct", "disk_pct"), points, min)))
    unknown = tuple(part.name for part in parts if part.score is None)
    if "availability" in unknown and "errors" in unknown:
        parts = tuple(replace(part, weight_pct=0.0, cost=0.0) for part in parts)
        return HealthScore(None, parts, unknown, statuses, (Reason(
            "not_enough_data", "No score: availability and errors are both unknown."),))
    score = min(100.0, max(0.0, 100.0 - sum(part.cost for part in parts)))
    return HealthScore(score, parts, unknown, statuses,
                       _explain(score, parts, unknown, known, demand_unmet))


def _latency(points: Mapping[str, float]) -> str:
    generation = "generation_latency_p95_ms"
    api = "api_latency_p95_ms"
    return generation if api not in points and generation in points else api


def _mean(points: list[float]) -> float:
    return sum(points) / len(points)


def _combine(name: str, metrics: tuple[str, ...], points: Mapping[str, float],
             rule: Callable[[list[float]], float]) -> HealthPart:
    seen = [points[metric] for metric in metrics if metric in points]
    return HealthPart(name, rule(seen) if seen else None, 0.0, 0.0, metrics,
                      tuple(metric for metric in metrics if metric not in points))


def _weigh(parts: tuple[HealthPart, ...]) -> tuple[HealthPart, ...]:
    total = sum(WEIGHTS[part.name] for part in parts if part.score is not None)
    weighed = []
    for part in parts:
        if part.score is not None:
            weight_pct = 100.0 * WEIGHTS[part.name] / total
            part = replace(part, weight_pct=weight_pct,
                           cost=weight_pct * (100.0 - part.score) / 100.0)
        weighed.append(part)
    return tuple(weighed)


def _explain(score: float, parts: tuple[HealthPart, ...], unknown: tuple[str, ...],
             known: Mapping[str, float], demand_unmet: bool) -> tuple[Reason, ...]:
    reasons = [Reason(f"{part.name}_costs", f"{part.name.capitalize()} at {part.score:.0f} of "
                                            f"100 costs {part.cost:.1f} points.")
               for part in parts if part.score is not None and part.cost > 0]
    if not reasons:
        reasons.append(Reason("on_target", "Every known part is at its target."))
    if unknown:
        reasons.append(Reason("parts_unknown", f"{score:.0f}, {', '.join(unknown)} unknown."))
    missing = [metric for part in parts if part.score is not None for metric in part.unknown]
    if missing:
        reasons.append(Reason("metrics_unknown", f"Left out: {', '.join(missing)} unknown."))
    if "throughput_per_s" in known and not demand_unmet:
        reasons.append(Reason("throughput_not_counted",
                              "Throughput is not counted: no demand is unmet."))
    return tuple(reasons)
