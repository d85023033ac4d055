"""``brain scaling``: the machine forms give what the functions give, on every case."""

import io
import json
import os
import subprocess
import sys
from argparse import Namespace

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.cli import scaling
from brain.cli.command import UsageError
from brain.cli.machine import answer_lines
from tests.datasets import dataset
from tests.decisions.scaling import cases
from tests.decisions.scaling import test_kubernetes_hpa as hpa

FORMS = {command.verb: command.form for command in scaling.COMMANDS if command.form}
DECIDE, RESOURCES = FORMS["decide"], FORMS["resources"]


def answer(form, lines, **options):
    out = io.BytesIO()
    text = b"\n".join(json.dumps(line).encode() for line in lines)
    status = answer_lines(form, form.prepare(Namespace(**options)), io.BytesIO(text), out)
    return status, [json.loads(line) for line in out.getvalue().splitlines()]


def to_pod(given, place):
    """The pod as the Kubernetes API would give it."""
    pod = {"metadata": {"name": given.get("name", f"test-pod-{place}")},
           "spec": {"containers": [
               {"name": each["name"], "resources": {"requests": {
                   name: f"{milli}m" for name, milli in each["requests_milli"].items()}}}
               for each in given.get("containers", [])]},
           "status": {"phase": given["phase"], "conditions": []}}
    if given["deleted"]:
        pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    if given["ready"] is not None:
        pod["status"]["conditions"] = [
            {"type": "PodScheduled", "status": "True"},
            {"type": "Ready", "status": given["ready"],
             "lastTransitionTime": given["ready_transition"]}]
    if given["start_time_set"]:
        pod["status"]["startTime"] = cases.to_time(given["start_time"], cases.ZERO_TIME_S)
    return pod


def to_observation(observed, metric):
    """What the metrics API would give; a pod's usage is in the container that is asked for."""
    if observed.error:
        return {"error": observed.error}
    if metric["type"] == "Object":
        return {"value": f"{observed.values_milli[0]}m"}
    if metric["type"] == "External":
        return {"items": [{"value": f"{milli}m"} for milli in observed.values_milli]}
    if metric["type"] == "Pods":
        return {"items": [{"describedObject": {"name": name}, "timestamp": each.at_s,
                           "windowSeconds": each.window_s, "value": f"{each.milli}m"}
                          for name, each in (observed.sampled or {}).items()]}
    return {"items": [{"metadata": {"name": name}, "timestamp": each.at_s,
                       "window": f"{each.window_s:g}s", "containers": [
                           {"name": metric.get("container", "c"),
                            "usage": {metric.get("resource", "cpu"): f"{each.milli}m"}}]}
                      for name, each in (observed.sampled or {}).items()]}


def to_line(case):
    inputs = case["inputs"]
    metrics = inputs.get("metrics") or [{"type": "Resource", "resource": "cpu"}]
    around, memory = cases.to_surroundings(inputs), cases.to_memory(inputs)
    line = {
        "manifest": cases.to_manifest(inputs), "replicas": inputs["spec_replicas"],
        "status_replicas": inputs["status_replicas"], "now_utc": 0,
        "pods": [to_pod(each, place) for place, each in enumerate(inputs.get("pods") or [])],
        "observations": [to_observation(hpa.observe(inputs, each), each) for each in metrics],
        "selector": around.selector, "selector_shared_with": list(around.selector_shared_with),
        "scale_error": around.scale_error, "update_error": around.update_error,
        "controller": {name: inputs[name] for name in (
            "tolerance", "cpu_initialization_period_s", "initial_readiness_delay_s",
            "downscale_stabilization_s", "scale_up_limit_factor", "scale_up_limit_minimum")}}
    if not all(each.get("feature_enabled", True) for each in metrics):
        line["controller"]["container_resource"] = False
    if memory.recommendations is not None:
        line["memory"] = {"recommendations": [
            {"replicas": each.replicas, "at_utc": each.at_s} for each in memory.recommendations]}
    return line


