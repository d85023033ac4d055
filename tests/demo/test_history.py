"""The demonstration's rows: totals, columns, bounds, determinism, windows that tile."""

import datetime as dt
import itertools
import json

import msgspec
import pyarrow as pa
import pytest

from brain import events
from brain.demo import DemoPlan, DemoStream, continue_from, describe, generate, read_plan
from brain.demo.tables import column_type, schema

END = dt.datetime(2026, 3, 18, 15, tzinfo=dt.UTC)  # that of the fixture
DAY = dt.timedelta(days=1)


def test_holds_about_as_many_events_as_asked_for(history, frames):
    total = sum(len(frame) for frame in frames.values())
    assert total == pytest.approx(60_000, rel=0.06)
    assert len(frames["requests"]) > total / 2


@pytest.mark.parametrize(("days", "count"), [(7, 5_000), (30, 20_000), (90, 100_000)])
def test_total_follows_the_plan(days, count):
    tables = generate(3, days, count, END).tables()
    assert sum(t.num_rows for t in tables.values()) == pytest.approx(count, rel=0.15)


def test_lies_inside_its_span_in_time_order(history, frames):
    for kind, frame in frames.items():
        assert frame["at_utc"].is_monotonic_increasing, kind
        assert frame["at_utc"].min() >= history.first_at_utc
        assert frame["at_utc"].max() < END
    assert frames["requests"]["at_utc"].max() > END - dt.timedelta(hours=1)


def test_columns_and_types_are_those_of_the_event_kinds(history):
    numbers = {"bool": pa.bool_(), "int": pa.int64(), "float": pa.float64()}
    for kind, table in history.tables().items():
        assert table.column_names == list(events.columns(kind))
        assert table.schema == schema(kind)
        for field in msgspec.structs.fields(events.KINDS[kind]):
            said = str(msgspec.json.schema(field.type))
            if field.name == "at_utc":
                assert column_type("at_utc") == pa.timestamp("us")
            elif "'integer'" in said:
                assert column_type(field.name) == numbers["int"]
            elif "'number'" in said:
                assert column_type(field.name) == numbers["float"]
            elif "'boolean'" in said:
                assert column_type(field.name) == numbers["bool"]
            else:
                assert column_type(field.name) == pa.string()


def test_rows_are_sound_events(frames):
    for kind, frame in frames.items():
        sample = frame.sample(min(len(frame), 400), random_state=1)
        for row in sample.to_dict("records"):
            known = {name: (value.to_pydatetime() if name == "at_utc" else value)
                     for name, value in row.items() if value == value and value is not None}
            event = msgspec.convert(known, events.KINDS[kind], strict=False)
            assert events.find_fault(event, END) is None
            assert event.source == "demo"


def test_ids_are_unique_within_each_kind(frames):
    for kind, frame in frames.items():
        assert frame["event_id"].is_unique, kind
        assert frame["event_id"].str.len().max() <= 128


def test_only_the_named_columns_hold_nulls(frames):
    allowed = {"latency_ms", "ttft_ms", "query_text", "duration_ms"}
    for frame in frames.values():
        assert set(frame.columns[frame.isna().any()]) <= allowed


def test_same_seed_gives_the_same_rows_and_another_seed_others():
    first, again = generate(11, 8, 4_000, END).tables(), generate(11, 8, 4_000, END).tables()
    other = generate(12, 8, 4_000, END).tables()
    for kind, table in first.items():
        assert table.equals(again[kind])
        if kind != "deploys":
            assert not table.drop(["event_id"]).equals(other[kind].drop(["event_id"]))


def test_plans_that_differ_share_no_event_id(history):
    start = END - 2 * DAY  # Monday to Wednesday: one deploy
    ours = set(continue_from(history.plan, start, END)["deploys"]["event_id"].to_pylist())
    assert ours
    for plan in (DemoPlan(12, 30, 60_000, END), DemoPlan(11, 30, 60_000, END + DAY),
                 DemoPlan(11, 30, 60_001, END)):
        found = continue_from(plan, start, END)["deploys"]["event_id"].to_pylist()
        assert found and not ours.intersection(found)


