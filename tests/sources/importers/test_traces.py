"""The known traces: Azure and ServeGen."""

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from brain.imports import ImportPlan, ImportRefused, run_import, undo_import
from brain.sources.importers import servegen
from tests.datasets import dataset
from tests.sources.importers.conftest import NOW, rows

AZURE = ("TIMESTAMP,ContextTokens,GeneratedTokens\r\n"
         "2023-11-16 18:15:46.6805907,374,44\r\n"
         "2023-11-16 18:15:50.9951690,396,109\r\n"
         "2023-11-16 18:15:50.9951690,396,109\r\n"
         "2023-11-16 18:15:51.2224670,879,55")


def windows(*given: tuple) -> bytes:
    """A Parquet file of ServeGen windows: model, client, t_s, rate_rps, arrival_pattern, p1."""
    columns = zip(*given, strict=True)
    table = pa.table(dict(zip(servegen.COLUMNS, map(list, columns), strict=True)))
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return sink.getvalue().to_pybytes()


def test_azure_trace_arrives_to_the_last_token(engine):
    report = run_import(engine, dataset("AZURE_TRACE"),
                        ImportPlan(model="gpt-3.5-turbo", workspace="azure"))
    if report.rows_read == 19_366:  # the conversation hour that stands in data/README.md
        assert report.totals == {"input_tokens": 22_361_870, "output_tokens": 4_088_665}
    there = engine.store._cursor().execute(
        "select count(*), sum(input_tokens), sum(output_tokens) from requests "
        "where workspace_id = 'azure' and model = 'gpt-3.5-turbo'").fetchone()
    assert there == (report.rows_read, *report.totals.values())
    assert (report.rows_kept, report.rows_rejected) == (report.rows_read, 0)


def test_same_azure_trace_changes_nothing(engine, tmp_path):
    plan = ImportPlan(model="gpt-3.5-turbo", workspace="azure")
    path = dataset("AZURE_TRACE")
    first = run_import(engine, path, plan)
    copy = tmp_path / "under another name.csv"
    copy.write_bytes(path.read_bytes())
    again = run_import(engine, copy, plan)
    assert (again.rows_kept, again.rows_repeated) == (0, first.rows_read)
    assert engine.store.kinds()["requests"] == first.rows_read
    assert any("imported on" in note for note in again.notes)
    assert engine.ingestion.verify() == ()


def test_times_are_cut_to_microseconds_and_identical_rows_stay_apart(bring, engine):
    report = bring(AZURE, model="m")
    assert (report.format, report.rows_kept) == ("azure-trace", 4)
    assert [row["at_utc"].microsecond for row in rows(engine)] == [680590, 995169, 995169, 222467]
    twin_ids = [row["event_id"] for row in rows(engine)][1:3]
    assert twin_ids[1] == f"{twin_ids[0]}-1"


def test_mended_line_brings_only_itself(bring):
    broken = AZURE.replace("396,109\r\n2023-11-16 18:15:51", "396,109\r\nrubbish 18:15:51")
    first = bring(broken, "broken.csv", model="m")
    assert (first.rows_kept, first.rows_rejected) == (3, 1)
    assert (first.rejected[0].line, first.rejected[0].code) == (5, "not_a_time")
    mended = bring(AZURE, "mended.csv", model="m")
    assert (mended.rows_kept, mended.rows_repeated) == (1, 3)


@pytest.mark.parametrize("header", [
    "TIMESTAMP,Context,GeneratedTokens", "TIME,ContextTokens,GeneratedTokens",
    "TIMESTAMP;ContextTokens;GeneratedTokens", "ContextTokens,TIMESTAMP,GeneratedTokens"])
def test_wrong_azure_header_is_refused_with_the_right_one(bring, engine, header):
    with pytest.raises(ImportRefused, match="TIMESTAMP,ContextTokens,GeneratedTokens") as refused:
        bring(AZURE.replace("TIMESTAMP,ContextTokens,GeneratedTokens", header))
    assert refused.value.code == "wrong_header"
    assert engine.store.kinds()["requests"] == 0


@pytest.mark.parametrize(("line", "code", "field"), [
    ("2023-11-16 18:15:46,-5,44", "negative", "input_tokens"),
    ("2023-11-16 18:15:46,1.5,44", "not_whole", "input_tokens"),
    ("2023-11-16 18:15:46,NaN,44", "not_finite", "input_tokens"),
    ("2023-11-16 18:15:46,5,inf", "not_finite", "output_tokens"),
    ("2023-11-16 18:15:46,5,", "empty", "output_tokens"),
    ("2023-11-16 18:15:46,1e30,4", "too_large", "input_tokens"),
    ("2023-11-16 18:15:46,many,4", "not_a_number", "input_tokens"),
    ("2026-03-01 12:05:01,5,5", "in_future", "at_utc"),  # the clock says 12:00, 5 min allowed
    ("1999-12-31 23:59:59,5,5", "too_old", "at_utc"),
    ("yesterday,5,5", "not_a_time", "at_utc"),
    ("2023-11-16 18:15:46,5", "wrong_columns", ""),
    ("2023-11-16 18:15:46,5,5,5", "wrong_columns", "")])
def test_bad_line_is_named_and_the_others_stay(bring, line, code, field):
    head, *good = AZURE.split("\r\n")
    report = bring("\r\n".join([head, good[0], line, *good[1:]]), model="m")
    assert (report.rows_kept, report.rows_rejected) == (4, 1)
    fault = report.rejected[0]
    assert (fault.line, fault.code, fault.field) == (3, code, field)


