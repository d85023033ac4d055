"""Column maps, units, cached tokens, and what a field may hold."""

import datetime as dt
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from brain.imports import ImportRefused, parse_map, plan_from_query, plan_to_query
from brain.sources.importers.rejected import neutralize
from tests.sources.importers.conftest import rows


def parquet(**columns) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue().to_pybytes()


def test_own_names_need_no_map(bring, engine):
    report = bring("at_utc,model,input_tokens,output_tokens,latency_ms,status,cached,mood\n"
                   "2026-01-02T03:04:05+02:00,gpt-4,10,20,12.5,error,true,sunny\n")
    row = rows(engine)[0]
    assert row["at_utc"] == dt.datetime(2026, 1, 2, 1, 4, 5)
    assert (row["model"], row["input_tokens"], row["output_tokens"]) == ("gpt-4", 10, 20)
    assert (row["latency_ms"], row["status"], row["cached"]) == (12.5, "error", True)
    assert (row["workspace_id"], row["source"]) == ("default", f"import:{report.import_id}")
    assert report.ignored_columns == ["mood"]


@pytest.mark.parametrize(("written", "unit"), [
    ("1767323045", "s"), ("1767323045.5", "s"), ("1767323045000", "ms"),
    ("1767323045000000", "us"), ("1767323045000000000", "ns")])
def test_plain_numbers_are_times_by_their_size(bring, engine, written, unit):
    report = bring(f"created,model\n{written},m\n")
    assert rows(engine)[0]["at_utc"].replace(microsecond=0) == dt.datetime(2026, 1, 2, 3, 4, 5)
    assert any(f"read as {unit} since 1970" in note for note in report.notes)


def test_map_names_columns_and_units(bring, engine):
    bring("wann;wer;dauer_s;rein\n2026-01-02 03:04:05;anna;1,5;7\n"
          "2026-01-02 03:04:06;bert;0.25;8\n",
          column_map={"at_utc": "wann", "user_id": "wer", "latency_ms": "dauer_s*1000",
                      "input_tokens": "rein"})
    found = rows(engine)
    assert [row["user_id"] for row in found] == ["bert"]  # 1,5 is no number: rejected
    assert (found[0]["latency_ms"], found[0]["input_tokens"]) == (250.0, 8)  # 0.25 s x 1000


@pytest.mark.parametrize(("name", "includes", "expected"), [
    ("prompt_tokens", None, 60),   # a total by convention: 100 - 30 - 10
    ("input_tokens", None, 100),   # without cached by convention
    ("prompt_tokens", False, 100), ("input_tokens", True, 60)])
def test_cached_tokens_are_counted_once(bring, engine, name, includes, expected):
    report = bring(f"timestamp,{name},cached_tokens,cache_creation_input_tokens\n"
                   "2026-01-02,100,30,10\n", input_includes_cached=includes)
    row = rows(engine)[0]
    assert (row["input_tokens"], row["cache_read_tokens"], row["cache_write_tokens"]) == (
        expected, 30, 10)
    assert any(note.startswith(f"{name} is taken as") for note in report.notes)


def test_more_cached_tokens_than_the_total_are_rejected(bring):
    report = bring("timestamp,prompt_tokens,cached_tokens\n2026-01-02,100,101\n"
                   "2026-01-02,100,100\n")
    assert (report.rows_kept, report.rejected[0].code) == (1, "cache_exceeds_total")


def test_reasoning_is_a_part_of_output(bring):
    report = bring("timestamp,output_tokens,reasoning_tokens\n2026-01-02,5,6\n2026-01-02,6,6\n")
    assert (report.rows_kept, report.rejected[0].code) == (1, "reasoning_exceeds_output")


def test_nested_json_is_found_by_path(bring, engine):
    line = {"created": 1767323045, "model": "m", "usage": {
        "prompt_tokens": 100, "completion_tokens": 7,
        "prompt_tokens_details": {"cached_tokens": 40}}}
    report = bring(json.dumps(line) + "\nnot json\n[1]\n\n", "log.jsonl")
    row = rows(engine)[0]
    assert (row["input_tokens"], row["cache_read_tokens"], row["output_tokens"]) == (60, 40, 7)
    assert [(each.line, each.code) for each in report.rejected] == [(2, "not_json"),
                                                                   (3, "not_json")]


def test_parquet_goes_through_with_its_types(bring, engine):
    at = [dt.datetime(2026, 1, 2, tzinfo=dt.UTC), dt.datetime(2026, 1, 3, tzinfo=dt.UTC)]
    report = bring(parquet(
        timestamp=pa.array(at, pa.timestamp("ns", "UTC")), model=pa.array(["a", "b"]).
        dictionary_encode(), input_tokens=pa.array([5.0, 6.0]),
        output_tokens=pa.array([1, None], pa.int32()),
        latency_ms=pa.array([1.5, float("inf")]), tags=[[1], [2]]), "t.parquet")
    assert (report.rows_kept, report.rejected[0].code) == (1, "not_finite")
    row = rows(engine)[0]
    assert (row["at_utc"], row["model"], row["input_tokens"]) == (dt.datetime(2026, 1, 2), "a", 5)
    assert report.ignored_columns == ["tags"]


def test_csv_and_json_and_parquet_agree(bring, engine):
    when = "2026-01-02T03:04:05.123456Z"
    bring(f"at_utc,model,input_tokens\n{when},m,5\n", "a.csv")
    bring(json.dumps({"at_utc": when, "model": "m", "input_tokens": 5, "x": 1}), "a.jsonl")
    bring(parquet(at_utc=[when], model=["m"], input_tokens=[5]), "a.parquet")
    found = [{name: value for name, value in row.items()
              if name not in {"event_id", "source", "batch_seq"}} for row in rows(engine)]
    assert len(found) == 3
    assert found[0] == found[1] == found[2]


