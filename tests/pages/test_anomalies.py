"""The expected band and anomalies on charts, and the list of what was unusual."""

import datetime as dt
import json

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from analytics.spans import Span
from brain.engine import Engine
from brain.events import MetricSample, Request
from pages.ui import anomalies, charts, data
from pages.ui.filters import View
from tests.pages.conftest import NOW, OpenPage

HOUR = dt.timedelta(hours=1)
END = NOW.replace(minute=0, second=0)
WEEK = Span(END - 168 * HOUR, END)


def view(span: Span = WEEK, zone: str = "UTC") -> View:
    return View(span, None, [], [], [], [], [], zone, "7d")


def line(span: Span, values: np.ndarray) -> pd.DataFrame:
    starts = pd.date_range(span.start, periods=len(values), freq="h", unit="us")
    return pd.DataFrame({"bucket_start_utc": starts, "requests": values})


def history(first: pd.Timestamp, end: pd.Timestamp) -> list[anomalies.Row]:
    """Hours of about 100, normal noise of 2."""
    times = pd.date_range(max(first, end - pd.Timedelta(days=21)), end, freq="h",
                          inclusive="left")
    noise = np.random.default_rng(4).normal(100, 2, len(times))
    return list(zip(times, map(float, noise), strict=True))


def watched(values: np.ndarray, before=history, span: Span = WEEK) -> charts.Band | None:
    return anomalies.watch_line(("test",), view(span), line(span, values), "requests", 3_600,
                                before)


def usual(count: int = 168) -> np.ndarray:
    return np.random.default_rng(5).normal(100, 2, count)


@pytest.mark.usefixtures("engine")
class TestBand:
    def test_holds_the_usual_and_names_the_unusual(self) -> None:
        values = usual()
        values[100] = 180.0
        band = watched(values)
        assert band is not None
        assert len(band.usual) == 168
        before = band.usual.head(100)  # of what has a standard deviation of 2
        assert (before["low"].between(85, 98)).all() and (before["high"].between(102, 115)).all()
        assert list(band.found["value"]) == [180.0]
        assert band.found["at_utc"].iloc[0] == pd.Timestamp(WEEK.start + 100 * HOUR)
        assert band.found["reason"].iloc[0]

    def test_is_none_where_too_little_is_known(self) -> None:
        span = Span(END - 24 * HOUR, END)
        assert watched(usual(24), lambda *_: [], span) is None

    def test_a_refresh_feeds_new_points_only_and_says_the_same(self) -> None:
        asked = []

        def before(first: pd.Timestamp, end: pd.Timestamp) -> list[anomalies.Row]:
            asked.append((first, end))
            return history(first, end)

        values = usual(171)
        earlier = Span(WEEK.start - 3 * HOUR, WEEK.end - 3 * HOUR)
        watched(values[:168], before, earlier)
        later = watched(values[3:], before)
        assert len(asked) == 1
        data.forget_answers()
        assert later is not None
        anew = watched(values[3:], lambda first, end: [
            *history(first, end - pd.Timedelta(hours=3)),
            *((pd.Timestamp(earlier.start + n * HOUR), float(values[n])) for n in range(3))])
        assert anew is not None
        pd.testing.assert_frame_equal(later.usual, anew.usual)

    def test_remembers_a_bounded_number_of_series(self) -> None:
        for number in range(anomalies.MOST_SERIES + 5):
            anomalies.watch_line((number,), view(), line(WEEK, usual()), "requests", 3_600,
                                 lambda *_: [])
        assert len(anomalies._watched) == anomalies.MOST_SERIES


def test_the_chart_draws_a_quiet_fill_and_marks_with_a_sign_and_the_reason() -> None:
    frame = line(WEEK, usual())
    times = frame["bucket_start_utc"]
    band = charts.Band(
        pd.DataFrame({"at_utc": times, "low": 90.0, "high": 110.0}),
        pd.DataFrame({"at_utc": times[50:51], "value": [180.0], "reason": ["1.8× the usual"]}))
    figure = charts.time_series(frame, "bucket_start_utc", "requests", unit="requests",
                                zone="UTC", span=WEEK, bands=[band])
    names = {trace.name: trace for trace in figure.data}
    assert names["expected"].fill == "tonexty"
    assert names["unusual"].marker.symbol == "diamond-open"
    assert list(names["unusual"].text) == ["1.8× the usual"]


def _record(engine: Engine, count: int = 28 * 24) -> None:
    """Four weeks of about 8 requests an hour; ten times that in the hour before the last."""
    rng = np.random.default_rng(6)
    engine.record("requests", [
        Request(event_id=f"{hour}-{n}", at_utc=END - (hour + 1) * HOUR + n * HOUR / 100,
                workspace_id="acme", user_id="u", provider="openai", model="gpt-4o",
                status="ok", latency_ms=100.0, input_tokens=10, output_tokens=5, source="api")
        for hour in range(count) for n in range(80 if hour == 1 else int(rng.poisson(8)))])
    engine.settle()


def _figures(page: AppTest) -> list[dict]:
    return [json.loads(each.proto.spec) for each in page.get("plotly_chart")]


def test_overview_shows_the_band_and_tells_the_anomaly(engine: Engine, open_page: OpenPage) -> None:
    _record(engine)
    page = open_page(range="7d")
    assert not page.exception
    names = {trace.get("name") for figure in _figures(page) for trace in figure["data"]}
    assert {"expected", "unusual"} <= names
    assert any("Unusual:" in caption.value for caption in page.caption)


def test_health_has_a_band_for_each_line_it_judges(engine: Engine, open_page: OpenPage) -> None:
    _record(engine)
    rng = np.random.default_rng(7)
    engine.record("metric_samples", [
        MetricSample(event_id=f"{metric}-{hour}", at_utc=END - hour * HOUR, metric=metric,
                     value=float(rng.normal(40, 1)), instance="alpha", source="api")
        for metric in ("cpu_pct", "memory_pct") for hour in range(28 * 24)])
    engine.settle()
    page = open_page("operations/health.py", range="7d")
    assert not page.exception
    names = {trace.get("name") for figure in _figures(page) for trace in figure["data"]}
    assert {"expected", "expected p95", "expected CPU", "expected Memory"} <= names


def test_an_anomaly_of_the_last_hour_can_be_dismissed(engine: Engine, open_page: OpenPage) -> None:
    _record(engine, 48)
    engine.state.insert("anomalies", {
        "anomaly_id": "requests@1", "series": "requests", "at_utc": NOW - HOUR / 2, "score": 0.8,
        "value": 80.0, "expected": 8.0, "low": 2.0, "high": 18.0,
        "reason": "10× the usual for 11:30", "verdict": "", "is_demo": False})
    page = open_page()
    assert any("10× the usual for 11:30" in text.value for text in page.text)
    page.button(key="dismiss_requests@1").click().run()
    assert not page.exception
    assert not any("10× the usual" in text.value for text in page.text)
    assert engine.anomalies(NOW - HOUR, NOW)[0]["verdict"] == "not_anomaly"
