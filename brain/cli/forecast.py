"""``brain forecast``: what comes after a series, what a window of spend comes to, coming load."""

import datetime as dt
from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from brain.cli.command import Command
from brain.cli.forecast_reading import Moment, StepS, Values, reason, to_array, to_utc
from brain.cli.forecast_spend import LoadIn, LoadOut, SpendIn, SpendOut, prepare_load, prepare_spend
from brain.cli.machine import Form, ReasonOut
from brain.decisions.reasons import InputError

if TYPE_CHECKING:
    from analytics.forecasting.answers import CannotForecast, Forecast
    from analytics.forecasting.series import Series

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class SeriesIn(msgspec.Struct, forbid_unknown_fields=True):
    """A history, oldest first, null for a gap, and how many steps ahead to look.

    Either ``times`` (one per value, any order) or ``step_s``; ``start_utc`` is when the first
    step begins. ``levels`` are the quantiles wanted, ``seasons`` lengths in steps (found where
    left out). What was never negative stays so unless ``can_be_negative``.
    """

    values: Values
    horizon: Annotated[int, msgspec.Meta(ge=1, le=20_000)]
    step_s: StepS | None = None
    start_utc: Moment | None = None
    times: list[Moment] | None = None
    levels: list[float] = msgspec.field(default_factory=lambda: [0.025, 0.1, 0.5, 0.9, 0.975])
    seasons: list[int] | None = None
    can_be_negative: bool | None = None


class ManyIn(msgspec.Struct, forbid_unknown_fields=True):
    """Histories of one kind and step, oldest first, null for a gap: a model learns from all.

    ``start_utc`` is when the first step of each begins; where it is given, weekday and hour
    are learnt from too. The same ``seed`` gives the same answer. ``rounds`` trees are grown.
    """

    series: Annotated[list[Values], msgspec.Meta(max_length=10_000)]
    horizon: Annotated[int, msgspec.Meta(ge=1, le=2_000)]
    step_s: StepS
    start_utc: list[Moment] | None = None
    levels: list[float] = msgspec.field(default_factory=lambda: [0.025, 0.1, 0.5, 0.9, 0.975])
    seasons: list[int] | None = None
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)] = 0
    rounds: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 180


class BacktestOut(msgspec.Struct, frozen=True):
    """Errors of past forecasts beside those of seasonal naive, and how often intervals held."""

    origins: int
    horizon: int
    mase: float | None
    smape_pct: float
    naive_mase: float | None
    naive_smape_pct: float
    last_mase: float | None
    last_naive_mase: float | None
    coverage_ratio: float | None


class ForecastOut(msgspec.Struct, frozen=True):
    """One value per step ahead: mean, and a list per quantile; null where none can be told."""

    mean: list[float] | None
    quantiles: dict[str, list[float]] | None
    start_utc: dt.datetime | None
    step_s: int | None
    method: str | None
    weights: dict[str, float]
    seasons: tuple[int, ...]
    backtest: BacktestOut | None
    reasons: list[ReasonOut]


class ManyOut(msgspec.Struct, frozen=True):
    """One forecast per series, in order; reasons say why nothing could be learnt, if so."""

    forecasts: list[ForecastOut]
    learned: bool
    reasons: list[ReasonOut]


def prepare_series(_: Namespace) -> Callable[[Any], ForecastOut]:
    """The function that forecasts one series."""
    from analytics.forecasting.answers import CannotForecast
    from analytics.forecasting.one_series import forecast_series

    def answer(given: Any) -> ForecastOut:
        series = _read_series(given)
        if isinstance(series, CannotForecast):
            return ForecastOut(None, None, None, None, None, {}, (), None, [reason(series)])
        try:
            found = forecast_series(
                series, given.horizon, tuple(given.levels),
                None if given.seasons is None else tuple(given.seasons), given.can_be_negative)
        except ValueError as error:
            field = "seasons" if "seasons" in str(error) else "levels"
            raise InputError("invalid_value", str(error), field) from error
        return _to_answer(found, series.step_s,
                          given.start_utc is not None or given.times is not None)
    return answer