def test_given_ids_decide_what_is_a_repeat(bring):
    text = "event_id,at_utc,model\na,2026-01-02,m\nb,2026-01-02,m\na,2026-01-03,m\n,2026-01-02,m\n"
    report = bring(text)
    assert (report.rows_kept, report.rows_repeated) == (3, 1)
    again = bring(text)
    assert (again.rows_kept, again.rows_repeated) == (0, 4)


def test_other_kinds_need_their_fields(bring, engine):
    report = bring("timestamp,metric,unit_id,value\n2026-01-02,clicks,u1,2.5\n"
                   "2026-01-02,clicks,,2.5\n2026-01-02,clicks,u2,nan\n", kind="outcomes")
    assert (report.rows_kept, report.rows_rejected) == (1, 2)
    assert rows(engine, "outcomes")[0]["value"] == 2.5
    with pytest.raises(ImportRefused, match="metric"):
        bring("timestamp,value\n2026-01-02,1\n", kind="outcomes")


def test_own_wire_form_comes_back_with_all_kinds(bring, engine):
    lines = ['{"kind": "page_views", "at_utc": "2026-01-02T00:00:00Z", "page": "home"}',
             '{"at_utc": "2026-01-02T00:00:00Z", "event_id": "r1", "model": "m"}',
             '{"at_utc": "2026-01-02T00:00:00Z", "event_id": "r1", "model": "m"}',
             '{"kind": "page_views", "at_utc": "2026-01-02T00:00:00Z", "page": "home"}',
             '{"event_id": "r2"}', '{"at_utc": "2026-01-02T00:00:00Z", "colour": 1}']
    report = bring("\n".join(lines), "e.jsonl")
    assert (report.format, report.rows_read) == ("events-jsonl", 6)
    assert (report.rows_kept, report.rows_repeated, report.rows_rejected) == (3, 1, 2)
    assert (len(rows(engine)), len(rows(engine, "page_views"))) == (1, 2)
    again = bring("\n".join(lines), "e.jsonl")
    assert (again.rows_kept, again.rows_repeated) == (0, 4)


def test_texts_are_bounded_and_without_nul(bring, engine):
    engine.keep_query_text("default", True)
    report = bring("timestamp,model,query_text\n2026-01-02,m\x00,a\n"
                   f"2026-01-02,{'m' * 257},a\n2026-01-02,m,{'q' * 20_001}\n"
                   f"2026-01-02,{'m' * 256},{'q' * 20_000}\n2026-01-02,=cmd|' /C calc'!A0,\n")
    assert [each.code for each in report.rejected] == ["nul_byte", "too_long", "too_long"]
    assert {row["query_text"] is None for row in rows(engine)} == {True, False}


def test_rejected_rows_can_be_downloaded_without_formulas(bring):
    report = bring('timestamp,input_tokens\n"=1+1",5\n2026-01-02,"=HYPERLINK(1)"\n2026-01-02,5\n')
    text = Path(report.rejected_path).read_text()
    assert text.splitlines()[0] == "line,code,field,message,row"
    assert "\n2,not_a_time,at_utc," in text
    assert neutralize("=1") == "'=1"
    assert neutralize("plain") == "plain"


def test_new_workspaces_are_listed(bring, engine):
    bring("timestamp,workspace,model\n2026-01-02,w1,m\n2026-01-02,,m\n", workspace="rest")
    assert {row["workspace_id"] for row in engine.state.rows("workspaces")} >= {"w1", "rest"}
    assert sorted(row["workspace_id"] for row in rows(engine)) == ["rest", "w1"]


@pytest.mark.parametrize(("column_map", "code"), [
    ({"at_utc": "when"}, "unknown_column"), ({"colour": "timestamp"}, "unknown_field"),
    ({"source": "model"}, "unknown_field"), ({"input_tokens": "n*1000"}, "bad_map")])
def test_map_that_does_not_fit_is_refused(bring, column_map, code):
    with pytest.raises(ImportRefused) as refused:
        bring("timestamp,model,n\n2026-01-02,m,1\n", column_map=column_map)
    assert refused.value.code == code


def test_plan_survives_the_way_over_http():
    plan = plan_from_query({
        "format": "csv", "map": "at_utc=a b,latency_ms=d*1000", "strict": "true", "seed": "7",
        "scale": "0.5", "start": "2025-01-06T00:00:00Z", "input_includes_cached": "false",
        "workspace": "w", "file_name": "x.csv"})
    assert plan.column_map == {"at_utc": "a b", "latency_ms": "d*1000"}
    assert plan_from_query(plan_to_query(plan)) == plan
    with pytest.raises(ImportRefused):
        parse_map("input_tokens")


@pytest.mark.parametrize("query", [
    {"format": "xls"}, {"kind": "nothing"}, {"scale": "0"}, {"scale": "nan"}, {"seed": "-1"},
    {"colour": "red"}, {"start": "2025-01-06"}, {"column_map": "{"}, {"column_map": "[1]"},
    {"map": "a"}, {"map": "a=b,a=c"}, {"workspace": "a\x00b"}, {"workspace": "w" * 129},
    {"format": "azure-trace", "map": "at_utc=TIMESTAMP"}])
def test_option_that_does_not_fit_is_refused(query):
    with pytest.raises(ImportRefused):
        plan_from_query(query)
