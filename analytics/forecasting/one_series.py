"""The forecast of one series: methods compared on its past, the best shown, intervals tested."""

import math

import numpy as np

from analytics.forecasting.answers import (
    DEFAULT_LEVELS,
    Backtest,
    CannotForecast,
    Floats,
    Forecast,
    check_levels,
)
from analytics.forecasting.backtest import (
    Choice,
    Windows,
    blend,
    choose_blend,
    cut_windows,
    forecast_windows,
    mean_errors,
)
from analytics.forecasting.intervals import calibrate
from analytics.forecasting.measures import measure_mase, measure_smape_pct, seasonal_scale
from analytics.forecasting.methods import Method, list_methods
from analytics.forecasting.seasons import detect_seasons
from analytics.forecasting.series import (
    TOO_SHORT,
    Series,
    fill_gaps,
    find_fault,
    scale_back,
    trim,
    unit_of,
)
from analytics.forecasting.wording import describe_choice, describe_history

MOST_HORIZON = 20_000
MOST_STEPS_USED = 1_500
SEASONS_USED = 6
_LEAST_LENGTH = 4
_COVERED_FROM = 8


def forecast_series(series: Series, horizon: int, levels: tuple[float, ...] = DEFAULT_LEVELS,
                    seasons: tuple[int, ...] | None = None,
                    can_be_negative: bool | None = None) -> Forecast | CannotForecast:
    """Mean and quantiles of the ``horizon`` steps after the series, or why there are none.

    ``seasons`` are lengths in steps, found by themselves unless given. Unless said otherwise
    what was never negative stays so. Raises ValueError for a horizon outside 1 to 20,000,
    levels that do not rise between 0 and 1, or seasons that do not divide one another.
    """
    check_levels(levels)
    if not 1 <= horizon <= MOST_HORIZON:
        raise ValueError(f"horizon is {horizon}; it must be 1 to {MOST_HORIZON:,}")
    if seasons is not None:
        check_seasons(seasons)
    if fault := find_fault(series):
        return fault
    observed = trim(series).values
    unit = unit_of(observed)
    observed = observed / unit
    lengths = _fitting(seasons, len(observed)) if seasons is not None else \
        detect_seasons(fill_gaps(observed), series.step_s)
    observed = observed[-max(MOST_STEPS_USED, SEASONS_USED * max(lengths, default=1)):]
    filled = fill_gaps(observed, lengths[-1] if lengths else 1)
    prepared = _prepare(filled, observed, horizon, lengths)
    if prepared is None:
        return TOO_SHORT
    windows, lengths = prepared
    methods = list_methods(lengths, bool(filled.min() > 0))
    forecasts = forecast_windows(windows, methods)
    floor = -math.inf if can_be_negative or (
        can_be_negative is None and float(np.nanmin(observed)) < 0) else 0.0
    forecasts = {name: np.maximum(each, floor) for name, each in forecasts.items()}
    choice = choose_blend(forecasts, windows.actual, windows.last)
    mean = np.maximum(_forecast(choice, methods, filled, horizon), floor)
    errors = windows.actual - choice.forecasts
    offsets = calibrate(errors, windows.stride, horizon).offsets(levels)
    backtest = _report(choice, forecasts, windows, observed, lengths, levels)
    notes = (*describe_choice(choice, backtest, windows.last),
             *describe_history(series, lengths, horizon, backtest))
    return Forecast(series.end_utc, series.step_s, scale_back(mean, unit), levels,
                    scale_back(np.maximum(mean + offsets, floor), unit), choice.method,
                    choice.weights, lengths, backtest, notes)


def check_seasons(seasons: tuple[int, ...]) -> None:
    """Raise ValueError unless the seasons are at most two that divide one another."""
    if len(seasons) > 2 or any(each < 2 for each in seasons) or (
            len(seasons) == 2 and (seasons[1] <= seasons[0] or seasons[1] % seasons[0])):
        raise ValueError("seasons are at most two lengths of 2 steps or more, the second a "
                         "multiple of the first")


def _fitting(seasons: tuple[int, ...], count: int) -> tuple[int, ...]:
    return tuple(each for each in seasons if count >= 2 * each + _LEAST_LENGTH)


def _prepare(filled: Floats, observed: Floats, horizon: int,
             lengths: tuple[int, ...]) -> tuple[Windows, tuple[int, ...]] | None:
    """Windows long enough for the seasons; the longest season is given up where none fits."""
    while True:
        longest = max(lengths, default=1)
        least = 2 * longest if lengths else _LEAST_LENGTH
        windows = cut_windows(filled, observed, horizon, least,
                              max(SEASONS_USED * longest, MOST_STEPS_USED))
        if windows is not None:
            return windows, lengths
        if not lengths:
            return None
        lengths = lengths[:-1]


def _forecast(choice: Choice, methods: dict[str, Method], filled: Floats,
              horizon: int) -> Floats:
    made = {name: methods[name](filled[None, :], horizon) for name, _ in choice.weights}
    return np.asarray(blend(choice.weights, made)[0])


def _report(choice: Choice, forecasts: dict[str, Floats], windows: Windows, observed: Floats,
            lengths: tuple[int, ...], levels: tuple[float, ...]) -> Backtest:
    naive = next(iter(forecasts.values()))
    actual = windows.actual
    scale = seasonal_scale(observed, lengths[0] if lengths else 1)
    last = slice(-windows.last, None)
    return Backtest(
        len(actual), actual.shape[1],
        measure_mase(actual, choice.forecasts, scale),
        measure_smape_pct(actual, choice.forecasts),
        measure_mase(actual, naive, scale), measure_smape_pct(actual, naive),
        None if scale is None else float(mean_errors(actual, choice.forecasts)[last].mean()
                                         / scale),
        None if scale is None else float(mean_errors(actual, naive)[last].mean() / scale),
        measure_coverage(actual, choice.forecasts, windows.stride, levels))


def measure_coverage(actual: Floats, forecasts: Floats, stride: int,
                     levels: tuple[float, ...]) -> float | None:
    """Share of the newer windows' values between the outer levels as the older ones set them."""
    half = len(actual) // 2
    if half < _COVERED_FROM or len(levels) < 2:
        return None
    errors = actual - forecasts
    lower, upper = calibrate(errors[:half], stride, actual.shape[1]).offsets(
        (levels[0], levels[-1]))
    newer = errors[half:]
    known = np.isfinite(newer)
    return float(((newer >= lower) & (newer <= upper))[known].mean()) if known.any() else None

