"""Peaks over the start-up time: from the past alone, calibrated, silent where they are worse."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.scaling.load_ahead import find_outages, forecast_peaks

STEP_S = 60.0
DAY = 1_440


def wave(days, seed=2):
    """Between 2/s and 12/s over a day, counted in minutes."""
    rate = 7 - 5 * np.cos(np.arange(days * DAY) * 2 * np.pi / DAY)
    return np.random.default_rng(seed).poisson(rate * STEP_S) / STEP_S


def test_as_many_peaks_stay_under_as_were_asked_for():
    load = wave(10)
    peaks = np.lib.stride_tricks.sliding_window_view(load[1:], 3).max(axis=1)
    for level in (0.5, 0.9):
        upper = forecast_peaks(load, STEP_S, 180.0, level).upper[:len(peaks)]
        told = np.isfinite(upper)
        assert told[DAY:].mean() > 0.9
        told[:3 * DAY] = False  # the first fits had seen no whole day
        assert (peaks[told] <= upper[told]).mean() == pytest.approx(level, abs=0.04)


@settings(max_examples=15, deadline=None)
@given(st.integers(DAY, 3 * DAY - 1))
def test_knows_nothing_of_the_future(now):
    load = wave(3)
    other = np.concatenate([load[:now + 1], load[now + 1:] * 5 + 3])
    first, second = (forecast_peaks(each, STEP_S, 180.0, 0.9) for each in (load, other))
    np.testing.assert_array_equal(first.upper[:now + 1], second.upper[:now + 1])
    np.testing.assert_array_equal(first.outage[:now + 1], second.outage[:now + 1])


def test_is_silent_where_persistence_is_as_good():
    steps = np.cumsum(np.random.default_rng(5).choice([-0.01, 0.01], 4 * DAY)) + 30
    steps[2 * DAY:] = np.repeat(np.random.default_rng(6).uniform(5, 60, 8), DAY // 4)
    found = forecast_peaks(steps, STEP_S, 180.0, 0.9)
    worse = found.error_ratio >= 1
    assert worse.any() and np.isnan(found.upper[worse]).all()
    assert np.isnan(found.upper[:60]).all()  # nothing was learned yet


def test_tells_outages_from_quiet_nights():
    busy, quiet = np.full(200, 10.0), np.full(200, 0.05)
    for load, is_outage in ((busy, True), (quiet, False)):
        load[150:160] = 0.0
        outage, held = find_outages(load, STEP_S)
        assert outage[150:160].all() == is_outage and outage.sum() == 10 * is_outage
        assert held[155] == (load[149] if is_outage else 0.0)
    busy[170] = np.nan
    busy[180] = 100.0  # no more than three times the last hour's highest is believed
    outage, held = find_outages(busy, STEP_S)
    assert outage[170] and held[180] == 30.0


def test_refuses_what_makes_no_sense():
    for arguments in ((0.0, 60.0, 0.9), (15.0, 0.0, 0.9), (15.0, 60.0, 1.0)):
        with pytest.raises(ValueError, match="positive"):
            forecast_peaks(np.ones(10), *arguments)
