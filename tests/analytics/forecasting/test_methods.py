"""The statistical methods: by arithmetic, and beside statsmodels."""

import warnings

import numpy as np
import pytest

from analytics.forecasting.methods import list_methods, repeat_season
from analytics.forecasting.shapes import remove_season
from analytics.forecasting.smoothing import (
    DAMPING,
    forecast_holt_winters,
    forecast_theta,
    smooth_level,
)


def noise(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def test_season_is_repeated_from_its_right_phase() -> None:
    window = np.array([[1.0, 2.0, 3.0, 4.0, 5.0]])
    assert repeat_season(window, 4, 3).tolist() == [[3, 4, 5, 3]]
    assert repeat_season(window, 2, 1).tolist() == [[5, 5]]
    assert repeat_season(window, 2, 99).tolist() == [[1, 2]]  # all there is


def test_additive_season_comes_off_and_back() -> None:
    shape = np.array([3.0, -1.0, -2.0])
    window = (10 + np.tile(shape, 6))[None, 1:]  # begins in mid-season
    shaped = remove_season(window, 4, 3)
    np.testing.assert_allclose(shaped.flat, 10)
    np.testing.assert_allclose(shaped.ahead, [[3, -1, -2, 3]], atol=1e-12)
    np.testing.assert_allclose(shaped.restore(np.full((1, 4), 10.0)), [[13, 9, 8, 13]])


@pytest.mark.parametrize("season", [2, 3, 4, 7, 24])
def test_multiplicative_season_comes_off_and_back(season: int) -> None:
    shape = 1 + 0.5 * np.sin(2 * np.pi * np.arange(season) / season + 0.3)
    shape /= shape.mean()
    window = 4 * np.tile(shape, 5)[None, :]
    shaped = remove_season(window, season, season, multiplies=True)
    np.testing.assert_allclose(shaped.flat, 4)
    np.testing.assert_allclose(shaped.ahead[0], shape)


def test_older_seasons_weigh_less() -> None:
    # Distances from the mean are ±1 first and ±3 last: with memory 0 only the last count.
    window = np.array([[1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 3.0, -3.0, 3.0, -3.0, 3.0, -3.0]])
    even = remove_season(window, 2, 2, 1.0).ahead[0, 0]
    recent = remove_season(window, 2, 2, 0.2).ahead[0, 0]
    assert 1 < even < recent <= 3


def test_level_of_a_constant_and_of_white_noise() -> None:
    level, _ = smooth_level(np.full((1, 30), 5.0))
    assert level.tolist() == [5.0]
    level, rate = smooth_level(10 + noise(1, 1, 500))
    assert rate[0] == 0.02  # nothing to follow: the longest memory wins
    assert level[0] == pytest.approx(10, abs=0.3)
    _, rate = smooth_level(np.cumsum(noise(2, 1, 500), axis=1))
    assert rate[0] >= 0.9  # a random walk: the last value is all there is to know


def test_level_is_exponential_smoothing() -> None:
    values = noise(3, 1, 80).cumsum(axis=1) * 0.1 + noise(4, 1, 80)
    (level,), (rate,) = smooth_level(values)
    by_hand = values[0, :8].mean()
    for value in values[0]:
        by_hand += rate * (value - by_hand)
    assert level == pytest.approx(by_hand)


def test_theta_beside_statsmodels() -> None:
    pytest.importorskip("statsmodels")
    from statsmodels.tsa.forecasting.theta import ThetaModel
    apart = []
    for seed in range(12):
        values = 50 + 0.3 * np.arange(120) + np.cumsum(noise(seed, 120)) + noise(seed + 99, 120)
        own = forecast_theta(values[None, :], 10)[0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            other = ThetaModel(values, deseasonalize=False).fit().forecast(10).to_numpy()
        apart.append(np.abs(own - other).mean() / values.std())
    # Rates come from a grid here and from an optimizer there.
    assert np.mean(apart) < 0.03
    assert np.max(apart) < 0.12


def test_theta_halves_the_slope_of_a_line() -> None:
    # On a line both parts end at the same point; half of slope 2 per step is 1.
    found = forecast_theta(2 * np.arange(50.0)[None, :], 3)[0]
    np.testing.assert_allclose(np.diff(found), 1)
    assert found[0] == pytest.approx(99, abs=0.01)  # (100 of the line + 98 of the smoothing) / 2


def test_holt_winters_beside_statsmodels() -> None:
    pytest.importorskip("statsmodels")
    from statsmodels.tsa.holtwinters import ExponentialSmoothing
    steps = np.arange(240)
    own_errors, other_errors = [], []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        values = (100 + np.cumsum(rng.normal(0, 0.5, 264))
                  + 10 * np.sin(2 * np.pi * np.arange(264) / 24) + rng.normal(0, 2, 264))
        past, actual = values[:len(steps)], values[len(steps):]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            other = ExponentialSmoothing(past, trend="add", damped_trend=True, seasonal="add",
                                         seasonal_periods=24).fit().forecast(24)
        own = forecast_holt_winters(past[None, :], 24, 24)[0]
        own_errors.append(np.abs(own - actual).mean())
        other_errors.append(np.abs(other - actual).mean())
    assert np.mean(own_errors) < 1.1 * np.mean(other_errors)


def test_holt_winters_follows_a_season_exactly() -> None:
    values = 10 + np.tile([1.0, 2.0, -3.0], 20)
    np.testing.assert_allclose(forecast_holt_winters(values[None, :], 4, 3)[0],
                               [11, 12, 7, 11], atol=1e-9)


def test_a_damped_trend_runs_out() -> None:
    found = forecast_holt_winters(np.arange(60.0)[None, :], 200, 1)[0]
    steps = np.diff(found)
    np.testing.assert_allclose(steps[1:] / steps[:-1], DAMPING)


@pytest.mark.parametrize("seasons", [(), (7,), (24,), (24, 168)])
def test_every_method_gives_its_shape_and_holds_a_constant(seasons: tuple[int, ...]) -> None:
    windows = np.full((3, 2 * max((*seasons, 4)) + 1), 6.0)
    for name, method in list_methods(seasons, is_positive=True).items():
        found = method(windows, 30)
        assert found.shape == (3, 30), name
        np.testing.assert_allclose(found, 6, err_msg=name)


@pytest.mark.parametrize("seasons", [(), (7,), (24, 168)])
def test_windows_do_not_see_each_other(seasons: tuple[int, ...]) -> None:
    windows = 10 + noise(8, 4, 400)
    for name, method in list_methods(seasons, is_positive=True).items():
        together = method(windows, 9)
        np.testing.assert_allclose(together[2:3], method(windows[2:3], 9), err_msg=name)
