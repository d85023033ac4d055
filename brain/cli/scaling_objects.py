"""Kubernetes objects of ``brain scaling``, as their APIs give them, turned into our inputs."""

import datetime as dt
from collections.abc import Mapping
from typing import Annotated

import msgspec

from brain.decisions.reasons import InputError
from brain.decisions.scaling.manifests import Metric
from brain.decisions.scaling.proposals import Observation
from brain.decisions.scaling.quantities import Quantity, parse_duration_s, to_milli
from brain.decisions.scaling.replicas import ZERO_TIME_S, Container, Pod, Sample

Moment = Annotated[dt.datetime, msgspec.Meta(tz=True)] | float
"""ISO 8601 with a zone, or seconds, such as seconds since 1970 UTC."""
Count = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]

CUSTOM_WINDOW_S = 60.0
"""What the controller takes for a custom metric that names no window."""


class MetadataIn(msgspec.Struct, rename="camel"):
    """Of an object's metadata: its name, and since when it is being deleted."""

    name: str = ""
    deletion_timestamp: Moment | None = None


class RequestsIn(msgspec.Struct):
    """Requested quantities by resource."""

    requests: dict[str, Quantity] = {}


class ContainerIn(msgspec.Struct, rename="camel"):
    """A container of a pod; restartPolicy counts for init containers."""

    name: str
    resources: RequestsIn = msgspec.field(default_factory=RequestsIn)
    restart_policy: str | None = None


class PodSpecIn(msgspec.Struct, rename="camel"):
    """Containers of a pod, and its pod-level requests, if any."""

    containers: list[ContainerIn] = []
    init_containers: list[ContainerIn] = []
    resources: RequestsIn | None = None


class PodConditionIn(msgspec.Struct, rename="camel"):
    """A pod's condition."""

    type: str
    status: str
    last_transition_time: Moment | None = None


class PodStatusIn(msgspec.Struct, rename="camel"):
    """Of a pod's status: phase, start and conditions."""

    phase: str = "Running"
    start_time: Moment | None = None
    conditions: list[PodConditionIn] = []


class PodIn(msgspec.Struct):
    """A v1 Pod; fields that scaling does not look at are passed over."""

    metadata: MetadataIn
    spec: PodSpecIn = msgspec.field(default_factory=PodSpecIn)
    status: PodStatusIn = msgspec.field(default_factory=PodStatusIn)


class UsageIn(msgspec.Struct):
    """A container's usage by resource."""

    name: str
    usage: dict[str, Quantity] = {}


class ItemIn(msgspec.Struct, rename="camel"):
    """A PodMetrics, MetricValue or ExternalMetricValue."""

    metadata: MetadataIn | None = None
    described_object: MetadataIn | None = None
    timestamp: Moment | None = None
    window: str | float | None = None
    window_seconds: float | None = None
    containers: list[UsageIn] = []
    value: Quantity | None = None


class ObservationIn(msgspec.Struct, forbid_unknown_fields=True):
    """What a metric's API gave: a list with ``items``, one ``value``, or an ``error``."""

    items: list[ItemIn] | None = None
    value: Quantity | None = None
    error: str = ""


def to_seconds(given: Moment) -> float:
    """Seconds since 1970 UTC, or the number itself."""
    return given if isinstance(given, float) else given.timestamp()


def to_pod(given: PodIn, field: str) -> Pod:
    """The pod; raises InputError for a request that is no quantity."""
    ready, transition_s = None, ZERO_TIME_S
    for condition in given.status.conditions:
        if condition.type == "Ready":
            ready = condition.status
            if condition.last_transition_time is not None:
                transition_s = to_seconds(condition.last_transition_time)
            break
    spec, start = given.spec, given.status.start_time
    containers = [Container(each.name, _to_milli(each.resources.requests, field))
                  for each in spec.containers]
    containers += [Container(each.name, _to_milli(each.resources.requests, field), init=True,
                             restartable=each.restart_policy == "Always")
                   for each in spec.init_containers]
    return Pod(given.metadata.name, given.status.phase, ready, transition_s,
               None if start is None else to_seconds(start),
               given.metadata.deletion_timestamp is not None, tuple(containers),
               None if spec.resources is None else _to_milli(spec.resources.requests, field))


def _to_milli(given: Mapping[str, Quantity], field: str) -> dict[str, int]:
    return {name: to_milli(amount, f"{field}.{name}") for name, amount in given.items()}


def to_observation(given: ObservationIn | None, metric: Metric, now_s: float,
                   field: str) -> Observation | None:
    """The observation as its metric needs it; raises InputError naming what cannot be used."""
    if given is None:
        return None
    if given.error:
        return Observation(error=given.error)
    if metric.type in ("Object", "External"):
        if given.value is not None:
            return Observation(values_milli=[to_milli(given.value, f"{field}.value")])
        return Observation(values_milli=[_value_of(each, f"{field}.items[{place}]")
                                         for place, each in enumerate(given.items or ())])
    if not given.items:
        return Observation()
    sampled: dict[str, Sample] = {}
    for place, item in enumerate(given.items):
        here = f"{field}.items[{place}]"
        named = item.described_object if metric.type == "Pods" else item.metadata
        if named is None or not named.name:
            raise InputError("missing_field", "the item names no pod",
                             here + (".describedObject.name" if metric.type == "Pods"
                                     else ".metadata.name"))
        milli = (_value_of(item, here) if metric.type == "Pods"
                 else _usage_of(item, metric, here))
        if isinstance(milli, str):
            return Observation(error=milli)
        if milli is not None:
            sampled[named.name] = Sample(
                milli, now_s if item.timestamp is None else to_seconds(item.timestamp),
                _window_of(item, here))
    return Observation(sampled)


def _value_of(item: ItemIn, field: str) -> int:
    if item.value is None:
        raise InputError("missing_field", "the item has no value", f"{field}.value")
    return to_milli(item.value, f"{field}.value")


def _usage_of(item: ItemIn, metric: Metric, field: str) -> int | str | None:
    """Usage in milli-units, None where it is not known, or the error of the metrics API."""
    if not metric.container:
        if not item.containers or any(metric.name not in each.usage for each in item.containers):
            return None
        return sum(to_milli(each.usage[metric.name], f"{field}.containers")
                   for each in item.containers)
    for each in item.containers:
        if each.name == metric.container:
            usage = each.usage.get(metric.name)
            return None if usage is None else to_milli(usage, f"{field}.containers")
    name = item.metadata.name if item.metadata else ""
    return f"container {metric.container} not present in metrics for pod {name}"


def _window_of(item: ItemIn, field: str) -> float:
    if item.window_seconds is not None:
        return item.window_seconds
    if item.window is not None:
        return parse_duration_s(item.window, f"{field}.window")
    return CUSTOM_WINDOW_S
