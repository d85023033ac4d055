"""What one metric asks for: the replica calculator of the HPA controller, in whole milli-units.

Source: Kubernetes, pkg/controller/podautoscaler, replica calculator and metrics client.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from brain.decisions.scaling.quantities import MAX_INT32, MAX_INT64

ZERO_TIME_S = -62_135_596_800.0
"""An unset time of Kubernetes, the first second of the year 1, in seconds since 1970."""


class MetricError(Exception):
    """A metric that gives no number; the message is the controller's."""


@dataclass(frozen=True, slots=True)
class Controller:
    """Settings of the HPA controller, and which of its versions is followed.

    ``tolerance_reading`` "distance" is |1 − ratio| ≤ tolerance (up to 1.32), "range" is
    1 − down ≤ ratio ≤ 1 + up. ``ignore_succeeded`` is newer than 1.30. ``scaled_to_zero_condition``
    wakes a workload at zero only if the HPA itself put it there (1.37).
    """

    tolerance: float = 0.1
    cpu_initialization_period_s: float = 300
    initial_readiness_delay_s: float = 30
    downscale_stabilization_s: float = 300
    scale_up_limit_factor: float = 2
    scale_up_limit_minimum: float = 4
    tolerance_reading: Literal["range", "distance"] = "range"
    ignore_succeeded: bool = True
    configurable_tolerance: bool = True
    pod_level_resources: bool = True
    container_resource: bool = True
    scaled_to_zero_condition: bool = False


DEFAULT_CONTROLLER = Controller()


@dataclass(frozen=True, slots=True)
class Tolerances:
    """How far a usage ratio may be from 1 without a change."""

    down: float
    up: float
    reading: Literal["range", "distance"] = "range"

    def hold(self, ratio: float) -> bool:
        """Whether the ratio is near enough to 1."""
        if self.reading == "range":
            return 1.0 - self.down <= ratio <= 1.0 + self.up
        return abs(1.0 - ratio) <= (self.up if ratio > 1.0 else self.down)


@dataclass(frozen=True, slots=True)
class Container:
    """A container's requests in milli-units; ``init`` containers count while ``restartable``."""

    name: str
    requests_milli: Mapping[str, int]
    init: bool = False
    restartable: bool = False


@dataclass(frozen=True, slots=True)
class Pod:
    """What the controller looks at; ``ready`` is the status of the Ready condition, if any."""

    name: str
    phase: str = "Running"
    ready: str | None = "True"
    ready_transition_s: float = ZERO_TIME_S
    start_s: float | None = ZERO_TIME_S
    deleted: bool = False
    containers: tuple[Container, ...] = ()
    pod_requests_milli: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """A pod's metric in milli-units, when it was taken and over how long."""

    milli: int
    at_s: float
    window_s: float = 60.0


@dataclass(frozen=True, slots=True)
class PodGroups:
    """Pods by what their samples are worth."""

    ready_count: int
    unready: list[str]
    missing: list[str]
    ignored: list[str]


@dataclass(frozen=True, slots=True)
class Proposal:
    """Replicas asked for; ``usage_milli`` is the average, or ``utilization_pct`` stands with it."""

    replicas: int
    usage_milli: int
    utilization_pct: int | None = None


def group_pods(pods: Sequence[Pod], sampled: Mapping[str, Sample], resource: str,
               controller: Controller, now_s: float) -> PodGroups:
    """Which pods count, which are not ready yet, which have no sample, which are ignored."""
    ready_count = 0
    unready: list[str] = []
    missing: list[str] = []
    ignored: list[str] = []
    for pod in pods:
        phase = pod.phase
        if pod.deleted or phase == "Failed" or (
                phase == "Succeeded" and controller.ignore_succeeded):
            ignored.append(pod.name)
        elif phase == "Pending":
            unready.append(pod.name)
        elif (sample := sampled.get(pod.name)) is None:
            missing.append(pod.name)
        elif resource == "cpu" and _is_unready(pod, sample, controller, now_s):
            unready.append(pod.name)
        else:
            ready_count += 1
    return PodGroups(ready_count, unready, missing, ignored)


def _is_unready(pod: Pod, sample: Sample, controller: Controller, now_s: float) -> bool:
    if pod.ready is None or pod.start_s is None:
        return True
    if pod.start_s + controller.cpu_initialization_period_s > now_s:
        return pod.ready == "False" or sample.at_s < pod.ready_transition_s + sample.window_s
    return (pod.ready == "False"
            and pod.start_s + controller.initial_readiness_delay_s > pod.ready_transition_s)


