"""What was to be expected of a drawn series, and where it was unusual."""

import threading
import uuid
import zoneinfo
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pandas as pd
import streamlit as st

from analytics import health
from analytics import usage as sums
from analytics.anomalies.detector import Detector, Point
from analytics.spans import Span
from analytics.thinning import fill_buckets
from analytics.usage import HOUR_S, MINUTE_S
from pages.ui import charts, data
from pages.ui.filters import View

MOST_POINTS = 3_000
MOST_POINTS_OF_EVENTS = 500
MOST_POINTS_OF_SAMPLES = 1_000
MOST_SERIES = 64
MOST_TOLD = 3
SLACK = 10
"""Points kept from before the span, for a reader whose page is a little older."""
Row = tuple[pd.Timestamp, float | None]


@dataclass
class _Watched:
    """A series' detector, and what it said of the points from ``first`` on."""

    detector: Detector
    first: pd.Timestamp
    points: dict[pd.Timestamp, tuple[float | None, Point]] = field(default_factory=dict)

    def feed(self, rows: Sequence[Row], keep_from: pd.Timestamp) -> None:
        last = next(reversed(self.points), None)
        for at, value in rows:
            if last is None or at > last:
                self.points[at] = (value, self.detector.update(at.timestamp(), value))
        for at in [each for each in self.points if each < keep_from][:-1]:
            del self.points[at]
        self.first = max(self.first, keep_from)


_lock = threading.Lock()
_watched: OrderedDict[tuple[object, ...], _Watched] = OrderedDict()


def watch(view: View, line: pd.DataFrame, column: str, width_s: int) -> charts.Band | None:
    """The band and anomalies of a column of usage as drawn, by its past under the same filters.

    ``line`` has bucket_start_utc and the column, a row for each bucket of ``width_s`` seconds.
    None where there is too little data to know what is usual.
    """
    def before(first: pd.Timestamp, end: pd.Timestamp) -> Sequence[Row]:
        rows = _usage_before(view, width_s, first, end)
        return [] if rows is None else _pairs(rows[1], column)
    return watch_line(_key("usage", view, column, width_s), view, line, column, width_s, before)


def watch_rates(view: View, line: pd.DataFrame, column: str, width_s: int) -> charts.Band | None:
    """`watch` for rate_per_s or error_pct, as `analytics.health.request_lines` makes them."""
    def before(first: pd.Timestamp, end: pd.Timestamp) -> Sequence[Row]:
        rows = _usage_before(view, width_s, first, end)
        return [] if rows is None else _pairs(
            health.request_lines(rows[1], rows[0], width_s, data.now()), column)
    return watch_line(_key("rates", view, column, width_s), view, line, column, width_s, before)


def watch_latency(view: View, line: pd.DataFrame, column: str,
                  width_s: int) -> charts.Band | None:
    """`watch` for a quantile of latency such as p95_ms."""
    def before(first: pd.Timestamp, end: pd.Timestamp) -> Sequence[Row]:
        span = _known_span(view, width_s, first, end, MOST_POINTS_OF_EVENTS)
        if span is None:
            return []
        rows = data.query("usage/latency_series", **sums.latency_params(
            sums.series_params(view.params(span), width_s)))
        return _pairs(fill_buckets(rows, "bucket_start_utc", span, width_s), column)
    return watch_line(_key("latency", view, column, width_s), view, line, column, width_s, before)


def watch_samples(view: View, machine: health.Machine, line: pd.DataFrame,
                  column: str) -> charts.Band | None:
    """`watch` for a metric that a machine samples, such as cpu_pct; its step is the line's."""
    if len(line) < 2 or machine.origin != "samples":
        return None
    width_s = round((line["bucket_start_utc"].iloc[1]
                     - line["bucket_start_utc"].iloc[0]).total_seconds())

    def before(first: pd.Timestamp, end: pd.Timestamp) -> Sequence[Row]:
        first = max(first, end - MOST_POINTS_OF_SAMPLES * pd.Timedelta(seconds=width_s))
        span = Span(first.to_pydatetime(), end.to_pydatetime())
        rows = data.query("health/machine_series", start=span.start, end=span.end,
                          width_s=width_s, instance=machine.instance,
                          is_demo=int(machine.is_demo))
        return _pairs(health.machine_lines(rows, (column,), span, width_s), column)
    return watch_line((*_key("samples", view, column, width_s), machine.title), view, line, column,
                      width_s, before)