def test_decides_every_whole_case_like_kubernetes():
    dataset("HPA_CASES")
    given_cases = [case for case in hpa.load() if case["func"] == "reconcileAutoscaler"]
    _, answers = answer(DECIDE, [to_line(case) for case in given_cases])
    assert len(answers) == len(given_cases) > 0
    for case, found in zip(given_cases, answers, strict=True):
        expected = case["expected"]
        assert found["replicas"] == expected["desired_replicas"], case["name"]
        assert [{name: each[name] for name in ("type", "status", "reason")}
                for each in found["conditions"]] == expected["conditions"], case["name"]
        assert bool(found["error"]) == (expected.get("reconciliation_error") == "internal")
        jsonschema.validate(found, DECIDE.schema()["output"])


FAILING = {"type": "External", "external": {
    "metric": {"name": "any"}, "target": {"type": "Value", "value": 1}}}
"""A second metric that gives nothing: it allows a minimum of 0, and the first is asked anyway."""


def to_calculation(case):
    """A calculation as a line: its metric is the first of the manifest."""
    if case["mode"] == "resource":
        metric = {"type": "Resource", "resource": "cpu", "target_type": "Utilization",
                  "target": case["target_utilization"]}
    elif "metric_milli" in case:
        average = case.get("target_average_milli")
        metric = {"type": "Object", "metric": "qps", "target_type":
                  "Value" if average is None else "AverageValue",
                  "target_milli": case["target_value_milli"] if average is None else average}
    else:
        metric = {"type": "Resource" if case.get("resource") else "Pods", "resource":
                  case.get("resource"), "target_type": "AverageValue",
                  "target_milli": case["target_average_milli"]}
    observed = (hpa.Observation(values_milli=[case["metric_milli"]]) if "metric_milli" in case
                else hpa.Observation(cases.to_samples(case["metrics"])))
    manifest = cases.to_manifest({"min_replicas": 0, "max_replicas": 10**6, "metrics": [metric]})
    manifest["spec"]["metrics"].append(FAILING)
    return {"manifest": manifest, "replicas": case["current_replicas"], "now_utc": 0,
            "pods": [to_pod(each, place) for place, each in enumerate(case["pods"])],
            "observations": [to_observation(observed, metric)], "controller": {
                name: case[name] for name in ("tolerance", "cpu_initialization_period_s",
                                              "initial_readiness_delay_s")}}


def test_calculates_like_kubernetes():
    dataset("HPA_SEQUENCES")
    listed = hpa.sequences("calc")
    _, answers = answer(DECIDE, [to_calculation(case) for _, case in listed])
    for (place, case), found in zip(listed, answers, strict=True):
        (proposal, _), expected = found["proposals"], case["expected"]
        assert proposal["replicas"] == expected.get("replicas"), f"line {place + 1}"
        assert bool(proposal["reason"]) == ("error" in expected), f"line {place + 1}"
        for name, key in (("usage_milli", "usage_milli"), ("usage_milli", "raw_value"),
                          ("utilization_pct", "utilization")):
            if key in expected:
                assert proposal[name] == expected[key], f"line {place + 1}"


def test_follows_trajectories_with_the_memory_it_gave():
    dataset("HPA_SEQUENCES")
    for place, case in hpa.sequences("trajectory"):
        manifest = cases.to_manifest({
            "min_replicas": case["min_replicas"], "max_replicas": case["max_replicas"],
            "behavior": {name: case[name] for name in ("scale_up", "scale_down")}})
        replicas = case["start"]
        memory = {"recommendations": [{"replicas": replicas, "at_utc": 0}]}
        for step in case["steps"]:
            _, (found,) = answer(DECIDE, [{
                "manifest": manifest, "replicas": replicas, "now_utc": step["t"],
                "desired_replicas": step["desired"], "memory": memory}])
            replicas, memory = found["replicas"], found["memory"]
            assert (replicas, found["stabilized_replicas"]) == (
                step["replicas"], step["stabilized"]), f"line {place + 1}"


