"""PostgreSQL's figures with the rights there are, and a reason when it is stopped or frozen."""

import datetime as dt
from collections.abc import Iterator

import psycopg
import psycopg.conninfo
import pytest

from analytics.watched import Counted, postgres_figures
from brain.settings import Postgres
from brain.sources.postgres import APPLICATION, PostgresSource, _Session, is_address
from tests.services.garbage import answering
from tests.services.postgres import (
    DebianPostgres,
    PostgresServer,
    running_debian_postgres,
    running_postgres,
)
from tests.services.process import free_port, wait_until

NOW = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
pytestmark = pytest.mark.postgres


def source(url: str, timeout_s: float = 5.0, slow_ms: float = 1_000.0) -> PostgresSource:
    return PostgresSource(Postgres(url=url, timeout_s=timeout_s, slow_ms=slow_ms),
                          clock=lambda: NOW)


@pytest.fixture(scope="module")
def primary() -> Iterator[DebianPostgres]:
    with running_debian_postgres() as server:
        yield server


def test_counts_connections_by_state_and_what_was_done(postgres_url: str) -> None:
    watched = source(postgres_url)
    with psycopg.connect(postgres_url) as busy:
        busy.execute("select 1")  # in a transaction from here on
        first = watched.read()
        for _ in range(20):
            with psycopg.connect(postgres_url) as other:
                other.execute("select 1")
        wait_until(lambda: watched.read().values["transactions"]
                   >= first.values["transactions"] + 20, "the statistics are written", 10)
    assert first.status == "ok"
    states = {row["state"]: row["connections"] for row in first.values["connections"]}
    assert states["idle in transaction"] >= 1
    assert states["active"] >= 1  # the reading itself
    assert first.values["max_connections"] == 100
    assert first.values["version"].startswith("18")
    assert (first.values["is_standby"], first.values["replicas"]) == (False, ())
    assert first.read_at_utc == first.checked_at_utc == NOW


