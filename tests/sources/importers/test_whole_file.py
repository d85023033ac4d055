"""Parquet kept from the file itself: the same events and verdicts as the judge gives."""

import datetime as dt
import io
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from brain.imports import ImportPlan, ImportRefused, run_import, undo_import
from brain.settings import load
from tests.sources.importers.conftest import NOW, rows, small_engine

COUNT = 400
BY_IMPORT = ("source", "batch_seq")


def make_rows(seed: int, faulty: int) -> list[dict]:
    """Sound requests, and ``faulty`` ones that need mending or cannot be kept."""
    rng = random.Random(seed)
    faults = [
        {"event_id": ""}, {"event_id": "e7"}, {"status": "FAILED"}, {"status": "what"},
        {"input_tokens": -1}, {"input_tokens": None}, {"latency_ms": float("nan")},
        {"latency_ms": -2.0}, {"at_utc": NOW + dt.timedelta(days=2)}, {"at_utc": None},
        {"at_utc": dt.datetime(1999, 1, 1, tzinfo=dt.UTC)}, {"user_id": "u" * 300},
        {"user_id": "ü" * 200}, {"model": "a\0b"}, {"reasoning_tokens": 99_999},
        {"event_id": "x" * 129}, {"query_text": "what is this?"}, {"status": ""}]
    made = [{
        "event_id": f"e{number}", "at_utc": NOW - dt.timedelta(minutes=rng.randrange(100_000)),
        "workspace_id": rng.choice(["", "w1", "w2", None]), "user_id": rng.choice(["", "u1", "ü"]),
        "model": rng.choice(["m1", "", None]), "status": rng.choice(["ok", "error"]),
        "latency_ms": rng.choice([None, 0.0, 12.5]), "input_tokens": rng.randrange(1_000),
        "output_tokens": 50 + rng.randrange(50), "reasoning_tokens": rng.randrange(50),
        "cached": rng.choice([True, False, None]), "query_text": rng.choice([None, ""]),
    } for number in range(COUNT)]
    for place, fault in zip(rng.sample(range(10, COUNT), faulty), faults * faulty, strict=False):
        made[place] |= fault
    return made


def write(made: list[dict], *, as_text: bool, group: int = 97) -> bytes:
    """A Parquet file; with ``as_text``, times are texts, so that only the judge can read them."""
    table = pa.Table.from_pylist(made, pa.schema([
        ("event_id", pa.string()), ("at_utc", pa.timestamp("us", "UTC")),
        ("workspace_id", pa.string()), ("user_id", pa.string()), ("model", pa.string()),
        ("status", pa.string()), ("latency_ms", pa.float64()), ("input_tokens", pa.int64()),
        ("output_tokens", pa.int32()), ("reasoning_tokens", pa.int64()), ("cached", pa.bool_()),
        ("query_text", pa.string())]))
    if as_text:
        texts = [None if row["at_utc"] is None else row["at_utc"].isoformat() for row in made]
        table = table.set_column(1, "at_utc", pa.array(texts, pa.string()))
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=group)
    return sink.getvalue()


def comparable(row: dict) -> dict:
    """A row without what each engine makes of its own secret key."""
    made_id = row["event_id"][:4] if row["event_id"].startswith("imp-") else row["event_id"]
    return {name: value for name, value in row.items() if name not in BY_IMPORT} | {
        "event_id": made_id, "query_hash": bool(row["query_hash"])}


def bring_in(folder, content: bytes, **plan):
    """Rows kept and the report of an import into an engine of its own."""
    folder.mkdir()
    path = folder / "rows.parquet"
    path.write_bytes(content)
    engine = small_engine(load({}, data_dir=str(folder / "data")))
    try:
        stages = []
        report = run_import(engine, path, ImportPlan(**plan),
                            lambda *said: stages.append(said))
        assert engine.ingestion.verify() == ()
        assert stages[-1][0] == "roll up"
        return sorted(map(comparable, rows(engine)), key=repr), report, engine.ingestion.seen_models
    finally:
        engine.close()


@pytest.mark.parametrize(("seed", "faulty"), [(1, 0), (2, 18), (3, 40), (4, 200)])
def test_gives_what_the_judge_gives(tmp_path, seed, faulty):
    made = make_rows(seed, faulty)
    plan = {"workspace": "main", "model": "m0", "provider": "p0"}
    whole, report, seen = bring_in(tmp_path / "whole", write(made, as_text=False), **plan)
    judged, told, seen_too = bring_in(tmp_path / "judged", write(made, as_text=True), **plan)
    assert whole == judged
    assert (report.rows_read, report.rows_kept, report.rows_rejected, report.rows_repeated) == (
        told.rows_read, told.rows_kept, told.rows_rejected, told.rows_repeated)
    assert [(each.line, each.code) for each in report.rejected if each.field != "at_utc"] == [
        (each.line, each.code) for each in told.rejected if each.field != "at_utc"]
    assert (report.kinds, report.totals, report.first_at_utc, report.last_at_utc) == (
        told.kinds, told.totals, told.first_at_utc, told.last_at_utc)
    assert report.rows_read == COUNT
    assert seen == seen_too


def test_a_second_import_keeps_nothing_and_undo_takes_all(bring, engine):
    content = write(make_rows(5, 18), as_text=False)
    first = bring(content, "a.parquet")
    again = bring(content, "b.parquet")
    assert first.rows_kept > COUNT / 2
    assert (again.rows_kept, again.rows_repeated) == (0, first.rows_kept + first.rows_repeated)
    assert engine.ingestion.verify() == ()
    assert undo_import(engine, first.import_id) == first.rows_kept
    assert rows(engine) == []
    assert engine.ingestion.verify() == ()


def test_only_what_is_new_is_kept(bring, engine):
    made = make_rows(6, 0)
    assert bring(write(made[:150], as_text=False), "a.parquet").rows_kept == 150
    report = bring(write(made, as_text=False), "b.parquet")
    assert (report.rows_kept, report.rows_repeated) == (COUNT - 150, 150)
    assert len(rows(engine)) == COUNT


def test_a_strict_import_of_a_file_with_faults_keeps_nothing(bring, engine):
    report = bring(write(make_rows(7, 18), as_text=False), "a.parquet", strict=True)
    assert report.status == "refused"
    assert rows(engine) == []


def test_a_stop_between_its_parts_keeps_nothing(engine, tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(write(make_rows(8, 5), as_text=False))

    def stop(stage: str, _done: int, _total: int | None) -> None:
        if stage == "keep":
            raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        run_import(engine, path, ImportPlan(), stop)
    assert rows(engine) == []
    assert engine.ingestion.verify() == ()
    assert not list((engine.settings.data_dir / "imports").glob("*/given.parquet"))


def test_the_store_reads_no_other_file(engine, tmp_path):
    path = tmp_path / "secret.parquet"
    path.write_bytes(write(make_rows(9, 0), as_text=False))
    with pytest.raises(Exception, match="disabled by configuration"):
        engine.store._cursor().from_parquet(str(path))
    with pytest.raises(ImportRefused):
        run_import(engine, tmp_path / "none.parquet", ImportPlan())
