"""What a scaling policy would have done on past load: objective minutes, lost requests, cost."""

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from brain.decisions.reasons import InputError
from brain.decisions.scaling.behavior import (
    Memory,
    limit_plainly,
    limit_rate,
    remember_change,
)
from brain.decisions.scaling.manifests import HpaPolicy
from brain.decisions.scaling.proposals import tolerances_of
from brain.decisions.scaling.replicas import DEFAULT_CONTROLLER, Controller
from brain.decisions.scaling.service import (
    MOST_PODS,
    NO_COURSE,
    CapMeter,
    Course,
    ServiceModel,
    Target,
    read_targets,
)

Load = NDArray[np.float64]
"""Requests per second, one value per step."""


@dataclass(frozen=True, slots=True)
class Replay:
    """A policy's account; areas are pod-hours above and below what the load needed.

    ``capped_minutes`` are those in which the load needed more than the cost cap allowed.
    """

    name: str
    objective_minutes: float
    lost: float
    pod_hours: float
    cost_usd: Decimal
    actions: int
    over_pod_hours: float
    under_pod_hours: float
    replicas: NDArray[np.int64]
    capped_minutes: float = 0.0


def check_trace(load: Sequence[float] | Load, step_s: float, model: ServiceModel) -> Load:
    """The load as an array; raises InputError for one that cannot be replayed."""
    found = np.asarray(load, dtype=np.float64)
    if found.ndim != 1 or not len(found):
        raise InputError("empty_trace", "the trace has no steps", "trace")
    if not np.isfinite(found).all() or (found < 0).any():
        raise InputError("invalid_load", "load is a finite number of 0 or more", "trace")
    if not (math.isfinite(step_s) and step_s > 0):
        raise InputError("not_positive", "a step is longer than 0 s", "step_s")
    if not (math.isfinite(model.pod_rps) and model.pod_rps > 0):
        raise InputError("not_positive", "a pod serves more than 0 requests/s", "pod_rps")
    return found


def find_needed(load: Load, model: ServiceModel) -> NDArray[np.int64]:
    """Pods that serve each step without a queue."""
    return np.ceil(load / model.pod_rps - 1e-9).astype(np.int64)


def replay_policy(load: Load, step_s: float, model: ServiceModel, policy: HpaPolicy,
                  controller: Controller = DEFAULT_CONTROLLER, name: str = "policy",
                  course: Course = NO_COURSE) -> Replay:
    """The HPA on this load, one sync per step, starting at what the first step needs.

    Metrics are those of `read_targets`; CPU utilization is the served share of what the ready
    pods can serve. Equal to `decide_replicas` at every step, then kept inside the bounds of the
    ``course``. Raises InputError for other metrics or a trace that cannot be replayed.
    """
    load = check_trace(load, step_s, model)
    targets = read_targets(policy)
    tolerances = tolerances_of(policy, controller)
    stabilize = _Stabilizer(policy, controller)
    readings, external, floors, ceilings = _read_course(course, len(load), targets)
    meter = None if course.cap is None else CapMeter(course.cap, step_s, model)
    least, most = policy.min_replicas, policy.max_replicas
    current = max(1, least, min(most, int(find_needed(load[:1], model)[0])))
    allowed = MOST_PODS if meter is None else meter.allow(0)
    current = min(current, allowed)
    ready, pending, capped = current, 0, 0
    starting: deque[list[float]] = deque()
    memory = Memory(())
    queue = lost = missed_s = 0.0
    counts = np.empty(len(load), dtype=np.int64)
    stabilize.record(current, 0.0)
    pod_rps, objective_s, longest_s = model.pod_rps, model.objective_wait_s, model.longest_wait_s
    for step, rps in enumerate(load.tolist()):
        now_s = step * step_s
        while starting and starting[0][0] <= now_s:
            grown = int(starting.popleft()[1])
            ready += grown
            pending -= grown
        counts[step] = current
        capacity = ready * pod_rps * step_s
        queue += rps * step_s
        served = queue if queue < capacity else capacity
        queue -= served
        if queue > 0:
            rate = ready * pod_rps
            dropped = max(0.0, queue - longest_s * rate)
            lost += dropped
            queue -= dropped
            if dropped or queue > objective_s * rate:
                missed_s += step_s
        wanted: int | None = current if not ready else _ask(
            targets, model, served / capacity, served / (ready * step_s), queue / ready, ready,
            pending, current, tolerances.hold, 1.0 if readings is None else readings[step],
            None if external is None else external[step])
        replicas = current
        if wanted is not None:  # else the controller reports the failed metric and does nothing
            stabilized = stabilize(current, wanted, now_s)
            if stabilized != current or not least <= current <= most:
                if policy.behavior is None:
                    replicas, _ = limit_plainly(current, stabilized, least, most, controller)
                else:
                    replicas, _ = limit_rate(current, stabilized, least, most, policy.behavior,
                                             memory, now_s)
        if floors is not None and replicas < floors[step]:
            replicas = floors[step]
        if ceilings is not None and replicas > ceilings[step]:  # as apply_bounds: not into load
            replicas = min(replicas, max(ceilings[step], current if wanted is None else wanted))
        if meter is not None:
            meter.spend(current)
            capped += rps > (allowed + 1e-9) * pod_rps
            allowed = meter.allow(step + 1)
            replicas = min(replicas, allowed)
        if replicas == current:
            continue
        if policy.behavior is not None:
            memory = remember_change(memory, policy.behavior, current, replicas, now_s)
        if replicas > current:
            starting.append([now_s + max(model.start_s, step_s), replicas - current])
            pending += replicas - current
        else:
            gone = current - replicas
            while gone and starting:  # pods that are not ready yet go first
                taken = min(gone, int(starting[-1][1]))
                starting[-1][1] -= taken
                pending -= taken
                gone -= taken
                if not starting[-1][1]:
                    starting.pop()
            ready -= gone
        current = replicas
    return _account(name, counts, load, step_s, model, missed_s, lost, capped * step_s / 60)


