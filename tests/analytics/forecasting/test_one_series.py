"""The forecast of one series: what is shown, how it is proved, and that nothing breaks it."""

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.forecasting.answers import CannotForecast, Forecast
from analytics.forecasting.measures import measure_mase, seasonal_scale
from analytics.forecasting.one_series import forecast_series
from analytics.forecasting.series import Series
from tests.datasets import dataset

START = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)


def series(values, step_s: int = 3_600) -> Series:
    return Series(START, step_s, np.asarray(values, dtype=float))


def forecast(values, horizon: int, step_s: int = 3_600, **options) -> Forecast:
    found = forecast_series(series(values, step_s), horizon, **options)
    assert isinstance(found, Forecast)
    return found


def daily_cycle(rng: np.random.Generator, count: int) -> np.ndarray:
    return 50 + 15 * np.sin(2 * np.pi * np.arange(count) / 24) + 2 * rng.normal(size=count)


def weekly_spend(rng: np.random.Generator, count: int) -> np.ndarray:
    profile = np.array([1.1, 1.2, 1.2, 1.1, 1.0, 0.7, 0.7])
    return 100 * profile[np.arange(count) % 7] * np.exp(0.15 * rng.normal(size=count))


def white(rng: np.random.Generator, count: int) -> np.ndarray:
    return 20 + rng.normal(size=count)


def persistent(rng: np.random.Generator, count: int) -> np.ndarray:
    found = rng.normal(size=count)
    for step in range(1, count):
        found[step] += 0.8 * found[step - 1]
    return 30 + found


def test_answer_starts_where_the_history_ends() -> None:
    found = forecast(daily_cycle(np.random.default_rng(1), 100), 5)
    assert found.start_utc == START + dt.timedelta(hours=100)
    assert found.mean.shape == (5,)
    assert found.quantiles.shape == (5, 5)
    assert (np.diff(found.quantiles, axis=0) >= 0).all()
    assert sum(weight for _, weight in found.weights) == pytest.approx(1)


def test_beats_seasonal_naive_and_says_by_how_much() -> None:
    found = forecast(daily_cycle(np.random.default_rng(2), 400), 24)
    assert found.seasons == (24,)
    assert found.notes[0].code == "beats_seasonal_naive"
    tested = found.backtest
    assert tested.last_mase < tested.last_naive_mase
    # Repeating a noisy day errs by the noise of two values, a smoothed one by that of about one.
    assert tested.mase / tested.naive_mase == pytest.approx(1 / math.sqrt(2), abs=0.1)
    assert tested.coverage_ratio == pytest.approx(0.95, abs=0.04)


def test_random_walk_goes_on_about_where_it_is() -> None:
    shown, apart = 0, []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        values = 500 + np.cumsum(rng.normal(size=300))
        found = forecast(values, 10)
        apart.append(np.abs(found.mean - values[-1]).mean())
        if found.method == "seasonal_naive":
            shown += 1
            assert found.mean.tolist() == [values[-1]] * 10
            assert found.notes[0].code in ("seasonal_naive_shown", "seasonal_naive_best")
    assert shown >= 5
    assert np.mean(apart) < 1  # one step of the walk


def test_seasons_may_be_given_or_ruled_out() -> None:
    values = daily_cycle(np.random.default_rng(3), 400)
    assert forecast(values, 24, seasons=()).seasons == ()
    assert forecast(values, 24, seasons=(24, 168)).seasons == (24, 168)
    assert forecast(values[:60], 5, seasons=(24, 168)).seasons == (24,)  # too short for weeks


@pytest.mark.parametrize("options", [
    {"horizon": 0}, {"horizon": 20_001}, {"horizon": 3, "levels": (0.9, 0.1)},
    {"horizon": 3, "levels": ()}, {"horizon": 3, "levels": (0.0, 0.5)},
    {"horizon": 3, "seasons": (24, 100)}, {"horizon": 3, "seasons": (1,)}])
def test_refuses_what_makes_no_sense(options: dict) -> None:
    with pytest.raises(ValueError, match=r"horizon|levels|seasons"):
        forecast_series(series(np.ones(50)), **options)


@pytest.mark.parametrize(("values", "code"), [
    ([], "too_short"), ([1.0] * 7, "too_short"), ([math.nan] * 50, "too_short"),
    ([1.0] * 10 + [math.nan] * 30 + [1.0], "too_many_gaps"), ([1.0] * 9 + [math.inf], "not_finite"),
])
def test_not_enough_data_is_its_own_answer(values: list[float], code: str) -> None:
    found = forecast_series(series(values), 3)
    assert isinstance(found, CannotForecast)
    assert found.code == code


def test_constant_stays_constant_and_says_so() -> None:
    found = forecast([7.0] * 40, 6)
    assert found.mean.tolist() == [7.0] * 6
    assert (found.quantiles == 7).all()
    assert found.backtest.mase is None
    assert "never_changes" in {note.code for note in found.notes}


