"""Retry-After in both its forms."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.sources.providers.retry_after import read_retry_after

NOW = dt.datetime(2026, 11, 26, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(("told", "wait_s"), [
    ("7", 7.0), (3, 3.0), ("0", 0.0), ("Thu, 26 Nov 2026 12:00:42 GMT", 42.0),
    ("Thursday, 26-Nov-26 12:01:00 GMT", 60.0), ("Thu Nov 26 12:00:05 2026", 5.0),
    ("Thu, 26 Nov 2026 11:59:00 GMT", 0.0), ("Sun, 06 Nov 1994 08:49:37 GMT", 0.0),
    ("Fri, 27 Nov 2026 12:00:01 GMT", None), ("-1", None), ("nan", None), ("inf", None),
    ("soon", None), ("", None), (None, None), ("86401", None), ("Thu, 99 Nov 2026", None)])
def test_reads_seconds_and_dates(told: object, wait_s: float | None) -> None:
    assert read_retry_after(told, NOW) == wait_s


@given(st.text() | st.integers() | st.floats() | st.none() | st.binary())
def test_no_header_breaks_the_reading(told: object) -> None:
    found = read_retry_after(told, NOW)
    assert found is None or 0 <= found <= 86_400
