"""Schedules: cron in a zone, also when the clock jumps; a bound and never a blind set."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.decisions.reasons import InputError, Reason
from brain.decisions.scaling.schedules import (
    Bounds,
    ScheduledBound,
    apply_bounds,
    decide_bounds,
    last_firing,
    next_firing,
    parse_cron,
    read_zone,
)

BERLIN = read_zone("Europe/Berlin")


def utc(text):
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(("line", "now", "last", "following"), [
    ("0 23 * * *", "2026-01-10T12:00", "2026-01-09T22:00", "2026-01-10T22:00"),
    ("0 7 * * 1-5", "2026-06-07T12:00", "2026-06-05T05:00", "2026-06-08T05:00"),  # a Sunday
    ("*/15 * * * *", "2026-06-07T12:20", "2026-06-07T12:15", "2026-06-07T12:30"),
    ("0 0 29 2 *", "2026-06-07T12:00", "2024-02-28T23:00", "2028-02-28T23:00"),
    ("0 12 1 * mon", "2026-06-02T12:00", "2026-06-01T10:00", "2026-06-08T10:00"),
    # 2026-03-29 the clock jumps from 2 to 3, at 01:00 UTC: 02:30 fires at the jump
    ("30 2 * * *", "2026-03-29T12:00", "2026-03-29T01:00", "2026-03-30T00:30"),
    # 2026-10-25 the clock shows 02:30 twice, at 00:30 and 01:30 UTC: it fires once, at first
    ("30 2 * * *", "2026-10-25T12:00", "2026-10-25T00:30", "2026-10-26T01:30"),
    ("0 0 1 jan,jul *", "2026-06-07T12:00", "2025-12-31T23:00", "2026-06-30T22:00"),
])
def test_fires_at_local_times(line, now, last, following):
    cron = parse_cron(line)
    assert last_firing(cron, BERLIN, utc(now)) == utc(last)
    assert next_firing(cron, BERLIN, utc(now)) == utc(following)


def test_a_date_that_never_comes_never_fires():
    assert last_firing(parse_cron("0 0 31 2 *"), BERLIN, utc("2026-01-01T00:00")) is None
    assert next_firing(parse_cron("0 0 31 2 *"), BERLIN, utc("2026-01-01T00:00")) is None


@pytest.mark.parametrize("line", ["", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *",
                                  "* * * 13 *", "* * * * 8", "5-1 * * * *", "*/0 * * * *",
                                  "a * * * *", "1- * * * *", "*-5 * * * *", "@daily"])
def test_refuses_what_is_no_cron_line(line):
    with pytest.raises(InputError) as caught:
        parse_cron(line)
    assert caught.value.field == "cron"


def test_refuses_an_unknown_zone():
    for name in ("Europe/Atlantis", "../etc/passwd", ""):
        with pytest.raises(InputError):
            read_zone(name)


NIGHTS = [ScheduledBound("blue", "0 23 * * *", "Europe/Berlin", 2, 2),
          ScheduledBound("green", "0 23 * * *", "Europe/Berlin", 1, 1),
          ScheduledBound("blue", "0 7 * * *", "Europe/Berlin", 5, None),
          ScheduledBound("green", "0 7 * * *", "Europe/Berlin", 3, None)]


@pytest.mark.parametrize(("now", "blue", "green"), [
    ("2026-07-01T21:30", 2, 1), ("2026-07-01T20:30", 5, 3), ("2026-07-01T05:00", 5, 3),
    ("2026-07-01T04:59", 2, 1), ("2026-12-01T21:30", 5, 3)])
def test_the_line_that_fired_last_holds(now, blue, green):
    assert decide_bounds(NIGHTS, "blue", utc(now)).min_replicas == blue
    assert decide_bounds(NIGHTS, "green", utc(now)).min_replicas == green
    assert decide_bounds(NIGHTS, "red", utc(now)).since_utc is None


@pytest.mark.parametrize(("wanted", "needed", "least", "most", "replicas", "code"), [
    (1, 1, 5, None, 5, "ScheduledFloor"), (8, 2, None, 2, 2, "ScheduledCeiling"),
    (8, 6, None, 2, 6, "ScheduleYieldsToLoad"), (3, 3, 2, 5, 3, "Scheduled"),
    (8, 9, None, 2, 8, "ScheduleYieldsToLoad")])
def test_is_a_bound_that_yields_to_load(wanted, needed, least, most, replicas, code):
    bounds = Bounds(least, most, None, (Reason("Scheduled", "test"),))
    found, reasons = apply_bounds(wanted, needed, bounds)
    assert (found, reasons[-1].code) == (replicas, code)


@given(st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2030, 1, 1)),
       st.sampled_from(["0 7 * * *", "30 2 * * *", "*/7 1-5/2 * * sun", "0 0 1 * *"]),
       st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC",
                        "Asia/Kathmandu"]))
def test_now_lies_between_the_last_and_the_next_firing(now, line, zone):
    now_utc, cron = now.replace(tzinfo=dt.UTC), parse_cron(line)
    last, following = (find(cron, read_zone(zone), now_utc)
                       for find in (last_firing, next_firing))
    assert last <= now_utc < following
    assert next_firing(cron, read_zone(zone), last) == following