def test_what_was_never_negative_stays_so_unless_it_may() -> None:
    rng = np.random.default_rng(4)
    values = np.maximum(0, rng.normal(0.2, 1, 300))
    assert forecast(values, 20).quantiles.min() >= 0
    assert forecast(values, 20, can_be_negative=True).quantiles.min() < 0
    assert forecast(values - 1, 20).quantiles.min() < 0
    assert forecast(values - 1, 20, can_be_negative=False).quantiles.min() >= 0


def test_gaps_change_little_and_are_told() -> None:
    values = daily_cycle(np.random.default_rng(5), 500)
    holed = values.copy()
    holed[np.random.default_rng(6).choice(500, 60, replace=False)] = math.nan
    whole, found = forecast(values, 24), forecast(holed, 24)
    assert np.abs(whole.mean - found.mean).max() < 3  # noise is 2
    assert any(note.code == "gaps_filled" and note.text.startswith("60 ") for note in found.notes)


def test_steps_that_were_never_tested_are_told() -> None:
    found = forecast(white(np.random.default_rng(7), 30), 40)
    assert found.backtest.horizon < 40
    assert "beyond_backtest" in {note.code for note in found.notes}
    width = found.quantiles[-1] - found.quantiles[0]
    assert width[-1] > width[found.backtest.horizon - 1]


def test_same_history_same_forecast_in_any_unit() -> None:
    values = daily_cycle(np.random.default_rng(8), 300)
    one, again, large = forecast(values, 12), forecast(values, 12), forecast(values * 1024.0, 12)
    np.testing.assert_array_equal(one.quantiles, again.quantiles)
    np.testing.assert_allclose(large.mean, one.mean * 1024.0, rtol=1e-12)
    assert one.backtest == again.backtest


@pytest.mark.parametrize(("make", "count", "step_s", "horizon"), [
    (daily_cycle, 300, 3_600, 24), (weekly_spend, 120, 86_400, 14), (white, 200, 3_600, 8),
    (persistent, 300, 3_600, 6)])
def test_95_pct_interval_covers_93_to_97_pct(make, count: int, step_s: int, horizon: int) -> None:
    rng = np.random.default_rng(9)
    inside, backtested = [], []
    for _ in range(120):
        values = make(rng, count + horizon)
        found = forecast(values[:count], horizon, step_s)
        actual = values[count:]
        inside.append((actual >= found.quantiles[0]) & (actual <= found.quantiles[-1]))
        backtested.append(found.backtest.coverage_ratio)
    assert 0.93 <= np.mean(inside) <= 0.97
    assert 0.93 <= np.mean(backtested) <= 0.975


def test_on_real_hours_it_beats_seasonal_naive_and_covers() -> None:
    rows = pd.read_parquet(dataset("M4_HOURLY")).sort_values(["series", "step"])
    own, naive, inside = [], [], []
    for _, group in list(rows.groupby("series")["value"])[::7]:
        values = group.dropna().to_numpy(float)
        past, actual = values[:-48], values[-48:]
        found = forecast(past, 48)
        scale = seasonal_scale(past, 24)
        own.append(measure_mase(actual, found.mean, scale))
        naive.append(measure_mase(actual, np.tile(past[-24:], 2), scale))
        inside.append((actual >= found.quantiles[0]) & (actual <= found.quantiles[-1]))
    assert np.mean(own) < 0.9 * np.mean(naive)
    assert 0.93 <= np.mean(inside) <= 0.97


finite = st.floats(allow_nan=False, allow_infinity=False)
small = st.floats(-1e6, 1e6) | st.just(0.0)


@settings(max_examples=150, deadline=None)
@given(st.lists(finite | st.just(math.nan) | small, max_size=70), st.integers(1, 40),
       st.sampled_from([1, 60, 3_600, 7_200, 86_400]))
def test_any_numbers_give_finite_ordered_quantiles_or_a_reason(
        values: list[float], horizon: int, step_s: int) -> None:
    found = forecast_series(series(values, step_s), horizon)
    if isinstance(found, CannotForecast):
        assert found.code in ("too_short", "too_many_gaps")
        return
    assert np.isfinite(found.mean).all()
    assert np.isfinite(found.quantiles).all()
    assert (found.quantiles[1:] >= found.quantiles[:-1]).all()
    known = [each for each in values if not math.isnan(each)]
    if min(known) >= 0:
        assert found.quantiles.min() >= 0
    assert found.notes


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1e5), min_size=30, max_size=60), st.floats(0.01, 100))
def test_scaling_the_history_scales_the_forecast(values: list[float], factor: float) -> None:
    one = forecast_series(series(values, 86_400), 5)
    other = forecast_series(series(np.array(values) * factor, 86_400), 5)
    assert isinstance(one, Forecast)
    assert isinstance(other, Forecast)
    if one.weights == other.weights:  # a tie may fall the other way by rounding
        np.testing.assert_allclose(other.mean, one.mean * factor, rtol=1e-6, atol=1e-6 * factor)
