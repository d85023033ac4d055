"""What policies ask for from the platform's own load, and the log of it."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pytest

from brain.decisions.reasons import InputError
from brain.decisions.scaling.behavior import Memory
from brain.decisions.scaling.default_policies import default_hpa
from brain.decisions.scaling.schedules import ScheduledBound
from brain.engine import Engine
from brain.scaling import words
from brain.scaling.plans import ScalingPlan
from brain.scaling.present import Load, Present, decide_now, memory_from_json, memory_to_json
from tests.scaling.conftest import NOW, Clock, ask
from tests.services.kubernetes_scaling import ScalingServer

PLAN = ScalingPlan(default_hpa("standard", "brain-api"))


def now(replicas: int, rps: float, **given: object) -> Present:
    return decide_now(PLAN, replicas, Load(rps), Memory(), NOW, **given)  # type: ignore[arg-type]


def test_load_above_the_target_adds_pods() -> None:
    found = now(3, 420)
    #  CPU: 420 of 3 * 140 requests/s = 100 %, 100/70 * 3 = 4.3, so 5; 140 per pod of 100: 4.2, 5.
    assert [each.replicas for each in found.decision.proposals] == [5, 5]
    #  the scale-up window of 60 s begins at 3, so it waits
    assert (found.wanted, found.decided, found.rps_per_pod) == (3, 3, 140)
    assert [metric.name for metric in found.unread] == ["memory"]
    assert "ScaleUpStabilized" in [each.code for each in found.reasons]


def test_a_schedule_raises_and_a_cap_lowers() -> None:
    morning = ScheduledBound("brain-api", "0 7 * * *", "UTC", 6, None)
    assert now(3, 1, schedules=[morning]).decided == 6
    #  March has 744 h; 108 h are gone, at 0.05 USD * 3 pods = 16.2 USD; 636 h are left, of which
    #  a pod takes 31.8 USD: 100 - 16.2 = 83.8 pay for 2.
    capped = now(3, 1, cap_usd=Decimal(100))
    assert (capped.wanted, capped.decided) == (3, 2)
    assert capped.cap is not None
    assert capped.cap.alert is False  # the load of 1 request/s needs one pod only


def test_a_policy_of_which_nothing_is_measured_is_refused() -> None:
    manifest = default_hpa("standard", "brain-api")
    manifest["spec"]["metrics"] = manifest["spec"]["metrics"][1:2]  # memory alone
    with pytest.raises(InputError, match="nothing here measures"):
        decide_now(ScalingPlan(manifest), 3, Load(1), Memory(), NOW)


def test_the_reasons_are_told_in_everyday_words() -> None:
    told = words.explain(now(3, 12))
    assert told[0] == ("No cluster is connected, so this is reckoned for 3 pods. Together they get "
                       "12 requests per second, 4 each; one pod can serve 140.")
    #  12 of 420 requests/s = 2.8 %, of which the controller keeps 2; 2/70 * 3 = 0.09, so 1.
    assert told[1] == ("CPU is at 2 % of what the pods reserve; the goal is 70 %. That alone would "
                       "want 1 pod, fewer than now.")
    assert told[2].startswith("Requests per second and pod: 4; the goal is 100. That alone")
    assert told[-1] == "So it stays at 3 pods."
    assert "memory" in told[-2]


def test_the_words_for_a_full_policy_say_that_requests_will_wait() -> None:
    found = decide_now(PLAN, 10, Load(1_400), Memory(()), NOW)
    assert any("never goes above 10" in each for each in words.explain(found))


def test_memory_goes_through_json_as_it_is() -> None:
    memory = now(3, 420).decision.memory
    assert memory.recommendations
    assert memory_from_json(memory_to_json(memory)) == memory
    assert memory_from_json(memory_to_json(Memory())) == Memory()


def test_load_is_that_of_the_last_minute(engine: Engine) -> None:
    ask(engine, 30, seconds_ago=30)
    ask(engine, 600, seconds_ago=90)
    load = engine.scaling.load()
    assert load.rps == 0.5  # 30 requests in 60 s
    assert load.p95_ms == pytest.approx(100, rel=0.01)  # within the sketch's 1 %


def test_past_load_is_a_mean_over_each_bucket(engine: Engine) -> None:
    ask(engine, 30, seconds_ago=90)
    ask(engine, 60, seconds_ago=30)
    trace = engine.scaling.trace(NOW - dt.timedelta(minutes=3), NOW, 60, 15, factor=2)
    #  nothing, then 30 and 60 requests in 60 s, doubled: 1 and 2 per second, four steps each
    assert trace.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert engine.scaling.trace(NOW - dt.timedelta(seconds=20), NOW, 60, 15).shape == (4,)
    assert np.isfinite(trace).all()


def test_nothing_is_logged_before_anything_was_recorded(engine: Engine) -> None:
    assert engine.scaling.log_once() == 0


def test_the_log_goes_on_from_what_it_decided_last(engine: Engine, clock: Clock) -> None:
    ask(engine, 60 * 420, seconds_ago=30)
    assert engine.scaling.log_once() == 1  # "busy" is not shadowed as delivered
    rows = engine.scaling.decisions("standard", NOW, NOW + dt.timedelta(hours=1))
    assert [(row["load_rps"], row["replicas"]) for row in rows] == [(420, 3)]
    for _ in range(4):
        clock.now += dt.timedelta(seconds=15)
        ask(engine, 60 * 420, seconds_ago=1)
        engine.scaling.log_once()
    rows = engine.scaling.decisions("standard", NOW, NOW + dt.timedelta(hours=1))
    #  the lowest wish of 60 s counts: the first 3 is older than that after 60 s, then 6 in a step
    #  (100 %) are allowed and the wish of 10 or more is cut to it
    assert [row["replicas"] for row in rows] == [3, 3, 3, 3, 6]
    assert engine.scaling.present("standard").replicas == 6


def test_old_decisions_are_removed_and_old_memory_is_forgotten(engine: Engine,
                                                               clock: Clock) -> None:
    ask(engine, 60)
    engine.scaling.log_once()
    clock.now += dt.timedelta(days=8)  # kept are 7
    engine.scaling.log_once()
    rows = engine.scaling.decisions("standard", NOW, NOW + dt.timedelta(days=9))
    assert [row["at_utc"] for row in rows] == [clock.now]


def test_a_cluster_that_scales_by_itself_is_marked(with_cluster: Engine, clock: Clock,
                                                   api: ScalingServer) -> None:
    ask(with_cluster, 6)
    for count in (3, 5):
        api.deploy("brain-api", count)
        with_cluster.sources()
        with_cluster.scaling.log_once()
        clock.now += dt.timedelta(seconds=15)
    notes = with_cluster.annotations(NOW, NOW + dt.timedelta(hours=1))
    assert [(each["kind"], each["text"]) for each in notes] == [
        ("scaling", "brain-api: the cluster went from 3 to 5 replicas")]
    rows = with_cluster.scaling.decisions("standard", NOW, NOW + dt.timedelta(hours=1))
    assert [(row["cluster_replicas"], row["replicas"]) for row in rows] == [(3, 3), (5, 3)]
    #  one pod would do; of the last 300 s the highest wish counts, which is the first count, 3


def test_replicas_of_the_cluster_are_those_of_the_deployment(with_cluster: Engine,
                                                             api: ScalingServer) -> None:
    with_cluster.sources()
    assert with_cluster.scaling.cluster_replicas("brain-api") == 3
    assert with_cluster.scaling.cluster_replicas("other") is None
    api.refuse = {"GET": 500}
    with_cluster.sources()
    assert with_cluster.scaling.cluster_replicas("brain-api") is None
