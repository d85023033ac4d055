"""Boosting learnt from many series: it transfers, is honest about itself, and is reproducible."""

import datetime as dt
import os

import numpy as np
import pytest

from analytics.forecasting.answers import CannotForecast, Forecast
from analytics.forecasting.boosting import Learned, cut_pieces
from analytics.forecasting.lags import build_frame, window_length
from analytics.forecasting.many_series import forecast_many, learn_from, usual_seasons
from analytics.forecasting.series import Series

os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads wait for each other on a busy machine
START = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
HORIZON = 24
COUNT = 700
ROUNDS = 40


def make(seed: int, count: int, noise: float = 0.08) -> np.ndarray:
    """Weeks of days of differing size, phase and shape, with noise that lasts some hours."""
    rng = np.random.default_rng(seed)
    steps = np.arange(count) + rng.integers(168)
    daily = 1 + rng.uniform(0.2, 0.7) * np.sin(2 * np.pi * (steps + rng.integers(24)) / 24)
    weekend = np.where(steps // 24 % 7 >= 5, rng.uniform(0.4, 0.9), 1.0)
    drift = np.zeros(count)
    for step in range(1, count):
        drift[step] = 0.9 * drift[step - 1] + noise * rng.normal()
    return 10 ** rng.uniform(0, 4) * daily * weekend * np.exp(drift)


def series(values: np.ndarray, step_s: int = 3_600) -> Series:
    return Series(START, step_s, values)


@pytest.fixture(scope="module")
def world() -> list[np.ndarray]:
    return [make(seed, COUNT + HORIZON) for seed in range(40)]


@pytest.fixture(scope="module")
def learned(world: list[np.ndarray]) -> Learned:
    found = learn_from([series(each[:COUNT]) for each in world], HORIZON, seed=1, rounds=ROUNDS)
    assert isinstance(found, Learned)
    return found


@pytest.fixture(scope="module")
def answers(world: list[np.ndarray], learned: Learned) -> list[Forecast]:
    found = forecast_many([series(each[:COUNT]) for each in world], learned)
    assert all(isinstance(each, Forecast) for each in found)
    return found


def test_it_errs_less_than_repeating_the_last_day_or_week(world, answers) -> None:
    own, by_day, by_week = [], [], []
    for values, found in zip(world, answers, strict=True):
        past, actual = values[:COUNT], values[COUNT:]
        own.append(np.abs(found.mean / actual - 1).mean())
        by_day.append(np.abs(past[-24:] / actual - 1).mean())
        by_week.append(np.abs(past[-168:-144] / actual - 1).mean())
    assert np.mean(own) < 0.9 * min(np.mean(by_day), np.mean(by_week))


def test_95_pct_interval_covers_93_to_97_pct(world, answers) -> None:
    inside = [(values[COUNT:] >= found.quantiles[0]) & (values[COUNT:] <= found.quantiles[-1])
              for values, found in zip(world, answers, strict=True)]
    # 40 series of 24 hours that persist: some 200 independent values, standard error 1.5 %.
    assert 0.92 <= np.mean(inside) <= 0.985
    assert answers[0].backtest.coverage_ratio == pytest.approx(0.95, abs=0.03)


def test_says_what_it_is_made_of_and_how_it_did(answers) -> None:
    for found in answers:
        assert found.seasons == (24, 168)
        assert sum(weight for _, weight in found.weights) == pytest.approx(1)
        assert (np.diff(found.quantiles, axis=0) >= 0).all()
        assert found.backtest.origins == 4
        if found.method != "seasonal_naive":
            assert found.backtest.last_mase < found.backtest.last_naive_mase
    assert sum("boosting" in dict(found.weights) for found in answers) > 30


def test_an_unknown_series_and_short_or_broken_ones(world, learned) -> None:
    new, short = make(99, COUNT), make(98, 200)
    broken = np.full(50, np.nan)
    found = forecast_many([series(each) for each in (new, short, broken)], learned)
    assert "boosting" in dict(found[0].weights) or found[0].method == "seasonal_naive"
    assert isinstance(found[1], Forecast)
    assert "boosting" not in dict(found[1].weights)
    assert isinstance(found[2], CannotForecast)
    other_step = forecast_many([series(new, 1_800)], learned)[0]
    assert isinstance(other_step, Forecast)
    assert "boosting" not in dict(other_step.weights)


def test_size_of_a_series_does_not_matter(world, learned) -> None:
    values = world[0][:COUNT]
    one, large = (forecast_many([series(each), series(world[1][:COUNT])], learned)[0]
                  for each in (values, values * 2.0 ** 40))
    np.testing.assert_allclose(large.mean, one.mean * 2.0 ** 40, rtol=1e-9)


def test_same_seed_same_model(world, learned, answers) -> None:
    again = learn_from([series(each[:COUNT]) for each in world], HORIZON, seed=1, rounds=ROUNDS)
    assert isinstance(again, Learned)
    found = forecast_many([series(each[:COUNT]) for each in world], again)
    np.testing.assert_array_equal([each.mean for each in found],
                                  [each.mean for each in answers])


def test_strange_series_among_them_are_finite_and_ordered(learned) -> None:
    rng = np.random.default_rng(5)
    plain = make(7, COUNT)
    strange = [np.zeros(COUNT), np.full(COUNT, 7.0), plain * 1e300, plain * 1e-300, -plain,
               np.where(rng.random(COUNT) < 0.3, np.nan, plain),
               np.concatenate([np.zeros(COUNT - 1), [1e9]]), rng.poisson(0.05, COUNT) * 1.0]
    found = forecast_many([series(each) for each in strange], learned)
    for values, each in zip(strange, found, strict=True):
        assert isinstance(each, Forecast)
        assert np.isfinite(each.quantiles).all()
        assert (each.quantiles[1:] >= each.quantiles[:-1]).all()
        assert (each.quantiles >= 0).all() == (np.nanmin(values) >= 0)
    assert (found[1].quantiles == 7).all()  # never erred, so nothing widens it


def test_says_why_nothing_can_be_learnt(world) -> None:
    few = learn_from([series(each[:COUNT]) for each in world[:3]], HORIZON, seed=1)
    assert isinstance(few, CannotForecast)
    assert few.code == "too_few_series"
    mixed = learn_from([series(world[0]), series(world[1], 60)], HORIZON, seed=1)
    assert isinstance(mixed, CannotForecast)
    assert mixed.code == "mixed_steps"
    assert isinstance(learn_from([], HORIZON, seed=1), CannotForecast)


def test_seasons_are_those_that_many_have(world) -> None:
    assert usual_seasons([series(each) for each in world]) == (24, 168)
    rng = np.random.default_rng(1)
    assert usual_seasons([series(rng.normal(size=500)) for _ in range(10)]) == ()


def test_windows_never_hold_what_is_to_be_forecast() -> None:
    counted = series(np.arange(900.0))
    pieces = cut_pieces([counted], 48, (24, 168), range(4), True)
    assert pieces.past[:, -1].tolist() == [851, 827, 803, 779]  # 900 - 48 - 24 k, less one
    assert (pieces.actual[:, 0] - pieces.past[:, -1]).tolist() == [1] * 4
    # 852 hours after Monday 00:00 are 35 days and 12 hours: Monday noon.
    assert pieces.calendar[0, 0].tolist() == [0.5, 0]
    assert pieces.calendar[0, 12].tolist() == [0, 1]
    now = cut_pieces([counted], 48, (24, 168), range(-1, 0), False)
    assert now.past[0, -1] == 899
    assert np.isnan(now.actual).all()


@pytest.mark.parametrize(("horizon", "seasons"), [(1, (7,)), (40, (7,)), (48, (24, 168)),
                                                  (300, (24, 168)), (5, (2,))])
def test_features_fit_any_horizon_and_a_constant(horizon: int, seasons: tuple[int, ...]) -> None:
    window = np.full((2, window_length(seasons)), 3.0)
    frame = build_frame(window, horizon, seasons)
    assert frame.features.shape[:2] == (2, horizon)
    assert np.isfinite(frame.features).all()
    np.testing.assert_allclose(frame.restore(frame.base), 3)
    zeros = build_frame(np.zeros_like(window), horizon, seasons)
    assert np.isfinite(zeros.features).all()
    np.testing.assert_allclose(zeros.restore(zeros.base), 0)
