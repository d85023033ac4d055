"""What acts on a replay: failing metrics, a forecast, schedules, a cap; all as decided singly."""

import datetime as dt
import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.decisions.reasons import InputError
from brain.decisions.scaling.behavior import Memory, Recommendation
from brain.decisions.scaling.caps import CostCap, decide_within_cap
from brain.decisions.scaling.decide import decide_replicas
from brain.decisions.scaling.default_policies import default_hpa
from brain.decisions.scaling.faults import inject_fault
from brain.decisions.scaling.manifests import read_hpa
from brain.decisions.scaling.proposals import Observation, Workload
from brain.decisions.scaling.replay import find_needed, replay_policy
from brain.decisions.scaling.replicas import Container, Pod, Sample
from brain.decisions.scaling.schedules import ScheduledBound, apply_bounds, decide_bounds
from brain.decisions.scaling.service import (
    Cap,
    CapMeter,
    Course,
    ServiceModel,
    bounds_over,
    read_targets,
)

STEP_S = 15.0
MODEL = ServiceModel(10.0, pod_h_usd=Decimal("0.12"))
CPU = {"type": "Resource", "resource": {
    "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}
FORECAST = {"type": "External", "external": {
    "metric": {"name": "forecast"}, "target": {"type": "AverageValue", "averageValue": "10"}}}
BLUE = (ScheduledBound("blue", "0 23 * * *", "Europe/Berlin", 1, 2),
        ScheduledBound("blue", "0 7 * * *", "Europe/Berlin", 5, 20))


def hpa(*metrics, minimum=1, maximum=20, behavior=None):
    spec = {"minReplicas": minimum, "maxReplicas": maximum, "metrics": list(metrics)}
    return read_hpa({"spec": spec | ({"behavior": behavior} if behavior else {})})


def by_the_controller(load, model, policy, reading, external):
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
        share, rate, waiting = (served / capacity, served / (len(ready) * STEP_S),
                                queue / len(ready))
        values = {"cpu": share, "memory": 0.3 + share * (0.6 - 0.3), "rate": rate,
                  "latency": 0.1 + waiting / model.pod_rps, "connections": rate * 0.1 + waiting}
        observed = []
        for target in read_targets(policy):
            if math.isnan(reading[step]) or (target.signal == "external"
                                             and math.isnan(external[step])):
                observed.append(Observation(error="no answer"))
            elif target.signal == "external":
                observed.append(Observation(values_milli=[int(external[step] * 1000)]))
            else:
                value = values[target.signal] * reading[step]
                observed.append(Observation({
                    f"p{name}": Sample(int(value * 1000), now_s, 0.0) for name in ready}))
        decision = decide_replicas(policy, Workload(current, current, [
            Pod(f"p{name}", "Running" if at_s <= now_s else "Pending", start_s=-1e6,
                containers=(Container("c", {"cpu": 1000, "memory": 1000}),))
            for name, at_s in pods.items()]), observed, memory, now_s)
        memory = decision.memory
        for _ in range(decision.replicas - current):
            pods[names] = now_s + max(model.start_s, STEP_S)
            names += 1
        gone = max(0, current - decision.replicas)
        for name in sorted(pods, key=lambda name: -pods[name])[:gone]:
            del pods[name]
        current = decision.replicas
    return counts


STEPS = 40
LEVELS = st.lists(st.floats(0, 150), min_size=8, max_size=8).map(
    lambda levels: np.repeat(levels, STEPS // 8))
READINGS = st.lists(st.sampled_from([1.0, 1.0, math.nan, 0.0, 10.0]), min_size=8,
                    max_size=8).map(lambda parts: np.repeat(parts, STEPS // 8))


@settings(max_examples=60, deadline=None)
@given(LEVELS, READINGS, LEVELS, st.booleans())
def test_is_the_controller_with_faults_and_a_forecast(load, reading, external, fails):
    external = np.where(np.arange(STEPS) % 7 == 3, math.nan, external) if fails else external
    policy = hpa(CPU, FORECAST)
    found = replay_policy(load, STEP_S, MODEL, policy, course=Course(
        reading=reading, external=external))
    assert found.replicas.tolist() == by_the_controller(load, MODEL, policy, reading, external)


@settings(max_examples=30, deadline=None)
@given(LEVELS, READINGS, st.sampled_from(["standard", "busy"]))
def test_is_the_controller_with_the_default_policies(load, reading, kind):
    policy = read_hpa(default_hpa(kind, "api"))
    model = ServiceModel(140.0)
    found = replay_policy(load * 14, STEP_S, model, policy, course=Course(reading=reading))
    assert found.replicas.tolist() == by_the_controller(load * 14, model, policy, reading,
                                                        np.ones(STEPS))


def test_an_outage_of_the_metric_is_not_an_empty_house():
    # 80/s need 8 pods; the forecast fails while the CPU reads zero: nothing is taken away
    load, reading = np.full(80, 80.0), np.where(np.arange(80) >= 20, 0.0, 1.0)
    fooled = replay_policy(load, STEP_S, MODEL, hpa(CPU), course=Course(reading=reading))
    assert fooled.replicas[-1] == 1
    failing = np.where(np.arange(80) >= 20, math.nan, 80.0)
    kept = replay_policy(load, STEP_S, MODEL, hpa(CPU, FORECAST), course=Course(
        reading=reading, external=failing))
    assert kept.replicas.min() >= 8


def test_a_forecast_never_asks_for_less_than_the_other_metrics():
    load = np.full(40, 70.0)  # 7 pods would be full, at 70 % it is 10
    alone = replay_policy(load, STEP_S, MODEL, hpa(CPU))
    beside = replay_policy(load, STEP_S, MODEL, hpa(CPU, FORECAST), course=Course(
        external=np.zeros(40)))
    assert beside.replicas.tolist() == alone.replicas.tolist()


def test_schedules_are_laid_out_by_the_clock():
    # Berlin puts the clock back on 2026-10-25: 07:00 is 05:00 UTC on the 24th, 06:00 on the 25th
    start_utc = dt.datetime(2026, 10, 24, tzinfo=dt.UTC)
    floor, ceiling = bounds_over(BLUE, "blue", start_utc, 900.0, 2 * 96)
    for step in range(2 * 96):
        bounds = decide_bounds(BLUE, "blue", start_utc + dt.timedelta(seconds=900 * step))
        assert (floor[step], ceiling[step]) == (bounds.min_replicas, bounds.max_replicas)
    # floor 5 from 05:00 to 21:00 UTC, then from 06:00 to 22:00
    assert np.flatnonzero(np.diff(floor)).tolist() == [
        5 * 4 - 1, 21 * 4 - 1, (24 + 6) * 4 - 1, (24 + 22) * 4 - 1]
    none, open_end = bounds_over(BLUE, "green", start_utc, 900.0, 4)
    assert (none.max(), open_end.min()) == (0, 2**31 - 1)


def test_a_schedule_bounds_and_yields_to_load():
    load = np.array([10.0] * 40 + [60.0] * 40)
    floor, ceiling = np.full(80, 3), np.full(80, 4)
    found = replay_policy(load, STEP_S, MODEL, hpa(CPU), course=Course(floor=floor,
                                                                       ceiling=ceiling))
    assert found.replicas[1:40].tolist() == [3] * 39
    # the metrics ask for ceil(60 / 10 / 0.7) = 9, so the ceiling of 4 does not hold
    assert found.replicas[-1] == 9 == apply_bounds(9, 9, decide_bounds(
        (ScheduledBound("b", "0 0 * * *", "UTC", 3, 4),), "b",
        dt.datetime(2026, 1, 1, tzinfo=dt.UTC)))[0]


@given(st.integers(4, 60), st.lists(st.integers(0, 6), min_size=8, max_size=8))
def test_the_meter_is_the_cap(cents, asked):
    # a pod costs 0.12 USD an hour, so a step of an hour is 12 cents
    window = 4
    if cents < 12 * window:
        with pytest.raises(InputError):
            CapMeter(Cap(Decimal(cents) / 100, window * 3600.0), 3600.0, MODEL)
        cents += 12 * window
    cap = Cap(Decimal(cents) / 100, window * 3600.0)
    meter, spent = CapMeter(cap, 3600.0, MODEL), Decimal(0)
    for step, wanted in enumerate(asked):
        if step % window == 0:
            spent = Decimal(0)
        decided = decide_within_cap(wanted, wanted, CostCap(
            "production", cap.cap_usd, spent, Decimal(window - step % window), MODEL.pod_h_usd))
        pods = min(wanted, meter.allow(step))
        assert pods == decided.replicas
        meter.spend(pods)
        spent += pods * MODEL.pod_h_usd


@given(st.lists(st.floats(0, 200), min_size=240, max_size=240), st.floats(0.16, 2.0))
@settings(max_examples=30, deadline=None)
def test_nothing_passes_the_cap(load, cap_usd):
    load = np.array(load)
    cap = Cap(Decimal(repr(cap_usd)), 1_800.0)  # half an hour: 120 steps; a pod takes 0.06 USD
    found = replay_policy(load, STEP_S, MODEL, hpa(CPU), course=Course(cap=cap))
    for half in (found.replicas[:120], found.replicas[120:]):
        assert Decimal(int(half.sum())) * 15 / 3600 * MODEL.pod_h_usd <= cap.cap_usd


def test_says_what_the_cap_costs():
    # 100/s need 10 pods; 0.30 USD in half an hour pay for 0.30 / (0.12 / 2) = 5
    found = replay_policy(np.full(120, 100.0), STEP_S, MODEL, hpa(CPU), course=Course(
        cap=Cap(Decimal("0.30"), 1_800.0)))
    assert (found.replicas.max(), found.capped_minutes) == (5, 30.0)
    assert found.objective_minutes == 30.0 and found.cost_usd == Decimal("0.30")


def test_faults_come_every_day_at_noon():
    factors = inject_fault("spike", 2 * 96, 900.0, lasts_s=1_800.0)
    assert np.flatnonzero(factors == 10.0).tolist() == [48, 49, 144, 145]
    assert np.isnan(inject_fault("gap", 96, 900.0)[48])
    with pytest.raises(InputError):
        inject_fault("fire", 96, 900.0)


@pytest.mark.parametrize("course", [
    Course(reading=np.ones(3)), Course(external=np.ones(9)),
    Course(cap=Cap(Decimal("0.001"), 1_800.0))])
def test_refuses_a_course_that_does_not_fit(course):
    with pytest.raises(InputError):
        replay_policy(np.ones(10), STEP_S, MODEL, hpa(CPU), course=course)


def test_a_forecast_without_values_is_refused():
    with pytest.raises(InputError) as caught:
        replay_policy(np.ones(10), STEP_S, MODEL, hpa(FORECAST))
    assert caught.value.field == "external"
