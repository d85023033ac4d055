"""Budgets: windows that tile time, statuses with their arithmetic, alerts once."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.forecasting.answers import CannotForecast
from analytics.forecasting.series import Series
from analytics.spans import Span
from analytics.spend_forecast import forecast_spend
from brain.decisions.budget_alerts import AlertMemory, decide_alerts
from brain.decisions.budgets import (
    Budget,
    BudgetStatus,
    judge_budget,
    run_rate_usd,
    sum_spend,
    window_at,
)
from brain.decisions.reasons import InputError

UTC = dt.UTC
NONE = CannotForecast("too_short", "Too short.")
JUNE_11 = dt.datetime(2026, 6, 11, tzinfo=UTC)


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def budget(amount: str | int = 300, **changes) -> Budget:
    return Budget("b", Decimal(amount), **changes)


def status(spent: str | int, amount: str | int = 100, now: dt.datetime = JUNE_11,
           reserved: str | int = 0) -> BudgetStatus:
    return judge_budget(budget(amount), now, Decimal(spent), Decimal(reserved), NONE)


@pytest.mark.parametrize(("changes", "now", "start", "end"), [
    # March 2026 in Berlin: 31 days less the hour of the 29th.
    ({"time_zone": "Europe/Berlin"}, "2026-03-29T12:00+00:00",
     "2026-03-01T00:00+01:00", "2026-04-01T00:00+02:00"),
    ({"time_zone": "Europe/Berlin", "window": "day"}, "2026-03-29T12:00+00:00",
     "2026-03-29T00:00+01:00", "2026-03-30T00:00+02:00"),                    # 23 hours
    ({"time_zone": "Europe/Berlin", "window": "day"}, "2026-10-25T12:00+00:00",
     "2026-10-25T00:00+02:00", "2026-10-26T00:00+01:00"),                    # 25 hours
    # The last second of a month belongs to it, and the next one does not.
    ({}, "2026-10-31T23:59:59.999999+00:00", "2026-10-01T00:00+00:00", "2026-11-01T00:00+00:00"),
    ({}, "2026-11-01T00:00:00+00:00", "2026-11-01T00:00+00:00", "2026-12-01T00:00+00:00"),
    # Still October in New York.
    ({"time_zone": "America/New_York"}, "2026-11-01T03:59+00:00",
     "2026-10-01T00:00-04:00", "2026-11-01T00:00-04:00"),
    # Reset day 31 is the 28th in February, the 30th in April.
    ({"reset_day": 31}, "2026-02-27T12:00+00:00",
     "2026-01-31T00:00+00:00", "2026-02-28T00:00+00:00"),
    ({"reset_day": 31}, "2026-02-28T00:00+00:00",
     "2026-02-28T00:00+00:00", "2026-03-31T00:00+00:00"),
    ({"reset_day": 31}, "2028-02-28T12:00+00:00",                            # a leap year
     "2028-01-31T00:00+00:00", "2028-02-29T00:00+00:00"),
    ({"reset_day": 15}, "2026-01-03T00:00+00:00",
     "2025-12-15T00:00+00:00", "2026-01-15T00:00+00:00"),
    ({"reset_day": 15}, "2026-12-20T00:00+00:00",
     "2026-12-15T00:00+00:00", "2027-01-15T00:00+00:00"),
    # 2026-06-11 is a Thursday.
    ({"window": "week"}, "2026-06-11T00:00+00:00",
     "2026-06-08T00:00+00:00", "2026-06-15T00:00+00:00"),
    ({"window": "week", "reset_day": 5}, "2026-06-11T00:00+00:00",
     "2026-06-05T00:00+00:00", "2026-06-12T00:00+00:00"),
    ({"window": "hour", "time_zone": "Asia/Kolkata"}, "2026-06-11T10:59:59+00:00",
     "2026-06-11T10:00+00:00", "2026-06-11T11:00+00:00"),
    # Cairo's clocks skip midnight: the day begins at 01:00.
    ({"window": "day", "time_zone": "Africa/Cairo"}, "2026-04-24T10:00+00:00",
     "2026-04-24T01:00+03:00", "2026-04-25T00:00+03:00"),
    # Samoa had no 30 December 2011.
    ({"window": "day", "time_zone": "Pacific/Apia"}, "2011-12-30T09:59+00:00",
     "2011-12-29T00:00-10:00", "2011-12-31T00:00+14:00"),
])
def test_window_that_holds_a_moment(changes, now, start, end):
    assert window_at(budget(**changes), moment(now)) == Span(moment(start), moment(end))


@given(now=st.datetimes(dt.datetime(1971, 1, 1), dt.datetime(2190, 1, 1)),
       window=st.sampled_from(["hour", "day", "week", "month"]), reset_day=st.integers(1, 31),
       zone=st.sampled_from(["UTC", "Europe/Berlin", "America/Havana", "Africa/Cairo",
                             "Pacific/Apia", "Australia/Lord_Howe", "America/Sao_Paulo"]))
def test_windows_tile_time(now, window, reset_day, zone):
    most = {"week": 7, "month": 31}.get(window, 1)
    this = budget(window=window, time_zone=zone, reset_day=min(reset_day, most))
    found = window_at(this, now.replace(tzinfo=UTC))
    assert found.start <= now.replace(tzinfo=UTC) < found.end
    after = window_at(this, found.end)
    assert after.start == found.end
    assert window_at(this, found.start) == found
    assert window_at(this, found.end - dt.timedelta(microseconds=1)) == found


@pytest.mark.parametrize(("changes", "field"), [
    ({"amount": 0}, "amount_usd"), ({"amount": "-1"}, "amount_usd"),
    ({"amount": "NaN"}, "amount_usd"), ({"amount": "1e10"}, "amount_usd"),
    ({"amount": "0.0000000001"}, "amount_usd"), ({"scope": "planet"}, "scope"),
    ({"scope": "model"}, "name"), ({"name": "x"}, "name"), ({"window": "year"}, "window"),
    ({"window": "week", "reset_day": 8}, "reset_day"), ({"reset_day": 0}, "reset_day"),
    ({"window": "day", "reset_day": 2}, "reset_day"), ({"time_zone": "Mars/Base"}, "time_zone"),
    ({"time_zone": "../etc/passwd"}, "time_zone"), ({"at_cap": "pray"}, "at_cap"),
    ({"at_cap": "cheaper_model"}, "fallback_model"), ({"throttle_s": 0}, "throttle_s"),
    ({"alert_pcts": (90, 80)}, "alert_pcts"),
])
def test_refuses_what_is_no_budget(changes, field):
    with pytest.raises(InputError) as caught:
        budget(**changes)
    assert caught.value.field == field


def test_regional_and_infrastructure_budgets_alert_at_half():
    assert budget(scope="region", name="eu").alert_pcts == (50, 80, 90, 100)
    assert budget(scope="infrastructure", name="gpu").alert_pcts == (50, 80, 90, 100)
    assert budget(scope="model", name="m").alert_pcts == (80, 90, 100)


def test_status_by_hand():
    # 10 USD a day from 1 May; 10 of June's 30 days have passed at the start of the 11th.
    history = Series(dt.datetime(2026, 5, 1, tzinfo=UTC), 86_400, np.full(41, 10.0))
    this = budget(250)
    window = window_at(this, JUNE_11)
    forecast = forecast_spend(history, window, JUNE_11, Decimal(100), budget_usd=Decimal(250))
    found = judge_budget(this, JUNE_11, Decimal(100), Decimal(30), forecast)
    assert found.remaining_usd == 120                       # 250 - 100 - 30
    assert found.used_pct == 40                             # 100 / 250
    assert found.elapsed_pct == pytest.approx(100 / 3)      # 10 of 30 days
    assert found.run_rate_usd == 300                        # 100 / 10 × 30
    assert found.projected_usd == 300                       # 100 + 20 × 10
    assert (found.verdict, found.is_on_track) == ("over", False)
    assert found.runs_out_utc == moment("2026-06-26T00:00+00:00")  # 150 left at 10 a day
    assert found.reasons[0].code == "used"
    assert found.reasons[-1].code == "over"


def test_enough_for_the_window_is_on_track():
    history = Series(dt.datetime(2026, 5, 1, tzinfo=UTC), 86_400, np.full(41, 10.0))
    window = window_at(budget(300), JUNE_11)
    forecast = forecast_spend(history, window, JUNE_11, Decimal(100), budget_usd=Decimal(300))
    found = judge_budget(budget(300), JUNE_11, Decimal(100), Decimal(0), forecast)
    assert (found.verdict, found.is_on_track, found.runs_out_utc) == ("on_track", True, None)


def test_run_rate_measures_time_not_calendar_days():
    # Half past noon on day 1 of 30: 12.5 of 720 hours; 5 / 12.5 × 720 = 288 (by whole days: 150).
    window = window_at(budget(), JUNE_11)
    now = moment("2026-06-01T12:30+00:00")
    assert run_rate_usd(Decimal(5), window, now) == 288
    assert run_rate_usd(Decimal(5), window, window.start) is None


def test_run_rate_over_a_month_with_a_short_day():
    # Berlin's March has 743 hours; after its first 371.5 the total is twice what is spent.
    window = window_at(budget(time_zone="Europe/Berlin"), moment("2026-03-20T00:00+00:00"))
    assert window.length_s == 743 * 3_600
    assert run_rate_usd(Decimal(7), window, window.start + window.length / 2) == 14


def test_unknown_is_no_number():
    found = status(50)
    assert found.projected_usd is found.lower_usd is found.upper_usd is found.is_on_track is None
    assert found.verdict == "unknown"
    assert {reason.code for reason in found.reasons} == {"used", "too_short", "unknown"}


@pytest.mark.parametrize(("spent", "verdict"), [("99.999999999", "unknown"), (100, "spent"),
                                                ("100.01", "spent")])
def test_spent_to_the_nano(spent, verdict):
    assert status(spent).verdict == verdict


def test_overspent_leaves_nothing_rather_than_less():
    assert status(130).remaining_usd == 0
    assert status(130).used_pct == 130
    assert status(80, reserved=30).remaining_usd == 0


@pytest.mark.parametrize("amount", ["-1", "NaN", "Infinity"])
def test_refuses_amounts_that_are_none(amount):
    with pytest.raises(ValueError, match="no amount"):
        status(amount)


def test_history_is_summed_exactly_inside_the_window():
    start = dt.datetime(2026, 5, 30, tzinfo=UTC)
    values = [Decimal("100"), Decimal("100"), Decimal("0.1"), Decimal("0.2"), None, Decimal("4")]
    window = window_at(budget(), JUNE_11)
    # May's two days are out; 0.1 + 0.2 + a gap + half of the 4 USD of 4 June.
    now = dt.datetime(2026, 6, 4, 12, tzinfo=UTC)
    assert sum_spend(values, start, 86_400, window, now) == Decimal("2.3")
    # A history by UTC days over a window that begins at 22:00 UTC of 31 May: two of its 24 hours.
    berlin = window_at(budget(time_zone="Europe/Berlin"), JUNE_11)
    assert sum_spend(values, start, 86_400, berlin, now) == Decimal("2.3") + \
        (Decimal(100) * 2 / 24).quantize(Decimal("1e-9")) + Decimal("1e-9")  # rounded up


@given(st.lists(st.decimals(0, 1000, places=6), min_size=1, max_size=80),
       st.integers(0, 60 * 86_400))
def test_sum_is_what_slow_addition_gives(values, late_s):
    start = dt.datetime(2026, 5, 10, 7, tzinfo=UTC)
    window, now = window_at(budget(), JUNE_11), start + dt.timedelta(seconds=late_s)
    total = Decimal(0)
    for hour, value in enumerate(values):
        begins = start + dt.timedelta(hours=hour * 12)
        for piece in range(12):  # quarters of a day cut finer than any edge but ``now``
            at = begins + dt.timedelta(hours=piece)
            part = min(max((now - at).total_seconds(), 0), 3_600)
            if window.start <= at < window.end:
                total += value * Decimal(part) / (12 * 3_600)
    found = sum_spend(values, start, 12 * 3_600, window, now)
    assert abs(found - total) < Decimal("1e-8")


# alerts


def crossings(spent, memory, amount=100, now=JUNE_11):
    alerts, memory = decide_alerts(status(spent, amount, now), memory)
    return [each.crossing for each in alerts], memory


def test_each_crossing_is_told_once():
    memory = None
    told = []
    for spent in ["79.999999999", 80, 85, 90, "99.99", 100, 140]:
        new, memory = crossings(spent, memory)
        told.append(new)
    assert told == [[], ["80"], [], ["90"], [], ["100"], []]


def test_a_jump_tells_all_it_passed_with_their_severity():
    alerts, _ = decide_alerts(status(120), None)
    assert [(each.crossing, each.severity) for each in alerts] == [
        ("80", "warning"), ("90", "high"), ("100", "critical")]
    early = judge_budget(budget(100, scope="region", name="eu"), JUNE_11, Decimal(50), Decimal(0),
                         NONE)
    assert [(each.crossing, each.severity) for each in decide_alerts(early, None)[0]] == [
        ("50", "info")]


def test_a_new_window_arms_again():
    _, memory = crossings(85, None)
    assert crossings(85, memory, now=dt.datetime(2026, 6, 30, 23, tzinfo=UTC))[0] == []
    assert crossings(85, memory, now=dt.datetime(2026, 7, 1, tzinfo=UTC))[0] == ["80"]


def test_a_raise_arms_what_is_no_longer_crossed():
    _, memory = crossings(95, None)
    new, memory = crossings(95, memory, amount=110)  # 86 %: 80 stays told, 90 is armed
    assert (new, memory.told) == ([], ("80",))
    assert crossings(99, memory, amount=110)[0] == ["90"]


def test_spend_that_falls_tells_nothing_twice():
    _, memory = crossings(85, None)
    _, memory = crossings(70, memory)
    assert crossings(81, memory)[0] == []


def test_a_lowered_budget_tells_what_it_now_passes():
    _, memory = crossings(70, None)
    new, memory = crossings(70, memory, amount=80)  # 87.5 %
    assert new == ["80"]
    assert crossings(70, memory, amount=80)[0] == []


def test_projected_to_exceed_is_told_once_and_not_beside_spent():
    history = Series(dt.datetime(2026, 5, 1, tzinfo=UTC), 86_400, np.full(41, 10.0))
    window = window_at(budget(250), JUNE_11)

    def judged(spent: int) -> BudgetStatus:
        return judge_budget(budget(250), JUNE_11, Decimal(spent), Decimal(0), forecast_spend(
            history, window, JUNE_11, Decimal(spent), budget_usd=Decimal(250)))
    alerts, memory = decide_alerts(judged(100), None)
    assert [each.reason.code for each in alerts] == ["projected_to_exceed"]
    assert decide_alerts(judged(101), memory)[0] == ()
    assert [each.crossing for each in decide_alerts(judged(250), None)[0]] == ["80", "90", "100"]


@given(st.lists(st.tuples(st.integers(0, 300), st.sampled_from([50, 100, 100, 100, 200]),
                          st.integers(0, 3)), max_size=30))
def test_never_twice_while_crossed(steps):
    memory: AlertMemory | None = None
    told: set[tuple[dt.datetime, str]] = set()
    month = 6
    amount_before = 0
    for spent, amount, ahead in steps:
        month = min(12, month + (ahead == 3))
        found = status(spent, amount, dt.datetime(2026, month, 11, tzinfo=UTC))
        if amount > amount_before:
            told = {(start, each) for start, each in told if 100 * spent >= int(each) * amount}
        amount_before = amount
        alerts, memory = decide_alerts(found, memory)
        for alert in alerts:
            assert (alert.window_start_utc, alert.crossing) not in told
            told.add((alert.window_start_utc, alert.crossing))
            assert 100 * spent >= int(alert.crossing) * amount
