"""The linter: each rule finds its fault and leaves sound manifests alone."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.decisions.reasons import InputError
from brain.decisions.scaling.default_policies import default_hpa, default_vpa
from brain.decisions.scaling.lint import lint_manifests
from brain.decisions.scaling.manifests import read_hpa

DEPLOYMENT = {"kind": "Deployment", "metadata": {"name": "api"}, "spec": {
    "selector": {"matchLabels": {"app": "api"}}, "template": {"spec": {"containers": [
        {"name": "api", "resources": {"requests": {"cpu": "500m"}, "limits": {"memory": "1Gi"}}},
    ]}}}}
BUDGET = {"kind": "PodDisruptionBudget", "metadata": {"name": "api"}, "spec": {
    "minAvailable": 2, "selector": {"matchLabels": {"app": "api"}}}}


def codes(*manifests):
    return [(each.code, each.object) for each in lint_manifests(manifests)]


def changed(manifest, path, value):
    manifest = copy.deepcopy(manifest)
    *steps, last = path
    place = manifest
    for step in steps:
        place = place[step]
    place[last] = value
    return manifest


def test_sound_manifests_have_no_findings():
    assert codes(default_hpa("standard", "api"), default_vpa("api"), DEPLOYMENT, BUDGET,
                 {"kind": "Service"}, {}) == []


def test_finds_both_autoscalers_on_one_resource():
    vpa = default_vpa("api", mode="Recreate")
    assert codes(default_hpa("standard", "api"), vpa) == [
        ("HpaAndVpa", "VerticalPodAutoscaler/api")]
    assert codes(default_hpa("standard", "other"), vpa) == []
    only_disk = changed(vpa, ["spec", "resourcePolicy", "containerPolicies", 0,
                              "controlledResources"], [])
    assert codes(default_hpa("standard", "api"), only_disk) == []


def test_finds_the_old_mode_and_unprotected_pods():
    assert codes(default_vpa("api", mode="Auto"), DEPLOYMENT) == [
        ("DeprecatedMode", "VerticalPodAutoscaler/api"),
        ("NoDisruptionBudget", "VerticalPodAutoscaler/api")]
    assert codes(default_vpa("api", mode="Recreate"), DEPLOYMENT, BUDGET) == []


@pytest.mark.parametrize(("name", "code"), [
    ("http_requests_served_per_second", "Saturates"), ("request_latency_p95", "NotProportional"),
    ("queue_length", None), ("active_connections", None)])
def test_finds_signals_that_mislead(name, code):
    hpa = changed(default_hpa("standard", "api"), ["spec", "metrics", 2, "pods", "metric", "name"],
                  name)
    assert codes(hpa) == ([(code, "HorizontalPodAutoscaler/api")] if code else [])


def test_finds_missing_requests():
    bare = changed(DEPLOYMENT, ["spec", "template", "spec", "containers", 0, "resources"], {})
    found = lint_manifests([default_hpa("standard", "api"), bare])
    assert [(each.code, each.severity) for each in found] == [("MissingRequest", "error")] * 2
    assert found[0].field == "spec.template.spec.containers[0].resources.requests"


def test_finds_rules_that_never_move_a_small_fleet():
    hpa = default_hpa("standard", "api")
    slow = changed(hpa, ["spec", "behavior", "scaleDown", "selectPolicy"], "Min")
    assert codes(slow) == [("MinOnSmallFleet", "HorizontalPodAutoscaler/api")]
    stuck = changed(hpa, ["spec", "behavior", "scaleUp", "selectPolicy"], "Disabled")
    assert codes(stuck) == [("NeverUp", "HorizontalPodAutoscaler/api")]


def test_finds_shared_targets_and_selectors():
    hpa = default_hpa("standard", "api")
    assert ("SharedTarget", "HorizontalPodAutoscaler/b") in codes(
        hpa, changed(hpa, ["metadata", "name"], "b"))
    wider = changed(changed(DEPLOYMENT, ["metadata", "name"], "blue"),
                    ["spec", "selector", "matchLabels"], {"app": "api", "colour": "blue"})
    assert codes(DEPLOYMENT, wider) == [("SharedSelector", "Deployment/blue")]
    elsewhere = changed(wider, ["metadata", "namespace"], "other")
    assert codes(DEPLOYMENT, elsewhere) == []


def test_finds_what_the_api_refuses():
    hpa = default_hpa("standard", "api")
    assert codes(changed(hpa, ["spec", "maxReplicas"], 2)) == [
        ("Refused", "HorizontalPodAutoscaler/api")]
    assert codes(changed(hpa, ["spec", "minReplicas"], 0)) == [
        ("Refused", "HorizontalPodAutoscaler/api")]
    assert codes(changed(hpa, ["spec", "maxReplicas"], 3)) == [
        ("NoRoom", "HorizontalPodAutoscaler/api")]


def test_the_busy_policy_is_the_one_that_is_promised():
    policy = read_hpa(default_hpa("busy", "api"))
    assert (policy.min_replicas, policy.max_replicas, len(policy.metrics)) == (3, 20, 6)
    assert policy.behavior.scale_down.select_policy == "Min"
    assert [each.value for each in policy.behavior.scale_up.policies] == [100, 4]
    assert default_vpa("api", advanced=True)["spec"]["resourcePolicy"]["containerPolicies"][0][
        "maxAllowed"] == {"cpu": "4000m", "memory": "8Gi"}


@given(st.lists(st.recursive(
    st.none() | st.integers() | st.text(max_size=4), lambda inner: st.lists(inner, max_size=2)
    | st.dictionaries(st.sampled_from([
        "kind", "spec", "metadata", "metrics", "type", "selector", "matchLabels", "template",
        "updatePolicy", "behavior", "scaleUp", "containers"]), inner, max_size=4), max_leaves=12),
    max_size=3), st.sampled_from(["HorizontalPodAutoscaler", "VerticalPodAutoscaler",
                                  "Deployment"]))
def test_any_objects_are_linted_or_refused(manifests, kind):
    given_kind = [each | {"kind": kind} if isinstance(each, dict) else each for each in manifests]
    try:
        found = lint_manifests(given_kind)
    except InputError as error:
        assert error.field
    else:
        assert all(each.text and each.code for each in found)
