"""What a plan should bring: the replay of the window with other counts, and what it cannot tell."""

from typing import Any

import pytest

from brain.decisions.optimization.actions import Action, Platform
from brain.decisions.optimization.configuration import Configuration
from brain.decisions.optimization.effects import Range, expect
from brain.decisions.optimization.foresight import foresee_capacity
from brain.decisions.optimization.metrics import Metric

REJECTED = 1.5 / 6.5
P95 = "generation_latency_p95_ms"


def seen(**values: float) -> dict[str, Metric]:
    """Metrics that stood still, in ten points of thirty seconds."""
    return {name: Metric(value, 60, series=tuple((30.0 * at, value) for at in range(10)))
            for name, value in values.items()}


FULL = {"pool_pct": 100.0, "queue_depth": 8.0, "throughput_per_s": 5.0, P95: 2000.0,
        "error_pct": 100 * REJECTED}
"""Two workers that take 0.4 s: 5 answers a second, 1.5 turned away, 8 waiting."""


def test_twice_the_workers_take_the_queue_away() -> None:
    latency, errors = foresee_capacity(seen(**FULL), 2, 4, REJECTED)
    # waiting was 8 / 5 = 1.6 s, four services; then 6.5 of 10 a second: 0.65^2.162/1.4 = 0.281
    assert latency is not None and latency.value == pytest.approx(2000 * 1.281 / 5, rel=0.002)
    assert errors is not None and errors.value == pytest.approx(0, abs=1e-6)
    assert (latency.low, latency.high) == (pytest.approx(latency.value),) * 2  # nothing moved


def test_half_the_workers_lose_what_waits_too_long() -> None:
    busy = seen(pool_pct=65.0, queue_depth=0.0, throughput_per_s=6.5, error_pct=0.0, **{P95: 500.0})
    latency, errors = foresee_capacity(busy, 4, 2)
    # 6.5 × 300 s come, 5 × 300 s are served, 30 s × 5 still wait: 300 of 1,950 are lost
    assert errors is not None and errors.value == pytest.approx(100 * 300 / 1950)
    assert latency is not None and latency.value > 10_000


def test_the_interval_is_that_of_the_samples() -> None:
    moving = seen(**FULL) | {P95: Metric(2000.0, 60, series=tuple(
        (30.0 * at, 1800.0 + 400 * (at % 2)) for at in range(10)))}
    latency, _ = foresee_capacity(moving, 2, 4, REJECTED)
    # sd 200 × sqrt(10/9) × 0.2562 = 54.0; Student's t of 9: 2.262 × 54.0 / sqrt(10) = 38.6
    assert latency is not None and latency.low is not None and latency.high is not None
    assert latency.high - latency.value == pytest.approx(38.6, abs=0.3)
    few = {name: Metric(metric.value, 60) for name, metric in moving.items()}
    latency, _ = foresee_capacity(few, 2, 4, REJECTED)
    assert latency is not None and (latency.low, latency.high) == (None, None)


@pytest.mark.parametrize("values", [
    {P95: 500.0}, {P95: 500.0, "pool_pct": 0.0}])
def test_without_the_use_of_capacity_nothing_is_told(values: dict[str, float]) -> None:
    assert foresee_capacity(seen(**values), 2, 4) == (None, None)


def test_a_queue_of_unknown_growth_is_not_told() -> None:
    assert foresee_capacity(seen(cpu_pct=95.0, error_pct=1.0, **{P95: 500.0}), 4, 3) == (None, None)


def planned(kind: str, known: dict[str, Metric], before: Any, after: Any, **rules: Any) -> Any:
    action = Action(kind, 2.0, "", before, after)  # type: ignore[arg-type]
    return expect((action,), known, Platform(replicas=2), Configuration(**rules), REJECTED)


def test_cost_has_the_interval_of_the_spend_or_is_exact() -> None:
    spending = seen(**FULL) | {"spend_usd_per_h": Metric(8.0, 60, series=tuple(
        (30.0 * at, 7.0 + 2 * (at % 2)) for at in range(10)))}
    up = ({"replicas": 2}, {"replicas": 4})
    cost = planned("scale_up", spending, *up)[2]
    assert cost.value == 8 and cost.low < 8 < cost.high  # two more at 8 / 2
    assert planned("scale_up", spending, *up, replica_usd_per_h=0.5)[2] == Range(1, 1, 1)
    assert planned("scale_up", seen(**FULL), *up)[2] is None


def test_what_caches_and_larger_pods_bring_is_not_known() -> None:
    found = planned("cache_optimize", seen(**FULL), {"cache_ttl_s": 60}, {"cache_ttl_s": 120})
    assert found == (None, None, Range(0, 0, 0))
