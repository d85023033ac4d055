"""What a window of spend comes to, by arithmetic, by simulation and for any numbers."""

import datetime as dt
import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.forecasting.answers import CannotForecast
from analytics.forecasting.blocks import Change
from analytics.forecasting.series import Series
from analytics.spans import Span
from analytics.spend_forecast import (
    Planned,
    SpendForecast,
    forecast_spend,
    run_rate_usd,
    spent_in,
)

JUNE = Span(dt.datetime(2026, 6, 1, tzinfo=dt.UTC), dt.datetime(2026, 7, 1, tzinfo=dt.UTC))
DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)
PROFILE = np.array([1.2, 1.1, 1.1, 1.2, 1.0, 0.7, 0.7])  # 1 June 2026 is a Monday
TENTH = JUNE.start + 10 * DAY


def daily(values, end: dt.datetime = TENTH) -> Series:
    return Series(end - len(values) * DAY, 86_400, np.asarray(values, dtype=float))


def told(*args, **options) -> SpendForecast:
    found = forecast_spend(*args, **options)
    assert isinstance(found, SpendForecast)
    return found


def test_run_rate_counts_elapsed_time_not_days() -> None:
    assert run_rate_usd(Decimal(100), JUNE, TENTH) == 300  # 100 / 10 x 30
    assert run_rate_usd(Decimal(100), JUNE, TENTH - DAY / 2) == pytest.approx(
        Decimal(100) * 30 / Decimal("9.5"))
    assert run_rate_usd(Decimal(100), JUNE, JUNE.start) is None
    assert run_rate_usd(Decimal(100), JUNE, JUNE.end + DAY) == 100


def test_spent_counts_only_the_window() -> None:
    history = daily(np.full(15, 24.0))  # 27 May to 10 June
    assert spent_in(history, JUNE, TENTH) == 240
    assert spent_in(history, JUNE, TENTH - 6 * HOUR) == 234  # three quarters of the last day
    shifted = Span(JUNE.start + 6 * HOUR, JUNE.end)
    assert spent_in(history, shifted, TENTH) == 234


def test_even_spend_goes_on_evenly() -> None:
    found = told(daily(np.full(40, 10.0)), JUNE, TENTH, Decimal(100), budget_usd=Decimal(250))
    assert float(found.total_usd) == pytest.approx(300)
    assert found.lower_usd == found.upper_usd == found.total_usd  # never differed, so no spread
    assert found.run_rate_usd == 300
    assert found.verdict == "over"
    # 150 left at 10 a day: 15 days after the 11th at 00:00
    assert found.runs_out_utc == TENTH + 15 * DAY
    assert len(found.path) == 20
    assert found.path["cumulative_usd"].iloc[-1] == pytest.approx(300)
    assert found.path["spend_usd"].sum() == pytest.approx(200)


def test_weekends_are_foreseen_where_the_run_rate_does_not() -> None:
    months = np.tile(100 * PROFILE, 12)[:80]
    start = JUNE.start - 70 * DAY  # a Monday too
    history = Series(start, 86_400, months)
    truth = float((100 * PROFILE)[np.arange(30) % 7].sum())
    spent = Decimal(str(float(months[70:].sum())))
    found = told(history, JUNE, TENTH, spent)
    assert abs(float(found.total_usd) / truth - 1) < 0.01
    assert abs(float(found.run_rate_usd) / truth - 1) > 0.015
    assert found.method == "weekday_profile"
    assert found.notes[0].code == "beats_run_rate"
    assert found.verdict == "no_budget"
    assert found.runs_out_utc is None


def test_the_rest_of_today_goes_by_its_usual_hours() -> None:
    # All spend falls between 12:00 and 24:00; at 18:00 half of the day's 24 is still to come.
    hours = np.tile([*[0.0] * 12, *[2.0] * 12], 40)
    now = TENTH + 18 * HOUR
    history = Series(TENTH - 40 * DAY, 3_600, np.concatenate([hours, hours[:18]]))
    found = told(history, JUNE, now, Decimal(10 * 24 + 12))
    assert float(found.total_usd) == pytest.approx(30 * 24, rel=1e-6)
    assert found.path["spend_usd"].iloc[0] == pytest.approx(12)
    assert found.path["bucket_start_utc"].iloc[0] == now


