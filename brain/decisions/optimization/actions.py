"""Turning a strategy's steps into bounded changes of known values, and the way back."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from brain.decisions.optimization.configuration import Configuration
from brain.decisions.optimization.strategies import INVERSE, ActionKind, Step
from brain.decisions.reasons import Reason

MOST_CACHE_BYTES = 4 << 30
MOST_TTL_S = 7 * 86_400.0
LEAST_WEIGHT = 0.02
AWAY_FACTOR = 0.1
MOST_AFTER_DOWN_PCT = 60.0
"""Use of what is left at the last hour's peak; above this demand counts as unmet."""


@dataclass(frozen=True, slots=True)
class Route:
    """A provider that questions may go to: its weight, and how it does; None is unknown."""

    name: str
    weight: float
    error_pct: float | None = None
    latency_p95_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Platform:
    """What can be changed, as it is now; None is unknown. ``can`` None means every action."""

    replicas: int | None = None
    cache_capacity_bytes: int | None = None
    cache_ttl_s: float | None = None
    cpu_milli: int | None = None
    memory_mib: float | None = None
    routes: tuple[Route, ...] = ()
    can: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """One change: absolute values ``before`` and ``after`` by name, so that doing it twice is
    doing it once. Both are empty where the present value is unknown; ``factor`` tells then."""

    kind: ActionKind
    factor: float
    mode: str = ""
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


def invert(actions: Sequence[Action]) -> tuple[Action, ...]:
    """The actions that take others back, in reverse order."""
    return tuple(Action(INVERSE[each.kind], 1 / each.factor, each.mode, each.after, each.before)
                 for each in reversed(actions))


def build(step: Step, platform: Platform, rules: Configuration,
          busiest_pct: float | None = None) -> Action | Reason:
    """The action of a step on this platform, or why there is none.

    ``busiest_pct`` is the highest use of capacity of the last hour.
    """
    if platform.can is not None and step.kind not in platform.can:
        return Reason("no_actuator", f"The chosen actuator cannot do {step.kind}.")
    if step.kind in ("scale_up", "scale_down"):
        return _scale(step, platform, rules, busiest_pct)
    if step.kind == "route_optimize":
        return _route(step, platform.routes, rules)
    values: dict[str, tuple[Any, Any]] = {}
    if step.kind == "cache_optimize":
        if platform.cache_capacity_bytes is not None:
            values["cache_capacity_bytes"] = (platform.cache_capacity_bytes, max(
                platform.cache_capacity_bytes,
                min(MOST_CACHE_BYTES, round(platform.cache_capacity_bytes * step.factor))))
        if platform.cache_ttl_s is not None:
            values["cache_ttl_s"] = (platform.cache_ttl_s, max(
                platform.cache_ttl_s, min(MOST_TTL_S, platform.cache_ttl_s * step.factor)))
    else:
        for name in ("cpu_milli", "memory_mib"):
            now = getattr(platform, name)
            if now is not None:
                values[name] = (now, math.ceil(now * step.factor))
    return _action(step, values)


def _action(step: Step, values: Mapping[str, tuple[Any, Any]]) -> Action | Reason:
    changed = {name: pair for name, pair in values.items() if pair[0] != pair[1]}
    if values and not changed:
        return Reason("at_bound", f"{step.kind} would change nothing: the bound is reached.")
    return Action(step.kind, step.factor, step.mode, {name: pair[0] for name, pair in
                                                      changed.items()},
                  {name: pair[1] for name, pair in changed.items()})


def _scale(step: Step, platform: Platform, rules: Configuration,
           busiest_pct: float | None) -> Action | Reason:
    now = platform.replicas
    if now is None:
        return _action(step, {})
    if step.kind == "scale_up":
        return _action(step, {"replicas": (now, max(now, min(
            rules.most_replicas, max(now + 1, math.ceil(round(now * step.factor, 9))))))})
    wanted = min(now - 1, math.ceil(round(now * step.factor, 9)))
    if wanted < rules.least_replicas or wanted < 1:
        return Reason("at_bound", f"There are {now} already, and never fewer than "
                                  f"{max(1, rules.least_replicas)}.")
    if busiest_pct is not None and busiest_pct * now / wanted > MOST_AFTER_DOWN_PCT:
        return Reason("too_tight", f"With {wanted} in place of {now}, "
                                   f"{busiest_pct * now / wanted:.0f} % of capacity would "
                                   "have been in use at the last hour's "
                                   f"peak, above {MOST_AFTER_DOWN_PCT:g} %.")
    return _action(step, {"replicas": (now, wanted)})


def _route(step: Step, routes: tuple[Route, ...], rules: Configuration) -> Action | Reason:
    if not routes:
        return _action(step, {})
    if len(routes) < 2:
        return Reason("no_other_route", "There is only one provider to route to.")
    before = {each.name: each.weight for each in routes}
    if step.mode == "away":
        failing = {each.name for each in routes if each.error_pct is not None
                   and each.error_pct > rules.emergency_error_pct}
        if not failing or len(failing) == len(routes):
            return Reason("no_healthy_route", "Every provider fails: there is none to route to."
                          if failing else "No provider is known to fail more than "
                                          f"{rules.emergency_error_pct:g} %.")
        after = {name: weight * (AWAY_FACTOR if name in failing else 1)
                 for name, weight in before.items()}
        if sum(after[name] for name in after if name not in failing) <= 0:
            return Reason("no_healthy_route", "Every provider that works has no weight.")
    else:
        known = {each.name: each.latency_p95_ms for each in routes
                 if each.latency_p95_ms is not None and each.latency_p95_ms > 0}
        if len(known) < 2:
            return Reason("routes_unknown", "How fast the providers are is not known.")
        middle = median(known.values())
        after = {name: weight * min(2.0, max(0.5, middle / known.get(name, middle)))
                 for name, weight in before.items()}
    total, was = sum(after.values()), sum(before.values())
    if total <= 0 or was <= 0:
        return Reason("routes_unknown", "No provider has a weight.")
    after = {name: round(max(LEAST_WEIGHT, weight / total), 4) for name, weight in after.items()}
    before_share = {name: weight / was for name, weight in before.items()}
    if all(abs(after[name] - before_share[name]) < 0.01 for name in after):
        return Reason("at_bound", "The weights are as the providers' speed asks for.")
    return _action(step, {"routing_weights": (before, after)})
