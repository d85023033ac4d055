"""The embedded event store: once, whole, verified, and owned by one process."""

import datetime as dt
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from brain.events import Deploy
from brain.ingestion import Ingestion
from brain.settings import load
from brain.sources import frames
from brain.sources.duckdb_store import (
    DuckEventStore,
    Incoming,
    StoreBusy,
    StoreDamaged,
)
from brain.sources.spool import Spool
from tests import sample

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DuckEventStore]:
    opened = DuckEventStore(tmp_path / "events.duckdb")
    yield opened
    opened.close()


def incoming(batch_seq: int, *ids: str, at_utc: dt.datetime = sample.START) -> Incoming:
    events = [Deploy(event_id=each, at_utc=at_utc, component="gateway") for each in ids]
    return Incoming("deploys", frames.with_batch_seq(frames.to_table("deploys", events),
                                                     batch_seq))


def ids_in(store: DuckEventStore) -> list[str]:
    with store.transaction() as cursor:
        return [row[0] for row in
                cursor.execute("select event_id from deploys order by event_id").fetchall()]


def change(store: DuckEventStore, text: str) -> None:
    with store.transaction() as cursor:
        cursor.execute(text)


def test_an_event_counts_once(store: DuckEventStore) -> None:
    first = store.append([incoming(1, "a", "b")])
    assert (first.kept, first.repeated) == (2, 0)
    sent_again = store.append([incoming(2, "a", "b")])
    assert (sent_again.kept, sent_again.repeated) == (0, 2)
    other_batch = store.append([incoming(5, "b", "c")])
    assert (other_batch.kept, other_batch.repeated) == (1, 1)
    within = store.append([incoming(3, "d", "d", "d")])
    assert (within.kept, within.repeated) == (1, 2)
    near = store.append([incoming(4, "d", at_utc=sample.START + dt.timedelta(hours=20))])
    assert (near.kept, near.repeated) == (0, 1)
    assert ids_in(store) == ["a", "b", "c", "d"]
    assert store.verify() == ()


def test_an_event_counts_once_over_batches_moved_together(store: DuckEventStore) -> None:
    both = pa.concat_tables([incoming(1, "a", "b").table, incoming(2, "b", "c").table])
    done = store.append([Incoming("deploys", both)], watermark=2)
    assert (done.kept, done.repeated) == (3, 1)
    assert store.accepted(1)["deploys"][:2] == (1, 2)  # the first batch that brings it keeps it
    assert store.accepted(2)["deploys"][:2] == (2, 3)
    assert store.verify() == ()


def test_all_kinds_or_none(store: DuckEventStore) -> None:
    store.append([incoming(1, "a")], watermark=1)
    broken = Incoming("requests", incoming(2, "x").table)  # the columns of another kind
    with pytest.raises(Exception, match="column"):
        store.append([incoming(2, "b"), broken], watermark=2)
    assert ids_in(store) == ["a"]
    assert store.watermark() == 1
    assert store.verify() == ()
    store.append([incoming(2, "b")], watermark=2)
    assert ids_in(store) == ["a", "b"] and store.watermark() == 2


def test_an_interrupted_stream_leaves_nothing(store: DuckEventStore) -> None:
    def tables() -> Iterator[pa.Table]:
        yield incoming(0, "a").table.drop_columns("batch_seq")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.append_distinct([("deploys", (sample.START, sample.START), tables())],
                              lambda kind: 1)
    assert ids_in(store) == [] and store.verify() == ()


def test_the_watermark_comes_with_the_events(tmp_path: Path) -> None:
    store = DuckEventStore(tmp_path / "events.duckdb")
    assert store.watermark() == 0
    store.append([incoming(7, "a")], watermark=7)
    store.close()
    again = DuckEventStore(tmp_path / "events.duckdb")
    assert again.watermark() == 7 and ids_in(again) == ["a"]
    again.close()


def test_finds_a_deleted_row(store: DuckEventStore) -> None:
    store.append([incoming(1, "a", "b")])
    change(store, "delete from deploys where event_id = 'a'")
    assert store.verify() == (
        "deploys: 2 rows were accepted, 1 are there",
        "deploys: batch 1 had 2 rows, 1 are there or their ids differ")


def test_finds_a_changed_id(store: DuckEventStore) -> None:
    store.append([incoming(1, "a", "b")])
    change(store, "update deploys set event_id = 'c' where event_id = 'a'")
    assert store.verify() == ("deploys: batch 1 had 2 rows, 2 are there or their ids differ",)


def test_finds_a_row_that_nobody_sent(store: DuckEventStore) -> None:
    store.append([incoming(1, "a")])
    change(store, "insert into deploys select * replace ('b' as event_id) from deploys")
    assert len(store.verify()) == 2


def test_finds_an_older_copy_of_the_file(tmp_path: Path) -> None:
    settings, path = load({}), tmp_path / "events.duckdb"
    spool, store = Spool(tmp_path / "spool.sqlite"), DuckEventStore(path)
    ingestion = Ingestion(settings, store, spool)
    for name in ("a", "b"):
        ingestion.accept({"deploys": incoming(0, name).table})
        ingestion.drain()
        ingestion.checkpoint()
        if name == "a":
            shutil.copy(path, tmp_path / "older.duckdb")
    assert ingestion.verify() == ()
    store.close()
    shutil.copy(tmp_path / "older.duckdb", path)
    store = DuckEventStore(path)
    assert Ingestion(settings, store, spool).verify() == (
        "deploys: 2 rows in 2 batches had been accepted up to batch 2, "
        "the event store accounts for 1 in 1",)
    store.close()
    spool.close()


