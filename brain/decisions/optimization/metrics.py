"""What the optimizer looks at: metrics, how long a condition has held, the performance score."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from brain.decisions.health import score_metric
from brain.decisions.reasons import InputError, Reason
from brain.decisions.targets import TARGETS, Target

Better = Literal["lower", "higher"]
LATENCIES = ("api_latency_p95_ms", "generation_latency_p95_ms")
BETTER: Mapping[str, Better] = {
    "cpu_pct": "lower", "memory_pct": "lower", "api_latency_p95_ms": "lower",
    "generation_latency_p95_ms": "lower", "throughput_per_s": "higher", "error_pct": "lower",
    "success_pct": "higher", "queue_depth": "lower", "pool_pct": "lower",
    "cache_hit_pct": "higher", "spend_usd_per_h": "lower", "replicas": "lower"}
"""Every metric the optimizer knows, and which way is good. ``pool_pct`` is how many of the worker
slots are taken, ``queue_depth`` how many requests wait for one."""
TITLES: Mapping[str, str] = {
    "cpu_pct": "CPU", "memory_pct": "Memory", "api_latency_p95_ms": "Response time (p95)",
    "generation_latency_p95_ms": "Response time (p95)", "throughput_per_s": "Throughput",
    "error_pct": "Error rate", "success_pct": "Success rate", "queue_depth": "Queue",
    "pool_pct": "Use of worker slots", "cache_hit_pct": "Share of answers from cache",
    "spend_usd_per_h": "Spend per hour", "replicas": "Number of workers", "score": "Score"}
"""What people call each metric."""
UNITS: Mapping[str, str] = {
    "cpu_pct": "%", "memory_pct": "%", "api_latency_p95_ms": "ms",
    "generation_latency_p95_ms": "ms", "throughput_per_s": "per s", "error_pct": "%",
    "success_pct": "%", "queue_depth": "requests", "pool_pct": "%", "cache_hit_pct": "%",
    "spend_usd_per_h": "USD per h", "replicas": ""}
WEIGHTS: Mapping[str, float] = {
    "success_pct": 40, "latency": 20, "throughput_per_s": 10, "error_pct": 20, "cpu_pct": 5,
    "memory_pct": 5}
"""Weights of the six core metrics in percent: those of the health score, where the success rate
stands for availability, and each part's weight is shared by its metrics."""
WINDOW_S = 300.0
LEAST_SAMPLES = 3


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric over its window.

    ``samples`` is how many readings the value is made of, None where that is unknown. How long a
    condition has held follows from ``series`` of (seconds, value), oldest first; without one the
    value is taken to have been so for ``held_s``. ``peak`` is the highest value of the last hour,
    where it is known: capacity is taken away only where that would still fit.
    """

    value: float | None
    samples: int | None = None
    held_s: float = WINDOW_S
    series: tuple[tuple[float, float | None], ...] = ()
    peak: float | None = None


Seen = Mapping[str, Metric]


def check_seen(seen: Seen) -> dict[str, Metric]:
    """The metrics that can be used: those with a value of enough samples.

    Raises InputError naming the metric for one that is unknown, not finite, negative, or a
    percentage above 100.
    """
    known = {}
    for name, metric in seen.items():
        if name not in BETTER:
            raise InputError("unknown_metric", f"there is no metric {name!r:.80}", name)
        for value in (metric.value, metric.held_s, metric.peak, *(
                each for _, each in metric.series), *(at for at, _ in metric.series)):
            if value is not None and not _is_finite(value):
                raise InputError("not_finite", f"{name} must be a finite number", name)
        for value in (metric.value, metric.held_s, metric.peak, *(
                each for _, each in metric.series)):
            if value is not None and value < 0:
                raise InputError("out_of_range", f"{name} must not be negative, got {value:g}",
                                 name)
        values = [metric.value, *(each for _, each in metric.series)]
        if name.endswith("_pct") and any(each is not None and each > 100 for each in values):
            raise InputError("out_of_range", f"{name} must be at most 100", name)
        if any(later[0] < earlier[0] for earlier, later in zip(
                metric.series, metric.series[1:], strict=False)):
            raise InputError("wrong_order", f"samples of {name} must be in the order of time",
                             name)
        if metric.value is not None and (metric.samples is None
                                         or metric.samples >= LEAST_SAMPLES):
            known[name] = metric
    return known


def held_for(metric: Metric, holds: Callable[[float], bool]) -> float | None:
    """Seconds for which a condition has held up to now; None where it does not hold.

    Samples without a value neither keep a condition up nor end it.
    """
    if metric.value is None or not holds(metric.value):
        return None
    known = [(at, value) for at, value in metric.series if value is not None]
    if not known:
        return metric.held_s
    since = None
    for at, value in reversed(known):
        if not holds(value):
            break
        since = at
    return None if since is None else known[-1][0] - since


def name_all(metrics: Iterable[str]) -> str:
    """The metrics as people call them, each once."""
    return ", ".join(dict.fromkeys(TITLES[name] for name in metrics))


def latency_of(names: Mapping[str, object]) -> str:
    """The response time that is known: of the API, else of generation; '' for neither."""
    return next((name for name in LATENCIES if name in names), "")


@dataclass(frozen=True, slots=True)
class ScorePart:
    """One metric's part: points from 0 to 1 and its weight once the missing gave theirs away."""

    metric: str
    value: float
    score: float
    weight: float


