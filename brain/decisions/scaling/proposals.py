"""What each metric of a manifest asks for, or why it gives no number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from brain.decisions.scaling.manifests import HpaPolicy, Metric
from brain.decisions.scaling.replicas import (
    Controller,
    MetricError,
    Pod,
    Proposal,
    Sample,
    Tolerances,
    propose_average,
    propose_per_pod,
    propose_utilization,
    propose_value,
    sum_external,
)


@dataclass(frozen=True, slots=True)
class Observation:
    """What a metric's API gave: samples by pod, values, or the error in their place.

    ``sampled`` is for Resource, ContainerResource and Pods, None where the API had nothing, empty
    where nothing of it fits; ``values_milli`` is for Object (one) and External (any number).
    """

    sampled: Mapping[str, Sample] | None = None
    values_milli: Sequence[int] | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class MetricProposal:
    """One metric's answer; without ``replicas`` it failed, for the reason of a condition."""

    metric: Metric
    described: str
    replicas: int | None
    usage_milli: int | None = None
    utilization_pct: int | None = None
    failure: str = ""
    message: str = ""


FAILURES = {"Resource": "FailedGetResourceMetric", "Pods": "FailedGetPodsMetric",
            "ContainerResource": "FailedGetContainerResourceMetric",
            "Object": "FailedGetObjectMetric", "External": "FailedGetExternalMetric"}
UNKNOWN_TYPE = "InvalidMetricSourceType"

_API = {"Resource": "resource", "ContainerResource": "resource", "Pods": "custom",
        "Object": "custom", "External": "external"}
_UNABLE = {"Resource": "unable to get metrics for resource",
           "ContainerResource": "unable to get metrics for resource",
           "Pods": "unable to get metric", "Object": "unable to get metric",
           "External": "unable to get external metric"}


@dataclass(frozen=True, slots=True)
class Workload:
    """The scale target: replicas asked for and counted, and its pods."""

    replicas: int
    status_replicas: int
    pods: Sequence[Pod] = ()


def tolerances_of(policy: HpaPolicy, controller: Controller) -> Tolerances:
    """The controller's tolerance in both directions, where the manifest sets none."""
    down = up = controller.tolerance
    if policy.behavior is not None and controller.configurable_tolerance:
        if policy.behavior.scale_down.tolerance is not None:
            down = policy.behavior.scale_down.tolerance
        if policy.behavior.scale_up.tolerance is not None:
            up = policy.behavior.scale_up.tolerance
    return Tolerances(down, up, controller.tolerance_reading)


def propose(metric: Metric, observed: Observation | None, workload: Workload,
            tolerances: Tolerances, controller: Controller, now_s: float) -> MetricProposal:
    """Replicas that one metric asks for, or its failure."""
    described = describe(metric)
    if metric.type not in FAILURES:
        return MetricProposal(metric, described, None, failure=UNKNOWN_TYPE,
                              message=f'unknown metric source type "{metric.type}"')
    try:
        found = _propose(metric, observed, workload, tolerances, controller, now_s)
    except MetricError as error:
        return MetricProposal(metric, described, None, failure=FAILURES[metric.type],
                              message=str(error))
    return MetricProposal(metric, described, found.replicas, found.usage_milli,
                          found.utilization_pct)


def _propose(metric: Metric, observed: Observation | None, workload: Workload,
             tolerances: Tolerances, controller: Controller, now_s: float) -> Proposal:
    if metric.type == "ContainerResource" and not controller.container_resource:
        raise MetricError("ContainerResource metric type is not supported: disabled by the "
                          "feature gate")
    mode = _target_of(metric)
    if observed is None:
        raise MetricError(f"{_UNABLE[metric.type]} {metric.name}: nothing was observed")
    if observed.error:
        raise MetricError(f"{_UNABLE[metric.type]} {metric.name}: {observed.error}")
    if metric.type in ("Object", "External"):
        return _propose_outside(metric, mode, observed, workload, tolerances)
    if observed.sampled is None:
        raise MetricError(f"{_UNABLE[metric.type]} {metric.name}: no metrics returned from "
                          f"{_API[metric.type]} metrics API")
    resource = "" if metric.type == "Pods" else metric.name
    if mode == "utilization":
        return propose_utilization(
            workload.replicas, workload.pods, observed.sampled, resource,
            metric.utilization_pct or 0, tolerances, controller, now_s, metric.container)
    return propose_average(workload.replicas, workload.pods, observed.sampled, resource,
                           metric.average_milli or 0, tolerances, controller, now_s)


def _propose_outside(metric: Metric, mode: str, observed: Observation, workload: Workload,
                     tolerances: Tolerances) -> Proposal:
    if not observed.values_milli:
        raise MetricError(f"{_UNABLE[metric.type]} {metric.name}: no metrics returned from "
                          f"{_API[metric.type]} metrics API")
    external = metric.type == "External"
    usage_milli = (sum_external(observed.values_milli) if external
                   else observed.values_milli[0])
    if mode == "average":
        return propose_per_pod(workload.status_replicas, usage_milli, metric.average_milli or 0,
                               tolerances, external)
    return propose_value(workload.replicas, workload.pods, usage_milli, metric.value_milli or 0,
                         tolerances)


def _target_of(metric: Metric) -> str:
    """Which target is followed; raises MetricError where there is none that fits the type."""
    if metric.type == "Object":
        if metric.target_type == "Value" and metric.value_milli is not None:
            return "value"
        if metric.target_type == "AverageValue" and metric.average_milli is not None:
            return "average"
        raise MetricError("invalid object metric source: neither a value target nor an average "
                          "value target was set")
    if metric.average_milli is not None:
        return "average"
    if metric.type == "External":
        if metric.value_milli is not None:
            return "value"
        raise MetricError("invalid external metric source: neither a value target nor an average "
                          "value target was set")
    if metric.utilization_pct is not None:
        return "utilization"
    raise MetricError("invalid resource metric source: neither an average utilization target nor "
                      "an average value target was set")


def describe(metric: Metric) -> str:
    """The metric as the controller names it in its events."""
    if metric.type in ("Resource", "ContainerResource"):
        kind = "resource" if metric.type == "Resource" else "container resource"
        share = (" utilization (percentage of request)"
                 if metric.average_milli is None and metric.utilization_pct is not None else "")
        return f"{metric.name} {kind}{share}"
    if metric.type == "Pods":
        return f"pods metric {metric.name}"
    if metric.type == "Object":
        return f"{metric.described} metric {metric.name}".strip()
    if metric.type == "External":
        return f"external metric {metric.name}({metric.selector or 'nil'})"
    return metric.name
