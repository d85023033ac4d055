"""A history on its grid, its gaps, and the seasons it shows."""

import datetime as dt
import math

import numpy as np
import pytest

from analytics.forecasting import series as histories
from analytics.forecasting.seasons import detect_seasons
from analytics.forecasting.series import Series, fill_gaps, find_fault, read_series

START = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)  # a Monday
HOUR = dt.timedelta(hours=1)


def at(hours: float) -> dt.datetime:
    return START + hours * HOUR


def test_times_in_any_order_make_a_grid_with_gaps() -> None:
    found = read_series([at(3), at(0), at(1), at(5)], [30.0, 0.0, 10.0, None], step_s=3_600)
    assert isinstance(found, Series)
    assert (found.start_utc, found.step_s) == (START, 3_600)
    np.testing.assert_array_equal(found.values, [0, 10, math.nan, 30, math.nan, math.nan])
    assert found.end_utc == at(6)


def test_step_is_the_usual_gap() -> None:
    found = read_series([at(each) for each in (0, 1, 2, 4, 5)], [1.0] * 5)
    assert isinstance(found, Series)
    assert (found.step_s, len(found.values)) == (3_600, 6)


@pytest.mark.parametrize(("hours", "code"), [
    ((0,), "too_short"), ((0, 1, 1), "time_twice"),
    ((0, 1, 2, 3, 4.5), "irregular_times"),  # half a step off; a tenth is allowed
    ((0, 1, 2, 3, 1e6), "too_long"),
])
def test_says_why_times_make_no_grid(hours: tuple[float, ...], code: str) -> None:
    found = read_series([at(each) for each in hours], [1.0] * len(hours))
    assert getattr(found, "code", None) == code


def test_a_tenth_of_a_step_off_is_on_the_grid() -> None:
    found = read_series([at(0), at(1.08), at(2), at(2.95)], [1.0, 2.0, 3.0, 4.0], 3_600)
    assert isinstance(found, Series)
    assert found.values.tolist() == [1, 2, 3, 4]


def test_naive_times_are_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        read_series([dt.datetime(2026, 1, 1), at(1)], [1.0, 2.0])
    with pytest.raises(ValueError, match="zone"):
        Series(dt.datetime(2026, 1, 1), 60, np.ones(3))


@pytest.mark.parametrize(("values", "code"), [
    ([1.0] * 7, "too_short"), ([1.0] * 7 + [math.nan] * 9, "too_short"),
    ([1.0] * 8 + [math.nan] * 9, "too_many_gaps"), ([1.0] * 8 + [math.inf], "not_finite"),
    ([math.nan] * 9 + [1.0] * 8, None)])  # gaps before the first value do not count
def test_faults_of_a_history(values: list[float], code: str | None) -> None:
    fault = find_fault(Series(START, 60, np.array(values)))
    assert (fault.code if fault else None) == code


def test_gap_in_a_line_is_filled_by_the_line() -> None:
    filled = fill_gaps(np.array([1.0, 2.0, math.nan, 4.0, math.nan]))
    assert filled.tolist() == [1, 2, 3, 4, 4]


def test_gap_in_a_season_keeps_its_shape() -> None:
    values = np.tile([0.0, 10.0, 5.0], 4)
    holed = values.copy()
    holed[[4, 5]] = math.nan
    # Medians by phase are 0, 10, 5, what is left over is 0 everywhere, so the gap is the shape.
    assert fill_gaps(holed, 3).tolist() == values.tolist()


def test_unit_keeps_squares_finite() -> None:
    assert histories.unit_of(np.array([3.0, -5.0])) == 8.0
    assert histories.unit_of(np.array([0.0, math.nan])) == 1.0
    largest = np.finfo(float).max
    assert histories.scale_back(np.array([4.0]), histories.unit_of(np.array([largest])))[0] == \
        largest


def wave(count: int, *seasons: int, noise: float = 0.3) -> np.ndarray:
    rng = np.random.default_rng(5)
    steps = np.arange(count)
    return rng.normal(0, noise, count) + sum(np.sin(2 * np.pi * steps / each) for each in seasons)


@pytest.mark.parametrize(("step_s", "values", "expected"), [
    (3_600, wave(500, 24), (24,)), (3_600, wave(500, 24, 168), (24, 168)),
    (86_400, wave(40, 7), (7,)), (900, wave(1_000, 96), (96,)),
    (3_600, wave(50, 24), ()),  # two and a half days are needed
    (3_600, wave(500), ()), (3_600, np.ones(500), ()),
    (3_600, np.cumsum(wave(500)), ()),  # a random walk
    (3_600, wave(500, 24) + 0.5 * np.arange(500), (24,)),  # a trend is no season
    (7_000, wave(500, 24), ()),  # no calendar season is a whole number of such steps
])
def test_seasons_that_the_data_show(step_s: int, values: np.ndarray,
                                    expected: tuple[int, ...]) -> None:
    assert detect_seasons(values, step_s) == expected


def test_weekend_of_daily_cycles_is_a_season() -> None:
    steps = np.arange(24 * 28)
    weekend = np.where(steps // 24 % 7 >= 5, 0.5, 1.0)
    rng = np.random.default_rng(1)
    load = weekend * (2 + np.sin(2 * np.pi * steps / 24)) + rng.normal(0, 0.2, len(steps))
    assert detect_seasons(load, 3_600) == (24, 168)
