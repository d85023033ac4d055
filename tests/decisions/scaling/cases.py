"""Kubernetes' own cases in the form of the data files, as inputs of our functions.

In the files, times are seconds from now; a time of null is the unset time of Kubernetes for a pod,
and now for a sample.
"""

from typing import Any

from brain.decisions.scaling.behavior import (
    Behavior,
    Memory,
    Policy,
    Recommendation,
    ScaleEvent,
    ScalingRules,
)
from brain.decisions.scaling.decide import Surroundings
from brain.decisions.scaling.replicas import (
    ZERO_TIME_S,
    Container,
    Controller,
    Pod,
    Sample,
    Tolerances,
)

DEFAULT_WINDOW_S = 60.0


def to_pod(given: dict[str, Any]) -> Pod:
    containers = [(each, False) for each in given.get("containers", [])]
    containers += [(each, True) for each in given.get("init_containers") or []]
    start_set = given.get("start_time_set", given.get("start_time") is not None)
    return Pod(
        name=given["name"], phase=given.get("phase", "Running"), ready=given.get("ready"),
        ready_transition_s=to_time(given.get("ready_transition"), ZERO_TIME_S),
        start_s=to_time(given.get("start_time"), ZERO_TIME_S) if start_set else None,
        deleted=bool(given.get("deleted")),
        containers=tuple(Container(each["name"], each.get("requests_milli") or {}, init,
                                   is_restartable(each)) for each, init in containers),
        pod_requests_milli=given.get("pod_level_requests_milli"))


def is_restartable(container: dict[str, Any]) -> bool:
    """Whether an init container goes on running, in whichever words the case says so."""
    return any("restart" in name.lower() and value in (True, "Always")
               for name, value in container.items())


def to_time(given: float | None, otherwise: float) -> float:
    return otherwise if given is None else given


def to_pods(inputs: dict[str, Any]) -> list[Pod]:
    return [to_pod(each) for each in inputs.get("pods") or []]


def to_samples(given: Any, container: str = "") -> dict[str, Sample]:
    """Samples by pod, of one container if named; listed or keyed by pod."""
    listed = ([{"pod": name} | each for name, each in given.items()] if isinstance(given, dict)
              else given)
    samples = {}
    for place, each in enumerate(listed):
        if each is None:
            continue
        window_s = each.get("window_s")
        samples[each.get("pod", f"test-pod-{place}")] = Sample(
            to_milli(each, container), to_time(each.get("t"), 0.0),
            DEFAULT_WINDOW_S if window_s is None else window_s)
    return samples


def to_milli(sample: dict[str, Any], container: str) -> int:
    if "milli" in sample:
        return sample["milli"]
    return sum(each["milli"] for each in sample["containers"]
               if not container or each["name"] == container)


def to_controller(inputs: dict[str, Any], **changed: Any) -> Controller:
    names = ("tolerance", "cpu_initialization_period_s", "initial_readiness_delay_s",
             "downscale_stabilization_s", "scale_up_limit_factor", "scale_up_limit_minimum")
    given = {name: inputs[name] for name in names if inputs.get(name) is not None}
    if "pod_level_resources_gate" in inputs:
        given["pod_level_resources"] = inputs["pod_level_resources_gate"]
    if "ignore_succeeded" in inputs:
        given["ignore_succeeded"] = inputs["ignore_succeeded"]
    return Controller(**given | changed)


def to_tolerances(inputs: dict[str, Any]) -> Tolerances:
    both = inputs.get("tolerances") or {}
    return Tolerances(both.get("down", inputs["tolerance"]), both.get("up", inputs["tolerance"]))


def to_rules(given: dict[str, Any]) -> ScalingRules:
    return ScalingRules(
        tuple(Policy(each["type"], each["value"], each["period_s"])
              for each in given.get("policies") or ()),
        given.get("stabilization_window_s"), given.get("select_policy") or "Max",
        given.get("tolerance"))


def to_behavior(given: dict[str, Any]) -> Behavior:
    return Behavior(to_rules(given["scale_up"]), to_rules(given["scale_down"]))


