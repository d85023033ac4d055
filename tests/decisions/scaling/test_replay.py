"""The replay: equal to the controller at every step, and an honest account."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.decisions.reasons import InputError
from brain.decisions.scaling.behavior import Memory, Recommendation
from brain.decisions.scaling.decide import decide_replicas
from brain.decisions.scaling.manifests import read_hpa
from brain.decisions.scaling.proposals import Observation, Workload
from brain.decisions.scaling.replay import (
    ServiceModel,
    find_needed,
    replay_oracle,
    replay_policy,
    replay_static,
)
from brain.decisions.scaling.replicas import Container, Pod, Sample

STEP_S = 15.0
CPU = {"type": "Resource", "resource": {
    "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}
RATE = {"type": "Pods", "pods": {
    "metric": {"name": "rps"}, "target": {"type": "AverageValue", "averageValue": "7"}}}
BEHAVIOR = {"scaleUp": {"stabilizationWindowSeconds": 60, "policies": [
    {"type": "Percent", "value": 100, "periodSeconds": 30},
    {"type": "Pods", "value": 2, "periodSeconds": 30}]},
    "scaleDown": {"stabilizationWindowSeconds": 120, "policies": [
        {"type": "Percent", "value": 50, "periodSeconds": 60}]}}


def hpa(*metrics, behavior=None, minimum=1, maximum=20):
    spec = {"minReplicas": minimum, "maxReplicas": maximum, "metrics": list(metrics)}
    return read_hpa({"spec": spec | ({"behavior": behavior} if behavior else {})})


def by_the_controller(load, model, policy):
    """The same service, with the whole controller asked at every step about every pod."""
    first = int(find_needed(np.array(load[:1]), model)[0])
    current = max(1, policy.min_replicas, min(policy.max_replicas, first))
    pods = dict.fromkeys(range(current), 0.0)  # name: ready at
    memory, queue, counts, names = Memory((Recommendation(current, 0.0),)), 0.0, [], current
    for step, rps in enumerate(load):
        now_s = step * STEP_S
        ready = [name for name, at_s in pods.items() if at_s <= now_s]
        counts.append(current)
        capacity = len(ready) * model.pod_rps * STEP_S
        queue += rps * STEP_S
        served = min(queue, capacity)
        queue = min(queue - served, model.longest_wait_s * len(ready) * model.pod_rps)
        observed = []
        for metric in policy.metrics:
            milli = (int(served / capacity * 1000) if metric.type == "Resource" else
                     int(served / (len(ready) * STEP_S) * 1000)) if ready else 0
            observed.append(Observation({f"p{name}": Sample(milli, now_s, 0.0)
                                         for name in ready}))
        decision = decide_replicas(policy, Workload(current, current, [
            Pod(f"p{name}", "Running" if at_s <= now_s else "Pending", start_s=-1e6,
                containers=(Container("c", {"cpu": 1000}),)) for name, at_s in pods.items()]),
            observed, memory, now_s)
        memory = decision.memory
        for _ in range(decision.replicas - current):
            pods[names] = now_s + max(model.start_s, STEP_S)
            names += 1
        gone = max(0, current - decision.replicas)
        for name in sorted(pods, key=lambda name: -pods[name])[:gone]:
            del pods[name]
        current = decision.replicas
    return counts


LOADS = st.lists(st.floats(0, 200), min_size=1, max_size=12).map(
    lambda levels: [level for level in levels for _ in range(6)])


@settings(max_examples=60, deadline=None)
@given(LOADS, st.sampled_from([[CPU], [RATE], [CPU, RATE]]),
       st.sampled_from([None, BEHAVIOR, {"scaleDown": {"selectPolicy": "Disabled"}}]),
       st.sampled_from([0.0, 60.0]))
def test_is_the_controller_at_every_step(load, metrics, behavior, start_s):
    model = ServiceModel(10.0, start_s)
    policy = hpa(*metrics, behavior=behavior)
    found = replay_policy(np.array(load), STEP_S, model, policy)
    assert found.replicas.tolist() == by_the_controller(load, model, policy)


def test_accounts_for_a_sudden_load():
    # 2 pods of 10/s, then 40/s for a minute: 4 pods are needed
    load = np.array([20.0] * 8 + [40.0] * 4)
    fixed = replay_static(load, STEP_S, ServiceModel(10.0, longest_wait_s=15.0), 2)
    # 300 requests more arrive in a step than are served; what waits longer than 15 s is 300
    assert fixed.lost == 900
    assert (fixed.objective_minutes, fixed.actions) == (1.0, 0)
    assert fixed.pod_hours == pytest.approx(2 * 12 * 15 / 3600)
    assert fixed.under_pod_hours == pytest.approx(2 * 4 * 15 / 3600)
    best = replay_static(load, STEP_S, ServiceModel(10.0))
    assert (best.replicas[0], best.objective_minutes, best.lost) == (4, 0.0, 0.0)
    assert best.over_pod_hours == pytest.approx(2 * 8 * 15 / 3600)


def test_the_oracle_starts_in_time_and_holds():
    load = np.array([10.0] * 10 + [50.0] + [10.0] * 30)
    found = replay_oracle(load, STEP_S, ServiceModel(10.0, start_s=30.0), hold_s=60.0)
    assert found.replicas.tolist() == [1] * 8 + [5] * 7 + [1] * 26
    assert (found.objective_minutes, found.lost) == (0.0, 0.0)


@given(LOADS)
def test_the_oracle_is_never_short_and_never_above_the_static_count(load):
    model = ServiceModel(10.0)
    oracle, static = (replay(np.array(load), STEP_S, model)
                      for replay in (replay_oracle, replay_static))
    assert (oracle.objective_minutes, oracle.under_pod_hours) == (0.0, 0.0)
    assert oracle.pod_hours <= static.pod_hours + 1e-9


@pytest.mark.parametrize(("load", "step_s", "pod_rps"), [
    ([], 15, 10), ([-1.0], 15, 10), ([np.nan], 15, 10), ([1.0], 0, 10), ([1.0], 15, 0)])
def test_refuses_what_cannot_be_replayed(load, step_s, pod_rps):
    with pytest.raises(InputError):
        replay_policy(np.array(load), step_s, ServiceModel(pod_rps), hpa(CPU))


def test_refuses_metrics_that_it_does_not_know():
    disk = {"type": "Resource", "resource": {
        "name": "ephemeral-storage", "target": {"averageUtilization": 70}}}
    with pytest.raises(InputError) as caught:
        replay_policy(np.array([1.0]), 15, ServiceModel(10.0), hpa(disk))
    assert caught.value.field == "spec.metrics[0]"
