"""An ``autoscaling/v2`` manifest as it is, read with the defaults and limits of the API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from brain.decisions.reasons import InputError
from brain.decisions.scaling.behavior import (
    DEFAULT_SCALE_DOWN,
    DEFAULT_SCALE_UP,
    Behavior,
    Policy,
    ScalingRules,
    SelectPolicy,
)
from brain.decisions.scaling.quantities import MAX_INT32, parse_quantity, to_milli

MetricType = Literal["Resource", "ContainerResource", "Pods", "Object", "External"]
METRIC_TYPES: tuple[str, ...] = get_args(MetricType)
SOURCES = {"Resource": "resource", "ContainerResource": "containerResource", "Pods": "pods",
           "Object": "object", "External": "external"}
"""The field of a metric that describes it, by its type."""

MAX_WINDOW_S = 3600
MAX_PERIOD_S = 1800
DEFAULT_CPU_PCT = 80


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of the manifest; at most the targets that the manifest gives are set.

    ``name`` is the resource or the metric. A ``type`` that Kubernetes does not know is kept,
    as the controller reports it.
    """

    type: str
    name: str
    container: str = ""
    described: str = ""
    selector: str = ""
    target_type: str = ""
    utilization_pct: int | None = None
    average_milli: int | None = None
    value_milli: int | None = None


@dataclass(frozen=True, slots=True)
class HpaPolicy:
    """What a HorizontalPodAutoscaler asks for, defaults filled in."""

    min_replicas: int
    max_replicas: int
    metrics: tuple[Metric, ...]
    behavior: Behavior | None = None
    name: str = ""

    @property
    def has_outside_metric(self) -> bool:
        """Whether a metric exists that needs no pods: Object or External."""
        return any(metric.type in ("Object", "External") for metric in self.metrics)


def read_hpa(manifest: Any) -> HpaPolicy:
    """The policy of a HorizontalPodAutoscaler, with the API's defaults.

    Raises InputError naming the field of what the API server would refuse.
    Source: Kubernetes, pkg/apis/autoscaling, v2 defaults and validation.
    """
    manifest = as_map(manifest, "manifest")
    version = manifest.get("apiVersion", "autoscaling/v2")
    if version != "autoscaling/v2":
        raise InputError("unsupported_version", f"apiVersion must be autoscaling/v2, not "
                         f"{str(version)[:80]!r}", "apiVersion")
    if (kind := manifest.get("kind", "HorizontalPodAutoscaler")) != "HorizontalPodAutoscaler":
        raise InputError("wrong_kind", f"kind must be HorizontalPodAutoscaler, not "
                         f"{str(kind)[:80]!r}", "kind")
    metadata = as_map(manifest.get("metadata"), "metadata")
    spec = as_map(manifest.get("spec"), "spec")
    maximum = as_int(spec.get("maxReplicas"), "spec.maxReplicas", 1)
    minimum = (1 if spec.get("minReplicas") is None
               else as_int(spec["minReplicas"], "spec.minReplicas", 0))
    if minimum > maximum:
        raise InputError("min_above_max", f"minReplicas {minimum} is more than maxReplicas "
                         f"{maximum}", "spec.minReplicas")
    given = as_list(spec.get("metrics"), "spec.metrics")
    metrics = tuple(_read_metric(each, f"spec.metrics[{place}]")
                    for place, each in enumerate(given))
    if not metrics:
        metrics = (Metric("Resource", "cpu", target_type="Utilization",
                          utilization_pct=DEFAULT_CPU_PCT),)
    return HpaPolicy(minimum, maximum, metrics, _read_behavior(spec.get("behavior")),
                     str(metadata.get("name", "")))


def _read_metric(given: Any, field: str) -> Metric:
    given = as_map(given, field)
    type_ = as_text(given.get("type"), f"{field}.type")
    if type_ not in SOURCES:
        return Metric(type_, type_)
    field = f"{field}.{SOURCES[type_]}"
    source = as_map(given.get(SOURCES[type_]), field)
    if not source:
        raise InputError("missing_field", f"{field} is needed for a metric of type {type_}", field)
    target = as_map(source.get("target"), f"{field}.target")
    found: dict[str, Any] = {
        "target_type": as_text(target.get("type", ""), f"{field}.target.type", empty=True),
        "average_milli": _read_target(target, "averageValue", field),
        "value_milli": _read_target(target, "value", field),
        "utilization_pct": (None if target.get("averageUtilization") is None else as_int(
            target["averageUtilization"], f"{field}.target.averageUtilization", 1)),
    }
    if type_ in ("Resource", "ContainerResource"):
        name = as_text(source.get("name"), f"{field}.name")
        container = (as_text(source.get("container"), f"{field}.container")
                     if type_ == "ContainerResource" else "")
        return Metric(type_, name, container, **found)
    metric = as_map(source.get("metric"), f"{field}.metric")
    name = as_text(metric.get("name"), f"{field}.metric.name")
    described = as_map(source.get("describedObject"), f"{field}.describedObject")
    if type_ == "Pods" and found["average_milli"] is None:
        raise InputError("missing_field", "a metric of type Pods needs an averageValue",
                         f"{field}.target.averageValue")
    return Metric(type_, name, described=str(described.get("kind", "")),
                  selector=_show_selector(metric.get("selector"), f"{field}.metric.selector"),
                  **found)


