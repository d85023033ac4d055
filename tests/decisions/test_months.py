"""Months in a zone: whole, last day included; and which report is due."""

import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.decisions.months import days_of, due_months, month_of, month_span, shift_month
from brain.decisions.reasons import InputError

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia",
         "America/Sao_Paulo", "Australia/Lord_Howe", "Africa/Cairo")


def utc(*moment: int) -> dt.datetime:
    return dt.datetime(*moment, tzinfo=dt.UTC)


@pytest.mark.parametrize(("month", "zone", "start", "end", "hours"), [
    ("2026-10", "UTC", utc(2026, 10, 1), utc(2026, 11, 1), 744),
    # Clocks go back on 25 October: 31 days and one hour.
    ("2026-10", "Europe/Berlin", utc(2026, 9, 30, 22), utc(2026, 10, 31, 23), 745),
    ("2026-03", "Europe/Berlin", utc(2026, 2, 28, 23), utc(2026, 3, 31, 22), 743),
    ("2026-10", "Asia/Kolkata", utc(2026, 9, 30, 18, 30), utc(2026, 10, 31, 18, 30), 744),
    ("2026-12", "America/New_York", utc(2026, 12, 1, 5), utc(2027, 1, 1, 5), 744),
    ("2028-02", "UTC", utc(2028, 2, 1), utc(2028, 3, 1), 29 * 24)])
def test_a_month_is_whole(month: str, zone: str, start: dt.datetime, end: dt.datetime,
                          hours: int) -> None:
    span = month_span(month, zone)
    assert (span.start, span.end) == (start, end)
    assert span.length_s == hours * 3_600
    assert month_of(span.end - dt.timedelta(microseconds=1), zone) == month
    assert month_of(span.end, zone) == shift_month(month, 1)


@given(st.integers(2001, 2098), st.integers(1, 12), st.sampled_from(ZONES))
def test_days_tile_the_month(year: int, month: int, zone: str) -> None:
    text = f"{year}-{month:02}"
    days, span = days_of(text, zone), month_span(text, zone)
    assert days[0][1].start == span.start
    assert days[-1][1].end == span.end
    assert all(a[1].end == b[1].start for a, b in pairwise(days))
    assert [each.day for each, _ in days] == list(range(1, len(days) + 1))
    assert month_span(shift_month(text, 1), zone).start == span.end


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "26-10", "2026-1", "", "1999-12",
                                  "2026-10-01", "２０２６-10"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="a month is written"):
        month_span(text, "UTC")


@pytest.mark.parametrize(("now", "zone", "last", "due"), [
    (utc(2026, 11, 1, 5, 59), "UTC", "2026-09", ()),          # 06:00 has not come
    (utc(2026, 11, 1, 6), "UTC", "2026-09", ("2026-10",)),
    (utc(2026, 11, 1, 6), "UTC", "2026-10", ()),
    (utc(2026, 11, 1, 5), "Europe/Berlin", "2026-09", ("2026-10",)),  # 06:00 in Berlin
    (utc(2026, 11, 1, 10), "America/New_York", "2026-09", ()),  # 05:00 in New York, after DST
    (utc(2026, 11, 20), "UTC", "2026-07", ("2026-08", "2026-09", "2026-10")),
    (utc(2026, 11, 20), "UTC", None, ("2026-10",)),
    (utc(2027, 1, 1, 6), "UTC", "2026-11", ("2026-12",)),
    (utc(2026, 11, 20), "UTC", "2027-05", ())])
def test_a_report_is_due_once(now: dt.datetime, zone: str, last: str | None,
                              due: tuple[str, ...]) -> None:
    assert due_months(now, zone, 6, last) == due


def test_a_long_time_without_a_server_is_caught_up_for_a_year() -> None:
    found = due_months(utc(2026, 11, 20), "UTC", 6, "2021-01")
    assert (len(found), found[0], found[-1]) == (12, "2025-11", "2026-10")
