"""Numbers of system health."""

import datetime as dt

import pandas as pd
import pytest

from analytics import health
from analytics.spans import MINUTE, Span

NOW = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC)
SPAN = Span(NOW - dt.timedelta(hours=1), NOW)


def machine_row(instance: str, samples: int, minutes: float, is_demo: int = 0) -> dict[str, object]:
    return {"instance": instance, "is_demo": is_demo, "is_host": 0, "samples": samples,
            "first_at_utc": pd.Timestamp(NOW - dt.timedelta(minutes=minutes)),
            "last_at_utc": pd.Timestamp(NOW)}


@pytest.mark.parametrize(("samples", "minutes", "stale_minutes"), [
    (361, 60, 1),  # every 10 s: three gaps are 30 s, at least a minute
    (7, 60, 30),  # every 10 min: three gaps
    (2, 60, 45),  # every hour: at most 45 min
    (1, 0, 1),  # no gap known
])
def test_values_count_for_three_gaps(samples: int, minutes: float, stale_minutes: float) -> None:
    (found,) = health.list_machines(pd.DataFrame([machine_row("a", samples, minutes)]))
    assert found.stale_after == dt.timedelta(minutes=stale_minutes)


def test_machine_is_chosen_by_title_and_kind() -> None:
    machines = health.list_machines(pd.DataFrame([
        machine_row("a", 9, 9), machine_row("a", 9, 9, is_demo=1)]))
    assert [each.title for each in machines] == ["a", "a (Demo)"]
    assert health.choose_machine(machines, "a (Demo)", False) == machines[1]
    assert health.choose_machine(machines, "gone", False) == machines[0]
    assert health.choose_machine(machines, "", True) == machines[1]
    assert health.choose_machine(machines[:1], "", True) == machines[0]
    assert health.choose_machine((), "a", False) is None


def test_last_value_counts_until_it_is_stale() -> None:
    rows = pd.DataFrame([{"metric": "cpu_pct", "samples": 3, "mean_value": 40.0,
                          "highest_value": 60.0, "last_value": 50.0,
                          "last_at_utc": pd.Timestamp(NOW - dt.timedelta(minutes=5))}])
    fresh = health.read_gauges(rows, SPAN, NOW, dt.timedelta(minutes=5))["cpu_pct"]
    stale = health.read_gauges(rows, SPAN, NOW, dt.timedelta(minutes=4))["cpu_pct"]
    assert (fresh.current, fresh.mean, fresh.highest) == (50.0, 40.0, 60.0)
    assert (stale.current, stale.last) == (None, 50.0)


@pytest.mark.parametrize(("minutes", "down", "expected"), [
    (0, 0, None), (60, 0, 100.0), (1_440, 36, 97.5)])  # 36 / 1,440 = 2.5 %
def test_availability(minutes: int, down: int, expected: float | None) -> None:
    rows = pd.DataFrame([{"minutes": minutes, "down_minutes": down}])
    assert health.availability_pct(rows) == expected


def test_deeper_filters_read_events_not_minutes() -> None:
    params = {"start": SPAN.start, "end": SPAN.end, "workspaces": ["w"], "models": [],
              "agents": [], "regions": [], "devices": []}
    shallow = health.availability_params(params)
    assert (shallow["minute_start"], shallow["event_start"]) == (SPAN.start, SPAN.end)
    deep = health.availability_params({**params, "agents": ["a"]})
    assert (deep["minute_start"], deep["event_start"]) == (SPAN.end, SPAN.start)


def test_rates_are_over_the_time_that_has_passed() -> None:
    half = SPAN.start + dt.timedelta(minutes=30)
    assert health.rate_per_s(3_600, SPAN, NOW) == 1.0
    assert health.rate_per_s(3_600, SPAN, half) == 2.0  # 3,600 / 1,800 s
    assert health.rate_per_s(0, SPAN, SPAN.start) is None
    assert health.error_pct(1, 0) is None
    assert health.error_pct(1, 8) == 12.5


def test_unfinished_bucket_is_not_a_dip() -> None:
    rows = pd.DataFrame({"bucket_start_utc": pd.to_datetime(
        [SPAN.start, SPAN.start + dt.timedelta(minutes=15)], utc=True),
        "requests": [900, 90], "errors": [9, 0]})
    now = SPAN.start + dt.timedelta(minutes=25)  # 10 of the second bucket's 15 minutes
    found = health.request_lines(rows, SPAN, 900, now)
    assert found["rate_per_s"].tolist() == [1.0, 0.15]  # 900 / 900 s, 90 / 600 s
    assert found["error_pct"].tolist() == [1.0, 0.0]
    assert len(health.request_lines(rows, SPAN, 900, SPAN.start + dt.timedelta(minutes=20))) == 1


