"""What another count of workers should do to response time and errors, by the scaling replay."""

import math
from collections.abc import Mapping

import numpy as np

from brain.decisions.optimization.effects import Range, points_of, range_of
from brain.decisions.optimization.metrics import Metric, latency_of
from brain.decisions.scaling.replay import replay_waits
from brain.decisions.scaling.service import ServiceModel

BUSIEST = 0.98
"""Use above this is taken as this: a queue that only grows has no steady waiting time."""


def foresee_capacity(known: Mapping[str, Metric], servers: int, servers_after: int,
                     rejected_share: float = 0.0) -> tuple[Range | None, Range | None]:
    """p95 in ms and errors in percent once there are ``servers_after``; None where not known.

    What the window saw is replayed with the other count. The service model follows from it: a
    request takes use × servers / throughput seconds of a server (Little's law), the load is what
    was answered and what was turned away. The p95 scales with service and waiting time together:
    waiting was queue / throughput, or by Sakasegawa's approximation where no queue is known, and
    will be the replay's queue and that approximation. Intervals are those of the window's samples,
    not of the model.
    """
    latency = known.get(latency_of(known))
    use = max((metric.value for name in ("pool_pct", "cpu_pct") if (metric := known.get(name))
               and metric.value is not None), default=None)
    if use is None or not use > 0 or servers < 1 or servers_after < 1:
        return None, None
    busy = min(use, 100.0) / 100 * servers
    offered = busy / max(1e-9, 1 - rejected_share)
    rate = known.get("throughput_per_s")
    service_s = busy / rate.value if rate and rate.value else None
    if service_s is None and offered > BUSIEST * servers_after:
        return None, None  # a queue would grow, and nobody knows how fast
    waits, lost = _replay(rate, service_s, rejected_share, servers_after)
    queue = known.get("queue_depth")
    before = (queue.value / busy if queue and queue.value is not None
              else _waiting(offered / servers, servers))
    after = _waiting(offered / servers_after, servers_after) + waits
    errors = known.get("error_pct")
    return (None if latency is None else _scale(latency, (1 + after) / (1 + before)),
            None if errors is None else _shift(errors, 100 * (lost - rejected_share)))


def _replay(rate: Metric | None, service_s: float | None, rejected_share: float,
            servers: int) -> tuple[float, float]:
    """Mean waiting in service times, and the share of requests that is lost."""
    if rate is None or service_s is None:
        return 0.0, 0.0
    points = [(at, value) for at, value in rate.series if value is not None]
    load = np.array([value for _, value in points] or [rate.value or 0.0], dtype=np.float64)
    load /= max(1e-9, 1 - rejected_share)
    step_s = points[1][0] - points[0][0] if len(points) > 1 else 60.0
    waits, lost = replay_waits(np.full(len(load), servers), load, max(step_s, 1e-3),
                               ServiceModel(pod_rps=1 / service_s, service_s=service_s))
    asked = float(load.sum()) * max(step_s, 1e-3)
    return float(waits.mean()) / service_s, lost / asked if asked else 0.0


def _waiting(use: float, servers: int) -> float:
    """Waiting in service times (Sakasegawa 1977): use^(sqrt(2(c+1))-1) / (c(1-use))."""
    use = min(max(use, 0.0), BUSIEST)
    if use <= 0:
        return 0.0
    return float(use ** (math.sqrt(2 * (servers + 1)) - 1) / (servers * (1 - use)))


def _scale(metric: Metric, factor: float) -> Range:
    found = range_of([factor * each for each in points_of(metric)], factor * (metric.value or 0.0))
    return Range(found.value, None if found.low is None else max(0.0, found.low), found.high)


def _shift(metric: Metric, change: float) -> Range:
    found = range_of([each + change for each in points_of(metric)], (metric.value or 0.0) + change)
    return Range(*(None if each is None else min(100.0, max(0.0, each))
                   for each in (found.value, found.low, found.high)))  # type: ignore[arg-type]
