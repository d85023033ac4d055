"""What is wrong with autoscaler manifests before the cluster shows it."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

from brain.decisions.reasons import InputError
from brain.decisions.scaling.manifests import as_list, as_map, read_hpa

SMALL_FLEET = 10
WORKLOADS = ("Deployment", "StatefulSet", "ReplicaSet")
_NOT_PROPORTIONAL = re.compile(r"latency|duration|response_time|p9\d|seconds_bucket", re.IGNORECASE)
_SATURATES = re.compile(r"served|completed|processed|success|throughput|handled|responses",
                        re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault or a risk of an object: where, and what to do."""

    code: str
    severity: Literal["error", "warning"]
    object: str
    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Fleet:
    """The objects of one set of manifests, by what they are."""

    hpas: tuple[Mapping[str, Any], ...]
    vpas: tuple[Mapping[str, Any], ...]
    workloads: tuple[Mapping[str, Any], ...]
    budgets: tuple[Mapping[str, Any], ...]


def lint_manifests(manifests: Sequence[Any]) -> tuple[Finding, ...]:
    """Findings of all rules over Kubernetes objects; objects of other kinds are passed over.

    Raises InputError naming the manifest that is no object.
    """
    kinds: dict[str, list[Mapping[str, Any]]] = {}
    for place, each in enumerate(manifests):
        found = as_map(each, f"manifests[{place}]")
        kinds.setdefault(str(found.get("kind")), []).append(found)
    fleet = Fleet(
        tuple(kinds.get("HorizontalPodAutoscaler", ())),
        tuple(kinds.get("VerticalPodAutoscaler", ())),
        tuple(each for kind in WORKLOADS for each in kinds.get(kind, ())),
        tuple(kinds.get("PodDisruptionBudget", ())))
    return tuple(finding for rule in RULES for finding in rule(fleet))


def _find_refused(fleet: Fleet) -> Iterator[Finding]:
    for hpa in fleet.hpas:
        try:
            policy = read_hpa(hpa)
        except InputError as error:
            yield Finding("Refused", "error", _name(hpa), error.field,
                          f"The API server refuses this: {error.message}")
            continue
        if policy.min_replicas == 0 and not policy.has_outside_metric:
            yield Finding("Refused", "error", _name(hpa), "spec.minReplicas",
                          "minReplicas 0 needs a metric of type Object or External.")
        if policy.min_replicas == policy.max_replicas:
            yield Finding("NoRoom", "warning", _name(hpa), "spec.maxReplicas",
                          "minReplicas equals maxReplicas: the HPA cannot scale.")


def _find_both_autoscalers(fleet: Fleet) -> Iterator[Finding]:
    for hpa in fleet.hpas:
        scaled = {name for name, _ in _resource_metrics(hpa)}
        for vpa in fleet.vpas:
            if _target(hpa, "scaleTargetRef") != _target(vpa, "targetRef"):
                continue
            shared = sorted(scaled & _controlled(vpa))
            if shared and _mode(vpa) != "Off":
                yield Finding("HpaAndVpa", "error", _name(vpa), "spec.resourcePolicy",
                              f"HPA {_name(hpa)} scales on {' and '.join(shared)}, which this VPA "
                              "changes: they work against each other. Use mode Off, "
                              "controlledResources, or another metric.")


def _find_old_mode(fleet: Fleet) -> Iterator[Finding]:
    for vpa in fleet.vpas:
        given = as_map(_spec(vpa).get("updatePolicy"), "spec.updatePolicy").get("updateMode")
        if given == "Auto":
            yield Finding("DeprecatedMode", "warning", _name(vpa), "spec.updatePolicy.updateMode",
                          "Auto is deprecated. Say Recreate or InPlaceOrRecreate.")


def _find_bad_signals(fleet: Fleet) -> Iterator[Finding]:
    for hpa in fleet.hpas:
        for field, name in _custom_metrics(hpa):
            if _NOT_PROPORTIONAL.search(name):
                yield Finding("NotProportional", "warning", _name(hpa), field,
                              f"{name} is not proportional to replicas: twice the pods do not "
                              "halve it, so the count overshoots. Scale on load or concurrency.")
            elif _SATURATES.search(name):
                yield Finding("Saturates", "warning", _name(hpa), field,
                              f"{name} cannot rise above what the pods can serve, so it hides "
                              "the demand beyond that. Scale on offered load or queue length.")


def _find_missing_requests(fleet: Fleet) -> Iterator[Finding]:
    by_target = {(each.get("kind"), _plain_name(each), _namespace(each)): each
                 for each in fleet.workloads}
    for hpa in fleet.hpas:
        workload = by_target.get(_target(hpa, "scaleTargetRef"))
        for resource, container in _resource_metrics(hpa) if workload else ():
            for field, each in _containers(workload or {}):
                if container in ("", each.get("name")) and resource not in _requested(each):
                    yield Finding("MissingRequest", "error", _name(workload or {}), field,
                                  f"Container {each.get('name')} requests no {resource}: HPA "
                                  f"{_name(hpa)} cannot compute utilization and stands still.")


def _find_slow_small_fleets(fleet: Fleet) -> Iterator[Finding]:
    for hpa in fleet.hpas:
        behavior = as_map(_spec(hpa).get("behavior"), "spec.behavior")
        for name in ("scaleUp", "scaleDown"):
            rules = as_map(behavior.get(name), f"spec.behavior.{name}")
            most = _spec(hpa).get("maxReplicas")
            if rules.get("selectPolicy") == "Min" and isinstance(most, int) and (
                    most <= SMALL_FLEET):
                yield Finding("MinOnSmallFleet", "warning", _name(hpa),
                              f"spec.behavior.{name}.selectPolicy",
                              "Min takes the smallest change: on a small fleet a percentage then "
                              "allows less than one pod, and nothing moves.")
            if name == "scaleUp" and rules.get("selectPolicy") == "Disabled":
                yield Finding("NeverUp", "warning", _name(hpa),
                              "spec.behavior.scaleUp.selectPolicy",
                              "Scaling up is disabled: load beyond today's replicas is lost.")


