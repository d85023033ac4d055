"""Points of charts."""

import datetime as dt

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from analytics import thinning
from analytics.spans import Span

START = dt.datetime(2026, 3, 1, 10, 7, tzinfo=dt.UTC)


def at(minute: int) -> pd.Timestamp:
    return pd.Timestamp("2026-03-01T10:00Z") + pd.Timedelta(minutes=minute)


def test_every_bucket_of_the_span_has_a_row() -> None:
    frame = pd.DataFrame({"at_utc": [at(5), at(15)], "requests": [3, 4], "p95_ms": [1.0, 2.0]})
    span = Span(START, START + dt.timedelta(minutes=13))  # 10:07 to 10:20 touches 10:05 to 10:15
    found = thinning.fill_buckets(frame, "at_utc", span, 300, zeros=("requests",))
    assert list(found["at_utc"]) == [at(5), at(10), at(15)]
    assert list(found["requests"]) == [3, 0, 4]
    assert found["p95_ms"].isna().tolist() == [False, True, False]


def test_only_seconds_inside_the_span_count() -> None:
    span = Span(START, START + dt.timedelta(minutes=13))
    starts = pd.Series([at(5), at(10), at(15)])
    # 10:07 to 10:10, 10:10 to 10:15, 10:15 to 10:20
    assert thinning.covered_s(starts, 300, span).tolist() == [180.0, 300.0, 300.0]


@given(st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), max_size=3_000),
       st.integers(10, 500))
def test_thinned_line_keeps_its_ends_and_its_extremes(numbers: list[float], most: int) -> None:
    values = np.array(numbers, dtype=float)
    kept = thinning.keep_spikes(values, most)
    assert len(kept) <= max(most, min(len(values), most))
    assert kept.tolist() == sorted(set(kept.tolist()))
    if len(values):
        assert (kept[0], kept[-1]) == (0, len(values) - 1)
    if np.isfinite(values).any():
        assert np.nanmax(values[kept]) == np.nanmax(values)
        assert np.nanmin(values[kept]) == np.nanmin(values)
    assert bool(np.isnan(values[kept]).any()) == bool(np.isnan(values).any())
