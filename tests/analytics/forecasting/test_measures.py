"""Errors as the M4 competition defines them, by hand."""

import math

import numpy as np
import pytest

from analytics.forecasting.measures import (
    forecast_naive2,
    measure_mase,
    measure_msis,
    measure_owa,
    measure_smape_pct,
    seasonal_scale,
)


def test_smape() -> None:
    # 200 x 1/3 = 66.667 and 200 x 2/6 = 66.667; both 0 is no error
    found = measure_smape_pct(np.array([1.0, 2.0, 0.0]), np.array([2.0, 4.0, 0.0]))
    assert found == pytest.approx((200 / 3 + 200 / 3 + 0) / 3)
    assert measure_smape_pct(np.array([1.0]), np.array([-1.0])) == 200


def test_gaps_do_not_count() -> None:
    actual = np.array([1.0, math.nan, 3.0])
    assert measure_mase(actual, np.zeros(3), 2.0) == 1.0  # (1 + 3) / 2 / 2
    assert measure_smape_pct(actual, actual) == 0


def test_scale_is_the_seasonal_change() -> None:
    assert seasonal_scale(np.array([1.0, 2.0, 4.0, 4.0]), 2) == 2.5  # |4 - 1| and |4 - 2|
    assert seasonal_scale(np.array([1.0, 2.0, 1.0, 2.0]), 2) is None  # nothing changes
    assert seasonal_scale(np.array([1.0, 2.0]), 2) is None
    assert measure_mase(np.ones(1), np.zeros(1), None) is None


def test_msis() -> None:
    # width 2 thrice; 3 above by 1 costs 2 / 0.05 = 40: (2 + 2 + 42) / 3 / scale 2
    actual = np.array([1.0, 2.0, 3.0])
    assert measure_msis(actual, np.zeros(3), np.full(3, 2.0), 2.0) == pytest.approx(46 / 6)


def test_naive2_repeats_the_last_value_without_season() -> None:
    rng = np.random.default_rng(3)
    history = 10 + rng.normal(size=60)
    assert forecast_naive2(history, 3, 12).tolist() == [history[-1]] * 3
    assert forecast_naive2(np.full(60, 7.0), 2, 12).tolist() == [7.0, 7.0]
    assert forecast_naive2(np.arange(1.0, 11.0), 2, 4).tolist() == [10.0, 10.0]  # under 3 seasons


@pytest.mark.parametrize("season", [2, 5, 24])
def test_naive2_goes_on_with_a_multiplicative_season(season: int) -> None:
    shape = 1 + 0.5 * np.sin(2 * np.pi * (np.arange(season) + 0.25) / season)
    history = np.tile(shape, 8)[:-1]  # ends one step before the season does
    expected = np.tile(shape, 3)[season - 1:season + 4]
    np.testing.assert_allclose(forecast_naive2(history, 5, season), expected, rtol=1e-9)


def test_owa_is_the_mean_of_both_ratios_of_averages() -> None:
    # sMAPE 15 / 20 = 0.75, MASE 1 / 2 = 0.5
    assert measure_owa([10, 20], [0.5, 1.5], [15, 25], [2, 2]) == pytest.approx(0.625)
