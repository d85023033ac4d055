"""A store of an earlier version comes forward by itself, and its events count as if always here."""

from pathlib import Path

import duckdb
import pytest

from brain.ingestion import Ingestion
from brain.settings import load
from brain.sources import frames, queries
from brain.sources.duckdb_store import DuckEventStore
from brain.sources.spool import Spool
from tests import sample
from tests.sql.engines import ROLLUPS
from tests.sql.test_rollups import Platform

VERSIONS = [number for number, _ in queries.migrations("events")][:-1]
BEFORE_SESSIONS = [number for number in VERSIONS if number < 2]


def write_store(path: Path, version: int) -> None:
    """The sample events in a store as version ``version`` left it: rolled up, nothing stale."""
    with duckdb.connect(str(path)) as connection:
        names = ("prelude/duckdb", *(name for number, name in queries.migrations("events")
                                     if number <= version))
        for name in names:
            for statement in queries.statements(name, "duckdb"):
                connection.execute(statement)
        connection.execute("create table schema_version (version integer not null)")
        connection.execute("insert into schema_version select unnest(range(1, ?))", [version + 1])
        for number, (kind, table) in enumerate(sample.tables().items(), start=1):
            there = {row[0] for row in connection.execute(
                "select column_name from information_schema.columns where table_name = ?",
                [kind]).fetchall()}
            if not there:  # a kind that came later
                continue
            table = table.select([name for name in table.column_names if name in there])
            connection.register("incoming", frames.with_batch_seq(table, number))
            columns = ", ".join(table.column_names)
            connection.execute(f"insert into {kind} ({columns}, batch_seq, user_hash) "
                               f"select {columns}, batch_seq, hash60(user_id) from incoming")
            connection.execute(
                "insert into accepted_batches select batch_seq, ?, count(*), 0, "
                "sum(hash60(event_id)::decimal(38, 0)) from incoming group by batch_seq", [kind])


@pytest.mark.parametrize("version", [each for each in VERSIONS if each not in BEFORE_SESSIONS])
def test_a_store_with_sessions_comes_forward_with_nothing_to_do(version: int,
                                                                tmp_path: Path) -> None:
    write_store(tmp_path / "events.duckdb", version)
    store = DuckEventStore(tmp_path / "events.duckdb")
    assert store.read("rollup/count_stale", {}).to_pylist() == [{"hours_waiting": 0}]
    seen = store.read("experiments/units", {"experiment": "new-prompt", "start": sample.START,
                                            "end": sample.END}).to_pylist()
    assert [row["units"] for row in seen] == [10, 10]  # 20 users, by turns
    with store.transaction() as cursor:
        (values,) = cursor.execute("select count(*) from metric_values where metric = 'stars'"
                                   ).fetchone()
    assert values == len(sample.events()["feedback"])
    store.close()


@pytest.mark.parametrize("version", BEFORE_SESSIONS)
def test_an_older_store_gets_its_sessions_in_the_background(version: int, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    write_store(tmp_path / "old" / "events.duckdb", version)
    store = DuckEventStore(tmp_path / "old" / "events.duckdb")
    spool = Spool(tmp_path / "old" / "spool.sqlite")
    ingestion = Ingestion(load({}), store, spool)
    assert ingestion.verify() == ()
    store.replace_prices(sample.price_ranges())
    assert ingestion.waiting().hours > 0  # nothing was stale before the migration
    ingestion.roll_up()
    assert ingestion.waiting().hours == 0
    fresh = Platform(str(tmp_path / "new"))
    for kind, events in sample.events().items():
        fresh.ingestion.accept({kind: frames.to_table(kind, events)})
    fresh.ingestion.drain()
    fresh.ingestion.roll_up()
    wanted = fresh.rollups()
    with store.transaction() as cursor:
        for table in ROLLUPS:
            found = cursor.execute(f"select count(*) from {table}").fetchall()[0][0]
            assert found == sum(wanted[table].values()) > 0, table
    fresh.close()
    store.close()
    spool.close()
    again = DuckEventStore(tmp_path / "old" / "events.duckdb")  # and comes forward only once
    assert again.read("rollup/count_stale", {}).to_pylist() == [{"hours_waiting": 0}]
    again.close()