def _read_target(target: Mapping[str, Any], name: str, field: str) -> int | None:
    if target.get(name) is None:
        return None
    milli = to_milli(target[name], f"{field}.target.{name}")
    if milli <= 0:
        raise InputError("not_positive", f"{name} must be above 0", f"{field}.target.{name}")
    return milli


def _show_selector(given: Any, field: str) -> str:
    """The selector as text; matchExpressions only by their keys."""
    selector = as_map(given, field)
    labels = as_map(selector.get("matchLabels"), f"{field}.matchLabels")
    rules = as_list(selector.get("matchExpressions"), f"{field}.matchExpressions")
    return ",".join([f"{key}={value}" for key, value in labels.items()]
                    + [str(as_map(each, field).get("key", "")) for each in rules])


def _read_behavior(given: Any) -> Behavior | None:
    if given is None:
        return None
    behavior = as_map(given, "spec.behavior")
    return Behavior(_read_rules(behavior.get("scaleUp"), "spec.behavior.scaleUp",
                                DEFAULT_SCALE_UP),
                    _read_rules(behavior.get("scaleDown"), "spec.behavior.scaleDown",
                                DEFAULT_SCALE_DOWN))


def _read_rules(given: Any, field: str, default: ScalingRules) -> ScalingRules:
    rules = as_map(given, field)
    select = rules.get("selectPolicy")
    if select is None:
        select = default.select_policy
    elif select not in get_args(SelectPolicy):
        raise InputError("unknown_policy", "selectPolicy must be Max, Min or Disabled",
                         f"{field}.selectPolicy")
    window_s: float | None = default.window_s
    if rules.get("stabilizationWindowSeconds") is not None:
        window_s = as_int(rules["stabilizationWindowSeconds"],
                          f"{field}.stabilizationWindowSeconds", 0, MAX_WINDOW_S)
    policies = default.policies
    if rules.get("policies") is not None:
        listed = as_list(rules["policies"], f"{field}.policies")
        if not listed:
            raise InputError("no_policy", "at least one policy is needed", f"{field}.policies")
        policies = tuple(_read_policy(each, f"{field}.policies[{place}]")
                         for place, each in enumerate(listed))
    tolerance = None
    if rules.get("tolerance") is not None:
        tolerance = float(parse_quantity(rules["tolerance"], f"{field}.tolerance"))
        if tolerance < 0:
            raise InputError("negative", "tolerance must not be negative", f"{field}.tolerance")
    return ScalingRules(policies, window_s, select, tolerance)


def _read_policy(given: Any, field: str) -> Policy:
    policy = as_map(given, field)
    type_ = policy.get("type")
    if type_ not in ("Pods", "Percent"):
        raise InputError("unknown_policy", "type must be Pods or Percent", f"{field}.type")
    return Policy(type_, as_int(policy.get("value"), f"{field}.value", 1),
                  as_int(policy.get("periodSeconds"), f"{field}.periodSeconds", 1, MAX_PERIOD_S))


def as_map(given: Any, field: str) -> Mapping[str, Any]:
    """The object, empty for nothing; raises InputError for anything else."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InputError("invalid_value", f"{field} must be an object", field)
    return given


def as_list(given: Any, field: str) -> Sequence[Any]:
    """The list, empty for nothing; raises InputError for anything else."""
    if given is None:
        return ()
    if not isinstance(given, list | tuple):
        raise InputError("invalid_value", f"{field} must be a list", field)
    return given


def as_int(given: Any, field: str, least: int, most: int = MAX_INT32) -> int:
    """A whole number within its bounds; raises InputError."""
    if given is None:
        raise InputError("missing_field", f"{field} is needed", field)
    if isinstance(given, float) and given.is_integer():
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, int):
        raise InputError("invalid_value", f"{field} must be a whole number", field)
    if not least <= given <= most:
        raise InputError("out_of_range", f"{field} must be {least} to {most}", field)
    return given


def as_text(given: Any, field: str, *, empty: bool = False) -> str:
    """Text, which may be left empty only if allowed; raises InputError."""
    if given is None or given == "":
        if empty:
            return ""
        raise InputError("missing_field", f"{field} is needed", field)
    if not isinstance(given, str):
        raise InputError("invalid_value", f"{field} must be text", field)
    return given
