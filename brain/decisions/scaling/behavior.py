"""Stabilization and rate limits of the HPA controller, with their memory between calls.

Source: Kubernetes, pkg/controller/podautoscaler, horizontal controller.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from brain.decisions.scaling.quantities import MAX_INT32
from brain.decisions.scaling.replicas import Controller

SelectPolicy = Literal["Max", "Min", "Disabled"]
Limited = Literal["DesiredWithinRange", "TooFewReplicas", "TooManyReplicas", "ScaleUpLimit",
                  "ScaleDownLimit"]


@dataclass(frozen=True, slots=True)
class Policy:
    """At most this change in a period: a number of pods, or percent of the replicas."""

    type: Literal["Pods", "Percent"]
    value: int
    period_s: float


@dataclass(frozen=True, slots=True)
class ScalingRules:
    """One direction of a behaviour; no ``window_s`` is the controller's own."""

    policies: tuple[Policy, ...]
    window_s: float | None
    select_policy: SelectPolicy = "Max"
    tolerance: float | None = None


@dataclass(frozen=True, slots=True)
class Behavior:
    """Both directions, as the API fills them in."""

    scale_up: ScalingRules
    scale_down: ScalingRules


DEFAULT_SCALE_UP = ScalingRules((Policy("Pods", 4, 15), Policy("Percent", 100, 15)), 0)
DEFAULT_SCALE_DOWN = ScalingRules((Policy("Percent", 100, 15),), None)


class Recommendation(NamedTuple):
    """Replicas that the metrics asked for, before stabilization, and when."""

    replicas: int
    at_s: float


class ScaleEvent(NamedTuple):
    """A change that was made; an outdated one is the place for the next."""

    replica_change: int
    at_s: float
    outdated: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """What the controller keeps between calls; no ``recommendations`` is an HPA never seen."""

    recommendations: tuple[Recommendation, ...] | None = None
    scale_up_events: tuple[ScaleEvent, ...] = ()
    scale_down_events: tuple[ScaleEvent, ...] = ()


def stabilize_down(desired: int, seen: Sequence[Recommendation], window_s: float,
                   now_s: float) -> tuple[int, tuple[Recommendation, ...]]:
    """The highest recommendation of the window, and the recommendations to keep."""
    cutoff_s = now_s - window_s
    stabilized = desired
    old = None
    for place, each in enumerate(seen):
        if each.at_s < cutoff_s:
            old = place
        elif each.replicas > stabilized:
            stabilized = each.replicas
    return stabilized, _record(seen, old, Recommendation(desired, now_s))


def stabilize_both(current: int, desired: int, seen: Sequence[Recommendation], up_window_s: float,
                   down_window_s: float, now_s: float) -> tuple[int, tuple[Recommendation, ...]]:
    """Replicas between the lowest and the highest of the windows, and what to keep."""
    up_cutoff_s = now_s - up_window_s
    down_cutoff_s = now_s - down_window_s
    lowest = highest = desired
    old = None
    for place, each in enumerate(seen):
        if each.at_s > up_cutoff_s:
            lowest = min(lowest, each.replicas)
        if each.at_s > down_cutoff_s:
            highest = max(highest, each.replicas)
        if each.at_s < up_cutoff_s and each.at_s < down_cutoff_s:
            old = place
    stabilized = min(max(current, lowest), highest)
    return stabilized, _record(seen, old, Recommendation(desired, now_s))


def _record(seen: Sequence[Recommendation], old: int | None,
            new: Recommendation) -> tuple[Recommendation, ...]:
    if old is None:
        return (*seen, new)
    return (*seen[:old], new, *seen[old + 1:])


def limit_plainly(current: int, desired: int, minimum: int, maximum: int,
                  controller: Controller) -> tuple[int, Limited]:
    """Replicas within the bounds and the old limit of growth, with the controller's reason."""
    limit = int(max(controller.scale_up_limit_factor * current,
                    controller.scale_up_limit_minimum))
    allowed, why = (limit, "ScaleUpLimit") if maximum > limit else (maximum, "TooManyReplicas")
    if desired < minimum:
        return minimum, "TooFewReplicas"
    if desired > allowed:
        return allowed, why  # type: ignore[return-value]
    return desired, "DesiredWithinRange"


def limit_rate(current: int, desired: int, minimum: int, maximum: int, behavior: Behavior,
               memory: Memory, now_s: float) -> tuple[int, Limited]:
    """Replicas within the bounds and the policies of the direction, with the reason."""
    if desired > current:
        limit = max(_find_limit(current, behavior.scale_up, memory, now_s, up=True), current)
        if maximum > limit:
            return (limit, "ScaleUpLimit") if desired > limit else (desired, "DesiredWithinRange")
        if desired > maximum:
            return maximum, "TooManyReplicas"
    elif desired < current:
        limit = min(_find_limit(current, behavior.scale_down, memory, now_s, up=False), current)
        if minimum < limit:
            return (limit, "ScaleDownLimit") if desired < limit else (desired, "DesiredWithinRange")
        if desired < minimum:
            return minimum, "TooFewReplicas"
    return desired, "DesiredWithinRange"


def _find_limit(current: int, rules: ScalingRules, memory: Memory, now_s: float, *,
                up: bool) -> int:
    """Where the policies of one direction end; Max allows the largest change of them."""
    if rules.select_policy == "Disabled":
        return current
    reached: list[int] = []
    for policy in rules.policies:
        started = (current - change_in_period(policy.period_s, memory.scale_up_events, now_s)
                   + change_in_period(policy.period_s, memory.scale_down_events, now_s))
        if policy.type == "Pods":
            reached.append(started + policy.value if up else started - policy.value)
        elif up:
            grown = math.ceil(started * (1 + policy.value / 100))
            reached.append(min(MAX_INT32, grown))
        else:
            reached.append(int(started * (1 - policy.value / 100)))
    if not reached:  # the API refuses this; the controller then starts from its extremes
        return current if rules.select_policy == "Max" else MAX_INT32 if up else -MAX_INT32
    return max(reached) if up == (rules.select_policy == "Max") else min(reached)


def change_in_period(period_s: float, events: Sequence[ScaleEvent], now_s: float) -> int:
    """Replicas added or removed after the start of the period."""
    cutoff_s = now_s - period_s
    return sum(each.replica_change for each in events if each.at_s > cutoff_s)


def store_event(events: Sequence[ScaleEvent], change: int, rules: ScalingRules,
                now_s: float) -> tuple[ScaleEvent, ...]:
    """The events with the new change in the place of the last outdated one, if any."""
    longest_s = max((policy.period_s for policy in rules.policies), default=0)
    marked = [each._replace(outdated=True) if each.at_s < now_s - longest_s else each
              for each in events]
    new = ScaleEvent(change, now_s)
    for place in range(len(marked) - 1, -1, -1):
        if marked[place].outdated:
            marked[place] = new
            return tuple(marked)
    return (*marked, new)


def remember_change(memory: Memory, behavior: Behavior, current: int, replicas: int,
                    now_s: float) -> Memory:
    """The memory after a change from ``current`` to ``replicas`` was made."""
    if replicas > current:
        return replace(memory, scale_up_events=store_event(
            memory.scale_up_events, replicas - current, behavior.scale_up, now_s))
    return replace(memory, scale_down_events=store_event(
        memory.scale_down_events, current - replicas, behavior.scale_down, now_s))