def test_the_rest_of_a_day_is_forecast_by_hours() -> None:
    hours = np.tile([*[0.0] * 12, *[2.0] * 12], 10)
    today = Span(TENTH, TENTH + DAY)
    history = Series(TENTH - 10 * DAY, 3_600, np.concatenate([hours, hours[:18]]))
    found = told(history, today, TENTH + 18 * HOUR, Decimal(12), budget_usd=Decimal(20))
    assert len(found.path) == 6
    assert float(found.total_usd) == pytest.approx(24, rel=0.03)
    assert found.runs_out_utc == pytest.approx(TENTH + 22 * HOUR, abs=HOUR / 4)  # 8 at 2 an hour


def test_price_changes_scale_history_and_future() -> None:
    history = daily(np.concatenate([np.full(30, 20.0), np.full(10, 10.0)]))
    halved = Change(TENTH - 10 * DAY, 0.5)
    found = told(history, JUNE, TENTH, Decimal(100), changes=[halved])
    assert float(found.total_usd) == pytest.approx(300)  # at today's prices always 10 a day
    rising = Change(TENTH + 10 * DAY, 3.0)
    found = told(history, JUNE, TENTH, Decimal(100), changes=[halved, rising])
    assert float(found.total_usd) == pytest.approx(100 + 10 * 10 + 10 * 30)


def test_planned_amounts_are_added_where_they_fall_into_the_window() -> None:
    planned = [Planned(Span(JUNE.end - 5 * DAY, JUNE.end + 5 * DAY), Decimal(80)),
               Planned(Span(JUNE.start, JUNE.start + 5 * DAY), Decimal(1_000))]  # already billed
    found = told(daily(np.full(40, 10.0)), JUNE, TENTH, Decimal(100), planned=planned)
    assert float(found.total_usd) == pytest.approx(300 + 40)


def test_nothing_passes_the_cap() -> None:
    found = told(daily(np.full(40, 10.0)), JUNE, TENTH, Decimal(100), cap_usd=Decimal(220))
    assert found.total_usd == found.upper_usd == 220
    assert found.path["cumulative_usd"].max() == 220
    assert found.path["spend_usd"].sum() == pytest.approx(120)
    assert "cap_reached" in {note.code for note in found.notes}


@pytest.mark.parametrize(("budget", "verdict"), [
    (100, "spent"), (290, "over"), (305, "at_risk"), (600, "on_track")])
def test_verdict_by_total_and_interval(budget: int, verdict: str) -> None:
    rng = np.random.default_rng(1)
    history = daily(10 * np.exp(0.1 * rng.normal(size=60)))
    spent = Decimal(100)
    found = told(history, JUNE, TENTH, spent, budget_usd=Decimal(budget))
    assert 290 < found.total_usd < 305 < found.upper_usd
    assert found.verdict == verdict
    if verdict == "at_risk":
        assert found.runs_out_utc is None
        assert JUNE.end - 3 * DAY < found.runs_out_earliest_utc < JUNE.end


def test_window_that_is_over_is_what_was_billed() -> None:
    found = told(daily(np.full(40, 10.0), JUNE.end), JUNE, JUNE.end + DAY, Decimal(300))
    assert found.total_usd == found.lower_usd == found.run_rate_usd == 300
    assert found.path.empty


def test_window_to_come_is_forecast_from_its_start() -> None:
    found = told(daily(np.full(40, 10.0), JUNE.start - 2 * DAY), JUNE, JUNE.start - 2 * DAY,
                 Decimal(0))
    assert float(found.total_usd) == pytest.approx(300)
    assert found.run_rate_usd is None