def test_a_reading_leaves_no_connection_open(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as link:
        assert source(postgres_url).read().status == "ok"

        def is_gone() -> bool:
            return link.execute("select count(*) from pg_stat_activity where application_name = %s",
                                [APPLICATION]).fetchone() == (0,)

        wait_until(is_gone, "the server has ended the session", 10)


def test_a_session_only_reads_and_each_statement_is_limited(postgres_url: str) -> None:
    with _Session(Postgres(url=postgres_url, timeout_s=0.3)) as session:
        link = session._connection
        assert link is not None
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            link.execute("create table written (name text)")
        with pytest.raises(psycopg.errors.QueryCanceled):
            link.execute("select pg_sleep(5)")
        own = link.execute("select application_name from pg_stat_activity "
                           "where pid = pg_backend_pid()").fetchone()
    assert own == {"application_name": APPLICATION}


def test_index_hits_are_counted(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as link:
        link.execute("create table rows (number int primary key)")
        link.execute("insert into rows select generate_series(1, 2000)")
        link.execute("set enable_seqscan = off")
        for number in range(50):
            link.execute("select number from rows where number = %s", [number])
    watched = source(postgres_url)
    wait_until(lambda: watched.read().values["index_blocks_hit"] >= 50, "statistics are written",
               10)
    figures = postgres_figures(Counted(NOW, watched.read().values))
    assert figures["db_index_hit_pct"] is not None and figures["db_index_hit_pct"] > 90


def test_an_account_without_rights_is_told_what_it_lacks(
        postgres_server: PostgresServer, postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as link:
        link.execute("drop role if exists onlooker")
        link.execute("create role onlooker login password 'x'")
        try:
            as_onlooker = psycopg.conninfo.make_conninfo(postgres_url, user="onlooker")
            reading = source(as_onlooker).read()
            assert reading.status == "ok"
            assert "Sessions of other users are not visible: grant pg_monitor." in reading.reason
            assert "create extension pg_stat_statements" in reading.reason
            states = {row["state"] for row in reading.values["connections"]}
            assert "not visible" in states
            link.execute("grant pg_monitor to onlooker")
            granted = source(as_onlooker).read()
            assert "pg_monitor" not in granted.reason
            assert "not visible" not in {row["state"] for row in granted.values["connections"]}
        finally:
            link.execute("drop role onlooker")


def test_slow_statements_are_counted_where_the_extension_is(primary: DebianPostgres) -> None:
    watched = source(primary.url, slow_ms=40)
    assert "create extension" in watched.read().reason
    with psycopg.connect(primary.url, autocommit=True) as link:
        link.execute("create schema extra")
        link.execute("create extension pg_stat_statements schema extra")
        before = watched.read().values
        for _ in range(3):
            link.execute("select pg_sleep(0.05)")
        link.execute("select 1")
        after = watched.read().values
    assert after["slow_calls"] - before["slow_calls"] == 3
    assert after["calls"] - before["calls"] >= 4
    slow = next(row for row in after["slow_statements"] if "pg_sleep" in row["statement"])
    assert slow["statement"] == "select pg_sleep($1)"
    assert slow["calls"] == 3
    assert slow["mean_ms"] >= 50
    with psycopg.connect(primary.url, autocommit=True) as link:
        link.execute("drop schema extra cascade")


def test_standbys_and_slots_tell_how_far_they_are_behind(primary: DebianPostgres) -> None:
    with primary.standby() as standby:
        watched = source(primary.url)
        wait_until(lambda: bool(watched.read().values["replicas"]), "the standby follows")
        following = watched.read().values
        assert following["replicas"][0]["state"] in {"streaming", "catchup", "startup"}
        assert [(row["slot"], row["is_active"]) for row in following["slots"]] == [
            ("follower", True)]
        with psycopg.connect(primary.url, autocommit=True) as link:
            link.execute("create table written as select generate_series(1, 20000) as number")
        wait_until(lambda: watched.read().values["replicas"][0]["lag_bytes"] == 0, "it catches up")
        own = source(standby.url).read().values
        assert own["is_standby"] is True
        assert own["standby_lag_ms"] is not None and own["standby_lag_ms"] >= 0
        standby.stop()
        wait_until(lambda: not watched.read().values["replicas"], "the primary sees it gone")
        with psycopg.connect(primary.url, autocommit=True) as link:
            link.execute("create table more as select generate_series(1, 20000) as number")
        left = watched.read().values["slots"][0]
        assert (left["is_active"], left["held_bytes"] > 500_000) == (False, True)
    with psycopg.connect(primary.url, autocommit=True) as link:
        link.execute("select pg_drop_replication_slot('follower')")


def test_a_frozen_or_stopped_server_is_down_and_comes_back() -> None:
    with running_postgres() as server:
        watched = source(server.url, 0.5)
        assert watched.read().status == "ok"
        server.freeze()
        frozen = watched.read()
        assert (frozen.status, frozen.values) == ("down", {})
        assert frozen.reason.endswith("did not answer within 0.5 s.")
        server.thaw()
        wait_until(lambda: watched.read().status == "ok", "it is read again", 10)
        server.stop()
        stopped = watched.read()
        assert stopped.status == "down"
        assert "cannot be reached" in stopped.reason
        server.start()
        assert watched.read().status == "ok"


def test_a_server_frozen_in_the_middle_of_a_reading_is_given_up(
        primary: DebianPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    from brain.sources import postgres

    real = postgres._Session.rows

    def freeze_before(self: postgres._Session, name: str, *args: object,
                      **params: object) -> list[dict[str, object]]:
        if name == "connections":
            primary.freeze()
        return real(self, name, *args, **params)  # type: ignore[arg-type]

    watched = source(primary.url, 0.5)
    monkeypatch.setattr(postgres._Session, "rows", freeze_before)
    try:
        assert watched.read().status == "down"
    finally:
        primary.thaw()
    monkeypatch.undo()
    wait_until(lambda: watched.read().status == "ok", "it is read again", 10)


def test_a_refused_user_is_told_in_the_servers_words(primary: DebianPostgres) -> None:
    wrong = f"postgresql://nobody:secretword@127.0.0.1:{primary.port}/postgres"
    reading = source(wrong).read()
    assert reading.status == "down"
    assert 'role "nobody" does not exist' in reading.reason
    assert "secretword" not in reading.reason


@pytest.mark.parametrize("reply", [
    b"", b"nonsense\r\n", b"\x00\xff" * 100, b"HTTP/1.1 400 Bad\r\n", b"N",
    b"R\x00\x00\x00\x08\x00\x00\x00\x63", b"E\x00\x00\x00\x04"])
def test_nonsense_is_never_an_exception_nor_ok(reply: bytes) -> None:
    with answering(reply) as port:
        reading = source(f"postgresql://u:secretword@127.0.0.1:{port}/x", 2.0).read()
    assert reading.status in ("down", "unknown")
    assert f"127.0.0.1:{port}" in reading.reason
    assert "secretword" not in reading.reason


def test_nobody_listening_is_down() -> None:
    reading = source(f"postgresql://u:secretword@127.0.0.1:{free_port()}/x").read()
    assert (reading.status, "cannot be reached" in reading.reason) == ("down", True)


@pytest.mark.parametrize("url", ["", "nonsense", "http://127.0.0.1", "postgresql://[::1",
                                 "postgresql://u:secretword@127.0.0.1:99999999/x"])
def test_an_address_that_is_none_is_unknown_with_a_reason(url: str) -> None:
    reading = source(url).read()
    assert reading.status == "unknown"
    assert reading.reason
    assert "secretword" not in reading.reason


def test_addresses_with_sockets_and_several_hosts_are_addresses() -> None:
    assert is_address("postgresql:///db?host=/run/postgresql")
    assert is_address("postgresql://a:1,b:2/db")
    assert is_address("host=localhost dbname=x")
    assert not is_address("postgresql://a:x/db")
