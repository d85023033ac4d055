"""What a plan should do to response time, errors and cost, before anyone acts."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from brain.decisions.optimization.actions import Action, Platform
from brain.decisions.optimization.configuration import Configuration
from brain.decisions.optimization.metrics import latency_of

BUSIEST = 0.98


@dataclass(frozen=True, slots=True)
class Expected:
    """Values expected after a plan; None where they cannot be told.

    ``gain`` is the relative improvement of the goal, ``low`` and ``high`` bound what was measured
    so far. ``cost_usd_per_h`` is the change, not the sum.
    """

    metric: str
    gain: float | None
    low: float | None
    high: float | None
    latency_p95_ms: float | None
    error_pct: float | None
    cost_usd_per_h: float | None


def price_of_replica(values: Mapping[str, float], platform: Platform,
                     rules: Configuration) -> float | None:
    """USD per hour of one replica: as configured, else spend divided by replicas."""
    if rules.replica_usd_per_h is not None:
        return rules.replica_usd_per_h
    spend = values.get("spend_usd_per_h")
    return spend / platform.replicas if spend is not None and platform.replicas else None


def change_of_cost(actions: Sequence[Action], values: Mapping[str, float], platform: Platform,
                   rules: Configuration) -> float | None:
    """USD per hour that the actions add; 0 without a capacity action, None where unknown."""
    added = 0.0
    for each in actions:
        if each.kind not in ("scale_up", "scale_down"):
            continue
        price = price_of_replica(values, platform, rules)
        if price is None:
            return None
        if not each.after:
            return None
        added += (each.after["replicas"] - each.before["replicas"]) * price
    return added


def estimate_latency(p95_ms: float, use: float, servers: int, servers_after: int) -> float:
    """p95 with another number of servers at the same load.

    p95 is taken as the service's own time plus waiting; the waiting follows Sakasegawa's
    approximation for many servers, use^(sqrt(2(c+1))-1) / (c(1-use)) service times, as in the
    replay of scaling policies. Use at 98 % or more is taken as 98 %: a queue that only grows has
    no steady p95.
    """
    before = _waiting(min(use, BUSIEST), servers)
    after = _waiting(min(use * servers / servers_after, BUSIEST), servers_after)
    return p95_ms * (1 + after) / (1 + before)


def expect(actions: Sequence[Action], values: Mapping[str, float], platform: Platform,
           rules: Configuration) -> tuple[float | None, float | None, float | None]:
    """p95 in ms, errors in percent, and change of cost in USD per hour after the actions."""
    latency, errors = values.get(latency_of(values)), values.get("error_pct")
    for each in actions:
        if each.kind in ("scale_up", "scale_down") and each.after and latency is not None:
            use = max(values.get("pool_pct", 0.0), values.get("cpu_pct", 0.0)) / 100
            latency = estimate_latency(latency, use, each.before["replicas"],
                                       each.after["replicas"])
        if each.kind == "route_optimize" and each.after:
            latency = _mix(each, {route.name: route.latency_p95_ms for route in platform.routes},
                           latency)
            errors = _mix(each, {route.name: route.error_pct for route in platform.routes},
                          errors)
    return latency, errors, change_of_cost(actions, values, platform, rules)


def _waiting(use: float, servers: int) -> float:
    if use <= 0:
        return 0.0
    return float(use ** (math.sqrt(2 * (servers + 1)) - 1) / (servers * (1 - use)))


def _mix(action: Action, by_route: Mapping[str, float | None],
         now: float | None) -> float | None:
    """``now`` changed as the mean over routes changes with their weights."""
    if now is None or any(value is None for value in by_route.values()):
        return now

    def mean(weights: Mapping[str, float]) -> float:
        total = sum(weights.values())
        return sum(weights[name] * (by_route[name] or 0.0) for name in weights) / total
    before = mean(action.before["routing_weights"])
    return now * mean(action.after["routing_weights"]) / before if before > 0 else now
