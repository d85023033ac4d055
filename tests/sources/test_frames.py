"""Arrow tables, frames and structs say the same."""

import datetime as dt
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.events import KINDS, Outcome, columns
from brain.sources import frames
from tests import sample

moments = st.datetimes(min_value=dt.datetime(2000, 1, 1), max_value=dt.datetime(2199, 12, 31),
                       timezones=st.sampled_from([dt.UTC, dt.timezone(dt.timedelta(hours=-9))]))


@pytest.mark.parametrize("kind", KINDS)
def test_table_has_the_events_values(kind: str) -> None:
    events, table = sample.events()[kind], sample.tables()[kind]
    assert tuple(table.column_names) == columns(kind)
    assert table.schema == frames.arrow_schema(kind)
    for event, row in zip(events, table.to_pylist(), strict=True):
        assert row.pop("at_utc").replace(tzinfo=dt.UTC) == event.at_utc
        assert row == {name: getattr(event, name) for name in row}


@settings(max_examples=200, deadline=None)
@given(moments)
def test_times_are_exact_to_the_microsecond(moment: dt.datetime) -> None:
    event = Outcome(event_id="a", at_utc=moment, metric="m", unit_id="u", value=1.0)
    table = frames.to_table("outcomes", [event])
    assert table["at_utc"][0].as_py() == moment.astimezone(dt.UTC).replace(tzinfo=None)


@pytest.mark.parametrize("kind", KINDS)
def test_packed_and_unpacked_is_the_same(kind: str) -> None:
    table = sample.tables()[kind]
    assert frames.from_bytes(frames.to_bytes(table)) == table
    empty = table.slice(0, 0)
    assert frames.from_bytes(frames.to_bytes(empty)) == empty


def test_conform_orders_columns_and_turns_zones_into_utc() -> None:
    table = sample.tables()["deploys"]
    berlin = table["at_utc"].cast(pa.timestamp("us", "UTC")).cast(
        pa.timestamp("ns", "Europe/Berlin"))
    mixed = table.drop_columns("at_utc").append_column("at_utc", berlin).append_column(
        "more", pa.nulls(table.num_rows))
    assert frames.conform("deploys", mixed) == table


@pytest.mark.parametrize(("column", "values", "sentence"), [
    ("value", None, "column value is missing"),
    ("value", pa.array(["x"]), "column value: "),
    ("value", pa.array([None], pa.float64()), "column value has empty values"),
    ("metric", pa.nulls(1, pa.string()), "column metric has empty values")])
def test_conform_names_the_column_that_does_not_fit(column: str, values: pa.Array | None,
                                                    sentence: str) -> None:
    table = sample.tables()["outcomes"].slice(0, 1).drop_columns(column)
    if values is not None:
        table = table.append_column(column, values)
    with pytest.raises(ValueError, match=sentence):
        frames.conform("outcomes", table)


def test_checksum_adds_up() -> None:
    # md5("abc") = 900150983cd24fb0d696...: the first 15 hex digits are 0x900150983cd24fb.
    assert frames.checksum(["abc"]) == 0x900150983CD24FB
    assert frames.checksum(["abc", "x", "abc"]) == 2 * 0x900150983CD24FB + frames.checksum(["x"])
    assert frames.checksum([]) == 0


def test_frame_has_aware_times_and_exact_money() -> None:
    naive = pa.array([dt.datetime(2026, 3, 1)], pa.timestamp("us"))
    frame = frames.to_frame(pa.table({
        "at_utc": naive, "noted": naive,
        "cost_usd": pa.array([Decimal("17.313932500000")], pa.decimal128(38, 12))}))
    assert frame["at_utc"][0] == pd.Timestamp("2026-03-01", tz="UTC")
    assert frame["noted"].dt.tz is None
    assert frame["cost_usd"][0] == Decimal("17.3139325")


def test_plain_times_are_utc_without_zone() -> None:
    tokyo = dt.datetime(2026, 3, 1, 9, tzinfo=dt.timezone(dt.timedelta(hours=9)))
    plain = dt.datetime(2026, 3, 1)
    assert frames.plain_times({"start": tokyo, "end": plain, "limit": 3}) == {
        "start": plain, "end": plain, "limit": 3}