def prepare_many(_: Namespace) -> Callable[[Any], ManyOut]:
    """The function that learns from series and forecasts each of them."""
    from analytics.forecasting.answers import CannotForecast, check_levels
    from analytics.forecasting.many_series import forecast_many, learn_from
    from analytics.forecasting.one_series import check_seasons, forecast_series

    def answer(given: Any) -> ManyOut:
        levels = tuple(given.levels)
        seasons = None if given.seasons is None else tuple(given.seasons)
        try:
            check_levels(levels)
            check_seasons(seasons or ())
        except ValueError as error:
            field = "seasons" if "seasons" in str(error) else "levels"
            raise InputError("invalid_value", str(error), field) from error
        series = _read_many(given)
        is_dated = given.start_utc is not None
        learned = learn_from(series, given.horizon, given.seed, seasons, is_dated, given.rounds)
        if isinstance(learned, CannotForecast):
            alone = [forecast_series(each, given.horizon, levels, seasons) for each in series]
            return ManyOut([_to_answer(each, given.step_s, is_dated) for each in alone], False,
                           [reason(learned)])
        return ManyOut([_to_answer(each, given.step_s, is_dated)
                        for each in forecast_many(series, learned, levels)], True, [])
    return answer


def _read_many(given: Any) -> "list[Series]":
    from analytics.forecasting.series import Series
    starts = given.start_utc
    if starts is not None and len(starts) != len(given.series):
        raise InputError("unequal_lengths", f"{len(starts)} starts for {len(given.series)} series",
                         "start_utc")
    found = []
    for number, values in enumerate(given.series):
        start = _EPOCH if starts is None else to_utc(starts[number], f"start_utc[{number}]")
        _check_end(start, given.step_s * (len(values) + given.horizon))
        found.append(Series(start, given.step_s, to_array(values, f"series[{number}]")))
    return found


def _read_series(given: Any) -> "Series | CannotForecast":
    from analytics.forecasting.series import Series, read_series
    if given.times is not None:
        if given.start_utc is not None:
            raise InputError("given_twice", "give times or start_utc, not both", "start_utc")
        if len(given.times) != len(given.values):
            raise InputError("unequal_lengths", f"{len(given.times)} times for "
                             f"{len(given.values)} values", "times")
        moments = [to_utc(each, f"times[{number}]") for number, each in enumerate(given.times)]
        to_array(given.values, "values")
        return read_series(moments, given.values, given.step_s)
    if given.step_s is None:
        raise InputError("missing_field", "step_s or times must be given", "step_s")
    start = _EPOCH if given.start_utc is None else to_utc(given.start_utc, "start_utc")
    _check_end(start, given.step_s * (len(given.values) + given.horizon))
    return Series(start, given.step_s, to_array(given.values, "values"))


def _check_end(start: dt.datetime, length_s: int) -> None:
    try:
        start + dt.timedelta(seconds=length_s)
    except OverflowError as error:
        raise InputError("out_of_range", "the series leaves the calendar", "start_utc") from error


def _to_answer(found: "Forecast | CannotForecast", step_s: int, is_dated: bool) -> ForecastOut:
    from analytics.forecasting.answers import CannotForecast
    if isinstance(found, CannotForecast):
        return ForecastOut(None, None, None, step_s, None, {}, (), None, [reason(found)])
    return _to_forecast(found, is_dated)


def _to_forecast(found: "Forecast", is_dated: bool) -> ForecastOut:
    tested = found.backtest
    return ForecastOut(
        found.mean.tolist(),
        {f"{level:g}": row.tolist() for level, row in zip(found.levels, found.quantiles,
                                                          strict=True)},
        found.start_utc if is_dated else None, found.step_s, found.method, dict(found.weights),
        found.seasons,
        BacktestOut(tested.origins, tested.horizon, tested.mase, tested.smape_pct,
                    tested.naive_mase, tested.naive_smape_pct, tested.last_mase,
                    tested.last_naive_mase, tested.coverage_ratio),
        [reason(each) for each in found.notes])


COMMANDS: tuple[Command, ...] = (
    Command("forecast", "", "Forecast series: mean and quantiles with method and backtest.",
            form=Form(SeriesIn, ForecastOut, prepare_series)),
    Command("forecast", "many", "Learn from many series at once and forecast each of them.",
            form=Form(ManyIn, ManyOut, prepare_many)),
    Command("forecast", "spend", "Forecast a window's spend to its end, with the budget's end.",
            form=Form(SpendIn, SpendOut, prepare_spend)),
    Command("forecast", "load", "Forecast load for a control loop, beside persistence.",
            form=Form(LoadIn, LoadOut, prepare_load)),
)