MANIFEST = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "api"}, "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"},
                "maxReplicas": 9, "metrics": [{"type": "Pods", "pods": {
                    "metric": {"name": "qps"},
                    "target": {"type": "AverageValue", "averageValue": "1e2"}}}]}}
LINE = {"manifest": MANIFEST, "replicas": 2, "now_utc": "2026-01-01T00:00:00Z",
        "pods": [{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}],
        "observations": [{"items": [{"describedObject": {"name": "a"}, "value": "0.15k"},
                                    {"describedObject": {"name": "b"}, "value": 150}]}]}


def test_reads_objects_as_kubernetes_writes_them():
    status, (found,) = answer(DECIDE, [LINE])
    assert status == 0
    assert (found["replicas"], found["proposals"][0]["usage_milli"]) == (3, 150_000)
    assert found["proposals"][0]["described"] == "pods metric qps"
    assert found["reasons"][0] == {"code": "MetricAboveTarget",
                                   "text": "pods metric qps above target"}


def test_takes_the_manifest_from_a_yaml_file(tmp_path):
    path = tmp_path / "hpa.yaml"
    path.write_text("spec:\n  maxReplicas: 9\n  metrics:\n  - type: Pods\n    pods:\n"
                    "      metric: {name: qps}\n      target: {averageValue: 100}\n")
    line = {name: value for name, value in LINE.items() if name != "manifest"}
    assert answer(DECIDE, [line], manifest=str(path))[1][0]["replicas"] == 3
    assert answer(DECIDE, [line])[1][0]["error"]["field"] == "manifest"
    path.write_text("- a\n- list\n")
    with pytest.raises(UsageError):
        answer(DECIDE, [line], manifest=str(path))
    with pytest.raises(UsageError):
        answer(DECIDE, [line], manifest=str(tmp_path / "none.yaml"))


@pytest.mark.parametrize(("change", "code", "field"), [
    ({"spec": {}}, "missing_field", "manifest.spec.maxReplicas"),
    ({"apiVersion": "autoscaling/v1"}, "unsupported_version", "manifest.apiVersion"),
    ({"spec": {"maxReplicas": 2, "minReplicas": 3}}, "min_above_max", "manifest.spec.minReplicas"),
    ({"spec": {"maxReplicas": 2, "metrics": [{"type": "Resource"}]}}, "missing_field",
     "manifest.spec.metrics[0].resource"),
    ({"spec": {"maxReplicas": 2, "metrics": [{"type": "Pods", "pods": {
        "metric": {"name": "q"}, "target": {"averageValue": "much"}}}]}}, "invalid_quantity",
     "manifest.spec.metrics[0].pods.target.averageValue"),
    ({"spec": {"maxReplicas": 2, "behavior": {"scaleUp": {"policies": []}}}}, "no_policy",
     "manifest.spec.behavior.scaleUp.policies"),
])
def test_names_the_field_that_the_api_would_refuse(change, code, field):
    _, (found,) = answer(DECIDE, [LINE | {"manifest": MANIFEST | change}])
    assert (found["error"]["code"], found["error"]["field"]) == (code, field)


def test_holds_manifests_against_the_published_schema():
    assert answer(DECIDE, [LINE], validate="1.37")[0] == 0
    wrong = MANIFEST | {"spec": MANIFEST["spec"] | {"maxReplica": 9}}
    _, (found,) = answer(DECIDE, [LINE | {"manifest": wrong}], validate="1.37")
    assert found["error"]["code"] == "invalid_manifest"
    assert found["error"]["field"] == "manifest.spec"
    for version in ("9.99", "../x", "1.37.0/.."):
        assert answer(DECIDE, [LINE], validate=version)[1][0]["error"]["code"] in (
            "no_schema", "unknown_version")


