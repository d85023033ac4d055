"""A scaling policy with what it scales, schedules and caps, as JSON and back, checked."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from brain.decisions.reasons import InputError
from brain.decisions.scaling.default_policies import default_hpa
from brain.decisions.scaling.manifests import HpaPolicy, read_hpa
from brain.decisions.scaling.schedules import ScheduledBound, parse_cron, read_zone
from brain.decisions.scaling.service import ServiceModel
from brain.scaling.validation import check_manifest
from brain.settings import Kubernetes

LONGEST_NAME = 128
WORKLOAD = "brain-api"
"""The deployment that the delivered policies scale."""
NAMESPACE = Kubernetes().namespace


@dataclass(frozen=True, slots=True)
class ScalingPlan:
    """A HorizontalPodAutoscaler and one pod of what it scales.

    A pod serves ``pod_rps`` requests per second at full CPU, starts in ``start_s``, requests
    ``cpu_milli`` and ``memory_mib``, and costs ``pod_h_usd`` per hour. A request that waits longer
    than ``objective_wait_s`` misses the objective.
    """

    manifest: Mapping[str, Any]
    pod_rps: float = 140.0
    start_s: float = 60.0
    objective_wait_s: float = 1.0
    cpu_milli: int = 500
    memory_mib: int = 1_024
    pod_h_usd: Decimal = Decimal("0.05")
    environment: str = "production"
    is_shadowed: bool = True

    @property
    def workload(self) -> str:
        """Name of the deployment that is scaled."""
        return str(self.manifest["spec"]["scaleTargetRef"]["name"])

    @property
    def policy(self) -> HpaPolicy:
        """The manifest as read."""
        return read_hpa(self.manifest)

    @property
    def service(self) -> ServiceModel:
        """The pod as the replay sees it."""
        return ServiceModel(self.pod_rps, self.start_s, self.objective_wait_s,
                            pod_h_usd=self.pod_h_usd)


@dataclass(frozen=True, slots=True)
class CapPlan:
    """At most this much in a calendar month of UTC for an environment's replicas."""

    environment: str
    cap_usd: Decimal


DELIVERED: Mapping[str, Mapping[str, Any]] = {
    "policy": {"standard": ScalingPlan(default_hpa("standard", WORKLOAD, NAMESPACE)),
               "busy": ScalingPlan(default_hpa("busy", WORKLOAD, NAMESPACE), is_shadowed=False)},
    "schedule": {
        "blue evening": ScheduledBound("blue", "0 23 * * *", "UTC", 2, None),
        "blue morning": ScheduledBound("blue", "0 7 * * *", "UTC", 5, None),
        "green evening": ScheduledBound("green", "0 23 * * *", "UTC", 1, None),
        "green morning": ScheduledBound("green", "0 7 * * *", "UTC", 3, None)},
    "cap": {}}
"""What comes with the program, by kind and key; a stored change stands in its place."""


def read_plan(body: Mapping[str, Any]) -> ScalingPlan:
    """The policy; raises InputError naming the field."""
    manifest = body.get("manifest")
    if not isinstance(manifest, Mapping):
        raise InputError("missing_field", "a policy needs the manifest of an autoscaler",
                         "manifest")
    manifest = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", **manifest}
    policy = read_hpa(manifest)
    check_manifest(manifest)
    if not policy.name:
        raise InputError("missing_field", "the autoscaler needs a name", "metadata.name")
    if manifest["spec"]["scaleTargetRef"].get("kind") != "Deployment":
        raise InputError("unsupported_target", "only Deployments are scaled here",
                         "spec.scaleTargetRef.kind")
    given = ScalingPlan(manifest)
    return replace(
        given, pod_rps=_number(body, "pod_rps", given.pod_rps, 1e-6),
        start_s=_number(body, "start_s", given.start_s, 0, 86_400),
        objective_wait_s=_number(body, "objective_wait_s", given.objective_wait_s, 0, 30),
        cpu_milli=int(_number(body, "cpu_milli", given.cpu_milli, 1)),
        memory_mib=int(_number(body, "memory_mib", given.memory_mib, 1)),
        pod_h_usd=_money(body, "pod_h_usd", given.pod_h_usd),
        environment=_text(body, "environment", given.environment),
        is_shadowed=bool(body.get("is_shadowed", given.is_shadowed)))


def read_schedule(body: Mapping[str, Any]) -> ScheduledBound:
    """The scheduled bound; raises InputError naming the field."""
    found = ScheduledBound(_text(body, "workload"), _text(body, "cron"), _text(body, "zone", "UTC"),
                           _replicas(body, "min_replicas"), _replicas(body, "max_replicas"))
    parse_cron(found.cron)
    read_zone(found.zone)
    if found.min_replicas is None and found.max_replicas is None:
        raise InputError("missing_field", "a schedule needs a floor or a ceiling", "min_replicas")
    if None not in (found.min_replicas, found.max_replicas) and (
            found.min_replicas > found.max_replicas):  # type: ignore[operator]
        raise InputError("min_above_max", "the floor is above the ceiling", "min_replicas")
    return found


def read_cap(body: Mapping[str, Any]) -> CapPlan:
    """The cap; raises InputError naming the field."""
    return CapPlan(_text(body, "environment"), _money(body, "cap_usd"))


READERS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "policy": read_plan, "schedule": read_schedule, "cap": read_cap}


def to_body(item: Any) -> dict[str, Any]:
    """A policy, schedule or cap as JSON can hold it; money is text."""
    return {name: str(value) if isinstance(value, Decimal) else value
            for name, value in asdict(item).items()}


def _number(body: Mapping[str, Any], field: str, default: float, least: float,
            most: float = 1e9) -> float:
    try:
        value = float(body.get(field, default))
    except (TypeError, ValueError) as error:
        raise InputError("invalid_value", f"{field} must be a number", field) from error
    if not (math.isfinite(value) and least <= value <= most):
        raise InputError("out_of_range", f"{field} must be {least:g} to {most:g}", field)
    return value


def _money(body: Mapping[str, Any], field: str, default: Decimal | None = None) -> Decimal:
    try:
        value = Decimal(str(body.get(field, default)))
    except InvalidOperation as error:
        raise InputError("invalid_value", f"{field} must be an amount", field) from error
    if not value.is_finite() or not 0 <= value < 10**9:
        raise InputError("out_of_range", f"{field} must be 0 to 1,000,000,000", field)
    return value


def _replicas(body: Mapping[str, Any], field: str) -> int | None:
    return None if body.get(field) is None else int(_number(body, field, 0, 0, 100_000))


def _text(body: Mapping[str, Any], field: str, default: str = "") -> str:
    value = body.get(field, default)
    if not isinstance(value, str) or not value.strip():
        raise InputError("missing_field", f"{field} is needed", field)
    if len(value) > LONGEST_NAME:
        raise InputError("too_long", f"{field} has at most {LONGEST_NAME} characters", field)
    return value.strip()