def sum_requests(pods: Sequence[Pod], resource: str, container: str = "",
                 pod_level_resources: bool = True) -> dict[str, int]:
    """Requested milli-units by pod: of one container if named, else of the whole pod.

    Raises MetricError where a request is missing.
    """
    return {pod.name: _pod_level_request(pod, resource)
            if pod_level_resources and pod.pod_requests_milli and not container
            else _container_requests(pod, resource, container) for pod in pods}


def _pod_level_request(pod: Pod, resource: str) -> int:
    if pod.pod_requests_milli and resource in pod.pod_requests_milli:
        return pod.pod_requests_milli[resource]
    named = [each for each in pod.containers if resource in each.requests_milli]
    if not named:
        raise MetricError(f"missing pod-level request for {resource} in Pod {pod.name}")
    running = sum(each.requests_milli[resource] for each in named if not each.init)
    beside = peak = 0
    for each in named:  # an init container runs beside the restartable ones before it
        if each.init:
            beside += each.requests_milli[resource] if each.restartable else 0
            peak = max(peak, beside if each.restartable
                       else beside + each.requests_milli[resource])
    return max(running + beside, peak)


def _container_requests(pod: Pod, resource: str, container: str) -> int:
    total = 0
    counted = [each for each in pod.containers if not each.init]
    counted += [each for each in pod.containers if each.init and each.restartable]
    for each in counted:
        if not container or container == each.name:
            request = each.requests_milli.get(resource)
            if request is None:
                raise MetricError(
                    f"missing request for {resource} in container {each.name} of Pod {pod.name}")
            total += request
            if container:
                return total
    if container:
        raise MetricError(f"container {container} not found in Pod {pod.name}")
    return total


def measure_utilization(metrics: Mapping[str, int], requests: Mapping[str, int],
                        target_pct: int) -> tuple[float, int, int]:
    """Ratio to the target, utilization in whole percent, average usage in milli-units.

    Raises MetricError where no sampled pod has a request.
    """
    usage_milli = request_milli = entries = 0
    for name, milli in metrics.items():
        request = requests.get(name)
        if request is not None:
            usage_milli += milli
            request_milli += request
            entries += 1
    if request_milli == 0:
        raise MetricError("no metrics returned matched known pods")
    utilization_pct = truncate(usage_milli * 100, request_milli)
    return (_divide(utilization_pct, target_pct), utilization_pct, truncate(usage_milli, entries))


def measure_usage(metrics: Collection[int], target_milli: int) -> tuple[float, int]:
    """Ratio of the average to the target, and the average in milli-units."""
    usage_milli = truncate(sum(metrics), len(metrics))
    return _divide(usage_milli, target_milli), usage_milli


def propose_utilization(current: int, pods: Sequence[Pod], sampled: Mapping[str, Sample],
                        resource: str, target_pct: int, tolerances: Tolerances,
                        controller: Controller, now_s: float, container: str = "") -> Proposal:
    """Replicas that bring usage back to ``target_pct`` of the requests; raises MetricError."""
    groups, metrics = _counted(pods, sampled, resource, controller, now_s)
    requests = sum_requests(pods, resource, container, controller.pod_level_resources)
    ratio, utilization_pct, usage_milli = measure_utilization(metrics, requests, target_pct)
    missing_pct = max(100, target_pct)

    def again(filled: dict[str, int]) -> float:
        return measure_utilization(filled, requests, target_pct)[0]

    def assumed(name: str) -> int:
        return truncate(requests[name] * missing_pct, 100)
    return Proposal(_settle(current, groups, metrics, ratio, tolerances, assumed, again),
                    usage_milli, utilization_pct)


def propose_average(current: int, pods: Sequence[Pod], sampled: Mapping[str, Sample],
                    resource: str, target_milli: int, tolerances: Tolerances,
                    controller: Controller, now_s: float) -> Proposal:
    """Replicas that bring the average per pod back to its target; raises MetricError.

    ``resource`` is empty for custom metrics, for which readiness does not matter.
    """
    groups, metrics = _counted(pods, sampled, resource, controller, now_s)
    ratio, usage_milli = measure_usage(metrics.values(), target_milli)
    return Proposal(_settle(current, groups, metrics, ratio, tolerances,
                            lambda _: target_milli,
                            lambda filled: measure_usage(filled.values(), target_milli)[0]),
                    usage_milli)