def _find_shared_targets(fleet: Fleet) -> Iterator[Finding]:
    for first, second in combinations(fleet.hpas, 2):
        if _target(first, "scaleTargetRef") == _target(second, "scaleTargetRef"):
            yield Finding("SharedTarget", "error", _name(second), "spec.scaleTargetRef",
                          f"{_name(first)} scales the same workload: the controller reports "
                          "AmbiguousSelector and does nothing.")
    for first, second in combinations(fleet.workloads, 2):
        chosen = _labels(first)
        if chosen and _namespace(first) == _namespace(second) and _overlap(
                chosen, _labels(second)):
            yield Finding("SharedSelector", "error", _name(second), "spec.selector.matchLabels",
                          f"{_name(first)} may choose the same pods: their autoscalers report "
                          "AmbiguousSelector.")


def _find_missing_budget(fleet: Fleet) -> Iterator[Finding]:
    for vpa in fleet.vpas:
        if _mode(vpa) in ("Off", "Initial"):
            continue
        target = _target(vpa, "targetRef")
        for workload in fleet.workloads:
            same = (workload.get("kind"), _plain_name(workload), _namespace(workload)) == target
            if same and not any(_namespace(each) == _namespace(workload) and _overlap(
                    _labels(each), _labels(workload)) for each in fleet.budgets):
                yield Finding("NoDisruptionBudget", "warning", _name(vpa), "spec.updatePolicy",
                              "This VPA evicts pods and no PodDisruptionBudget protects them.")


RULES: tuple[Callable[[Fleet], Iterator[Finding]], ...] = (
    _find_refused, _find_both_autoscalers, _find_old_mode, _find_bad_signals,
    _find_missing_requests, _find_slow_small_fleets, _find_shared_targets, _find_missing_budget)


def _spec(given: Mapping[str, Any]) -> Mapping[str, Any]:
    return as_map(given.get("spec"), "spec")


def _plain_name(given: Mapping[str, Any]) -> str:
    return str(as_map(given.get("metadata"), "metadata").get("name", ""))


def _namespace(given: Mapping[str, Any]) -> str:
    return str(as_map(given.get("metadata"), "metadata").get("namespace", "default"))


def _name(given: Mapping[str, Any]) -> str:
    return f"{given.get('kind')}/{_plain_name(given)}"


def _target(given: Mapping[str, Any], name: str) -> tuple[Any, str, str]:
    reference = as_map(_spec(given).get(name), f"spec.{name}")
    return reference.get("kind"), str(reference.get("name", "")), _namespace(given)


def _mode(vpa: Mapping[str, Any]) -> str:
    update = as_map(_spec(vpa).get("updatePolicy"), "spec.updatePolicy")
    return str(update.get("updateMode") or "Recreate")


def _controlled(vpa: Mapping[str, Any]) -> set[str]:
    policy = as_map(_spec(vpa).get("resourcePolicy"), "spec.resourcePolicy")
    place = "spec.resourcePolicy.containerPolicies"
    listed = [as_map(each, place) for each in as_list(policy.get("containerPolicies"), place)]
    kept: set[str] = set()
    for each in listed:
        if each.get("mode") != "Off":
            named = each.get("controlledResources")
            kept |= {"cpu", "memory"} if named is None else set(map(str, as_list(named, place)))
    return kept if listed else {"cpu", "memory"}


def _metrics(hpa: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for place, each in enumerate(as_list(_spec(hpa).get("metrics"), "spec.metrics")):
        metric = as_map(each, f"spec.metrics[{place}]")
        type_ = str(metric.get("type", ""))
        source = type_[:1].lower() + type_[1:]
        field = f"spec.metrics[{place}].{source}"
        yield type_, field, as_map(metric.get(source), field)


def _resource_metrics(hpa: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Resource and container of each resource metric; CPU where the manifest has no metric."""
    found = [(str(source.get("name", "")), str(source.get("container", "")))
             for type_, _, source in _metrics(hpa) if type_ in ("Resource", "ContainerResource")]
    return found or ([] if _spec(hpa).get("metrics") else [("cpu", "")])


def _custom_metrics(hpa: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for type_, field, source in _metrics(hpa):
        if type_ in ("Pods", "Object", "External"):
            metric = as_map(source.get("metric"), f"{field}.metric")
            yield f"{field}.metric.name", str(metric.get("name", ""))


def _containers(workload: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    template = as_map(_spec(workload).get("template"), "spec.template")
    pod = as_map(template.get("spec"), "spec.template.spec")
    for place, each in enumerate(as_list(pod.get("containers"), "spec.template.spec.containers")):
        field = f"spec.template.spec.containers[{place}]"
        yield f"{field}.resources.requests", as_map(each, field)


def _requested(container: Mapping[str, Any]) -> Mapping[str, Any]:
    """Requests, and limits where there is none: the API server takes those for requests."""
    resources = as_map(container.get("resources"), "resources")
    return {**as_map(resources.get("limits"), "limits"),
            **as_map(resources.get("requests"), "requests")}


def _labels(given: Mapping[str, Any]) -> Mapping[str, Any]:
    selector = as_map(_spec(given).get("selector"), "spec.selector")
    return as_map(selector.get("matchLabels"), "spec.selector.matchLabels")


def _overlap(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether a pod can have both sets of labels because one is a part of the other."""
    small, large = sorted((first, second), key=len)
    return bool(small) and all(key in large and large[key] == value
                               for key, value in small.items())
