"""The service that a replay runs: what a pod can do, what its metrics show, what acts on it."""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from brain.decisions.reasons import InputError
from brain.decisions.scaling.manifests import HpaPolicy, Metric
from brain.decisions.scaling.schedules import (
    ScheduledBound,
    decide_bounds,
    next_firing,
    parse_cron,
    read_zone,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Signal = Literal["cpu", "memory", "rate", "latency", "connections", "external"]

MOST_PODS = 2**31 - 1


@dataclass(frozen=True, slots=True)
class ServiceModel:
    """A pod serves ``pod_rps``, starts in ``start_s`` and costs by the hour.

    What is not served waits, for at most ``longest_wait_s``, then it is lost. A step in which
    the queue is longer than ``objective_wait_s`` or requests are lost misses the objective.
    A request takes ``service_s`` besides waiting; memory use grows from ``memory_idle_ratio`` of
    what was requested to ``memory_busy_ratio`` with the CPU.
    """

    pod_rps: float
    start_s: float = 60.0
    objective_wait_s: float = 0.0
    longest_wait_s: float = 30.0
    pod_h_usd: Decimal = Decimal(0)
    service_s: float = 0.1
    memory_idle_ratio: float = 0.3
    memory_busy_ratio: float = 0.6


@dataclass(frozen=True, slots=True)
class Cap:
    """At most ``cap_usd`` in each window of the replay, the first one beginning with it."""

    cap_usd: Decimal
    window_s: float = 30 * 86_400.0


@dataclass(frozen=True, slots=True)
class Course:
    """What else acts on a replay, one value per step.

    ``reading`` multiplies what every metric reads, NaN is a metric API that fails. ``floor`` and
    ``ceiling`` are scheduled bounds. ``external`` is the value of the External metric, NaN where
    it fails.
    """

    reading: Floats | None = None
    floor: Ints | None = None
    ceiling: Ints | None = None
    external: Floats | None = None
    cap: Cap | None = None


NO_COURSE = Course()


@dataclass(frozen=True, slots=True)
class Target:
    """A target: utilization in percent, or thousandths of the signal per pod."""

    signal: Signal
    by_share: bool
    value: int


def read_targets(policy: HpaPolicy) -> tuple[Target, ...]:
    """What the policy aims at; raises InputError for a metric that a replay does not know.

    A metric of type Pods is a latency or a count of connections if its name says so, else a rate.
    """
    found = []
    for place, metric in enumerate(policy.metrics):
        signal: Signal | None = None
        if metric.type == "Resource" and metric.utilization_pct and metric.name == "cpu":
            signal = "cpu"
        elif metric.type == "Resource" and metric.utilization_pct and metric.name == "memory":
            signal = "memory"
        elif metric.type == "Pods" and metric.average_milli:
            signal = ("rate" if is_rate(metric) else
                      "latency" if "latency" in metric.name else "connections")
        elif metric.type == "External" and metric.average_milli:
            signal = "external"
        if signal is None:
            raise InputError("not_replayable", "a replay knows utilizations of CPU and memory, "
                             "values per pod (rate, latency, connections) and an External average, "
                             f"not {metric.type} {metric.name}", f"spec.metrics[{place}]")
        by_share = signal in ("cpu", "memory")
        value = metric.utilization_pct if by_share else metric.average_milli
        found.append(Target(signal, by_share, value or 0))
    return tuple(found)


def is_rate(metric: Metric) -> bool:
    """Whether it counts requests per second and pod, by its type and name."""
    return metric.type == "Pods" and not (
        "latency" in metric.name or "connections" in metric.name)


def bounds_over(schedules: Sequence[ScheduledBound], workload: str, start_utc: dt.datetime,
                step_s: float, steps: int) -> tuple[Ints, Ints]:
    """Floor and ceiling of each step from ``start_utc`` on, by the clock of the schedules.

    Raises InputError for a line or zone that cannot be read.
    """
    floor, ceiling = np.zeros(steps, dtype=np.int64), np.full(steps, MOST_PODS, dtype=np.int64)
    own = [each for each in schedules if each.workload == workload]
    at = 0
    while at < steps:
        now_utc = start_utc + dt.timedelta(seconds=at * step_s)
        bounds = decide_bounds(own, workload, now_utc)
        firings = (next_firing(parse_cron(each.cron), read_zone(each.zone), now_utc)
                   for each in own)
        coming = [each for each in firings if each is not None]
        until = steps if not coming else min(steps, math.ceil(
            (min(coming) - start_utc).total_seconds() / step_s))
        if bounds.min_replicas is not None:
            floor[at:until] = bounds.min_replicas
        if bounds.max_replicas is not None:
            ceiling[at:until] = bounds.max_replicas
        at = until
    return floor, ceiling


class CapMeter:
    """What a cap still pays for, in whole pods; equal to `decide_within_cap` at every step."""

    def __init__(self, cap: Cap, step_s: float, model: ServiceModel) -> None:
        if model.pod_h_usd <= 0:
            raise InputError("not_positive", "a cost cap needs the price of a pod", "pod_h_usd")
        self.window = max(1, round(cap.window_s / step_s))
        step_usd = Fraction(model.pod_h_usd) * Fraction(step_s) / 3600
        self._whole = int(Fraction(cap.cap_usd) / step_usd)
        if self._whole < self.window:
            raise InputError("cap_too_low", f"{cap.cap_usd} USD do not pay for one pod over the "
                             "window", "cap_usd")
        self._left = self._whole

    def allow(self, step: int) -> int:
        """Pods that the rest pays for until the window ends."""
        place = step % self.window
        if not place:
            self._left = self._whole
        return self._left // (self.window - place)

    def spend(self, pods: int) -> None:
        """One step of ``pods``."""
        self._left -= pods
