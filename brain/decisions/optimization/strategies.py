"""The strategies, in order of priority: when each acts, what it does, and what it should bring."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ActionKind = Literal["scale_up", "scale_down", "resource_rebalance", "cache_optimize",
                     "route_optimize", "cache_reset", "route_reset", "resource_restore"]
Risk = Literal["low", "medium", "high"]
Side = Literal["above", "below"]
INVERSE: Mapping[str, ActionKind] = {
    "scale_up": "scale_down", "scale_down": "scale_up", "cache_optimize": "cache_reset",
    "route_optimize": "route_reset", "resource_rebalance": "resource_restore"}
"""What takes each action back; `Plan.rollback` has them in reverse order."""
CAPACITY = frozenset({"scale_up", "scale_down"})


@dataclass(frozen=True, slots=True)
class Condition:
    """A metric beyond a threshold of the configuration; ``threshold`` is the field's name.

    With ``while_unmet`` it counts only while demand is unmet.
    """

    metric: str
    side: Side
    threshold: str
    while_unmet: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """An action's kind, by how much, and how: ``mode`` is a word for the actuator and people."""

    kind: ActionKind
    factor: float = 1.0
    mode: str = ""


@dataclass(frozen=True, slots=True)
class Strategy:
    """One row of the table.

    ``needs_all`` asks for every condition, otherwise any is enough; each must hold for
    ``hold_s``. ``prior_gain`` is the expected relative improvement of ``goal`` before there is a
    record of its own. ``goal`` "trigger" is the metric that triggered.
    """

    key: str
    title: str
    priority: int
    conditions: tuple[Condition, ...]
    hold_s: float
    steps: tuple[Step, ...]
    risk: Risk
    prior_gain: float
    goal: str
    needs_all: bool = False

    @property
    def changes_capacity(self) -> bool:
        """Whether it changes how much capacity there is."""
        return any(step.kind in CAPACITY for step in self.steps)


STRATEGIES: tuple[Strategy, ...] = (
    Strategy("emergency_scale_up", "Emergency scale-up", 1, (
        Condition("cpu_pct", "above", "emergency_cpu_pct"),
        Condition("memory_pct", "above", "emergency_memory_pct"),
        Condition("error_pct", "above", "emergency_error_pct"),
        Condition("pool_pct", "above", "emergency_cpu_pct", while_unmet=True)),
        60, (Step("scale_up", 2.0, "at_once"),), "medium", 0.8, "trigger"),
    Strategy("proactive_rebalancing", "Proactive rebalancing", 2, (
        Condition("cpu_pct", "above", "proactive_cpu_pct"),
        Condition("memory_pct", "above", "proactive_memory_pct")),
        120, (Step("resource_rebalance", 1.25), Step("cache_optimize", 1.5)), "low", 0.5,
        "trigger"),
    Strategy("response_time", "Response time", 3, (
        Condition("api_latency_p95_ms", "above", "latency_p95_ms"),
        Condition("generation_latency_p95_ms", "above", "generation_p95_ms")),
        120, (Step("route_optimize", 1.0, "fastest"), Step("cache_optimize", 2.0, "aggressive")),
        "low", 0.4, "trigger"),
    Strategy("throughput", "Throughput", 4, (
        Condition("throughput_per_s", "below", "least_throughput_per_s", while_unmet=True),),
        120, (Step("scale_up", 1.5, "gradual"),), "low", 0.6, "trigger"),
    Strategy("efficiency", "Efficiency", 5, (
        Condition("cpu_pct", "below", "efficiency_cpu_pct"),
        Condition("memory_pct", "below", "efficiency_memory_pct")),
        300, (Step("scale_down", 0.8),), "low", 0.2, "spend_usd_per_h", needs_all=True),
)
"""The strategies in order of priority. In the embedded engine the worker slots are the capacity:
their use counts for the emergency as CPU does, but only while requests wait."""

ROUTE_AWAY = Strategy(
    "route_away", "Route away from a failing provider", 1, (
        Condition("error_pct", "above", "emergency_error_pct"),),
    60, (Step("route_optimize", 1.0, "away"),), "low", 0.8, "error_pct")
"""What takes the emergency's place where errors cannot come from too little capacity."""

BY_KEY: Mapping[str, Strategy] = {each.key: each for each in (*STRATEGIES, ROUTE_AWAY)}
