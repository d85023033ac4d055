"""Forecasts of many series of one kind: boosting learnt from all, blended per series."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from analytics.forecasting.answers import (
    DEFAULT_LEVELS,
    Backtest,
    CannotForecast,
    Floats,
    Forecast,
    check_levels,
)
from analytics.forecasting.backtest import Choice, blend, blend_around, mean_errors
from analytics.forecasting.boosting import (
    MIXED_STEPS,
    NEWEST_ORIGINS,
    ROUNDS,
    TOO_FEW_SERIES,
    Learned,
    Pieces,
    cut_pieces,
    learn,
    predict,
    predict_spread,
)
from analytics.forecasting.measures import measure_mase, measure_smape_pct, seasonal_scale
from analytics.forecasting.methods import list_methods
from analytics.forecasting.one_series import forecast_series
from analytics.forecasting.seasons import detect_seasons
from analytics.forecasting.series import Series, fill_gaps, find_fault, scale_back, trim, unit_of
from analytics.forecasting.wording import describe_choice, describe_history

BOOSTING = "boosting"
MOST_REACH = 4.0
_PARTS_OF_HORIZON = 4
_SEASON_SAMPLE = 60


def learn_from(series: Sequence[Series], horizon: int, seed: int,
               seasons: tuple[int, ...] | None = None,
               uses_calendar: bool = True, rounds: int = ROUNDS) -> Learned | CannotForecast:
    """A model of what these series share, or why there is none.

    All have one step length. Without ``seasons`` those are taken that most series have;
    ``uses_calendar`` says that their times are true; ``rounds`` is how many trees are grown.
    400 series of 900 steps take one core about two minutes.
    """
    if len({each.step_s for each in series}) > 1:
        return MIXED_STEPS
    histories = [history for history, _ in map(_complete, series) if history is not None]
    if not histories:
        return TOO_FEW_SERIES
    chosen = usual_seasons(histories) if seasons is None else seasons
    if not chosen:
        return TOO_FEW_SERIES
    return learn(histories, horizon, chosen, seed, uses_calendar, rounds)


def usual_seasons(histories: Sequence[Series]) -> tuple[int, ...]:
    """Each season that at least a third of these series have, at most two."""
    sample = histories[::max(1, len(histories) // _SEASON_SAMPLE)]
    found = [detect_seasons(each.values, each.step_s) for each in sample]
    lengths = sorted({length for each in found for length in each})
    return tuple(length for length in lengths
                 if sum(length in each for each in found) * 3 >= len(sample))[-2:]


def forecast_many(series: Sequence[Series], learned: Learned,
                  levels: tuple[float, ...] = DEFAULT_LEVELS) -> list[Forecast | CannotForecast]:
    """The forecast of each series, in order, ``learned.horizon`` steps ahead.

    Per series the blend of the learned model and the statistical methods is the one that erred
    least on the newest windows, which the model it is judged by has not seen. A series too
    short for it is forecast alone.
    """
    check_levels(levels)
    prepared = [_complete(each) for each in series]
    usable = [index for index, (history, _) in enumerate(prepared) if history is not None
              and history.step_s == learned.step_s
              and len(history.values) >= learned.length + learned.horizon
              + (NEWEST_ORIGINS - 1) * learned.seasons[0]]
    answers: list[Forecast | CannotForecast | None] = [None] * len(series)
    if usable:
        histories = [history for index in usable
                     if (history := prepared[index][0]) is not None]
        made = _forecast_usable(histories, learned, levels)
        for index, each in zip(usable, made, strict=True):
            answers[index] = _finish(each, series[index], prepared[index][1])
    return [forecast_series(given, learned.horizon, levels) if answer is None else answer
            for given, answer in zip(series, answers, strict=True)]


def _complete(series: Series) -> tuple[Series | None, float]:
    """The series from its first value on, without gaps, near 1 in size; and its unit."""
    if find_fault(series) is not None:
        return None, 1.0
    known = trim(series)
    unit = unit_of(known.values)
    return replace(known, values=fill_gaps(known.values / unit)), unit


def _forecast_usable(histories: Sequence[Series], learned: Learned,
                     levels: tuple[float, ...]) -> list[Forecast]:
    cut = (learned.horizon, learned.seasons)
    past = cut_pieces(histories, *cut, range(NEWEST_ORIGINS), learned.uses_calendar)
    now = cut_pieces(histories, *cut, range(-1, 0), learned.uses_calendar)
    tested, tested_sizes = _forecast_pieces(learned, learned.early, past)
    coming, coming_sizes = _forecast_pieces(learned, learned.mean, now)
    shape = (len(histories), NEWEST_ORIGINS, learned.horizon)
    actual = past.actual.reshape(shape)[:, ::-1]
    by_method = {name: each.reshape(shape)[:, ::-1] for name, each in tested.items()}
    choices = [blend_around(BOOSTING, {name: each[index] for name, each in by_method.items()},
                            actual[index]) for index in range(len(histories))]
    errors = actual - np.stack([_forecast_apart(choice, {
        name: each[index] for name, each in by_method.items()}, actual[index])
        for index, choice in enumerate(choices)])
    relative = errors / tested_sizes.reshape(shape)[:, ::-1]
    offsets = _quantiles(relative, levels)
    covered = _cross_coverage(relative, levels)
    most = MOST_REACH * np.abs(errors).max(axis=(1, 2))  # strange neighbours widen nobody endlessly
    found = []
    for index, (history, choice) in enumerate(zip(histories, choices, strict=True)):
        mean = blend(choice.weights, {name: each[index] for name, each in coming.items()})
        floor = 0.0 if float(history.values.min()) >= 0 else -math.inf
        backtest = _report(choice, {name: each[index] for name, each in by_method.items()},
                           actual[index], history, learned.seasons, covered)
        found.append(Forecast(
            history.end_utc, history.step_s, np.maximum(mean, floor), levels,
            np.maximum(mean + np.clip(offsets * coming_sizes[index], -most[index], most[index]),
                       floor), choice.method,
            choice.weights, learned.seasons, backtest, describe_choice(
                choice, backtest, NEWEST_ORIGINS)))
    return found


def _forecast_pieces(learned: Learned, model: object,
                     pieces: Pieces) -> tuple[dict[str, Floats], Floats]:
    """Forecasts of each method and the size of the model's error, in the unit of the series."""
    frame = learned.frame(pieces)
    scaled = predict(model, frame)
    odd = (pieces.owner % 2 == 1)[:, None]
    first, second = (predict_spread((each,), frame, scaled) for each in learned.spreads)
    # Each series is judged by the model that was not trained on it.
    sizes = np.where(odd, first, second) * frame.scale[:, None]
    methods = list_methods(learned.seasons, bool(pieces.past.min() > 0))
    found = {name: method(pieces.past, learned.horizon) for name, method in methods.items()}
    return {**found, BOOSTING: frame.restore(scaled)}, sizes