def _counted(pods: Sequence[Pod], sampled: Mapping[str, Sample], resource: str,
             controller: Controller, now_s: float) -> tuple[PodGroups, dict[str, int]]:
    if not pods:
        raise MetricError("no pods returned by selector while calculating replica count")
    groups = group_pods(pods, sampled, resource, controller, now_s)
    left_out = {*groups.ignored, *groups.unready}
    metrics = {name: sample.milli for name, sample in sampled.items() if name not in left_out}
    if not metrics:
        raise MetricError("did not receive metrics for targeted pods (pods might be unready)")
    return groups, metrics


def _settle(current: int, groups: PodGroups, metrics: dict[str, int], ratio: float,
            tolerances: Tolerances, assumed: Callable[[str], int],
            again: Callable[[dict[str, int]], float]) -> int:
    """Replicas by the ratio, held where pods without a sample could turn its direction."""
    up_with_unready = bool(groups.unready) and ratio > 1.0
    if not up_with_unready and not groups.missing:
        return current if tolerances.hold(ratio) else _ceil(ratio * groups.ready_count)
    if ratio < 1.0:
        metrics.update({name: assumed(name) for name in groups.missing})
    elif ratio > 1.0:
        metrics.update(dict.fromkeys(groups.missing, 0))
    if up_with_unready:
        metrics.update(dict.fromkeys(groups.unready, 0))
    corrected = again(metrics)
    if (tolerances.hold(corrected) or (ratio < 1.0 < corrected) or (corrected < 1.0 < ratio)):
        return current
    wanted = _ceil(corrected * len(metrics))
    turned = (corrected < 1.0 and wanted > current) or (corrected > 1.0 and wanted < current)
    return current if turned else wanted


def propose_value(current: int, pods: Sequence[Pod], usage_milli: int, target_milli: int,
                  tolerances: Tolerances) -> Proposal:
    """Replicas that bring one value for the whole workload back to its target.

    Raises MetricError where replicas are wanted and there are no pods.
    """
    ratio = _divide(usage_milli, target_milli)
    if current == 0:
        return Proposal(_ceil(ratio), usage_milli)
    if tolerances.hold(ratio):
        return Proposal(current, usage_milli)
    if not pods:
        raise MetricError("unable to calculate ready pods: no pods returned by selector while "
                          "calculating replica count")
    ready = sum(1 for pod in pods if pod.phase == "Running" and pod.ready == "True")
    return Proposal(_ceil(ratio * ready), usage_milli)


def propose_per_pod(status_replicas: int, usage_milli: int, target_milli: int,
                    tolerances: Tolerances, external: bool = False) -> Proposal:
    """Replicas among which the value is at most its target per pod."""
    ratio = _divide(usage_milli, float(target_milli) * float(status_replicas))
    replicas = status_replicas
    if not tolerances.hold(ratio):
        replicas = _ceil(_divide(usage_milli, target_milli))
    if external and float(usage_milli) >= float(MAX_INT64):
        return Proposal(replicas, MAX_INT64)
    return Proposal(replicas, usage_per_pod(usage_milli, status_replicas))


def usage_per_pod(usage_milli: int, status_replicas: int) -> int:
    """The value's part per pod in milli-units, rounded up; 0 without pods."""
    if status_replicas == 0:
        return 0
    return min(MAX_INT64, math.ceil(float(usage_milli) / float(status_replicas)))


def sum_external(values_milli: Sequence[int]) -> int:
    """The sum, at most the largest int64."""
    total = 0
    for milli in values_milli:
        total += milli
        if total > MAX_INT64:
            return MAX_INT64
    return max(-MAX_INT64 - 1, total)


def truncate(part: int, whole: int) -> int:
    """Whole quotient, rounded towards zero as Go does."""
    return part // whole if (part < 0) == (whole < 0) else -(-part // whole)


def _divide(part: float, whole: float) -> float:
    """Quotient of floating point as Go has it: by zero it is infinite or not a number."""
    if whole:
        return float(part) / float(whole)
    return math.nan if not part else math.copysign(math.inf, part)


def _ceil(value: float) -> int:
    """Replicas; what does not fit into 32 bits is cut there, as there is no such count."""
    if math.isnan(value):
        return 0
    return MAX_INT32 if value > MAX_INT32 else max(-MAX_INT32 - 1, math.ceil(max(value, -3e9)))
