"""What a plan should do to response time, errors and cost, before anyone acts."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from brain.decisions.optimization.actions import Action, Platform
from brain.decisions.optimization.configuration import Configuration
from brain.decisions.optimization.metrics import Metric, latency_of

LEAST_POINTS = 5


@dataclass(frozen=True, slots=True)
class Range:
    """An expected value with its 95 % interval; a bound is None where it is not known."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """What a plan should bring; None where it cannot be told.

    ``gain`` is the relative improvement of the goal, ``low`` and ``high`` bound what was measured
    so far. ``latency``, ``errors`` and ``cost`` are p95 in ms, errors in percent and the change of
    cost in USD per hour afterwards.
    """

    metric: str
    gain: float | None
    low: float | None
    high: float | None
    latency: Range | None
    errors: Range | None
    cost: Range | None


def price_of_replica(values: Mapping[str, float], platform: Platform,
                     rules: Configuration) -> float | None:
    """USD per hour of one replica: as configured, else spend divided by replicas."""
    if rules.replica_usd_per_h is not None:
        return rules.replica_usd_per_h
    spend = values.get("spend_usd_per_h")
    return spend / platform.replicas if spend is not None and platform.replicas else None


def change_of_cost(actions: Sequence[Action], known: Mapping[str, Metric], platform: Platform,
                   rules: Configuration) -> Range | None:
    """USD per hour that the actions add; 0 without a capacity action, None where unknown.

    Its interval is that of the spend, where the price follows from it.
    """
    values = {name: metric.value for name, metric in known.items() if metric.value is not None}
    added = 0
    for each in actions:
        if each.kind in ("scale_up", "scale_down"):
            if not each.after:
                return None
            added += each.after["replicas"] - each.before["replicas"]
    price = price_of_replica(values, platform, rules) if added else 0.0
    if price is None:
        return None
    if not added or rules.replica_usd_per_h is not None:
        return Range(added * price, added * price, added * price)
    share = added / (platform.replicas or 1)
    return range_of([share * each for each in points_of(known["spend_usd_per_h"])],
                     added * price)


def expect(actions: Sequence[Action], known: Mapping[str, Metric], platform: Platform,
           rules: Configuration, rejected_share: float = 0.0) -> tuple[
               Range | None, Range | None, Range | None]:
    """p95, errors and change of cost after the actions; None where the model cannot tell.

    A change of capacity is replayed (`foresee_capacity`), a change of routes weighs the
    providers' own figures anew. What a larger cache or larger pods bring is not known.
    """
    latency: Range | None = None
    errors: Range | None = None
    values = {name: metric.value for name, metric in known.items() if metric.value is not None}
    for each in actions:
        if each.kind in ("scale_up", "scale_down") and each.after:
            from brain.decisions.optimization.foresight import foresee_capacity
            latency, errors = foresee_capacity(known, each.before["replicas"],
                                               each.after["replicas"], rejected_share)
        if each.kind == "route_optimize" and each.after:
            latency = _mix(each, {route.name: route.latency_p95_ms for route in platform.routes},
                           values.get(latency_of(values)))
            errors = _mix(each, {route.name: route.error_pct for route in platform.routes},
                          values.get("error_pct"))
    return latency, errors, change_of_cost(actions, known, platform, rules)


def _mix(action: Action, by_route: Mapping[str, float | None],
         now: float | None) -> Range | None:
    """``now`` changed as the mean over routes changes with their weights; its interval is not
    known."""
    if now is None or any(value is None for value in by_route.values()):
        return None

    def mean(weights: Mapping[str, float]) -> float:
        total = sum(weights.values())
        return sum(weights[name] * (by_route[name] or 0.0) for name in weights) / total
    before = mean(action.before["routing_weights"])
    return Range(now * mean(action.after["routing_weights"]) / before if before > 0 else now)


def points_of(metric: Metric) -> list[float]:
    """The metric's known samples."""
    return [value for _, value in metric.series if value is not None]


def range_of(points: Sequence[float], value: float) -> Range:
    """The value with the interval of the points' mean (Student's t), none for few points."""
    size = len(points)
    if size < LEAST_POINTS:
        return Range(value)
    from scipy import special
    mean = sum(points) / size
    spread = math.sqrt(sum((each - mean) ** 2 for each in points) / (size - 1) / size)
    reach = float(special.stdtrit(size - 1, 0.975)) * spread
    return Range(value, value - reach, value + reach)
