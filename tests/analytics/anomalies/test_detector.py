"""The streaming detector: what it finds, what it leaves alone, and that it never forgets how."""

import datetime as dt
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.anomalies.detector import ALARM, Detector

MONDAY_S = dt.datetime(2026, 1, 5, tzinfo=dt.UTC).timestamp()
DAY_S = 86_400
STEP_S = 300
DAY = DAY_S // STEP_S


def feed(values, detector=None, step_s=STEP_S, start_s=MONDAY_S):
    detector = detector or Detector()
    return [detector.update(start_s + number * step_s, value)
            for number, value in enumerate(values)]


def alarms(points):
    return [number for number, point in enumerate(points) if point.is_alarm]


def daily(days, seed=1, noise=1.0, step_s=STEP_S):
    """10 at night, 30 by day, in a sine, with normal noise."""
    times = np.arange(days * DAY_S // step_s) * step_s
    wave = 20 - 10 * np.cos(2 * np.pi * times / DAY_S)
    return wave + np.random.default_rng(seed).normal(0, noise, len(times))


# known answers


def test_finds_a_spike_and_says_it_once():
    values = daily(10)
    values[9 * DAY + 100:9 * DAY + 103] += 60
    found = [each for each in alarms(feed(values)) if each >= 9 * DAY]
    assert found[0] == 9 * DAY + 100
    assert len(found) == 1


def test_finds_a_usual_value_at_an_unusual_hour():
    values = daily(12)
    values[11 * DAY:11 * DAY + 24] = 29.0  # usual at noon, not at midnight
    assert any(11 * DAY <= each < 11 * DAY + 24 for each in alarms(feed(values)))


def test_says_the_hour_in_the_zone_given():
    values = daily(21)
    at = 15 * DAY + 6 * 12  # Tuesday, 06:00 UTC; usually 20
    values[at:at + 6] = 82.0
    berlin = [point.reason for point in feed(values, Detector("Europe/Berlin"))[at:at + 6]]
    london = [point.reason for point in feed(values, Detector("Europe/London"))[at:at + 6]]
    assert "a Tuesday 07:00" in berlin[0]
    assert "a Tuesday 06:00" in london[0]
    assert berlin[0].startswith("4.") and "× the usual for" in berlin[0]  # 82 / about 20


def test_alarm_names_the_change_of_level():
    values = np.random.default_rng(3).normal(100, 1, 4 * DAY)
    values[3 * DAY:] += 8
    points = feed(values)
    first = next(each for each in alarms(points) if each >= 3 * DAY)
    assert first < 3 * DAY + 12
    assert points[first].reason


def test_a_level_is_the_usual_one_within_a_day_and_a_half():
    values = np.random.default_rng(5).normal(100, 1, 10 * DAY)
    values[5 * DAY:] += 50
    points = feed(values)
    learned = points[5 * DAY + DAY + DAY // 2:]
    assert all(point.low < 150 < point.high for point in learned)
    assert alarms(learned) == []


def test_the_band_holds_nearly_all_usual_values():
    values = daily(14)
    points = feed(values)
    inside = [point.low <= value <= point.high
              for point, value in zip(points[4 * DAY:], values[4 * DAY:], strict=True)]
    assert 0.99 < np.mean(inside) <= 1.0


def test_the_season_makes_the_band_narrow_where_it_helps():
    def mean_width(values, step_s):
        points = feed(values, step_s=step_s)[-7 * 24:]
        return np.mean([point.high - point.low for point in points])

    hourly = daily(28, step_s=3_600)
    shuffled = np.random.default_rng(1).permutation(hourly)
    assert mean_width(hourly, 3_600) < mean_width(shuffled, 3_600) / 3


def test_learns_first_and_says_so():
    points = feed(daily(1))
    assert {point.state for point in points[:99]} == {"learning"}
    assert {point.score for point in points[:99]} == {0.0}
    assert points[150].state == "watching"


def test_missing_values_are_no_anomaly_and_harm_nothing():
    values = [float(each) for each in daily(6)]
    gaps = [None if number % 3 else value for number, value in enumerate(values)]
    gaps[7] = math.nan
    points = feed(gaps)
    assert {point.state for number, point in enumerate(points) if number % 3} == {"missing"}
    assert all(point.score == 0 for number, point in enumerate(points) if number % 3)
    assert len(alarms(points)) <= 2
    gaps[5 * DAY + 3 * 20] = 200.0
    assert 5 * DAY + 60 in alarms(feed(gaps))


def test_a_constant_is_quiet_until_it_moves():
    values = [5.0] * 600
    values[500] = 6.0
    assert alarms(feed(values)) == [500]


def test_one_great_incident_does_not_hide_the_next():
    values = np.random.default_rng(7).normal(100, 1, 16 * DAY)
    values[6 * DAY:6 * DAY + 12] += 400
    values[12 * DAY:12 * DAY + 12] += 300
    found = alarms(feed(values))
    assert 6 * DAY in found
    assert 12 * DAY in found


@pytest.mark.parametrize("step_s", [10, 60, 900, 3_600, DAY_S])
def test_any_step(step_s):
    values = np.random.default_rng(11).normal(50, 2, 1_200)
    values[1_100] += 40
    assert 1_100 in alarms(feed(values, step_s=step_s))


# time


def test_time_that_goes_back_is_refused_and_teaches_nothing():
    one, other = Detector(), Detector()
    for detector in (one, other):
        feed([1.0, 2.0, 3.0], detector)
    with pytest.raises(ValueError, match="before"):
        one.update(MONDAY_S, 9.0)
    assert one.state() == other.state()


@pytest.mark.parametrize("at_s", [math.nan, math.inf, -1e12, 1e15])
def test_an_impossible_time_is_refused(at_s):
    with pytest.raises(ValueError, match="outside"):
        Detector().update(at_s, 1.0)


def test_a_second_value_at_the_same_time_is_a_further_sample():
    detector = Detector()
    feed(daily(2), detector)
    assert detector.update(MONDAY_S + 2 * DAY_S, 10.0).state == "watching"
    assert detector.update(MONDAY_S + 2 * DAY_S, 10.5).state == "watching"


# calibration


def noise(kind, seed, count, step_s):
    rng = np.random.default_rng(seed)
    wave = np.sin(2 * np.pi * np.arange(count) * step_s / DAY_S)
    if kind == "normal":
        return rng.normal(10, 1, count)
    if kind == "heavy":
        return rng.standard_t(3, count)
    if kind == "skewed":
        return np.exp(0.7 * rng.normal(size=count))
    if kind == "seasonal":
        return 10 + 5 * wave + rng.normal(size=count)
    if kind == "counts":
        return rng.poisson(20 * (1 + 0.7 * wave)).astype(float)
    drawn, values = rng.normal(size=count), np.zeros(count)
    for number in range(1, count):
        values[number] = 0.95 * values[number - 1] + drawn[number]
    return values


@pytest.mark.parametrize("step_s", [900, 3_600])
def test_about_one_false_alarm_in_four_weeks_once_four_weeks_are_known(step_s):
    weeks, kinds, seeds = 8, ("normal", "heavy", "skewed", "seasonal", "counts", "wandering"), 2
    count = weeks * 7 * DAY_S // step_s
    at_alarm = at_third = 0
    for kind in kinds:
        for seed in range(seeds):
            late = feed(noise(kind, seed, count, step_s), step_s=step_s)[count // 2:]
            at_alarm += len(alarms(late))
            at_third += sum(point.score >= 1 / 3 for point in late)
    series_weeks = len(kinds) * seeds * weeks / 2
    # stated: 0.25 and 1; 48 series-weeks give 12 and 48, of which twice as many is allowed
    assert at_alarm / series_weeks <= 0.5
    assert at_third / series_weeks <= 1.5
    assert at_third > 0


# "not an anomaly"


def test_what_was_accepted_does_not_alarm_again():
    values = np.random.default_rng(13).normal(100, 1, 46 * DAY)
    for day in (5, 40):  # after 28 days the first would be forgotten
        values[day * DAY:day * DAY + 12] += 100
    told, untold = Detector(), Detector()
    start = feed(values[:6 * DAY], told)
    feed(values[:6 * DAY], untold)
    first = next(each for each in alarms(start) if each >= 5 * DAY)
    assert told.accept(MONDAY_S + first * STEP_S)
    later_s = MONDAY_S + 6 * DAY_S
    assert 34 * DAY in alarms(feed(values[6 * DAY:], untold, start_s=later_s))
    assert all(each < 34 * DAY for each in alarms(feed(values[6 * DAY:], told, start_s=later_s)))


def test_accepting_what_never_was_is_said():
    detector = Detector()
    feed(daily(1), detector)
    assert not detector.accept(MONDAY_S)


# state


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 5 * DAY - 1), st.integers(0, 100))
def test_a_restart_changes_nothing_bit_for_bit(cut, seed):
    values = daily(5, seed)
    values[3 * DAY:3 * DAY + 5] *= 4
    whole = feed(values)
    detector = Detector("Europe/Berlin")
    Detector.restore(json.loads(json.dumps(detector.state())))
    detector = Detector()
    first = feed(values[:cut], detector)
    again = Detector.restore(json.loads(json.dumps(detector.state())))
    assert again.state() == detector.state()
    rest = feed(values[cut:], again, start_s=MONDAY_S + cut * STEP_S)
    assert first + rest == whole


def test_the_state_stays_small():
    detector = Detector()
    feed(daily(30), detector)
    assert len(json.dumps(detector.state())) < 40_000


# anything


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.floats(0, 1e6), st.one_of(st.none(), st.floats())), max_size=400),
       st.sampled_from(["UTC", "America/New_York", "Asia/Kathmandu"]))
def test_any_numbers_at_any_gaps_give_sound_points(rows, zone):
    detector, at_s = Detector(zone), MONDAY_S
    for gap_s, value in rows:
        at_s += gap_s
        point = detector.update(at_s, value)
        assert 0.0 <= point.score < 1.0
        assert (point.score >= ALARM) == bool(point.reason)
        if point.low is not None:
            assert math.isfinite(point.low) and math.isfinite(point.high)
            assert point.low <= point.expected <= point.high or point.low == 0.0
    json.loads(json.dumps(detector.state(), allow_nan=False))