def _forecast_apart(choice: Choice, forecasts: dict[str, Floats], actual: Floats) -> Floats:
    """Forecasts of all windows, each with weights that come from the others only."""
    if len(choice.weights) == 1:
        return choice.forecasts
    made = []
    for own in range(len(actual)):
        others = np.arange(len(actual)) != own
        apart = blend_around(BOOSTING, {name: each[others] for name, each in forecasts.items()},
                             actual[others])
        made.append(blend(apart.weights, forecasts)[own])
    return np.stack(made)


def _quantiles(relative: Floats, levels: tuple[float, ...]) -> Floats:
    """Levels × horizon: quantiles of errors over their expected size, by part of the horizon.

    Series share their times, so that the windows differ as a whole: for each level that of the
    window where it lies farthest out is taken. ``relative`` is series × windows × horizon.
    """
    horizon = relative.shape[2]
    parts = np.array_split(np.arange(horizon), min(_PARTS_OF_HORIZON, horizon))
    outer = np.where(np.array(levels) < 0.5, -1.0, 1.0)
    found = []
    for part in parts:
        errors = np.moveaxis(relative[:, :, part], 1, 0).reshape(relative.shape[1], -1)
        by_window = np.quantile(errors, levels, axis=1)
        farthest = (outer[:, None] * by_window).max(axis=1) * outer
        middle = np.median(by_window, axis=1)
        chosen = np.where(np.array(levels) == 0.5, middle, farthest)
        found.append(np.repeat(chosen[:, None], len(part), axis=1))
    return np.sort(np.concatenate(found, axis=1), axis=0)


def _cross_coverage(relative: Floats, levels: tuple[float, ...]) -> float | None:
    """Share between the outer levels, each half of the series and each window by the others."""
    if len(relative) < 2 or len(levels) < 2:
        return None
    inside = []
    for half in (0, 1):
        for window in range(relative.shape[1]):
            own = relative[half::2, window]
            others = np.delete(relative[1 - half::2], window, axis=1)
            lower, upper = _quantiles(others, (levels[0], levels[-1]))
            inside.append((own >= lower) & (own <= upper))
    return float(np.concatenate([each.ravel() for each in inside]).mean())


def _report(choice: Choice, forecasts: dict[str, Floats], actual: Floats, history: Series,
            seasons: tuple[int, ...], covered: float | None) -> Backtest:
    naive = next(iter(forecasts.values()))
    scale = seasonal_scale(history.values, seasons[0])
    own, yardstick = (None if scale is None else float(mean_errors(actual, each).mean() / scale)
                      for each in (choice.forecasts, naive))
    return Backtest(len(actual), actual.shape[1], measure_mase(actual, choice.forecasts, scale),
                    measure_smape_pct(actual, choice.forecasts),
                    measure_mase(actual, naive, scale), measure_smape_pct(actual, naive),
                    own, yardstick, covered)


def _finish(made: Forecast, series: Series, unit: float) -> Forecast:
    """The forecast in the series' own unit, with what is to be said about its history."""
    return replace(
        made, mean=scale_back(made.mean, unit), quantiles=scale_back(made.quantiles, unit),
        notes=(*made.notes, *describe_history(trim(series), made.seasons, len(made.mean),
                                              made.backtest)))
