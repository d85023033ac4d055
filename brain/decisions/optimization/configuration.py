"""The optimizer's configuration, and the rules that a value must keep."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from brain.decisions.reasons import InputError


@dataclass(frozen=True, slots=True)
class Configuration:
    """How the optimizer decides, acts and judges. Ratios are 0 to 1; None means no bound."""

    automatic: bool = False
    interval_min: float = 5
    actuator: str = "engine"
    target: str = "brain-api"
    emergency_cpu_pct: float = 90
    emergency_memory_pct: float = 95
    emergency_error_pct: float = 5
    proactive_cpu_pct: float = 70
    proactive_memory_pct: float = 80
    latency_p95_ms: float = 300
    generation_p95_ms: float = 2000
    least_throughput_per_s: float = 800
    efficiency_cpu_pct: float = 30
    efficiency_memory_pct: float = 40
    queue_low: float = 5
    hold_factor: float = 1
    window_s: float = 300
    stabilization_s: float = 30
    rollback_threshold: float = 0.10
    improvement_threshold: float = 0.10
    rollback_attempts: int = 3
    cool_down_s: float = 900
    down_after_up_s: float = 7200
    capacity_actions_per_h: int = 2
    least_replicas: int = 1
    most_replicas: int = 256
    cost_cap_usd_per_h: float | None = None
    replica_usd_per_h: float | None = None


MEANINGS: Mapping[str, str] = {
    "automatic": "Look and act by itself at every interval.",
    "interval_min": "Minutes between automatic looks, 1 to 1440.",
    "actuator": "What carries actions out: engine (its own knobs), kubernetes, or recommend.",
    "target": "Deployment that Kubernetes actions change.",
    "emergency_cpu_pct": "CPU, or worker slots in use while requests wait, above this doubles "
                         "capacity.",
    "emergency_memory_pct": "Memory above this doubles capacity.",
    "emergency_error_pct": "Errors above this double capacity, or route away where capacity "
                           "cannot be the cause.",
    "proactive_cpu_pct": "CPU above this rebalances.",
    "proactive_memory_pct": "Memory above this rebalances.",
    "latency_p95_ms": "p95 of the API above this speeds up routes and cache.",
    "generation_p95_ms": "p95 of generation above this does, where the API's is unknown.",
    "least_throughput_per_s": "Throughput below this, while demand is unmet, adds capacity.",
    "efficiency_cpu_pct": "CPU below this, with memory low too, takes capacity away.",
    "efficiency_memory_pct": "Memory below this, with CPU low too, takes capacity away.",
    "queue_low": "Requests that may wait without capacity being the cause of errors.",
    "hold_factor": "Multiplies how long each condition must hold, 0 to 100.",
    "window_s": "Length of the window measured before and after, 1 to 86400.",
    "stabilization_s": "Pause between the change and the measurement, 0 to 86400.",
    "rollback_threshold": "Worse by more than this rolls back, 0 to 1.",
    "improvement_threshold": "Better by more than this counts as a success, 0 to 1.",
    "rollback_attempts": "Attempts at a rollback before a person is called, 0 to 10.",
    "cool_down_s": "Pause after an action before the next of its sort, 0 to 86400.",
    "down_after_up_s": "Pause before capacity that was added is taken away, and half of it before "
                       "what was taken away is added, but in an emergency; 0 to 604800.",
    "capacity_actions_per_h": "Most capacity actions in any hour, 1 to 60.",
    "least_replicas": "Never fewer worker slots or replicas.",
    "most_replicas": "Never more worker slots or replicas.",
    "cost_cap_usd_per_h": "Spend per hour that no action may pass; none for no cap.",
    "replica_usd_per_h": "Cost of one replica or slot per hour; none where it is unknown.",
}
"""What each field means, in the order of the settings form."""

RANGES: Mapping[str, tuple[float, float]] = {
    "interval_min": (1, 1440), "rollback_threshold": (0, 1), "improvement_threshold": (0, 1),
    "rollback_attempts": (0, 10), "window_s": (1, 86_400), "stabilization_s": (0, 86_400),
    "cool_down_s": (0, 86_400), "down_after_up_s": (0, 604_800), "hold_factor": (0, 100),
    "capacity_actions_per_h": (1, 60), "least_replicas": (0, 10_000), "most_replicas": (1, 10_000),
    "queue_low": (0, 1e9), "latency_p95_ms": (0, 1e9), "generation_p95_ms": (0, 1e9),
    "least_throughput_per_s": (0, 1e9), "cost_cap_usd_per_h": (0, 1e9),
    "replica_usd_per_h": (0, 1e9),
    **dict.fromkeys((
        "emergency_cpu_pct", "emergency_memory_pct", "emergency_error_pct", "proactive_cpu_pct",
        "proactive_memory_pct", "efficiency_cpu_pct", "efficiency_memory_pct"), (0.0, 100.0))}
ORDERED: tuple[tuple[str, str], ...] = (
    ("efficiency_cpu_pct", "proactive_cpu_pct"), ("proactive_cpu_pct", "emergency_cpu_pct"),
    ("efficiency_memory_pct", "proactive_memory_pct"),
    ("proactive_memory_pct", "emergency_memory_pct"), ("least_replicas", "most_replicas"))
"""Pairs of which the first must be below the second; the last pair may be equal."""
ACTUATORS = ("engine", "kubernetes", "recommend")
WHOLE = ("rollback_attempts", "capacity_actions_per_h", "least_replicas", "most_replicas")
OPTIONAL = ("cost_cap_usd_per_h", "replica_usd_per_h")
NAMES = tuple(field.name for field in fields(Configuration))


@dataclass(frozen=True, slots=True)
class Rejected:
    """A value that was not taken: the field, the rule it broke, and the rule in words."""

    field: str
    rule: str
    text: str


def check_configuration(given: Mapping[str, Any], base: Configuration | None = None) -> tuple[
        Configuration, tuple[Rejected, ...]]:
    """The configuration with the given values, and each that broke a rule; the base's holds then.

    Values may be numbers or text; "none" takes an optional bound away.
    """
    base = base or Configuration()
    taken: dict[str, Any] = {}
    rejected: list[Rejected] = []
    for name, value in given.items():
        try:
            taken[name] = _read(name, value)
        except InputError as error:
            rejected.append(Rejected(str(name)[:80], error.code, error.message))
    while broken := next((pair for pair in ORDERED if set(pair) & set(taken) and not _is_ordered(
            replace(base, **taken), *pair)), None):
        low, high = broken
        wanted = replace(base, **taken)
        for name in [each for each in broken if each in taken]:
            taken.pop(name)
            rejected.append(Rejected(
                name, "wrong_order", f"{low} ({getattr(wanted, low):g}) must be "
                f"{'at most' if low == 'least_replicas' else 'below'} {high} "
                f"({getattr(wanted, high):g})"))
    return replace(base, **taken), tuple(rejected)


def require_configuration(given: Mapping[str, Any],
                          base: Configuration | None = None) -> Configuration:
    """The configuration with the given values. Raises InputError naming the first rejected."""
    found, rejected = check_configuration(given, base)
    if rejected:
        first = rejected[0]
        raise InputError(first.rule, "; ".join(each.text for each in rejected), first.field)
    return found


def _is_ordered(wanted: Configuration, low: str, high: str) -> bool:
    below, above = getattr(wanted, low), getattr(wanted, high)
    return bool(below <= above if low == "least_replicas" else below < above)


def _read(name: str, value: Any) -> Any:
    if name not in NAMES:
        raise InputError("unknown_field", f"there is no {str(name)[:80]!r}")
    if name == "automatic":
        if not isinstance(value, bool):
            raise InputError("not_a_bool", "automatic must be true or false")
        return value
    if name == "actuator":
        if value not in ACTUATORS:
            raise InputError("unknown_actuator", f"actuator must be one of {', '.join(ACTUATORS)}")
        return value
    if name == "target":
        if not isinstance(value, str) or not 1 <= len(value.strip()) <= 253:
            raise InputError("not_a_name", "target must have 1 to 253 characters")
        return value.strip()
    if name in OPTIONAL and (value is None or str(value).strip().lower() in ("none", "")):
        return None
    if isinstance(value, bool):
        raise InputError("not_a_number", f"{name} must be a number")
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError("not_a_number", f"{name} must be a number, got {value!r:.60}") from error
    if not math.isfinite(number):
        raise InputError("not_finite", f"{name} must be a finite number")
    low, high = RANGES[name]
    if not low <= number <= high:
        raise InputError("out_of_range", f"{name} must be from {low:g} to {high:g}, got "
                                         f"{number:g}")
    if name in WHOLE:
        if number != int(number):
            raise InputError("not_whole", f"{name} must be a whole number, got {number:g}")
        return int(number)
    return number