def test_strict_import_takes_nothing_from_a_file_with_a_bad_row(bring, engine):
    report = bring(AZURE + "\r\nx,y,z", strict=True)
    assert (report.status, report.rows_kept, report.rows_rejected) == ("refused", 0, 1)
    assert engine.store.kinds()["requests"] == 0
    assert engine.state.rows("imports")[0]["status"] == "refused"


def test_undo_takes_an_import_back(bring, engine):
    report = bring(AZURE, model="m")
    assert undo_import(engine, report.import_id) == 4
    assert engine.store.kinds()["requests"] == 0
    assert engine.ingestion.verify() == ()
    assert engine.state.rows("imports")[0]["status"] == "undone"
    assert bring(AZURE, model="m").rows_kept == 4
    with pytest.raises(LookupError):
        undo_import(engine, "never")


def test_servegen_makes_the_requests_its_rates_say(bring, engine):
    # 0.5/s and 0.25/s for 600 s: 300 + 150; client 7 of the other model: 0.1/s, 60
    report = bring(windows(("m-small", 7, 0, 0.5, "Gamma", 0.3),
                           ("m-small", 7, 600, 0.25, "Weibull", 0.4),
                           ("m-mid", 7, 600, 0.1, "Gamma", 2.0)), "w.parquet")
    assert (report.format, report.rows_kept) == ("servegen", 510)
    by_workspace = {}
    for row in rows(engine):
        by_workspace.setdefault((row["workspace_id"], row["model"]), []).append(row["at_utc"])
    assert {key: len(times) for key, times in by_workspace.items()} == {
        ("servegen-m-small-7", "m-small"): 450, ("servegen-m-mid-7", "m-mid"): 60}
    start = servegen.START.replace(tzinfo=None)
    border = start + dt.timedelta(seconds=600)
    first = [at for at in by_workspace["servegen-m-small-7", "m-small"] if at < border]
    assert len(first) == 300
    assert min(by_workspace["servegen-m-mid-7", "m-mid"]) >= border
    assert report.totals == {"input_tokens": 0, "output_tokens": 0}
    assert any("no token counts" in note for note in report.notes)


def test_servegen_is_the_same_by_seed(bring):
    content = windows(("m", 1, 0, 2.0, "Gamma", 0.3), ("m", 2, 0, 2.0, "Weibull", 0.3))
    assert bring(content, "a.parquet", seed=5).rows_kept == 2400
    again = bring(content, "a.parquet", seed=5)
    assert (again.rows_kept, again.rows_repeated) == (0, 2400)
    assert bring(content, "a.parquet", seed=6).rows_kept > 2300


@pytest.mark.parametrize(("window", "field"), [
    (("m", 1, 0, -1.0, "Gamma", 0.3), "rate_rps"), (("m", 1, 0, float("nan"), "Gamma", 0.3),
                                                    "rate_rps"),
    (("m", 1, 0, 1.0, "Pareto", 0.3), "arrival_pattern"), (("m", 1, 0, 1.0, "Gamma", 0.0), "p1"),
    (("", 1, 0, 1.0, "Gamma", 0.3), "model"), (("m", 1, -600, 1.0, "Gamma", 0.3), "t_s")])
def test_bad_servegen_window_is_named(bring, window, field):
    report = bring(windows(("m", 1, 600, 0.1, "Gamma", 1.0), window), "w.parquet")
    assert (report.rows_kept, report.rows_rejected) == (60, 1)  # 0.1/s for 600 s
    assert (report.rejected[0].line, report.rejected[0].field) == (2, field)


def test_servegen_beyond_this_clock_is_refused(bring):
    content = windows(("m", 1, 0, 1.0, "Gamma", 0.3))
    with pytest.raises(ImportRefused) as refused:
        bring(content, "w.parquet", start=NOW)
    assert (refused.value.code, refused.value.field) == ("in_future", "start")


@pytest.mark.parametrize(("expected", "scale"), [
    (0.0, 1.0), (9_999_999.0, 1.0), (10_000_001.0, 0.1), (3_585_812_756.0, 0.001)])
def test_scale_keeps_to_ten_million_requests(expected, scale):
    assert servegen.default_scale(expected) == pytest.approx(scale)


def test_bursts_keep_their_shape():
    # A Gamma gap of shape k has cv 1/sqrt(k): 0.25 gives 2; Weibull k=0.5 gives sqrt(5) = 2.236
    rng = np.random.default_rng(1)
    for shape, is_gamma, cv in ((0.25, True, 2.0), (0.5, False, 5 ** 0.5)):
        micros = servegen.spread(np.array([200_000]), np.array([shape]), np.array([is_gamma]), rng)
        gaps = np.diff(micros)
        assert gaps.min() >= 0
        assert gaps.std() / gaps.mean() == pytest.approx(cv, rel=0.05)


def test_two_weeks_of_servegen_come_to_their_total(engine, tmp_path: Path):
    path = dataset("SERVEGEN_WINDOWS")
    report = run_import(engine, path, ImportPlan(scale=0.0001))
    table = pq.read_table(path)
    sound = float(np.asarray(table["rate_rps"], dtype=np.float64).sum()) * 600 * 0.0001
    clients = len(set(zip(table["model"].to_pylist(), table["client"].to_pylist(), strict=True)))
    assert abs(report.rows_kept - sound) <= clients  # each client is right to within one
    assert report.rows_kept == engine.store.kinds()["requests"]