def test_a_lost_log_is_filled_again_from_the_spool(tmp_path: Path) -> None:
    settings, path = load({}), tmp_path / "events.duckdb"
    spool, store = Spool(tmp_path / "spool.sqlite"), DuckEventStore(path)
    ingestion = Ingestion(settings, store, spool)
    ingestion.accept({"deploys": incoming(0, "a").table})
    ingestion.drain()
    ingestion.checkpoint()
    shutil.copy(path, tmp_path / "file.duckdb")  # as it is without its write-ahead log
    ingestion.accept({"deploys": incoming(0, "b").table})
    ingestion.drain()
    store.close()
    path.with_name(path.name + ".wal").unlink(missing_ok=True)
    shutil.copy(tmp_path / "file.duckdb", path)
    store = DuckEventStore(path)
    ingestion = Ingestion(settings, store, spool)
    ingestion.drain()
    assert ids_in(store) == ["a", "b"] and ingestion.verify() == ()
    store.close()
    spool.close()


def test_removing_a_source_is_no_fault(tmp_path: Path) -> None:
    spool, store = Spool(tmp_path / "spool.sqlite"), DuckEventStore(tmp_path / "events.duckdb")
    ingestion = Ingestion(load({}), store, spool)
    ingestion.accept(sample.tables())
    ingestion.drain()
    ingestion.checkpoint()
    before = sum(store.kinds().values())
    removed = store.delete_source("demo")
    assert removed == before - sum(store.kinds().values()) > 0
    assert ingestion.verify() == ()  # also as a start right after a kill would see it
    ingestion.checkpoint()
    assert ingestion.verify() == ()
    store.close()
    spool.close()


def test_numbers_settle_in_order(tmp_path: Path) -> None:
    """Direct appends and drains side by side: the account that was noted stays true."""
    spool, store = Spool(tmp_path / "spool.sqlite"), DuckEventStore(tmp_path / "events.duckdb")
    ingestion = Ingestion(load({}), store, spool)

    def direct() -> None:
        for number in range(15):
            ingestion.append_now({"deploys": incoming(0, f"direct-{number}").table})

    other = threading.Thread(target=direct)
    other.start()
    for number in range(15):
        ingestion.accept({"deploys": incoming(0, f"spooled-{number}").table})
        ingestion.drain()
        ingestion.checkpoint()
        assert ingestion.verify() == ()
    other.join()
    assert ingestion.verify() == () and len(ids_in(store)) == 30
    store.close()
    spool.close()


def test_refuses_a_newer_schema(tmp_path: Path) -> None:
    store = DuckEventStore(tmp_path / "events.duckdb")
    change(store, "insert into schema_version values (999)")
    store.close()
    with pytest.raises(StoreDamaged, match=r"schema 999.*install the newer program"):
        DuckEventStore(tmp_path / "events.duckdb")


def test_refuses_what_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "events.duckdb").write_bytes(b"at_utc,model\n" * 1_000)
    with pytest.raises(StoreDamaged, match=r"events\.duckdb cannot be opened"):
        DuckEventStore(tmp_path / "events.duckdb")


SECOND_OWNER = """
import pathlib, sys
from brain.sources.duckdb_store import DuckEventStore, StoreBusy
try:
    DuckEventStore(pathlib.Path(sys.argv[1]))
except StoreBusy as error:
    print(error)
"""
SECOND_READER = """
import duckdb, sys
try:
    duckdb.connect(sys.argv[1], read_only=True)
except duckdb.IOException as error:
    print(error)
"""


@pytest.mark.parametrize(("program", "said"), [(SECOND_OWNER, "is owned by another process"),
                                               (SECOND_READER, "lock")])
def test_a_second_process_is_told_who_owns_it(store: DuckEventStore, program: str,
                                              said: str) -> None:
    done = subprocess.run([sys.executable, "-c", program, str(store.path)], cwd=ROOT, text=True,
                          env={"PYTHONPATH": str(ROOT)}, capture_output=True, timeout=240,
                          check=True)
    assert said in done.stdout and "events.duckdb" in done.stdout
    assert StoreBusy.__doc__


def test_readers_see_whole_transactions(store: DuckEventStore) -> None:
    store.append([incoming(1, "a")])
    with store.transaction() as cursor:
        cursor.execute("delete from deploys")
        assert store.kinds()["deploys"] == 1
    assert store.kinds()["deploys"] == 0


def test_keeps_every_value_as_it_came(store: DuckEventStore) -> None:
    tables = sample.tables()
    store.append([Incoming(kind, frames.with_batch_seq(table, number))
                  for number, (kind, table) in enumerate(tables.items())])
    for kind, table in tables.items():
        with store.transaction() as cursor:
            names = ", ".join(table.column_names)
            found = cursor.execute(f"select {names} from {kind}").to_arrow_reader().read_all()
        key = [("event_id", "ascending")]
        assert found.sort_by(key).to_pylist() == table.sort_by(key).to_pylist()
    assert store.verify() == ()


def test_reading_answers_with_the_declared_columns(store: DuckEventStore) -> None:
    store.append([incoming(1, "a", "b")])
    assert store.read("ingest/count_kept", {}).to_pylist() == [{"kind": "deploys", "rows_kept": 2}]
    with pytest.raises(ValueError, match=r"has no \$start"):
        store.read("ingest/count_kept", {"start": 1})
