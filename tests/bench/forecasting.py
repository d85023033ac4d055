"""Forecasts of the M4 competition's hourly series, of month-end spend, of load; their speed."""

import datetime as dt
import time
from collections.abc import Iterator
from decimal import Decimal

import numpy as np
import pandas as pd

from analytics.forecasting.answers import Floats, Forecast
from analytics.forecasting.boosting import Learned
from analytics.forecasting.load import LoadForecast, forecast_load
from analytics.forecasting.many_series import forecast_many, learn_from
from analytics.forecasting.measures import (
    forecast_naive2,
    measure_mase,
    measure_msis,
    measure_owa,
    measure_smape_pct,
    seasonal_scale,
)
from analytics.forecasting.one_series import forecast_series
from analytics.forecasting.series import Series
from analytics.spans import Span
from analytics.spend_forecast import SpendForecast, forecast_spend
from brain.demo import generate
from tests.bench.measuring import Figure, Plan, repeat_ms
from tests.datasets import dataset_path

HORIZON = 48
SEASON = 24
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)  # the file has no times
SEED = 1
SPEND_SEEDS = 6
USD_PER_MTOK = {"gpt-4.1": (2, 8), "gpt-4.1-mini": (0.4, 1.6), "claude-sonnet-4-5": (3, 15),
                "claude-haiku-4-5": (1, 5), "gemini-2.5-flash": (0.3, 2.5),
                "gemini-2.5-pro": (1.25, 10)}


def measure(_: Plan) -> Iterator[Figure]:
    """M4 hourly, month-end spend on day 10, load five minutes ahead, forecasts a second."""
    yield from measure_m4()
    yield from measure_spend()
    yield from measure_load()
    yield from measure_speed()


def read_m4() -> list[Floats]:
    """The series of the file, in its order, each without the gaps at its end."""
    rows = pd.read_parquet(dataset_path("M4_HOURLY")).sort_values(["series", "step"])
    return [group.dropna().to_numpy(np.float64) for _, group in rows.groupby("series")["value"]]


def measure_m4() -> Iterator[Figure]:
    """Errors on the last 48 of each series, by the competition's formulas."""
    if not dataset_path("M4_HOURLY").exists():
        return
    series = read_m4()
    size = f"{len(series)} series"
    pasts = [Series(START, 3_600, each[:-HORIZON]) for each in series]
    began, began_cpu = time.perf_counter(), time.process_time()
    learned = learn_from(pasts, HORIZON, SEED, (SEASON, 7 * SEASON), uses_calendar=False)
    trained_s, cpu_s = time.perf_counter() - began, time.process_time() - began_cpu
    assert isinstance(learned, Learned)
    found = [each for each in forecast_many(pasts, learned) if isinstance(each, Forecast)]
    assert len(found) == len(series)
    alone = [forecast_series(each, HORIZON) for each in pasts]
    means = {"boosting and blends": [each.mean for each in found],
             "each alone": [each.mean for each in alone if isinstance(each, Forecast)],
             "seasonal naive": [np.tile(each.values[-SEASON:], 2) for each in pasts]}
    owa = {name: _owa(series, each) for name, each in means.items()}
    msis, inside = zip(*(_judge(values, each) for values, each in
                         zip(series, found, strict=True)), strict=True)
    naive = owa["seasonal naive"]
    yield Figure("M4 hourly OWA", size, "ratio", (owa["boosting and blends"],), "seasonal naive",
                 naive, most=0.44, note=f"{owa['boosting and blends']:.4f} beside {naive:.4f}")
    yield Figure("M4 hourly OWA, each series alone", size, "ratio", (owa["each alone"],),
                 "seasonal naive", naive, note=f"{owa['each alone']:.4f}")
    yield Figure("M4 hourly MSIS of 95 %", size, "ratio", (float(np.mean(msis)),), most=8.0)
    covered = float(np.mean(inside))
    told = found[0].backtest.coverage_ratio or 0.0
    yield Figure("M4 hourly coverage of 95 %", size, "pct", (100 * covered,),
                 failed=not 0.93 <= covered <= 0.97, note=f"in its own backtest {100 * told:.1f} %")
    yield Figure("M4 hourly training", size, "s", (trained_s,), most=300.0,
                 note=f"{cpu_s:.0f} s of processor time")


def _owa(series: list[Floats], means: list[Floats]) -> float:
    columns: list[list[float]] = [[], [], [], []]
    for values, mean in zip(series, means, strict=True):
        past, actual = values[:-HORIZON], values[-HORIZON:]
        scale = seasonal_scale(past, SEASON)
        naive2 = forecast_naive2(past, HORIZON, SEASON)
        for column, each in zip((0, 2), (mean, naive2), strict=True):
            columns[column].append(measure_smape_pct(actual, each))
            columns[column + 1].append(measure_mase(actual, each, scale) or 0.0)
    return measure_owa(*columns)


