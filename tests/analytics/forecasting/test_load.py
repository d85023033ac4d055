"""Load for control loops: better than persistence, or persistence and said so."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.forecasting.answers import CannotForecast
from analytics.forecasting.load import LoadForecast, forecast_load
from tests.datasets import dataset


def known(history, *args, **options) -> LoadForecast:
    found = forecast_load(np.asarray(history, dtype=float), *args, **options)
    assert isinstance(found, LoadForecast)
    return found


def test_noisy_level_is_smoothed() -> None:
    rng = np.random.default_rng(1)
    found = known(rng.poisson(100, 1_000), 15, 60)
    assert found.mean.shape == found.upper.shape == (4,)
    assert not found.is_persistence
    # The last value errs by the noise of two values, the level by about that of one.
    assert found.error_ratio == pytest.approx(1 / math.sqrt(2), abs=0.06)
    assert found.peak == pytest.approx(100, abs=4)
    # The 95th of 100 of Poisson(100) is 117.
    assert found.upper_peak == pytest.approx(117, abs=6)
    assert found.notes[0].code == "beats_persistence"


def test_random_walk_is_persistence_or_hardly_better() -> None:
    rng = np.random.default_rng(2)
    shown = [known(1_000 + np.cumsum(rng.normal(size=600)), 15, 300) for _ in range(20)]
    assert sum(each.is_persistence for each in shown) >= 8
    assert min(each.error_ratio for each in shown) > 0.75
    held = next(each for each in shown if each.is_persistence)
    assert len(set(held.mean.tolist())) == 1
    assert held.error_ratio >= 1
    assert held.notes[0].code == "worse_than_persistence"


def test_ramp_is_seen_coming() -> None:
    steps = np.arange(600)
    load = 100 + 80 * np.sin(2 * np.pi * steps / 240)
    found = known(load, 15, 300)
    truth = 100 + 80 * np.sin(2 * np.pi * (600 + np.arange(20)) / 240)
    assert np.abs(found.mean - truth).mean() < 0.2 * np.abs(load[-1] - truth).mean()


def test_yesterday_tells_of_the_jump_at_noon() -> None:
    day = np.full(1_440, 50.0)
    day[720:] = 200.0
    rng = np.random.default_rng(3)
    load = np.concatenate([day, day, day, day[:715]]) + rng.normal(0, 2, 3 * 1_440 + 715)
    found = known(load, 60, 1_200)
    assert found.mean[-1] > 120  # in 20 minutes it is 12:15
    assert found.mean[0] < 70


def test_constant_load_goes_on() -> None:
    found = known(np.full(100, 5.0), 15, 60)
    assert found.is_persistence
    assert found.mean.tolist() == found.upper.tolist() == [5.0] * 4


@pytest.mark.parametrize(("history", "code"), [
    ([], "too_short"), ([1.0] * 39, "too_short"), ([1.0] * 60 + [math.nan] * 4, "stale_load"),
    ([math.nan] * 60, "stale_load"), ([1.0] * 60 + [-1.0], "negative_load"),
    ([1.0] * 60 + [math.inf], "not_finite"), ([1.0] * 60 + [1e200], "not_finite")])
def test_says_why_there_is_none(history: list[float], code: str) -> None:
    found = forecast_load(np.array(history), 15, 60)
    assert isinstance(found, CannotForecast)
    assert found.code == code


@pytest.mark.parametrize("args", [(0, 60), (15, 0), (15, 60, 1.0), (15, 60, 0.2), (1, 1_000)])
def test_refuses_what_makes_no_sense(args: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"ahead|positive"):
        forecast_load(np.ones(100), *args)


def test_on_real_traffic_it_beats_persistence_and_covers() -> None:
    load = pd.read_parquet(dataset("SCALING_TRACES") / "nasa_http_15s.parquet")[
        "requests"].to_numpy(float)
    rng = np.random.default_rng(4)
    own, naive, under = [], [], []
    for origin in rng.integers(12_000, len(load) - 50, 60).tolist():
        found = known(load[origin - 12_000:origin], 15, 300)
        actual = load[origin:origin + 20]
        own.append(np.abs(actual - found.mean).mean())
        naive.append(np.abs(actual - load[origin - 1]).mean())
        under.append((actual <= found.upper).mean())
    assert np.mean(own) < 0.85 * np.mean(naive)
    assert 0.92 <= np.mean(under) <= 0.98


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 1e300) | st.just(0.0) | st.just(math.nan) | st.floats(0, 50),
                max_size=120),
       st.integers(1, 20), st.floats(0.5, 0.99))
def test_any_load_gives_finite_bounds_or_a_reason(history: list[float], ahead: int,
                                                  level: float) -> None:
    found = forecast_load(np.array(history, dtype=float), 15, 15 * ahead, level)
    if isinstance(found, CannotForecast):
        assert found.text
        return
    assert found.mean.shape == (ahead,)
    assert np.isfinite(found.upper).all()
    assert (found.upper >= found.mean).all()
    assert (found.mean >= 0).all()
    assert found.is_persistence == (found.error_ratio >= 1)
