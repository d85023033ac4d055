"""Equal to Kubernetes: every case of its HPA controller, none left out."""

import json
from typing import Any

import pytest

from brain.decisions.scaling.behavior import (
    Memory,
    Recommendation,
    change_in_period,
    limit_plainly,
    limit_rate,
    stabilize_both,
    stabilize_down,
    store_event,
)
from brain.decisions.scaling.decide import ScalingDecision, decide_replicas
from brain.decisions.scaling.manifests import Metric, read_hpa
from brain.decisions.scaling.proposals import MetricProposal, Observation, Workload, propose
from brain.decisions.scaling.replicas import (
    DEFAULT_CONTROLLER,
    MetricError,
    Sample,
    group_pods,
    measure_usage,
    measure_utilization,
    sum_requests,
    usage_per_pod,
)
from tests.datasets import dataset, dataset_path
from tests.decisions.scaling import cases

SPEC_ERRORS = {"InvalidMetricSourceType"}


def load() -> list[dict[str, Any]]:
    path = dataset_path("HPA_CASES")
    return json.loads(path.read_text()) if path.exists() else []


def answer_calculation(inputs: dict[str, Any], metric: Metric, observed: Observation,
                       status_replicas: int | None = None) -> MetricProposal:
    current = inputs.get("current_replicas", 0)
    counted = current if status_replicas is None else status_replicas
    return propose(metric, observed, Workload(current, counted, cases.to_pods(inputs)),
                   cases.to_tolerances(inputs), cases.to_controller(inputs), 0.0)


def sampled(inputs: dict[str, Any]) -> Observation:
    """Samples; an empty list is an API without any, an empty mapping goes to the calculator."""
    if inputs.get("metrics") in (None, []):
        return Observation()
    return Observation(cases.to_samples(inputs.get("metrics") or [],
                                        inputs.get("container") or ""))


def resource_replicas(inputs: dict[str, Any]) -> MetricProposal:
    container = inputs.get("container") or ""
    return answer_calculation(inputs, Metric(
        "ContainerResource" if container else "Resource", inputs.get("resource", "cpu"), container,
        utilization_pct=inputs["target_utilization"]), sampled(inputs))


def average_replicas(inputs: dict[str, Any]) -> MetricProposal:
    resource = inputs.get("resource") or ""
    container = inputs.get("container") or ""
    kind = "ContainerResource" if container else "Resource" if resource else "Pods"
    return answer_calculation(inputs, Metric(
        kind, resource or "qps", container,
        average_milli=inputs["target_average_milli"]), sampled(inputs))


def outside_replicas(kind: str, inputs: dict[str, Any]) -> MetricProposal:
    values = (inputs["metric_values_milli"] if "metric_values_milli" in inputs
              else [inputs["metric_milli"]])
    per_pod = "target_average_milli" in inputs
    return answer_calculation(inputs, Metric(
        kind, "qps", target_type="AverageValue" if per_pod else "Value",
        average_milli=inputs.get("target_average_milli"),
        value_milli=inputs.get("target_value_milli")), Observation(values_milli=values),
        inputs.get("status_replicas"))


def check_proposal(found: MetricProposal, expected: dict[str, Any]) -> None:
    expected = dict(expected)
    error = expected.pop("error", None) or expected.pop("error_contains", None)
    if error:
        assert found.replicas is None, found
        if isinstance(error, str):
            assert error.split(": ")[-1] in found.message
        return
    assert found.message == ""
    if "raw_value" in expected:
        assert found.usage_milli == expected.pop("raw_value")
    if "usage_milli" in expected:
        assert found.usage_milli == expected.pop("usage_milli")
    if "utilization" in expected:
        assert found.utilization_pct == expected.pop("utilization")
    assert {"replicas": found.replicas} == expected


