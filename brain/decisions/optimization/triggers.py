"""Which strategies' conditions hold, for how long, and whether capacity is what is short."""

from collections.abc import Mapping
from dataclasses import dataclass

from brain.decisions.health import Demand, judge_demand
from brain.decisions.optimization.configuration import Configuration
from brain.decisions.optimization.metrics import (
    TITLES,
    UNITS,
    Metric,
    held_for,
    latency_of,
    name_all,
)
from brain.decisions.optimization.strategies import (
    ROUTE_AWAY,
    STRATEGIES,
    Condition,
    Strategy,
)
from brain.decisions.reasons import Reason


@dataclass(frozen=True, slots=True)
class Trigger:
    """How a strategy's conditions stand.

    ``state`` is triggered, holding (not for long enough yet), quiet, or unknown (a metric that
    it needs is missing). ``metric`` is the one that decided.
    """

    strategy: Strategy
    state: str
    metric: str
    held_s: float
    reasons: tuple[Reason, ...]


def demand_is_unmet(known: Mapping[str, Metric], rejected: int | None = None) -> tuple[
        bool, tuple[Reason, ...]]:
    """Whether requests wait or are turned away, or over 60 % of capacity is in use; and why."""
    use = [known[name].value for name in ("cpu_pct", "pool_pct") if name in known]
    queue = known.get("queue_depth")
    found = judge_demand(Demand(rejected, None if queue is None else queue.value,
                                max((each for each in use if each is not None), default=None)))
    return found.unmet, found.reasons


def find_triggers(known: Mapping[str, Metric], unmet: bool,
                  rules: Configuration) -> tuple[Trigger, ...]:
    """Every strategy's state, in order of priority; an emergency by errors that capacity cannot
    explain is `ROUTE_AWAY` in the emergency's place."""
    found = [_look(each, known, unmet, rules) for each in STRATEGIES]
    first = found[0]
    if first.state in ("triggered", "holding") and first.metric == "error_pct":
        explained = explain_errors(known, rules)
        if explained.code == "provider_fault":
            found[0] = Trigger(ROUTE_AWAY, first.state, "error_pct", first.held_s,
                               (*first.reasons, explained))
        else:
            found[0] = Trigger(first.strategy, first.state, "error_pct", first.held_s,
                               (*first.reasons, explained))
    return tuple(found)


def explain_errors(known: Mapping[str, Metric], rules: Configuration) -> Reason:
    """Whether too little capacity can be the cause of errors: provider_fault, capacity_short, or
    capacity_unknown."""
    limits = {"cpu_pct": rules.proactive_cpu_pct, "pool_pct": rules.proactive_cpu_pct,
              "memory_pct": rules.proactive_memory_pct, "queue_depth": rules.queue_low}
    told = {name: known[name].value for name in limits if name in known}
    for name, value in told.items():
        if value is not None and value > limits[name]:
            return Reason("capacity_short", f"Capacity can be the cause: {TITLES[name]} is at "
                                            f"{_show(name, value)}.")
    if not {"cpu_pct", "pool_pct"} & set(told):
        return Reason("capacity_unknown", "Whether capacity is the cause is unknown: neither CPU "
                                          "nor the use of slots is known.")
    seen = ", ".join(f"{TITLES[name]} {_show(name, value)}" for name, value in told.items()
                     if value is not None)
    queue = "" if "queue_depth" in told else "; the queue is unknown"
    return Reason("provider_fault", f"More capacity would not help: {seen}{queue}. A provider is "
                                    "failing, so route away from it.")


def _look(strategy: Strategy, known: Mapping[str, Metric], unmet: bool,
          rules: Configuration) -> Trigger:
    need_s = strategy.hold_s * rules.hold_factor
    held, missing, best = [], [], ("", -1.0)
    for each in _relevant(strategy, known):
        metric = known.get(each.metric)
        if metric is None:
            missing.append(each.metric)
            continue
        limit = float(getattr(rules, each.threshold))
        since = held_for(metric, lambda value, limit=limit, each=each: (  # type: ignore[misc]
            value > limit if each.side == "above" else value < limit))
        if each.while_unmet and not unmet:
            since = None
        if since is None:
            continue
        held.append((each, since, limit))
        if since > best[1]:
            best = (each.metric, since)
    told = tuple(Reason(f"{each.metric}_{each.side}", f"{TITLES[each.metric]} is "
                        f"{_show(each.metric, value)}, {each.side} {_show(each.metric, limit)}, "
                        f"for {since:,.0f} s.")
                 for each, since, limit in held
                 if (value := known[each.metric].value) is not None)
    total = len(strategy.conditions)
    if strategy.needs_all:
        if len(held) < total:
            state = "unknown" if missing and len(held) + len(missing) == total else "quiet"
            return Trigger(strategy, state, "", 0.0, _quiet(state, missing))
        least = min(since for _, since, _ in held)
        decided, since = held[0][0].metric, least
    elif held:
        # An error alone is the weakest sign of too little capacity: any other one decides.
        enough = [(each.metric, since) for each, since, _ in held if since >= need_s]
        others = [pair for pair in enough if pair[0] != "error_pct"]
        decided, since = (others or enough or [best])[0]
    else:
        state = "unknown" if len(missing) == total else "quiet"
        return Trigger(strategy, state, "", 0.0, _quiet(state, missing))
    if since < need_s:
        return Trigger(strategy, "holding", decided, since, (*told, Reason(
            "not_held", f"It must hold for {need_s:,.0f} s first; {since:,.0f} s so far.")))
    return Trigger(strategy, "triggered", decided, since, told)


def _relevant(strategy: Strategy, known: Mapping[str, Metric]) -> tuple[Condition, ...]:
    """Of the two response times only the one that is known; see `latency_of`."""
    latency = latency_of(known)
    return tuple(each for each in strategy.conditions
                 if "latency" not in each.metric or not latency or each.metric == latency)


def _quiet(state: str, missing: list[str]) -> tuple[Reason, ...]:
    if state == "unknown":
        return (Reason("metrics_unknown", f"Cannot be told: {name_all(missing)} unknown."),)
    if missing:
        return (Reason("not_triggered", "No known condition holds; "
                                        f"{name_all(missing)} unknown."),)
    return (Reason("not_triggered", "Its conditions do not hold."),)


def _show(metric: str, value: float) -> str:
    return f"{value:,.4g} {UNITS[metric]}".strip()