@pytest.mark.parametrize(("values", "code"), [
    ([], "too_short"), ([1.0, 2.0], "too_short"), ([math.nan] * 9, "too_short"),
    ([1.0] * 9 + [-1.0], "negative_spend"), ([1.0] * 9 + [math.inf], "not_finite")])
def test_says_why_there_is_none(values: list[float], code: str) -> None:
    found = forecast_spend(daily(values), JUNE, TENTH, Decimal(1))
    assert isinstance(found, CannotForecast)
    assert found.code == code


def test_few_days_are_forecast_but_untested() -> None:
    found = told(daily([10.0, 11.0, 9.0]), JUNE, TENTH, Decimal(100))
    assert found.notes[0].code == "untested"
    assert found.backtest.error_pct is None
    assert found.lower_usd < found.total_usd < found.upper_usd


def test_refuses_what_makes_no_sense() -> None:
    history = daily(np.ones(9))
    with pytest.raises(ValueError, match="zone"):
        forecast_spend(history, JUNE, dt.datetime(2026, 6, 5), Decimal(0))
    with pytest.raises(ValueError, match="interval"):
        forecast_spend(history, JUNE, TENTH, Decimal(0), interval_pct=100)
    with pytest.raises(ValueError, match="factor"):
        forecast_spend(history, JUNE, TENTH, Decimal(0), changes=[Change(TENTH, 0.0)])


@pytest.mark.parametrize("before", [10, 50])
def test_on_day_ten_it_beats_the_run_rate_and_its_interval_holds(before: int) -> None:
    rng = np.random.default_rng(2)
    own, naive, inside = [], [], []
    for _ in range(60):
        offset = int(rng.integers(7)) * DAY
        span = Span(JUNE.start + offset, JUNE.end + offset)
        first = span.start - before * DAY
        days = np.array([(first + each * DAY).weekday() for each in range(before + 30)])
        spend = 100 * PROFILE[days] * np.exp(0.12 * rng.normal(size=len(days)))
        truth = float(spend[before:].sum())
        spent = Decimal(f"{spend[before:before + 10].sum():.6f}")
        found = told(Series(first, 86_400, spend[:before + 10]), span, span.start + 10 * DAY, spent)
        own.append(abs(float(found.total_usd) / truth - 1))
        naive.append(abs(float(found.run_rate_usd) / truth - 1))
        inside.append(float(found.lower_usd) <= truth <= float(found.upper_usd))
    assert np.mean(own) < 0.035
    # With ten days before it, half of what there is to learn is not there yet.
    assert np.mean(own) < (0.9 if before == 10 else 0.7) * np.mean(naive)
    assert 0.75 <= np.mean(inside) <= 0.99


amount = st.floats(0, 1e9) | st.just(0.0) | st.just(math.nan)


@settings(max_examples=80, deadline=None)
@given(st.lists(amount, max_size=60), st.integers(0, 30 * 24), st.decimals(0, 10**9, places=6),
       st.sampled_from([3_600, 86_400, 604_800, 5_000]), st.none() | st.integers(0, 10**9))
def test_any_amounts_give_ordered_totals_or_a_reason(
        values: list[float], hours: int, spent: Decimal, step_s: int, cap: int | None) -> None:
    now = JUNE.start + hours * HOUR
    length = dt.timedelta(seconds=step_s * len(values))
    history = Series(now - length, step_s, np.array(values, dtype=float))
    found = forecast_spend(history, JUNE, now, spent, budget_usd=Decimal(1_000),
                           cap_usd=None if cap is None else Decimal(cap))
    if isinstance(found, CannotForecast):
        assert found.code in ("too_short", "too_far")
        return
    assert spent <= found.lower_usd <= found.total_usd <= found.upper_usd
    if cap is not None:
        assert found.upper_usd <= max(Decimal(cap), spent)
    for column in ("cumulative_usd", "lower_usd", "upper_usd"):
        assert np.isfinite(found.path[column]).all()
        assert (np.diff(found.path[column]) >= 0).all()
