"""Forms of ``brain forecast spend`` and ``brain forecast load``."""

import datetime as dt
from argparse import Namespace
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from brain.cli.forecast_reading import (
    Moment,
    StepS,
    Values,
    bounded,
    reason,
    to_array,
    to_span,
    to_utc,
)
from brain.cli.machine import ReasonOut
from brain.decisions.reasons import InputError

if TYPE_CHECKING:
    from analytics.forecasting.load import LoadForecast
    from analytics.spend_forecast import SpendForecast


class ChangeIn(msgspec.Struct, forbid_unknown_fields=True):
    """From a moment on, spend is ``factor`` times what it would have been."""

    at_utc: Moment
    factor: float


class PlannedIn(msgspec.Struct, forbid_unknown_fields=True):
    """A known extra amount, spread evenly over [start_utc, end_utc)."""

    start_utc: Moment
    end_utc: Moment
    amount_usd: Decimal


class SpendIn(msgspec.Struct, forbid_unknown_fields=True):
    """Spend of complete hours or days in USD, the window, and what is billed in it so far.

    Without ``spent_usd`` it is what the history holds of the window.
    """

    values_usd: Values
    start_utc: Moment
    step_s: StepS
    window_start_utc: Moment
    window_end_utc: Moment
    now_utc: Moment
    spent_usd: Decimal | None = None
    budget_usd: Decimal | None = None
    cap_usd: Decimal | None = None
    changes: list[ChangeIn] = msgspec.field(default_factory=list)
    planned: list[PlannedIn] = msgspec.field(default_factory=list)
    interval_pct: float = 80.0


class SpendOut(msgspec.Struct, frozen=True):
    """The window's total as decimal text with its interval; null where it cannot be told."""

    spent_usd: str
    total_usd: str | None
    lower_usd: str | None
    upper_usd: str | None
    run_rate_usd: str | None
    verdict: str | None
    runs_out_utc: dt.datetime | None
    runs_out_earliest_utc: dt.datetime | None
    runs_out_latest_utc: dt.datetime | None
    method: str | None
    backtest_error_pct: float | None
    backtest_run_rate_error_pct: float | None
    reasons: list[ReasonOut]


class LoadIn(msgspec.Struct, forbid_unknown_fields=True):
    """Load per step, oldest first, null for a gap; how far to look; the quantile to stay under."""

    values: Values
    step_s: Annotated[float, msgspec.Meta(gt=0)]
    ahead_s: Annotated[float, msgspec.Meta(gt=0)]
    level: Annotated[float, msgspec.Meta(ge=0.5, lt=1)] = 0.95


class LoadOut(msgspec.Struct, frozen=True):
    """Expected and upper load per step ahead; ``is_persistence`` says: decide by what is there."""

    mean: list[float] | None
    upper: list[float] | None
    is_persistence: bool | None
    error_ratio: float | None
    coverage_ratio: float | None
    reasons: list[ReasonOut]


def prepare_spend(_: Namespace) -> Callable[[Any], SpendOut]:
    """The function that forecasts one window of spend."""
    from analytics.forecasting.answers import CannotForecast
    from analytics.forecasting.blocks import Change
    from analytics.forecasting.series import Series
    from analytics.spans import Span
    from analytics.spend_forecast import Planned, forecast_spend, run_rate_usd, spent_in

    def answer(given: Any) -> SpendOut:
        history = Series(to_utc(given.start_utc, "start_utc"), given.step_s,
                         to_array(given.values_usd, "values_usd"))
        now = to_utc(given.now_utc, "now_utc")
        span = to_span(given.window_start_utc, given.window_end_utc, "window_end_utc", Span)
        changes = [Change(to_utc(each.at_utc, f"changes[{number}].at_utc"), each.factor)
                   for number, each in enumerate(given.changes)]
        planned = [
            Planned(to_span(each.start_utc, each.end_utc, f"planned[{number}].end_utc", Span),
                    bounded(each.amount_usd, f"planned[{number}].amount_usd"))
            for number, each in enumerate(given.planned)]
        spent = spent_in(history, span, now) if given.spent_usd is None else \
            bounded(given.spent_usd, "spent_usd")
        budget, cap = (bounded(given.budget_usd, "budget_usd"),
                       bounded(given.cap_usd, "cap_usd"))
        try:
            found = forecast_spend(
                history, span, now, spent, budget_usd=budget, cap_usd=cap, changes=changes,
                planned=planned, interval_pct=given.interval_pct)
        except ValueError as error:
            field = "interval_pct" if "interval_pct" in str(error) else "changes"
            raise InputError("invalid_value", str(error), field) from error
        if isinstance(found, CannotForecast):
            rate = run_rate_usd(spent, span, now)
            return SpendOut(f"{spent:f}", None, None, None, _to_text(rate), None, None, None, None,
                            None, None, None, [reason(found)])
        return _to_spend(found)
    return answer


def prepare_load(_: Namespace) -> Callable[[Any], LoadOut]:
    """The function that forecasts the load of one control loop."""
    from analytics.forecasting.answers import CannotForecast
    from analytics.forecasting.load import forecast_load

    def answer(given: Any) -> LoadOut:
        try:
            found = forecast_load(to_array(given.values, "values"), given.step_s, given.ahead_s,
                                  given.level)
        except (ValueError, OverflowError) as error:
            raise InputError("invalid_value", str(error), "ahead_s") from error
        if isinstance(found, CannotForecast):
            return LoadOut(None, None, None, None, None, [reason(found)])
        return _to_load(found)
    return answer


def _to_spend(found: "SpendForecast") -> SpendOut:
    return SpendOut(
        f"{found.spent_usd:f}", _to_text(found.total_usd), _to_text(found.lower_usd),
        _to_text(found.upper_usd), _to_text(found.run_rate_usd), found.verdict,
        found.runs_out_utc, found.runs_out_earliest_utc, found.runs_out_latest_utc, found.method,
        found.backtest.error_pct, found.backtest.run_rate_error_pct,
        [reason(each) for each in found.notes])


def _to_load(found: "LoadForecast") -> LoadOut:
    return LoadOut(found.mean.tolist(), found.upper.tolist(), found.is_persistence,
                   found.error_ratio, found.coverage_ratio,
                   [reason(each) for each in found.notes])


def _to_text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.6f}"