def to_events(given: list[dict[str, Any]] | None) -> tuple[ScaleEvent, ...]:
    return tuple(ScaleEvent(each["replica_change"], to_time(each.get("t"), 0.0),
                            bool(each.get("outdated"))) for each in given or ())


def to_recommendations(given: list[dict[str, Any]] | None) -> tuple[Recommendation, ...] | None:
    if given is None:
        return None
    return tuple(Recommendation(each["replicas"], each["t"]) for each in given)


def to_memory(inputs: dict[str, Any]) -> Memory:
    return Memory(to_recommendations(inputs.get("recommendations")),
                  to_events(inputs.get("scale_up_events")),
                  to_events(inputs.get("scale_down_events")))


def to_manifest(inputs: dict[str, Any]) -> dict[str, Any]:
    """The manifest of a whole case; without metrics it has one without a target, as upstream."""
    spec: dict[str, Any] = {
        "maxReplicas": inputs["max_replicas"],
        "metrics": [to_metric(each) for each in inputs.get("metrics") or [
            {"type": "Resource", "resource": "cpu"}]]}
    if inputs.get("min_replicas") is not None:
        spec["minReplicas"] = inputs["min_replicas"]
    if inputs.get("behavior") is not None:
        spec["behavior"] = {
            name: to_manifest_rules(inputs["behavior"][key])
            for name, key in (("scaleUp", "scale_up"), ("scaleDown", "scale_down"))
            if inputs["behavior"].get(key) is not None}
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "test-hpa"}, "spec": spec}


def to_manifest_rules(given: dict[str, Any]) -> dict[str, Any]:
    rules: dict[str, Any] = {
        "policies": [{"type": each["type"], "value": each["value"],
                      "periodSeconds": each["period_s"]} for each in given.get("policies") or ()]}
    if given.get("stabilization_window_s") is not None:
        rules["stabilizationWindowSeconds"] = given["stabilization_window_s"]
    if given.get("select_policy") is not None:
        rules["selectPolicy"] = given["select_policy"]
    if given.get("tolerance") is not None:
        rules["tolerance"] = given["tolerance"]
    return rules


def to_metric(given: dict[str, Any]) -> dict[str, Any]:
    type_ = given["type"]
    target: dict[str, Any] = {}
    if given.get("target_type"):
        target["type"] = given["target_type"]
    if given.get("target") is not None:
        target["averageUtilization"] = given["target"]
    if given.get("target_milli") is not None:
        name = "value" if given["target_type"] == "Value" else "averageValue"
        target[name] = f"{given['target_milli']}m"
    if type_ == "Resource":
        return {"type": type_, "resource": {"name": given["resource"], "target": target}}
    if type_ == "ContainerResource":
        return {"type": type_, "containerResource": {
            "name": given["resource"], "container": given["container"], "target": target}}
    source = {"metric": {"name": given.get("metric", "qps")}, "target": target}
    if type_ == "Object":
        source["describedObject"] = {"apiVersion": "apps/v1", "kind": "Deployment",
                                     "name": "some-deployment"}
    return {"type": type_, type_.lower(): source}


UNREADABLE = {"get_scale", "scale_get", "fetch_scale", "scale"}
FAULTS = {"selector", "metric_api_error", "update_scale", *UNREADABLE}
SELECTORS = {"missing": "", "empty": "", "none": "", "unparsable": "cheddar cheese",
             "unparseable": "cheddar cheese", "invalid": "cheddar cheese"}


def to_surroundings(inputs: dict[str, Any]) -> Surroundings:
    """Selector and failed calls; an unknown fault is an error of the test, not ignored."""
    faults = inputs.get("faults") or {}
    assert set(faults) <= FAULTS, faults
    selector = "name=test-pod"
    shared: tuple[str, ...] = ()
    if "selector" in faults:
        shared = ("another-hpa",) if faults["selector"] == "ambiguous" else ()
        selector = SELECTORS[faults["selector"]] if not shared else selector
    return Surroundings(selector, shared, "error" if UNREADABLE & set(faults) else "",
                        "error" if "update_scale" in faults else "")
