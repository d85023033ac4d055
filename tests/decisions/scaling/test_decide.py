"""The decision beyond Kubernetes' own cases: bounds, failures, zero, memory, any input."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.decisions.reasons import InputError
from brain.decisions.scaling.behavior import Memory, Recommendation, ScaleEvent
from brain.decisions.scaling.decide import (
    NOTHING_ELSE,
    Condition,
    Surroundings,
    decide_replicas,
)
from brain.decisions.scaling.manifests import read_hpa
from brain.decisions.scaling.proposals import Observation, Workload
from brain.decisions.scaling.replicas import (
    DEFAULT_CONTROLLER,
    Container,
    Controller,
    Pod,
    Sample,
)

EXTERNAL = {"type": "External", "external": {
    "metric": {"name": "queue"}, "target": {"type": "AverageValue", "averageValue": "10"}}}
CPU = {"type": "Resource", "resource": {
    "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}


def hpa(*metrics, minimum=1, maximum=10, behavior=None):
    spec = {"minReplicas": minimum, "maxReplicas": maximum, "metrics": list(metrics)}
    return read_hpa({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
                     "spec": spec | ({"behavior": behavior} if behavior is not None else {})})


def condition(decision, type_):
    return next(((each.status, each.reason) for each in decision.conditions
                 if each.type == type_), None)


SEEN = Memory(())
"""A controller that has seen the workload and recommended nothing yet."""


def decide(policy, replicas, *values, memory=SEEN, controller=DEFAULT_CONTROLLER, now_s=1000.0,
           around=NOTHING_ELSE):
    observed = [Observation(error="down") if value is None else
                Observation(values_milli=[value * 1000]) for value in values]
    return decide_replicas(policy, Workload(replicas, replicas), observed, memory, now_s,
                           controller, around)


def test_the_largest_proposal_wins():
    decision = decide(hpa(EXTERNAL, EXTERNAL), 2, 25, 38)
    assert decision.replicas == 4  # 25/10 -> 3, 38/10 -> 4
    assert [each.replicas for each in decision.proposals] == [3, 4]


def test_a_failed_metric_blocks_scaling_down_but_not_up():
    down = decide(hpa(EXTERNAL, EXTERNAL), 5, 20, None)
    assert (down.replicas, condition(down, "ScalingActive")) == (
        5, ("False", "FailedGetExternalMetric"))
    assert [each.code for each in down.reasons][-1] == "HeldByFailedMetric"
    up = decide(hpa(EXTERNAL, EXTERNAL), 5, None, 70)
    assert (up.replicas, condition(up, "ScalingActive")) == (7, ("True", "ValidMetricFound"))
    assert "1 invalid out of 2" in up.error


def test_an_observation_left_out_is_a_failed_metric():
    assert condition(decide(hpa(EXTERNAL, EXTERNAL), 5, 20), "ScalingActive") == (
        "False", "FailedGetExternalMetric")


def test_reads_the_tolerance_in_both_ways():
    # 33 / (10 x 3) is 1.1: inside 1 - 0.1 .. 1 + 0.1, but |1 - 1.1| is above 0.1 in floats
    policy = hpa(EXTERNAL)
    assert decide(policy, 3, 33).replicas == 3
    assert decide(policy, 3, 33, controller=Controller(tolerance_reading="distance")).replicas == 4


def test_a_manifest_sets_its_own_tolerance_by_direction():
    policy = hpa(EXTERNAL, behavior={"scaleUp": {"tolerance": "0.2"}, "scaleDown": {
        "tolerance": 0, "stabilizationWindowSeconds": 0}})
    assert decide(policy, 10, 119).replicas == 10  # 1.19 is within 1.2
    assert decide(policy, 10, 89).replicas == 9    # 0.89: nothing below 1 is within
    assert decide(policy, 10, 89, controller=Controller(
        configurable_tolerance=False, tolerance=0.15)).replicas == 10


def test_outside_the_bounds_it_moves_at_once():
    assert decide(hpa(EXTERNAL), 30, 0).replicas == 10
    assert decide(hpa(EXTERNAL, minimum=4), 2, 0).replicas == 4


def test_zero_stays_zero_unless_the_minimum_is_zero():
    asleep = decide(hpa(EXTERNAL), 0, 50)
    assert (asleep.replicas, condition(asleep, "ScalingActive")) == (
        0, ("False", "ScalingDisabled"))
    assert decide(hpa(EXTERNAL, minimum=0), 0, 50).replicas == 4  # 5, but at most 4 at once


def test_from_1_37_only_the_hpas_own_zero_wakes():
    newer = Controller(scaled_to_zero_condition=True)
    policy = hpa(EXTERNAL, minimum=0)
    assert decide(policy, 0, 30, controller=newer).replicas == 0
    slept = decide(policy, 2, 0, controller=newer)
    assert (slept.replicas, condition(slept, "ScaledToZero")) == (0, ("True", "ScaledToZero"))
    by_itself = Surroundings(conditions=slept.conditions)
    woken = decide(policy, 0, 30, controller=newer, around=by_itself)
    assert (woken.replicas, condition(woken, "ScaledToZero")) == (3, ("False", "ScaledFromZero"))
    raised = decide(hpa(EXTERNAL, minimum=2), 0, 90, controller=newer, around=by_itself)
    assert raised.replicas == 2


def test_the_first_sight_is_a_recommendation():
    first = decide(hpa(EXTERNAL), 6, 10, memory=Memory())
    assert (first.replicas, condition(first, "AbleToScale")) == (6, ("True", "ScaleDownStabilized"))
    later = decide(hpa(EXTERNAL), 6, 10, memory=first.memory, now_s=1301.0)
    assert later.replicas == 1  # both recommendations are older than 300 s, 10/10 is 1


def test_a_refused_update_changes_nothing_and_stores_no_event():
    policy = hpa(EXTERNAL, behavior={})
    refused = decide(policy, 2, 50, around=Surroundings(update_error="conflict"))
    assert (refused.replicas, refused.memory.scale_up_events) == (2, ())
    assert condition(refused, "AbleToScale") == ("False", "FailedUpdateScale")
    assert decide(policy, 2, 50).memory.scale_up_events == (ScaleEvent(3, 1000.0),)


@pytest.mark.parametrize(("selector", "reason"), [
    ("", "InvalidSelector"), ("cheddar cheese", "InvalidSelector"),
    ("app=x,tier in (a, b),!old,new", None), ("app==x, n>3", None)])
def test_looks_at_the_selector(selector, reason):
    decision = decide(hpa(EXTERNAL), 2, 50, around=Surroundings(selector=selector))
    assert condition(decision, "ScalingActive") == (
        ("False", reason) if reason else ("True", "ValidMetricFound"))
    assert decision.replicas == (2 if reason else 4)  # 50/10 is 5, but at most 4 at once


def test_an_unreadable_scale_is_left_alone():
    decision = decide(hpa(EXTERNAL), 2, 50, around=Surroundings(scale_error="no such thing"))
    assert (decision.replicas, condition(decision, "AbleToScale")) == (
        2, ("False", "FailedGetScale"))


def test_zero_needs_a_metric_that_outlives_the_pods():
    with pytest.raises(InputError) as caught:
        decide_replicas(hpa(CPU, minimum=0), Workload(1, 1), [], Memory(), 0.0)
    assert caught.value.field == "spec.minReplicas"


COUNTS = st.integers(0, 60)
TIMES = st.integers(-900, 0).map(float)
EVENTS = st.lists(st.builds(ScaleEvent, st.integers(1, 30), TIMES, st.booleans()),
                  max_size=5).map(tuple)
RULES = st.fixed_dictionaries({}, optional={
    "stabilizationWindowSeconds": st.integers(0, 600),
    "selectPolicy": st.sampled_from(["Max", "Min", "Disabled"]),
    "policies": st.lists(st.fixed_dictionaries({
        "type": st.sampled_from(["Pods", "Percent"]), "value": st.integers(1, 400),
        "periodSeconds": st.integers(1, 1800)}), min_size=1, max_size=3)})
BEHAVIORS = st.one_of(st.none(), st.fixed_dictionaries({}, optional={
    "scaleUp": RULES, "scaleDown": RULES}))
MEMORIES = st.builds(Memory, st.one_of(st.none(), st.lists(
    st.builds(Recommendation, COUNTS, TIMES), max_size=6).map(tuple)), EVENTS, EVENTS)
VALUES = st.lists(st.one_of(st.none(), st.integers(0, 1000)), min_size=2, max_size=2)


@given(COUNTS, st.integers(1, 20), st.integers(0, 40), BEHAVIORS, MEMORIES, VALUES)
def test_keeps_every_promise(current, minimum, span, behavior, memory, values):
    policy = hpa(EXTERNAL, EXTERNAL, minimum=minimum, maximum=minimum + span, behavior=behavior)
    decision = decide(policy, current, *values, memory=memory, now_s=0.0)
    assert decision.reasons
    if current == 0:
        assert decision.replicas == 0
    elif minimum <= current <= minimum + span:
        assert minimum <= decision.replicas <= minimum + span
        if None in values:
            assert decision.replicas >= current
        for direction in ("scaleUp", "scaleDown"):
            if ((behavior or {}).get(direction) or {}).get("selectPolicy") == "Disabled":
                assert (decision.replicas - current) * (1 if direction == "scaleUp" else -1) <= 0
    again = decide(policy, current, *values, memory=memory, now_s=0.0)
    assert again == decision


PODS = st.builds(
    Pod, st.sampled_from(["a", "b", "c", "d"]),
    st.sampled_from(["Running", "Pending", "Failed", "Succeeded", "Unknown"]),
    st.sampled_from(["True", "False", "Unknown", None]), TIMES, st.one_of(st.none(), TIMES),
    st.booleans(), st.lists(st.builds(
        Container, st.just("x"), st.dictionaries(st.just("cpu"), st.integers(0, 5000)),
        st.booleans(), st.booleans()), max_size=2).map(tuple),
    st.one_of(st.none(), st.dictionaries(st.sampled_from(["cpu", "memory"]),
                                         st.integers(0, 9000))))
SAMPLES = st.dictionaries(st.sampled_from(["a", "b", "c", "d", "e"]), st.builds(
    Sample, st.integers(-10, 10**6), TIMES, st.sampled_from([0.0, 30.0, 60.0])))


@given(st.lists(PODS, max_size=4, unique_by=lambda pod: pod.name), SAMPLES, COUNTS,
       st.sampled_from([CPU, {"type": "Resource", "resource": {"name": "cpu", "target": {
           "type": "AverageValue", "averageValue": "300m"}}}]))
def test_any_pods_give_a_count_or_a_failed_metric(pods, sampled, current, metric):
    decision = decide_replicas(hpa(metric, maximum=70), Workload(current, current, pods),
                               [Observation(sampled)], Memory(()), 0.0)
    (proposal,) = decision.proposals or (None,)
    if proposal is not None and proposal.replicas is None:
        assert decision.replicas == current
        assert proposal.failure == "FailedGetResourceMetric" and proposal.message
    assert 0 <= decision.replicas <= 70


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 4000) | st.floats(allow_nan=False)
    | st.sampled_from(["Max", "Pods", "Resource", "External", "Object", "cpu", "1e3", "500m", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([
        "spec", "metrics", "maxReplicas", "minReplicas", "behavior", "scaleUp", "policies", "type",
        "value", "periodSeconds", "resource", "external", "metric", "target", "name", "selector",
        "averageValue", "averageUtilization", "tolerance", "metadata"]), inner, max_size=5),
    max_leaves=25)


@given(JSON)
def test_any_manifest_is_read_or_refused_with_a_field(manifest):
    if isinstance(manifest, dict):
        manifest = {"spec": {"maxReplicas": 3} | manifest}
    try:
        policy = read_hpa(json.loads(json.dumps(manifest)))
    except InputError as error:
        assert error.field and error.message
    else:
        assert 0 <= policy.min_replicas <= policy.max_replicas
        assert all(dataclasses.is_dataclass(each) for each in policy.metrics)


def test_conditions_of_the_past_are_kept_in_order():
    past = (Condition("ScalingLimited", "True", "TooManyReplicas"),)
    decision = decide(hpa(EXTERNAL), 2, 20, around=Surroundings(conditions=past))
    assert [each.type for each in decision.conditions] == [
        "ScalingLimited", "AbleToScale", "ScalingActive"]
