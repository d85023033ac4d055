"""Quantities and durations of Kubernetes, exactly."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.decisions.reasons import InputError
from brain.decisions.scaling.quantities import (
    MAX_INT64,
    format_milli,
    parse_duration_s,
    parse_quantity,
    to_milli,
    to_units,
)


@pytest.mark.parametrize(("text", "milli"), [
    ("500m", 500), ("2", 2000), ("1.5", 1500), (".5", 500), ("5.", 5000), ("1e3", 10**6),
    ("1E3", 10**6), ("1E", MAX_INT64), ("1e-3", 1), ("100u", 1), ("1n", 1),
    ("1Ki", 1_024_000), ("1Gi", 2**30 * 1000), ("0.5Mi", 2**19 * 1000), ("-500m", -500),
    ("+2", 2000), ("0", 0), (3, 3000), (0.1, 100), ("1500000000n", 1500), ("1k", 10**6),
    ("999999999999999999999", MAX_INT64),
])
def test_reads_quantities(text, milli):
    assert to_milli(text) == milli


@pytest.mark.parametrize("text", ["", "m", "1 Gi", "1gi", "1K", "0x1", "1e", "one", "1e9999", "١",
                                  "--1", float("nan"), float("inf"), True])
def test_refuses_what_is_no_quantity(text):
    with pytest.raises(InputError) as caught:
        to_milli(text, "here")
    assert (caught.value.code, caught.value.field) == ("invalid_quantity", "here")


@given(st.text(alphabet="0123456789.eE+-mkKMGTPiunx ", max_size=12))
def test_any_text_is_read_or_refused(text):
    try:
        value = parse_quantity(text)
    except InputError:
        return
    assert isinstance(value, Fraction) and abs(value) <= MAX_INT64
    assert value * 10**9 == int(value * 10**9)


@given(st.integers(-10**15, 10**15))
def test_milli_is_written_as_it_is_read(milli):
    assert to_milli(format_milli(milli)) == milli


def test_whole_units_are_rounded_up():
    assert (to_units("1500m"), to_units("1"), to_units("1n")) == (2, 1, 1)


@pytest.mark.parametrize(("text", "seconds"), [
    ("30s", 30), ("1m0s", 60), ("1h30m", 5400), ("500ms", 0.5), ("0", 0), (15, 15), ("1.5s", 1.5)])
def test_reads_durations(text, seconds):
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "s", "-1s", "1d", -1, float("nan"), True])
def test_refuses_what_is_no_duration(text):
    with pytest.raises(InputError):
        parse_duration_s(text)