VALUES = st.recursive(
    st.none() | st.integers(-3, 10**20) | st.text(max_size=3) | st.floats(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from([
        "items", "value", "metadata", "name", "error", "memory", "recommendations", "at_utc",
        "replicas", "tolerance", "usage", "cpu_samples", "cpu", "spec", "checkpoint",
        "cpuHistogram", "totalWeight", "bucketWeights", "1", "containerPolicies",
        "resourcePolicy", "minAllowed"]), inner, max_size=3), max_leaves=8)


@given(VALUES, st.sampled_from(["pods", "observations", "memory", "controller", "desired_replicas",
                        "status_replicas", "now_utc", "manifest", "selector"]))
def test_any_value_gives_an_answer(value, field):
    _, (found,) = answer(DECIDE, [LINE | {field: value}])
    assert "replicas" in found or found["error"]["code"]


WORKLOAD = {
    "containers": [{
        "name": "api",
        "cpu_samples": [{"at_utc": minute * 60, "usage": "500m"} for minute in range(1441)],
        "memory_samples": [{"at_utc": 0, "usage": "400Mi"}],
        "oom_events": [{"at_utc": "1970-01-01T00:30:00Z", "request": "500Mi"}],
        "requests": {"cpu": 2, "memory": "4Gi"}, "limits": {"cpu": "4", "memory": "4Gi"}}],
    "manifest": {"metadata": {"annotations": {
        "vpa-post-processor.kubernetes.io/api_integerCPU": "true"}}, "spec": {
            "updatePolicy": {"updateMode": "Auto"}, "resourcePolicy": {"containerPolicies": [
                {"containerName": "*", "maxAllowed": {"memory": "512Mi"}}]}}},
    "hpa": {"spec": {"maxReplicas": 3, "metrics": [{"type": "Resource", "resource": {
        "name": "cpu", "target": {"averageUtilization": 70}}}]}},
    "replicas": 3, "min_available": 2, "core_h_usd": "0.04", "gib_h_usd": 0.005}


def test_recommends_resources_with_their_cost_and_conflicts():
    status, (found,) = answer(RESOURCES, [WORKLOAD])
    (container,) = found["containers"]
    assert status == 0
    # 511 m at the end of the bucket, 15 % more is 587 m, whole cores for this container
    assert container["target"] == {"cpu": "1", "memory": str(512 * 2**20)}
    # kill: max(500 + 100, 500 x 1.2) = 600 MiB, in the bucket up to 634 MiB; 15 % more
    assert int(container["uncapped_target"]["memory"]) > 512 * 2**20
    assert container["limits"] == {"cpu": "2", "memory": str(512 * 2**20)}
    assert container["confidence_days"] == pytest.approx(1)
    # 3 x ((2 - 1) x 0.04 + (4 - 0.5) x 0.005) x 730
    assert float(found["saving_usd_per_month"]) == pytest.approx(125.925)
    assert found["evictable"] == 1
    assert [each["code"] for each in found["reasons"]] == [
        "Recommended", "DeprecatedMode", "HpaConflict"]
    jsonschema.validate(found, RESOURCES.schema()["output"])


def test_goes_on_from_its_checkpoint():
    _, (first,) = answer(RESOURCES, [WORKLOAD])
    later = WORKLOAD | {"containers": [{"name": "api", "checkpoint":
                                        first["containers"][0]["checkpoint"]}]}
    _, (second,) = answer(RESOURCES, [later])
    assert second["containers"][0]["target"] == first["containers"][0]["target"]
    assert second["containers"][0]["confidence_days"] == pytest.approx(1)


