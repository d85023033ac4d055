"""Every engine with the sample events, loaded and rolled up by the same texts."""

import datetime as dt
from collections.abc import Iterator

import pytest

from brain.sources import frames
from brain.sources.duckdb_store import Incoming
from tests import sample
from tests.services.postgres import PostgresServer
from tests.sql.engines import ClickHouseEngine, DuckEngine, PostgresEngine, ServerEngine

SKETCH_SIZE = 4096


def load(engine: ServerEngine) -> ServerEngine:
    """``engine`` with the sample events, prices and rollups in it."""
    engine.set_up()
    tables = sample.tables()
    first = [Incoming(kind, frames.with_batch_seq(table, number))
             for number, (kind, table) in enumerate(tables.items(), start=1)]
    engine.append(first, watermark=len(first))
    # The same requests again and one that is new: a late event.
    late = frames.to_table("requests", [sample.late_request()])
    again = frames.to_table("requests", sample.requests()[:40])
    engine.append([Incoming("requests", frames.with_batch_seq(again, 101)),
                   Incoming("requests", frames.with_batch_seq(late, 102))], watermark=102)
    engine.replace_prices(sample.price_ranges())
    engine.roll_up([(sample.START - dt.timedelta(days=1), sample.END + dt.timedelta(days=1))],
                   SKETCH_SIZE)
    return engine


@pytest.fixture(scope="session")
def duck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerEngine]:
    """The embedded store."""
    engine = load(DuckEngine(tmp_path_factory.mktemp("duck")))
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def postgres(postgres_server: PostgresServer) -> Iterator[ServerEngine]:
    """A real PostgreSQL."""
    with postgres_server.database() as url:
        engine = load(PostgresEngine(url))
        yield engine
        engine.close()


@pytest.fixture(scope="session")
def clickhouse() -> Iterator[ServerEngine]:
    """ClickHouse in this process."""
    pytest.importorskip("chdb")
    pytest.importorskip("clickhouse_connect")
    engine = load(ClickHouseEngine("contract"))
    yield engine
    engine.close()