def test_error_rate_has_a_gap_without_requests() -> None:
    rows = pd.DataFrame({"bucket_start_utc": pd.to_datetime([SPAN.start], utc=True),
                         "requests": [2], "errors": [1]})
    found = health.request_lines(rows, SPAN, 900, NOW)
    assert found["error_pct"].isna().tolist() == [False, True, True, True]
    assert found["rate_per_s"].tolist()[1:] == [0.0, 0.0, 0.0]


def test_points_of_a_machine_are_no_finer_than_its_samples() -> None:
    every_10_min = dt.timedelta(minutes=30)
    assert health.sample_width_s(SPAN, 60, every_10_min) == 900
    assert health.sample_width_s(SPAN, 3_600, every_10_min) == 3_600
    assert health.sample_width_s(SPAN, 60, dt.timedelta(minutes=1)) == 60
    every_hour = health.MOST_STALE_AFTER  # the bound of three cadences of an hour
    assert health.sample_width_s(SPAN, 900, every_hour) == 3_600


TEN_MIN = dt.timedelta(minutes=10)


def test_short_live_span_slides_by_ten_seconds() -> None:
    now = NOW.replace(second=23)
    shown = health.close_up(Span(NOW - 9 * MINUTE, NOW + MINUTE), now)  # as typed: full minutes
    assert (shown.end, shown.length) == (NOW.replace(second=30), TEN_MIN)
    assert health.point_width_s(shown, 60) == 10
    assert TEN_MIN / dt.timedelta(seconds=10) == 60  # points in view


@pytest.mark.parametrize("span", [
    Span(NOW - dt.timedelta(hours=1), NOW), Span(NOW - 2 * TEN_MIN, NOW - TEN_MIN)])
def test_long_and_past_spans_stay_as_they_are(span: Span) -> None:
    assert health.close_up(span, NOW) == span


def test_range_answers_fill_the_points_of_the_span() -> None:
    span = Span(NOW, NOW + MINUTE)
    at = [NOW + dt.timedelta(seconds=20 * n) for n in range(3)]
    line = health.range_line({"error_pct": [(at[0], 0.5), (at[1], None)], "rate_per_s": []}, span,
                             20, {"error_pct": 100.0})
    assert line["bucket_start_utc"].tolist() == [pd.Timestamp(each) for each in at]
    assert line["error_pct"].tolist()[0] == 50.0  # a ratio of 0.5
    assert line["error_pct"].isna().tolist() == [False, True, True]  # no traffic, no answer
    assert line["rate_per_s"].isna().all()


def test_last_point_of_a_line_is_its_gauge_until_it_is_old() -> None:
    span = Span(NOW, NOW + MINUTE)
    line = health.range_line({"cpu_pct": [(NOW, 0.2), (NOW + dt.timedelta(seconds=20), 0.4)]}, span,
                             20, {"cpu_pct": 100.0})
    gauge = health.gauge_of_line("cpu_pct", line, NOW + MINUTE, MINUTE)
    assert (gauge.last, gauge.is_stale) == (40.0, False)
    assert gauge.mean == pytest.approx(30.0)
    assert health.gauge_of_line("cpu_pct", line, NOW + 5 * MINUTE, MINUTE).current is None
    assert health.gauge_of_line("disk_pct", line, NOW, MINUTE).last is None


def test_sample_holds_for_two_points_of_a_close_up() -> None:
    span = Span(NOW, NOW + MINUTE)
    rows = pd.DataFrame({"metric": ["cpu_pct"], "mean_value": [7.0], "bucket_start_utc":
                         pd.to_datetime([NOW], utc=True)})
    assert health.machine_lines(rows, ("cpu_pct",), span, 10)["cpu_pct"].tolist()[:3] == [7.0] * 3
    assert health.machine_lines(rows, ("cpu_pct",), span, 10)["cpu_pct"].isna().sum() == 3
    assert health.machine_lines(rows, ("cpu_pct",), span, 20)["cpu_pct"].isna().sum() == 2


def test_machines_say_who_measures_them() -> None:
    machine = health.Machine("db-1:9100", False, False, NOW, MINUTE, "Prometheus")
    assert machine.title == "db-1:9100 (Prometheus)"