@pytest.mark.parametrize(("change", "field"), [
    ({"core_h_usd": "much"}, "core_h_usd"), ({"core_h_usd": -1}, "core_h_usd"),
    ({"manifest": {"spec": {"updatePolicy": {"updateMode": "On"}}}},
     "manifest.spec.updatePolicy.updateMode"),
    ({"manifest": {"spec": {"resourcePolicy": {"containerPolicies": [
        {"minAllowed": {"cpu": "x"}}]}}}},
     "manifest.spec.resourcePolicy.containerPolicies[0].minAllowed.cpu"),
    ({"containers": [{"name": "a"}, {"name": "a"}]}, "containers"),
    ({"containers": [{"name": "a", "cpu_samples": [{"at_utc": 0, "usage": "?"}]}]},
     "containers[0].cpu_samples[0].usage"),
    ({"containers": [{"name": "a", "cpu_samples": [{"at_utc": 1e15, "usage": 1}]}]},
     "containers[0].cpu_samples[0].at_utc"),
    ({"containers": [{"name": "a", "checkpoint": {"cpuHistogram": {
        "totalWeight": 1, "bucketWeights": {"9999": 1}}}}]},
     "containers[0].checkpoint.cpuHistogram"),
    ({"hpa": {"spec": {}}}, "hpa.spec.maxReplicas"),
])
def test_names_what_cannot_be_recommended_from(change, field):
    _, (found,) = answer(RESOURCES, [WORKLOAD | change])
    assert found["error"]["field"] == field


def test_says_that_nothing_is_known():
    _, (found,) = answer(RESOURCES, [{"containers": [{"name": "a"}]}])
    assert found["containers"][0]["target"] == {"cpu": "25m", "memory": "262144000"}
    assert (found["saving_usd_per_month"], found["reasons"][0]["code"]) == (None, "NoHistory")


def test_lints_manifests():
    vpa = {"apiVersion": "autoscaling.k8s.io/v1", "kind": "VerticalPodAutoscaler",
           "metadata": {"name": "api"}, "spec": {"updatePolicy": {"updateMode": "Auto"}}}
    status, (found,) = answer(FORMS["lint"], [{"manifests": [MANIFEST, vpa]}])
    assert (status, [each["code"] for each in found["findings"]]) == (0, ["DeprecatedMode"])
    wrong = MANIFEST | {"spec": {"maxReplica": 9}}
    _, (refused,) = answer(FORMS["lint"], [{"manifests": [MANIFEST, wrong]}], validate="1.37")
    assert refused["error"]["field"].startswith("manifests[1].spec")


@given(VALUES, st.sampled_from(["manifest", "containers", "hpa", "settings", "core_h_usd",
                                "global_max_allowed", "replicas", "min_available"]))
def test_any_value_gives_an_answer_about_resources(value, field):
    small = {"containers": [{"name": "a", "cpu_samples": [{"at_utc": 0, "usage": 1}]}]}
    for line in (small | {field: value}, {"containers": [small["containers"][0] | {
            "checkpoint": {"cpuHistogram": value}, "requests": value}]}):
        _, (found,) = answer(RESOURCES, [line])
        assert "update_mode" in found or found["error"]["code"]


def test_is_fast_enough_to_stream(tmp_path):
    path = tmp_path / "lines"
    path.write_text((json.dumps(LINE) + "\n") * 5_000)
    command = [sys.executable, "-m", "brain", "scaling", "decide", "--in", str(path)]
    before = os.times()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=120)
    after = os.times()
    used_s = after.children_user + after.children_system - (
        before.children_user + before.children_system)
    assert used_s < 5, "1,000 decisions a second with the start"


def test_heavy_libraries_wait_until_they_are_needed():
    code = ("import sys; import brain.cli.scaling as s; from argparse import Namespace; "
            "s.COMMANDS[0].form.prepare(Namespace()); print(sorted({'numpy', 'pandas', 'yaml', "
            "'scipy', 'kubernetes_validate', 'kubernetes'} & set(sys.modules)))")
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True,
                           text=True, timeout=240)
    assert found.stdout.strip() == "[]"