def watch_line(key: tuple[object, ...], view: View, line: pd.DataFrame, column: str, width_s: int,
               before: Callable[[pd.Timestamp, pd.Timestamp], Sequence[Row]]) -> charts.Band | None:
    """`watch` for any series: ``before(first, end)`` gives its buckets in [first, end)."""
    width = pd.Timedelta(seconds=width_s)
    until = min(pd.Timestamp(view.span.end), pd.Timestamp(data.now()))
    rows = [(at, value) for at, value in _pairs(line, column)
            if at >= view.span.start and at + width <= until]
    if not rows:
        return None
    key = (_edition(), *key)
    with _lock:
        known = _watched.get(key)
        if known is None or rows[0][0] < known.first or _gap(known, rows[0][0]) > width:
            most = MOST_POINTS if width_s >= MINUTE_S else MOST_POINTS_OF_EVENTS
            known = _Watched(Detector(view.zone), rows[0][0] - SLACK * width)
            known.feed(before(rows[0][0] - most * width, rows[0][0]), known.first)
            _watched[key] = known
        known.feed(rows, rows[0][0] - SLACK * width)
        _watched.move_to_end(key)
        while len(_watched) > MOST_SERIES:
            _watched.popitem(last=False)
        shown = [(at, *known.points[at]) for at, _ in rows if at in known.points]
    return _band(shown)


def tell(view: View, band: charts.Band | None) -> None:
    """Under the chart: the latest anomalies in words, if there are any."""
    if band is None or band.found.empty:
        return
    here = zoneinfo.ZoneInfo(view.zone)
    told = [f"{row['at_utc'].astimezone(here):%-d %b %H:%M} {row['reason']}"
            for row in band.found.tail(MOST_TOLD).to_dict("records")]
    more = len(band.found) - len(told)
    st.caption(f":material/diamond: Unusual: {'; '.join(told)}"
               f"{f'; and {more} earlier' if more else ''}.")


@st.cache_data(max_entries=1, show_spinner=False)
def _edition() -> str:
    """Another one after `data.forget_answers`: what was removed or imported is learned anew."""
    return uuid.uuid4().hex


def _gap(known: _Watched, first: pd.Timestamp) -> pd.Timedelta:
    last = next(reversed(known.points), None)
    return pd.Timedelta.max if last is None else first - last


def _band(shown: Sequence[tuple[pd.Timestamp, float | None, Point]]) -> charts.Band | None:
    usual = [(at, point.low, point.high) for at, _, point in shown
             if point.low is not None and point.state == "watching"]
    if len(usual) < 3:
        return None
    found = [(at, value, point.reason) for at, value, point in shown if point.is_alarm]
    return charts.Band(pd.DataFrame(usual, columns=["at_utc", "low", "high"]),
                       pd.DataFrame(found, columns=["at_utc", "value", "reason"]))


def _key(kind: str, view: View, column: str, width_s: int) -> tuple[object, ...]:
    return (kind, column, width_s, view.zone, view.range_text, *view.workspaces, "|",
            *view.models, "|", *view.agents, "|", *view.regions, "|", *view.devices)


def _pairs(frame: pd.DataFrame, column: str) -> list[Row]:
    return [(at, None if pd.isna(value) else float(value))
            for at, value in zip(frame["bucket_start_utc"], frame[column], strict=True)]


def _usage_before(view: View, width_s: int, first: pd.Timestamp,
                  end: pd.Timestamp) -> tuple[Span, pd.DataFrame] | None:
    """Usage in [first, end), not before the data began, and few points where events are read."""
    narrowed = view.models or view.agents or view.regions or view.devices
    span = _known_span(view, width_s, first, end, MOST_POINTS_OF_EVENTS
                       if narrowed and width_s < HOUR_S else MOST_POINTS)
    if span is None:
        return None
    params = view.params(span)
    if minutes := sums.minutes_params(params, width_s):
        rows = data.query("usage/minutes", **minutes)
    else:
        rows = data.query("usage/series", dimension="", **sums.series_params(params, width_s))
    return span, sums.fill_gaps(rows.drop(columns="name", errors="ignore"), span, width_s,
                                sums.SUMS)


def _known_span(view: View, width_s: int, first: pd.Timestamp, end: pd.Timestamp,
                most: int) -> Span | None:
    """[first, end) from where the data began, of ``most`` points; None if nothing is left."""
    began = data.query("usage/first_hour",
                       workspaces=view.workspaces)["first_hour_utc"].iloc[0]
    if pd.isna(began):
        return None
    width = pd.Timedelta(seconds=width_s)
    first = max(first, end - most * width, began.ceil(width))
    return Span(first.to_pydatetime(), end.to_pydatetime()) if first < end else None