def check_ratio(inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    ratio, usage = measure_usage(inputs["metrics"].values(), inputs["target_milli"])
    assert {"ratio": ratio, "usage": usage} == expected


def check_utilization(inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    expected = dict(expected)
    requests = inputs.get("requests", inputs.get("requests_milli"))
    target = inputs.get("target_utilization", inputs.get("target"))
    if error := expected.pop("error", None) or expected.pop("error_contains", None):
        with pytest.raises(MetricError) as caught:
            measure_utilization(inputs["metrics"], requests, target)
        assert error is True or error in str(caught.value)
        return
    ratio, utilization_pct, usage_milli = measure_utilization(inputs["metrics"], requests, target)
    named = {"ratio": ratio, "utilization": utilization_pct, "current_utilization":
             utilization_pct, "raw": usage_milli, "raw_value": usage_milli,
             "raw_average": usage_milli, "raw_average_value": usage_milli}
    assert set(expected) <= set(named), expected
    assert {name: named[name] for name in expected} == expected


def check_groups(inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    controller = cases.to_controller(inputs,
                                     ignore_succeeded=bool(inputs.get("ignore_succeeded")))
    # Here the samples are given as they are: a time that is not set is the unset time.
    samples = {name: Sample(each["milli"], cases.to_time(each["t"], cases.ZERO_TIME_S),
                            each["window_s"] or 0.0)
               for name, each in inputs["metrics"].items()}
    found = group_pods(cases.to_pods(inputs), samples, inputs["resource"], controller, 0.0)
    assert {"ready_count": found.ready_count, "unready": sorted(found.unready),
            "missing": sorted(found.missing), "ignored": sorted(found.ignored)} == {
        name: sorted(each) if isinstance(each, list) else each for name, each in expected.items()}


def check_requests(inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    pods = [cases.to_pod({"name": "test-pod"} | each) for each in inputs["pods"]]
    given = (pods, inputs["resource"], inputs.get("container") or "",
             inputs.get("pod_level_resources_gate", True))
    error = expected.get("error_contains", expected.get("error"))
    if error is None:
        assert {"requests": sum_requests(*given)} == expected
        return
    with pytest.raises(MetricError) as caught:
        sum_requests(*given)
    assert error is True or error in str(caught.value)


def check_per_pod(inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    found = usage_per_pod(inputs["usage_milli"], inputs["status_replicas"])
    assert {"usage_milli": found} == expected


def check_rate(inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    found = limit_rate(inputs["current_replicas"], inputs["desired_replicas"],
                       inputs["min_replicas"], inputs["max_replicas"], cases.to_behavior(inputs),
                       cases.to_memory(inputs), 0.0)
    check_named({"replicas": found[0], "reason": found[1], "condition": found[1]}, expected)


def check_plain_limits(inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    found = limit_plainly(
        inputs["current_replicas"], inputs["desired_replicas"], inputs["min_replicas"],
        inputs["max_replicas"], cases.to_controller(inputs))
    check_named({"replicas": found[0], "reason": found[1], "condition": found[1]}, expected)


def check_named(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert set(expected) <= set(found), expected
    assert {name: found[name] for name in expected} == expected


def check_stabilized(inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    replicas, kept = stabilize_down(
        inputs["desired_replicas"], cases.to_recommendations(inputs["recommendations"]) or (),
        inputs.get("downscale_stabilization_s", 300), 0.0)
    check_named({"replicas": replicas, "log_length": len(kept),
                 "recommendations": [each.replicas for each in kept]}, expected)


def check_stabilized_both(inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    replicas, kept = stabilize_both(
        inputs["current_replicas"], inputs["desired_replicas"],
        cases.to_recommendations(inputs["recommendations"]) or (), inputs["scale_up_window_s"],
        inputs["scale_down_window_s"], 0.0)
    check_named({"replicas": replicas, "log_length": len(kept),
                 "recommendations": [each.replicas for each in kept]}, expected)


def check_events(inputs: dict[str, Any], expected: dict[str, Any]) -> None:
    previous = cases.to_events(inputs["previous_events"])
    found = {"replicas_change_in_period": change_in_period(inputs["measure_period_s"], previous,
                                                           0.0)}
    rules = inputs.get("rules")
    kept = (previous if rules is None else store_event(
        previous, inputs["replica_change"], cases.to_rules(rules), 0.0))
    found["events"] = [{"replica_change": each.replica_change, "outdated": each.outdated}
                       for each in kept]
    check_named(found, expected)


def observe(inputs: dict[str, Any], metric: dict[str, Any]) -> Observation:
    """What the metrics APIs of the upstream test give for one metric: levels by pod or as values.

    A pod's level is split evenly between two containers; its memory is always 1 MiB.
    """
    failing = (inputs.get("faults") or {}).get("metric_api_error") or []
    if failing is True or metric["type"] in failing or (
            metric["type"] == "ContainerResource" and "Resource" in failing):
        return Observation(error="an API error")
    levels = inputs.get("reported_levels") or []
    if metric["type"] in ("Object", "External"):
        return Observation(values_milli=levels[:1] if metric["type"] == "Object" else levels)
    half_milli = [1024 * 1024 // 2 * 1000 if metric.get("resource") == "memory" else level // 2
                  for level in levels]
    parts = {"Resource": 2, "ContainerResource": 1}.get(metric["type"], 0)
    return Observation(None if not levels else {
        f"test-pod-{place}": Sample(half_milli[place] * parts if parts else level,
                                    cases.to_time(inputs.get("metric_timestamp"), 0.0),
                                    inputs.get("metric_window_s") or 60.0)
        for place, level in enumerate(levels)})


def reconcile(case: dict[str, Any]) -> ScalingDecision:
    inputs = case["inputs"]
    pods = [cases.to_pod({"name": f"test-pod-{place}"} | each)
            for place, each in enumerate(inputs.get("pods") or [])]
    enabled = all(each.get("feature_enabled", True) for each in inputs.get("metrics") or [])
    controller = cases.to_controller(
        inputs, container_resource=enabled,
        scaled_to_zero_condition=case.get("applies_to", "").startswith((">=1.37", "v1.37")))
    policy = read_hpa(cases.to_manifest(inputs))
    given = inputs.get("metrics") or [{"type": "Resource", "resource": "cpu"}]
    return decide_replicas(
        policy, Workload(inputs["spec_replicas"], inputs["status_replicas"], pods),
        [observe(inputs, each) for each in given], cases.to_memory(inputs), 0.0, controller,
        cases.to_surroundings(inputs))


def check_reconciled(case: dict[str, Any]) -> None:
    decision, expected = reconcile(case), dict(case["expected"])
    current = case["inputs"]["spec_replicas"]
    assert decision.replicas == expected.pop("desired_replicas")
    if "conditions" in expected:
        assert [{"type": each.type, "status": each.status, "reason": each.reason}
                for each in decision.conditions] == expected.pop("conditions")
    if "reconciliation_action" in expected:
        assert direction(decision.replicas, current) == expected.pop("reconciliation_action")
    if "reconciliation_error" in expected:
        assert ("internal" if decision.error else "none") == expected.pop("reconciliation_error")
    actions, errors = {}, {}
    for each in decision.proposals:
        actions[each.metric.type] = ("none" if each.replicas is None
                                     else direction(each.replicas, current))
        errors[each.metric.type] = ("none" if each.replicas is not None else "spec"
                                    if each.failure in SPEC_ERRORS else "internal")
    if "metric_actions" in expected:
        assert actions == expected.pop("metric_actions")
    if "metric_errors" in expected:
        assert errors == expected.pop("metric_errors")
    if "cpu_utilization" in expected:
        assert expected.pop("cpu_utilization") in {each.utilization_pct
                                                   for each in decision.proposals}
    assert expected == {}


def direction(replicas: int, current: int) -> str:
    return "none" if replicas == current else "scale_up" if replicas > current else "scale_down"


def by_inputs(check):
    return lambda case: check(case["inputs"], case["expected"])


def by_proposal(calculate):
    return lambda case: check_proposal(calculate(case["inputs"]), case["expected"])


CHECKS = {
    "GetResourceReplicas": by_proposal(resource_replicas),
    "GetRawResourceReplicas": by_proposal(average_replicas),
    "GetMetricReplicas": by_proposal(average_replicas),
    "calcPlainMetricReplicas": by_proposal(average_replicas),
    "GetObjectMetricReplicas": by_proposal(lambda inputs: outside_replicas("Object", inputs)),
    "GetObjectPerPodMetricReplicas": by_proposal(
        lambda inputs: outside_replicas("Object", inputs)),
    "GetExternalMetricReplicas": by_proposal(lambda inputs: outside_replicas("External", inputs)),
    "GetExternalPerPodMetricReplicas": by_proposal(
        lambda inputs: outside_replicas("External", inputs)),
    "GetMetricUsageRatio": by_inputs(check_ratio),
    "GetResourceUtilizationRatio": by_inputs(check_utilization),
    "groupPods": by_inputs(check_groups),
    "calculateRequests": by_inputs(check_requests),
    "getPerPodUsage": by_inputs(check_per_pod),
    "convertDesiredReplicasWithBehaviorRate": by_inputs(check_rate),
    "convertDesiredReplicasWithRules": by_inputs(check_plain_limits),
    "stabilizeRecommendation": by_inputs(check_stabilized),
    "stabilizeRecommendationWithBehaviors": by_inputs(check_stabilized_both),
    "storeScaleEvent": by_inputs(check_events),
    "reconcileAutoscaler": check_reconciled,
}


@pytest.mark.parametrize("case", load(), ids=lambda case: case["name"])
def test_is_equal_to_kubernetes(case):
    CHECKS[case["func"]](case)


def test_every_case_is_there():
    assert len(load()) == len(json.loads(dataset("HPA_CASES").read_text())) > 0


def sequences(kind: str) -> list[tuple[int, dict[str, Any]]]:
    """Cases of one kind with their place in the file; of no known kind, all the others."""
    path = dataset_path("HPA_SEQUENCES")
    lines = path.read_text().splitlines() if path.exists() else []
    return [(place, case) for place, case in enumerate(map(json.loads, filter(None, lines)))
            if case["kind"] == kind or not (kind or case["kind"] in ("calc", "trajectory"))]


def test_calculations_are_equal_to_kubernetes():
    dataset("HPA_SEQUENCES")
    calculate = {"resource": resource_replicas, "pods": average_replicas,
                 "value": lambda inputs: outside_replicas("Object", inputs),
                 "average": lambda inputs: outside_replicas("Object", inputs)}
    unequal = []
    for place, case in sequences("calc"):
        try:
            check_proposal(calculate[case["mode"]](case), case["expected"])
        except AssertionError as error:
            unequal.append((place + 1, str(error).splitlines()[0]))
    assert unequal == []


def first_seen(case: dict[str, Any]) -> Memory:
    """The memory of a controller that saw the workload at time 0."""
    return Memory((Recommendation(case["start"], 0),))


def follow(case: dict[str, Any]) -> list[dict[str, Any]]:
    """The trajectory of a whole controller that is handed its own memory back at each step."""
    spec = {"min_replicas": case["min_replicas"], "max_replicas": case["max_replicas"],
            "behavior": {name: case[name] for name in ("scale_up", "scale_down")}}
    policy = read_hpa(cases.to_manifest(spec))
    memory, replicas, steps = first_seen(case), case["start"], []
    for step in case["steps"]:
        decision = decide_replicas(policy, Workload(replicas, replicas), (), memory, step["t"],
                                   DEFAULT_CONTROLLER, desired_replicas=step["desired"])
        limited = [each.reason for each in decision.conditions if each.type == "ScalingLimited"]
        memory, replicas = decision.memory, decision.replicas
        steps.append({"t": step["t"], "desired": step["desired"], "replicas": replicas,
                      "stabilized": decision.stabilized_replicas,
                      "reason": limited[0] if limited else ""})
    return steps


def test_trajectories_are_equal_to_kubernetes():
    dataset("HPA_SEQUENCES")
    unequal = []
    for place, case in sequences("trajectory"):
        found = follow(case)
        assert len(found) == len(case["steps"])
        unequal += [(place + 1, mine, step) for mine, step in zip(found, case["steps"],
                                                                  strict=True) if mine != step][:1]
    assert unequal == []


def test_every_sequence_is_of_a_known_kind():
    dataset("HPA_SEQUENCES")
    assert sequences("") == []
    assert sequences("calc") and sequences("trajectory")
