"""The tuner: chosen on the past, judged on what came after, an ordinary manifest in the end."""

from decimal import Decimal

import numpy as np
import pytest

from brain.decisions.reasons import InputError
from brain.decisions.scaling.default_policies import default_hpa
from brain.decisions.scaling.manifests import read_hpa
from brain.decisions.scaling.predictive import publish_forecast
from brain.decisions.scaling.replay import Replay, replay_policy
from brain.decisions.scaling.service import Course, ServiceModel
from brain.decisions.scaling.tuning import Knobs, Trial, choose, tune_policy, turn

STEP_S = 60.0
DAY = 1_440
MODEL = ServiceModel(10.0, 180.0, objective_wait_s=2.0)
PLAIN = {"metadata": {"name": "api"}, "spec": {"minReplicas": 1, "maxReplicas": 40, "metrics": [
    {"type": "Resource", "resource": {"name": "cpu", "target": {
        "type": "Utilization", "averageUtilization": 60}}}]}}


def days(count, seed=1):
    """A wave of a day between 20/s and 120/s with the noise of counts."""
    at = np.arange(count * DAY)
    wave = 70 - 50 * np.cos(at * 2 * np.pi / DAY)
    return np.random.default_rng(seed).poisson(wave * 6) / 6


def account(minutes=0.0, hours=100.0, actions=100, lost=0.0):
    return Replay("x", minutes, lost, hours, Decimal(0), actions, 0.0, 0.0, np.zeros(1, int))


def test_turns_targets_windows_and_rates():
    turned = turn(default_hpa("busy", "api"), Knobs(80, 600, 30, 0.9), ServiceModel(140.0))
    read = read_hpa(turned)
    by_name = {each.name: each for each in read.metrics}
    assert by_name["cpu"].utilization_pct == 80
    assert by_name["memory"].utilization_pct == 80  # as it was
    # 80 % of 140/s are 112/s
    assert by_name["requests_per_second"].average_milli == 112_000
    assert by_name["query_latency_p95_seconds"].average_milli == 2_000
    assert by_name["forecast_pods"].average_milli == 1_000
    assert (read.behavior.scale_up.window_s, read.behavior.scale_down.window_s) == (30, 600)
    assert read.behavior.scale_down.select_policy == "Min"  # the policies stay
    assert default_hpa("busy", "api") != turned
    assert read_hpa(turn({"spec": {"maxReplicas": 3}}, Knobs(70, 300), MODEL)).metrics[
        0].utilization_pct == 70


@pytest.mark.parametrize(("seen", "goal", "chosen"), [
    (account(9.0, 90.0), "save", True),
    (account(9.5, 90.0), "save", False),  # 9.5 > 0.9 x 10
    (account(9.0, 90.0, lost=1.0), "save", False),
    (account(9.0, 90.0, actions=151), "save", False),  # 151 > 1.5 x 100
    (account(9.0, 101.0), "save", False),
    (account(1.0, 103.0), "protect", True),
    (account(1.0, 103.1), "protect", False),
    (account(11.0, 90.0), "protect", False)])
def test_keeps_to_the_limits(seen, goal, chosen):
    trial = Trial(Knobs(70, 300), seen)
    assert choose([trial], account(10.0), goal) is (trial if chosen else None)


def test_saves_on_days_that_it_has_not_seen():
    found = tune_policy(days(6), STEP_S, MODEL, PLAIN, 2 * 86_400.0)
    assert found.is_better and found.held_out.days == 2
    before, tuned, oracle = (found.held_out.before, found.held_out.tuned, found.held_out.oracle)
    assert oracle.pod_hours < tuned.pod_hours < before.pod_hours
    assert tuned.objective_minutes <= before.objective_minutes
    # what was found is an ordinary manifest that replays to the same account
    again = replay_policy(days(6)[-2 * DAY:], STEP_S, MODEL, read_hpa(found.manifest))
    assert again.pod_hours == tuned.pod_hours
    assert "held-out days" in found.manifest["metadata"]["annotations"]["brain-console/evidence"]
    assert "annotations" not in PLAIN["metadata"]
    assert all(len(each.seen.replicas) == 4 * DAY for each in found.trials)


def test_held_out_days_do_not_touch_the_choice():
    load = days(6)
    other = np.concatenate([load[:4 * DAY], days(2, seed=9) * 3])
    first, second = (tune_policy(each, STEP_S, MODEL, PLAIN, 2 * 86_400.0, predictive=True)
                     for each in (load, other))
    assert first.knobs == second.knobs
    assert [each.knobs for each in first.trials] == [each.knobs for each in second.trials]


def test_stays_with_what_cannot_be_bettered():
    flat = np.full(3 * DAY, 5.0)  # one pod, which is the least
    found = tune_policy(flat, STEP_S, MODEL, PLAIN, 86_400.0)
    assert (found.knobs, found.is_better, found.manifest) == (None, False, PLAIN)
    assert [each.code for each in found.reasons] == ["NothingBetter"]


def test_says_where_the_later_days_are_of_another_kind():
    calm, wild = days(4), np.random.default_rng(3).choice([5.0, 150.0], 2 * DAY)
    found = tune_policy(np.concatenate([calm, wild]), STEP_S, MODEL, PLAIN, 2 * 86_400.0)
    codes = [each.code for each in found.reasons]
    assert found.is_better == ("NotBorneOut" not in codes)
    worse = found.held_out.tuned.objective_minutes > found.held_out.before.objective_minutes
    assert ("NotBorneOut" in codes) or not worse


def test_needs_a_day_on_both_sides():
    with pytest.raises(InputError) as caught:
        tune_policy(days(2), STEP_S, MODEL, PLAIN, 1.5 * 86_400.0)
    assert caught.value.code == "trace_too_short"


def test_a_forecast_starts_pods_before_the_load_is_there():
    load = days(8)
    lean = turn(PLAIN, Knobs(85, 300), MODEL)
    ahead = turn(PLAIN, Knobs(85, 300, 0, 0.95), MODEL)
    asked = publish_forecast(load, STEP_S, MODEL, 0.95)
    late, early = (replay_policy(load, STEP_S, MODEL, read_hpa(each), course=Course(external=asked))
                   for each in (lean, ahead))
    assert early.objective_minutes < 0.5 * late.objective_minutes
    assert (early.replicas >= late.replicas).mean() > 0.9


def test_a_failed_reading_is_a_failed_metric():
    load = days(3)
    load[-5:] = np.nan
    load[-10] = 0.0  # among some 700 requests a minute that is an outage too
    asked = publish_forecast(load, STEP_S, MODEL, 0.9)
    assert np.flatnonzero(np.isnan(asked)).tolist() == [
        3 * DAY - 10, *range(3 * DAY - 5, 3 * DAY)]