def test_windows_tile_without_gap_or_double(history):
    start = END - DAY * 0.7
    edges = [start, start + dt.timedelta(microseconds=1), start + dt.timedelta(seconds=5),
             END - dt.timedelta(hours=3), END, END + dt.timedelta(hours=9),  # over midnight
             END + dt.timedelta(hours=9, seconds=5), END + 2 * DAY]
    stream = DemoStream(history.plan)
    parts = [stream.window(a, b) for a, b in itertools.pairwise(edges)]
    whole = continue_from(history.plan, edges[0], edges[-1])
    for kind, table in whole.items():
        joined = pa.concat_tables([part[kind] for part in parts])
        assert joined.equals(table), kind


def test_a_restart_repeats_the_same_rows(history):
    window = (END + DAY * 0.4, END + DAY * 0.6)
    stream = DemoStream(history.plan)
    stream.window(END + 3 * DAY, END + 4 * DAY)
    for kind, table in stream.window(*window).items():  # going back
        assert table.equals(continue_from(history.plan, *window)[kind]), kind


def test_history_goes_on_at_the_same_rate(history, frames):
    later = continue_from(history.plan, END, END + 14 * DAY)["requests"].num_rows
    assert later / 14 == pytest.approx(len(frames["requests"]) / 30, rel=0.12)


def test_an_empty_window_has_every_kind_and_no_rows(history):
    for start, end in ((END, END), (END, END - DAY)):
        found = continue_from(history.plan, start, end)
        assert set(found) == set(events.KINDS) - {"request_steps"}
        assert not any(table.num_rows for table in found.values())


def test_an_exposure_comes_once_for_ever(history):
    going = pa.concat_tables([history.tables()["exposures"], continue_from(
        history.plan, END, END + 10 * DAY)["exposures"]]).to_pandas()
    assert not going.duplicated(["experiment_key", "unit_id"]).any()


def test_plan_returns_from_its_record(history):
    record = json.loads(json.dumps(describe(history.plan)))
    assert read_plan(record) == history.plan
    assert len(json.dumps(record)) < 100_000  # the column that keeps it


@pytest.mark.parametrize(("changes", "word"), [
    ({"days": 6}, "days"), ({"events": 999}, "events"), ({"seed": -1}, "seed"),
    ({"end_utc": dt.datetime(2026, 3, 18)}, "aware")])
def test_refuses_a_plan_that_cannot_be_made(changes, word):
    with pytest.raises(ValueError, match=word):
        DemoPlan(**{"seed": 1, "days": 30, "events": 2_000, "end_utc": END, **changes})


def test_annotations_are_those_of_the_effects(history):
    marks = history.annotations
    assert [m["at_utc"] for m in marks] == sorted(m["at_utc"] for m in marks)
    assert {m["kind"] for m in marks} == {"incident", "optimization", "experiment", "deploy"}
    outage = next(m for m in marks if "unavailable" in m["text"])
    assert outage["at_utc"].isoformat() == history.effects["outage"]["start_utc"]
    assert outage["end_utc"] - outage["at_utc"] == dt.timedelta(minutes=45)
    deploys = history.tables()["deploys"]["at_utc"].to_pylist()
    assert [m["at_utc"].replace(tzinfo=None) for m in marks if m["kind"] == "deploy"] == deploys
    assert len({m["annotation_id"] for m in marks}) == len(marks)


@pytest.mark.parametrize("days", [7, 8, 9, 10, 14, 30, 365])
@pytest.mark.parametrize("weekday", range(7))
def test_all_effects_lie_inside_the_history(days, weekday):
    plan = DemoPlan(1, days, 2_000, END + weekday * DAY)
    record = describe(plan)
    for span in (record["outage"], record["cache_misconfiguration"], record["cost_spike"]):
        start = dt.datetime.fromisoformat(span["start_utc"])
        assert plan.end_utc - days * DAY <= start
        assert dt.datetime.fromisoformat(span["end_utc"]) <= plan.end_utc
        assert start.weekday() < 5
    for step in record["optimizations"]:
        at = dt.datetime.fromisoformat(step["at_utc"])
        assert plan.end_utc - days * DAY <= at < plan.end_utc
