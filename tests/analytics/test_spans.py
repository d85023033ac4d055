"""Spans: what people type, and the pieces that rollups answer."""

import contextlib
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics import spans
from analytics.spans import DAY, HOUR, Span

NOW = dt.datetime(2026, 11, 21, 0, 22, 30, tzinfo=dt.UTC)


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(("text", "start", "end"), [
    ("1h", "2026-11-20T23:23", "2026-11-21T00:23"),  # up to the next full minute
    ("24h", "2026-11-20T00:23", "2026-11-21T00:23"),
    ("7d", "2026-11-14T01:00", "2026-11-21T01:00"),  # up to the next full hour
    ("last 90 min", "2026-11-20T22:53", "2026-11-21T00:23"),
    ("  Last  2 Weeks ", "2026-11-07T01:00", "2026-11-21T01:00"),
    ("2026-10", "2026-10-01", "2026-11-01"),
    ("2024-02", "2024-02-01", "2024-03-01"),  # leap year
    ("2025-12", "2025-12-01", "2026-01-01"),
    ("2023-11-16", "2023-11-16", "2023-11-17"),
    ("2023-11-01..2023-11-16", "2023-11-01", "2023-11-17"),  # the last day is included
    ("2026-01..2026-03", "2026-01-01", "2026-04-01"),
    ("2026-03-01T10:00Z..2026-03-01T10:30Z", "2026-03-01T10:00", "2026-03-01T10:30"),
    ("2026-07-01T10:00..2026-07-01T11:00", "2026-07-01T08:00", "2026-07-01T09:00"),  # Berlin, +2
    ("today", "2026-11-20T23:00", "2026-11-21T00:23"),  # midnight in Berlin is 23:00 UTC
    ("yesterday", "2026-11-19T23:00", "2026-11-20T23:00"),
])
def test_text_means_span(text: str, start: str, end: str) -> None:
    assert spans.parse_range(text, NOW, "Europe/Berlin") == Span(utc(start), utc(end))


@pytest.mark.parametrize("text", ["", "soon", "1x", "2026-13", "2026-02-30",
                                  "2026-03-02..2026-03-01",
                                  "2026-03-01T10:00", "..", "0h", "1999-12", "99999d", "1h..2h",
                                  "2026-03-01T10:00..2026-03-01T10:00"])
def test_other_text_is_explained(text: str) -> None:
    with pytest.raises(ValueError, match=r"[A-Z“].*\."):
        spans.parse_range(text, NOW)


@given(st.text(max_size=40))
def test_no_text_fails_otherwise(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert spans.parse_range(text, NOW).length > dt.timedelta(0)


def test_yesterday_of_a_short_day_has_23_hours() -> None:
    # Berlin sets its clocks forward on 29 March 2026
    found = spans.parse_range("yesterday", utc("2026-03-30T12:00"), "Europe/Berlin")
    assert found.length == 23 * HOUR


def test_previous_touches_and_is_as_long() -> None:
    span = Span(utc("2026-03-01"), utc("2026-03-08"))
    assert spans.previous(span) == Span(utc("2026-02-22"), utc("2026-03-01"))


@pytest.mark.parametrize(("text", "width_s", "points"), [
    ("1h", 60, 60), ("24h", 900, 96), ("7d", 3_600, 168), ("30d", 21_600, 120),
    ("90d", 86_400, 90), ("12h", 300, 144), ("365d", 604_800, 365 / 7)])
def test_charts_have_40_to_200_points(text: str, width_s: int, points: float) -> None:
    span = spans.parse_range(text, NOW)
    assert spans.bucket_width_s(span) == width_s
    assert span.length_s / width_s == pytest.approx(points)


moments = st.integers(0, 40 * 86_400 * 10).map(
    lambda tenths: utc("2026-03-01") + dt.timedelta(milliseconds=100 * tenths))


@given(moments, moments)
def test_pieces_tile_the_span(one: dt.datetime, other: dt.datetime) -> None:
    if one == other:
        return
    span = Span(min(one, other), max(one, other))
    found = spans.query_params(span)
    edges = [found[name] for name in
             ("start", "hour_start", "day_start", "day_end", "hour_end", "end")]
    assert edges == sorted(edges)
    assert (edges[0], edges[-1]) == (span.start, span.end)
    for start, end, step in ((edges[1], edges[2], HOUR), (edges[2], edges[3], DAY),
                             (edges[3], edges[4], HOUR)):
        assert start == end or ((start - spans.EARLIEST) % step == dt.timedelta(0)
                                and (end - start) % step == dt.timedelta(0))
    assert edges[1] - edges[0] < HOUR or edges[1] == span.end  # no more raw events than needed
    assert edges[2] - edges[1] < DAY or edges[2] == edges[4]


@pytest.mark.parametrize("start", [utc("2026-03-02"), utc("2026-03-01").replace(tzinfo=None)])
def test_impossible_span_is_refused(start: dt.datetime) -> None:
    with pytest.raises(ValueError, match=r"zone|before it starts"):
        Span(start, utc("2026-03-02"))