def _judge(values: Floats, found: Forecast) -> tuple[float, float]:
    actual, (lower, upper) = values[-HORIZON:], found.quantiles[[0, -1]]
    scale = seasonal_scale(values[:-HORIZON], SEASON) or 1.0
    return (measure_msis(actual, lower, upper, scale),
            float(((actual >= lower) & (actual <= upper)).mean()))


def measure_spend() -> Iterator[Figure]:
    """Month-end error on day 10, in percent, of histories of the demonstration's model."""
    own, naive, inside = [], [], []
    for seed in range(SPEND_SEEDS):
        end = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
        hours = _hourly_spend(seed, 92, end)
        first = end - dt.timedelta(hours=len(hours))
        for span in (Span(dt.datetime(2026, month, 1, tzinfo=dt.UTC),
                          dt.datetime(2026, month + 1, 1, tzinfo=dt.UTC)) for month in (2, 3, 4)):
            now = span.start + dt.timedelta(days=10)
            start, middle, last = ((each - first) // dt.timedelta(hours=1)
                                   for each in (span.start, now, span.end))
            truth = float(hours[start:last].sum())
            spent = Decimal(f"{hours[start:middle].sum():.6f}")
            found = forecast_spend(Series(first, 3_600, hours[:middle]), span, now, spent)
            assert isinstance(found, SpendForecast)
            own.append(100 * abs(float(found.total_usd) / truth - 1))
            naive.append(100 * abs(float(found.run_rate_usd or 0) / truth - 1))
            inside.append(float(found.lower_usd) <= truth <= float(found.upper_usd))
    yield Figure("month-end spend on day 10, mean error", f"{len(own)} months", "pct",
                 (float(np.mean(own)),), "run rate", float(np.mean(naive)), most=3.5,
                 note=f"the 80 % interval held {100 * np.mean(inside):.0f} % of them")


def _hourly_spend(seed: int, days: int, end: dt.datetime) -> Floats:
    rows = generate(seed=seed, days=days, events=6_667 * days, end=end).tables()[
        "requests"].to_pandas()
    rows = rows[rows["model"].isin(USD_PER_MTOK) & ~rows["cached"]]
    input_price, output_price = (rows["model"].map(lambda model, at=at: USD_PER_MTOK[model][at])
                                 .astype(float) for at in (0, 1))
    usd = ((rows["input_tokens"] + 0.1 * rows["cache_read_tokens"]) * input_price
           + rows["output_tokens"] * output_price) / 1e6
    first = (end - dt.timedelta(days=days)).replace(tzinfo=None)
    hour = (rows["at_utc"].dt.tz_localize(None) - first) // dt.timedelta(hours=1)
    return np.bincount(hour, weights=usd, minlength=24 * days)[:24 * days]


def measure_load() -> Iterator[Figure]:
    """Error over that of persistence five minutes ahead on real traffic, and time of a call."""
    path = dataset_path("SCALING_TRACES") / "nasa_http_15s.parquet"
    if not path.exists():
        return
    load = pd.read_parquet(path)["requests"].to_numpy(np.float64)
    rng = np.random.default_rng(SEED)
    own, naive, under = [], [], []
    for origin in rng.integers(12_000, len(load) - 50, 300).tolist():
        found = forecast_load(load[origin - 12_000:origin], 15, 300)
        assert isinstance(found, LoadForecast)
        actual = load[origin:origin + 20]
        own.append(float(np.abs(actual - found.mean).mean()))
        naive.append(float(np.abs(actual - load[origin - 1]).mean()))
        under.append(float((actual <= found.upper).mean()))
    yield Figure("load in 5 min, mean error", "NASA, 15 s", "requests", (float(np.mean(own)),),
                 "persistence", float(np.mean(naive)),
                 note=f"{100 * np.mean(under):.1f} % stayed under the 95 % load")
    yield Figure("load forecast, one call", "12,000 steps", "ms",
                 repeat_ms(lambda: forecast_load(load[:12_000], 15, 300), 40), most=5.0)


def measure_speed() -> Iterator[Figure]:
    """Forecasts a second of hourly series of 300 points, a day ahead."""
    rng = np.random.default_rng(SEED)
    series = [Series(START, 3_600, 50 + 9 * np.sin(np.arange(300) * np.pi / 12)
                     + rng.normal(size=300)) for _ in range(100)]
    forecast_series(series[0], 24)
    began = time.perf_counter()
    for each in series:
        forecast_series(each, 24)
    yield Figure("forecasts of 300 points, 24 ahead", "one at a time", "forecasts/s",
                 (len(series) / (time.perf_counter() - began),), least=50.0)