@dataclass(frozen=True, slots=True)
class PerformanceScore:
    """The score, 0.0 to 1.0, None where it cannot be told; ``missing`` names what it lacks."""

    score: float | None
    parts: tuple[ScorePart, ...]
    missing: tuple[str, ...]
    reasons: tuple[Reason, ...]


def score_performance(values: Mapping[str, float | None],
                      targets: Mapping[str, Target] = TARGETS,
                      demand_unmet: bool = False) -> PerformanceScore:
    """The weighted mean of the core metrics' parts: 1 at the target, 0 at critical, linear between.

    Missing metrics give their weight to the others and are named; throughput is left out while
    demand is met. With no metric known there is no score.
    """
    known = {name: value for name, value in values.items()
             if value is not None and _is_finite(value)}
    latency = latency_of(known) or LATENCIES[0]
    found, missing = [], []
    for core, weight in WEIGHTS.items():
        metric = latency if core == "latency" else core
        if metric == "throughput_per_s" and not demand_unmet:
            continue
        if metric not in known:
            missing.append(metric)
            continue
        found.append((metric, known[metric], score_metric(targets[metric], known[metric]) / 100,
                      weight))
    if not found:
        return PerformanceScore(None, (), tuple(missing), (Reason(
            "not_enough_data", "No score: no core metric is known."),))
    total = sum(weight for *_, weight in found)
    parts = tuple(ScorePart(metric, value, score, weight / total)
                  for metric, value, score, weight in found)
    score = min(1.0, max(0.0, sum(each.score * each.weight for each in parts)))
    return PerformanceScore(score, parts, tuple(missing), _explain(
        parts, missing, demand_unmet))


def _explain(parts: tuple[ScorePart, ...], missing: list[str],
             demand_unmet: bool) -> tuple[Reason, ...]:
    reasons = [Reason(f"{each.metric}_costs", f"{TITLES[each.metric]} at {each.value:,.4g} "
                      f"{UNITS[each.metric]} costs {each.weight * (1 - each.score):.3f}.")
               for each in parts if each.score < 1]
    if not reasons:
        reasons.append(Reason("on_target", "Every known metric is at its target."))
    if missing:
        reasons.append(Reason("metrics_unknown", f"Left out, their weight shared by the others: "
                                                 f"{name_all(missing)}."))
    if not demand_unmet:
        reasons.append(Reason("throughput_not_counted", "Throughput is not counted: no demand is "
                                                        "known to be unmet."))
    return tuple(reasons)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except (OverflowError, TypeError):
        return False
