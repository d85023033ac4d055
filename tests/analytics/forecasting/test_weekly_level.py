"""Weekday profile times level: by arithmetic and on simulated weeks."""

import datetime as dt
import math

import numpy as np
import pytest

from analytics.forecasting.blocks import Change, change_coming, change_past, cut_blocks
from analytics.forecasting.series import Series
from analytics.forecasting.weekly_level import LEAST_DRIFT, WeeklyLevel, fit_level

MONDAY = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
PROFILE = np.array([1.2, 1.1, 1.1, 1.2, 1.0, 0.7, 0.7])
HOUR_S = 3_600


def phases(count: int, first: int = 0) -> np.ndarray:
    return (first + np.arange(count)) % 7


def test_exact_weeks_give_level_and_profile_back() -> None:
    found = fit_level(np.tile(100 * PROFILE, 12), phases(84), 7)
    assert found.level == pytest.approx(100, rel=0.02)
    # Each weekday is drawn towards its kind as by one of thirteen values.
    assert found.profile == pytest.approx(PROFILE, abs=0.02)
    assert found.expect(np.array([0, 6])) == pytest.approx([120, 70], rel=0.03)


def test_less_than_a_week_and_a_half_has_no_profile() -> None:
    found = fit_level(np.tile(100 * PROFILE, 2)[:9], phases(9), 7)
    assert found.profile.tolist() == [1.0] * 7


def test_one_days_spike_is_not_next_weeks_level() -> None:
    values = np.full(28, 100.0)
    values[25] = 1_000.0
    found = fit_level(values, phases(28), 7)
    # Counted as at most 160, two days ago, at a rate of at most 0.35: 100 + 60 x 0.35 x 0.65²,
    # and up to 3 % more by the shares of a profile that saw a spike once.
    assert 100 <= found.level <= (100 + 60 * 0.35 * 0.65 ** 2) * 1.03
    # Of four such weekdays one counts 1.6: (3 + 1.6 + 1) / 5 = 1.12, about; the others share it.
    assert found.profile[25 % 7] == pytest.approx(1.12, abs=0.03)
    assert np.delete(found.profile, 25 % 7) == pytest.approx(np.full(6, 0.98), abs=0.04)


def test_a_new_level_is_followed() -> None:
    found = fit_level(np.concatenate([np.full(28, 100.0), np.full(14, 300.0)]), phases(42), 7)
    assert found.level > 270


def test_nothing_spent_is_a_level_of_nothing() -> None:
    found = fit_level(np.zeros(20), phases(20), 7)
    assert (found.level, found.variance) == (0, 0)
    assert found.deviate(np.ones(5)).tolist() == [0] * 5


def test_spread_of_sums_by_hand() -> None:
    level = WeeklyLevel(10.0, np.ones(7), 0.5, 0.04, 100)
    # One step: 10 x sqrt(0.04). Two: variance 0.04 x ((1 + 0.5)² + 1²) = 0.04 x 3.25.
    assert level.deviate(np.ones(2)) == pytest.approx([2.0, 10 * math.sqrt(0.04 * 3.25)])
    slow = WeeklyLevel(10.0, np.ones(7), 0.01, 0.04, 100)
    assert slow.deviate(np.ones(2))[1] == pytest.approx(
        10 * math.sqrt(0.04 * ((1 + LEAST_DRIFT) ** 2 + 1)))


def history(values, step_s: int, start: dt.datetime = MONDAY) -> Series:
    return Series(start, step_s, np.asarray(values, dtype=float))


def test_hours_become_days_that_begin_with_the_window() -> None:
    hours = history(np.arange(24 * 3 + 5.0), HOUR_S)
    found = cut_blocks(hours, hours.values, True, MONDAY.timestamp())
    assert found.values.tolist() == [276, 852, 1_428]  # 0..23, 24..47, 48..71
    assert found.end_s == (MONDAY + dt.timedelta(days=3)).timestamp()
    assert found.phases(found.past_starts_s()).tolist() == [0, 1, 2]
    shifted = cut_blocks(hours, hours.values, True, MONDAY.timestamp() + 5 * HOUR_S)
    assert shifted.values.tolist() == [24 * 16.5, 24 * 40.5, 24 * 64.5]  # days from 05:00


def test_part_of_a_day_by_its_usual_hours() -> None:
    hours = history(np.tile([*[0.0] * 12, *[2.0] * 12], 4), HOUR_S)
    found = cut_blocks(hours, hours.values, True, MONDAY.timestamp())
    start = found.past_starts_s()[:1]
    noon = float(start[0]) + 12 * HOUR_S
    assert found.share_between(start, float(start[0]), noon) == pytest.approx([0.0])
    assert found.share_between(start, noon, noon + 6 * HOUR_S) == pytest.approx([0.5])
    assert found.share_between(start, float(start[0]) - 1e6, noon + 1e6) == pytest.approx([1.0])


def test_hours_by_themselves_repeat_by_day_then_by_week() -> None:
    short = history(np.ones(24 * 10), HOUR_S)
    assert cut_blocks(short, short.values, False, 0.0).period == 24
    long = history(np.ones(24 * 21), HOUR_S)
    assert cut_blocks(long, long.values, False, 0.0).period == 168
    odd = history(np.ones(50), 7_000)
    assert cut_blocks(odd, odd.values, True, 0.0).period == 1  # does not divide a day


def test_changes_scale_what_lies_before_or_after() -> None:
    starts = np.array([0.0, 100.0, 200.0])
    at = dt.datetime.fromtimestamp(150, dt.UTC)
    # Past: everything before counts three times, of the block in which it falls one half.
    assert change_past(starts, 100, [Change(at, 3.0)], 300).tolist() == [3, 2, 1]
    assert change_past(starts, 100, [Change(at, 3.0)], 140).tolist() == [1, 1, 1]
    assert change_coming(starts, 100, [Change(at, 3.0)], 0, 300).tolist() == [1, 2, 3]
    # Only what is left of the middle block counts: from 140 to 200, of which 50 of 60 s after.
    assert change_coming(starts[1:], 100, [Change(at, 3.0)], 140, 300) == pytest.approx(
        [1 + 2 * 50 / 60, 3])