def _read_course(course: Course, steps: int, targets: tuple[Target, ...]) -> tuple[
        list[float] | None, list[int | None] | None, list[int] | None, list[int] | None]:
    """Readings, milli-values of the External metric, floors and ceilings, each by step."""
    if course.external is None and any(each.signal == "external" for each in targets):
        raise InputError("missing_values", "an External metric needs its values", "external")
    for field in ("reading", "floor", "ceiling", "external"):
        values = getattr(course, field)
        if values is not None and len(values) != steps:
            raise InputError("wrong_length", f"{field} needs one value for each of {steps} steps",
                             field)
    external = None if course.external is None else [
        None if math.isnan(each) else int(each * 1000) for each in course.external.tolist()]
    return (None if course.reading is None else course.reading.tolist(), external,
            None if course.floor is None else course.floor.tolist(),
            None if course.ceiling is None else course.ceiling.tolist())


def _ask(targets: tuple[Target, ...], model: ServiceModel, share: float, pod_rate: float,
         pod_queue: float, ready: int, pending: int, current: int, hold: Callable[[float], bool],
         reading: float, external: int | None) -> int | None:
    """What the metrics ask for, all ready pods alike; pods that start count as idle.

    None where the controller would do nothing: all metrics fail, or one does and the others ask
    for less than there is.
    """
    largest, failed = 0, 0
    for target in targets:
        signal = target.signal
        if signal == "external":
            if external is None or reading != reading:
                failed += 1
                continue
            ratio = external / (target.value * current)
            largest = max(largest, current if hold(ratio) else math.ceil(external / target.value))
            continue
        if signal == "cpu":
            value = share
        elif signal == "rate":
            value = pod_rate
        elif signal == "memory":
            value = model.memory_idle_ratio + share * (
                model.memory_busy_ratio - model.memory_idle_ratio)
        elif signal == "latency":
            value = model.service_s + pod_queue / model.pod_rps
        else:
            value = pod_rate * model.service_s + pod_queue
        if reading != 1.0:
            if reading != reading:
                failed += 1
                continue
            value *= reading
        if target.by_share:
            usage, whole = int(value * 1000) * ready * 100, 1000
        else:
            usage, whole = int(value * 1000) * ready, 1
        ratio = (usage // (whole * ready)) / target.value
        if not pending or ratio <= 1.0:
            wanted = current if hold(ratio) else math.ceil(ratio * ready)
        else:
            count = ready + pending
            corrected = (usage // (whole * count)) / target.value
            wanted = math.ceil(corrected * count)
            if hold(corrected) or corrected < 1.0 or wanted < current:
                wanted = current
        largest = max(largest, wanted)
    return None if failed and (failed == len(targets) or largest < current) else largest


class _Stabilizer:
    """The window's lowest and highest recommendation, kept as two queues that stay sorted."""

    def __init__(self, policy: HpaPolicy, controller: Controller) -> None:
        rules = policy.behavior
        self._plain = rules is None
        self._up_s = 0.0 if rules is None else rules.scale_up.window_s or 0.0
        down_s = None if rules is None else rules.scale_down.window_s
        self._down_s = controller.downscale_stabilization_s if down_s is None else down_s
        self._low: deque[tuple[float, int]] = deque()
        self._high: deque[tuple[float, int]] = deque()

    def record(self, replicas: int, at_s: float) -> None:
        """Keep a recommendation."""
        low, high = self._low, self._high
        while low and low[-1][1] >= replicas:
            low.pop()
        low.append((at_s, replicas))
        while high and high[-1][1] <= replicas:
            high.pop()
        high.append((at_s, replicas))

    def __call__(self, current: int, wanted: int, now_s: float) -> int:
        """Replicas after stabilization; the recommendation is kept."""
        low, high = self._low, self._high
        cutoff_s = now_s - self._up_s
        while low and low[0][0] <= cutoff_s:
            low.popleft()
        cutoff_s = now_s - self._down_s
        while high and (high[0][0] < cutoff_s or (high[0][0] == cutoff_s and not self._plain)):
            high.popleft()
        highest = max(wanted, high[0][1]) if high else wanted
        lowest = min(wanted, low[0][1]) if low else wanted
        self.record(wanted, now_s)
        return highest if self._plain else min(max(current, lowest), highest)


def replay_static(load: Load, step_s: float, model: ServiceModel,
                  replicas: int | None = None) -> Replay:
    """A fixed count, by default the smallest that never has a queue."""
    load = check_trace(load, step_s, model)
    count = int(find_needed(load, model).max()) if replicas is None else replicas
    return replay_counts("static", np.full(len(load), count, dtype=np.int64), load, step_s, model)


def replay_oracle(load: Load, step_s: float, model: ServiceModel,
                  hold_s: float = 300.0) -> Replay:
    """The lower bound that knows the future: pods are started in time and kept ``hold_s`` long."""
    from scipy.ndimage import maximum_filter1d
    load = check_trace(load, step_s, model)
    ahead, behind = math.ceil(model.start_s / step_s), math.ceil(hold_s / step_s)
    # The filter looks as far to both sides: the window is shifted by the difference.
    needed = find_needed(load, model)
    size = ahead + behind + 1
    padded = np.pad(needed, (behind, ahead), mode="edge")
    counts = maximum_filter1d(padded, size)[size // 2:size // 2 + len(needed)]
    return replay_counts("oracle", counts, load, step_s, model)


def replay_counts(name: str, counts: NDArray[np.int64], load: Load, step_s: float,
                  model: ServiceModel) -> Replay:
    """The account of given counts of ready pods."""
    lost = missed_s = 0.0
    for queue, dropped, rate in _serve(counts, load, step_s, model):
        lost += dropped
        if dropped or queue > max(1e-6, model.objective_wait_s * rate):
            missed_s += step_s
    return _account(name, counts, load, step_s, model, missed_s, lost)


def replay_waits(counts: NDArray[np.int64], load: Load, step_s: float,
                 model: ServiceModel) -> tuple[NDArray[np.float64], float]:
    """Seconds that what comes at the end of each step waits, and how many requests are lost, with
    given counts of ready pods: the queue of `replay_counts`."""
    found = [(queue / rate if rate else math.inf, dropped)
             for queue, dropped, rate in _serve(counts, load, step_s, model)]
    return np.array([wait_s for wait_s, _ in found]), sum(dropped for _, dropped in found)


def _serve(counts: NDArray[np.int64], load: Load, step_s: float,
           model: ServiceModel) -> Iterator[tuple[float, float, float]]:
    """The queue after each step, what is dropped from it, and the rate that empties it."""
    queue = 0.0
    for rps, count in zip(load.tolist(), counts.tolist(), strict=True):
        rate = count * model.pod_rps
        queue = max(0.0, queue + (rps - rate) * step_s)
        dropped = max(0.0, queue - model.longest_wait_s * rate) if queue > 1e-6 else 0.0
        queue -= dropped
        yield queue, dropped, rate


def _account(name: str, counts: NDArray[np.int64], load: Load, step_s: float,
             model: ServiceModel, missed_s: float, lost: float,
             capped_minutes: float = 0.0) -> Replay:
    step_h = step_s / 3600
    beyond = counts - find_needed(load, model)
    pod_hours = float(counts.sum()) * step_h
    return Replay(name, missed_s / 60, lost, pod_hours,
                  Decimal(repr(pod_hours)) * model.pod_h_usd,
                  int(np.count_nonzero(np.diff(counts))), float(beyond.clip(min=0).sum()) * step_h,
                  float((-beyond).clip(min=0).sum()) * step_h, counts, capped_minutes)
