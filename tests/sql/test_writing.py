"""Writing queries on every engine: each is run, and leaves the same behind."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from brain.costs.repricing import cells_table
from brain.decisions.repricing import cut_cells
from tests import sample
from tests.sql.conftest import load
from tests.sql.engines import (
    ROLLUPS,
    ClickHouseEngine,
    DuckEngine,
    PostgresEngine,
    ServerEngine,
)
from tests.sql.test_contract import WRITING
from tests.sql.test_rollups import RANGES

RUN_BY_APPEND = {"ingest/append", "ingest/append_unique", "ingest/record_batches",
                 "ingest/mark_stale", "ingest/write_watermark"}
RUN_BY_PRICES = {"prices/delete_ranges", "prices/insert_ranges"}
RUN_BY_CELLS = {"prices/insert_cells", "prices/delete_cells"}
RUN_BY_ROLLUP = {*(f"rollup/{table}" for table in ROLLUPS), *(f"rollup/{name}" for name in (
    "delete_span", "delete_hours", "delete_days", "delete_first_seen", "delete_sessions",
    "delete_view_links", "delete_cohorts", "session_windows", "mark_span_hours",
    "mark_session_hours", "clear_windows", "clear_session_hours"))}
RUN_BY_DELETE = {"ingest/stale_source", "ingest/subtract_source", "ingest/delete_source"}
RUN_BY_BATCH = {"ingest/record_batch", "ingest/mark_stale_batch"}
RUN_BY_FORGETTING = {"queries/forget_texts"}
RUN_ALONE = {"rollup/clear_stale", "rollup/mark_stale_model", "rollup/mark_stale_span"}


@pytest.fixture(params=["duckdb", "postgres", "clickhouse"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServerEngine]:
    """A fresh engine of each sort with the sample events."""
    if request.param == "duckdb":
        made: ServerEngine = DuckEngine(tmp_path)
    elif request.param == "postgres":
        made = PostgresEngine(request.getfixturevalue("postgres_url"))
    else:
        pytest.importorskip("chdb")
        made = ClickHouseEngine("writing_" + request.node.name.split("[")[0][-40:])
    yield load(made)
    made.close()


def test_every_writing_query_is_run_here() -> None:
    assert set(WRITING) == (RUN_BY_APPEND | RUN_BY_PRICES | RUN_BY_CELLS | RUN_BY_ROLLUP
                            | RUN_BY_DELETE | RUN_BY_BATCH | RUN_BY_FORGETTING | RUN_ALONE)


def test_stale_hours_come_and_go(engine: ServerEngine) -> None:
    hours = engine.read("rollup/read_stale", {})
    assert engine.read("rollup/count_stale", {})[0]["hours_waiting"] == len(hours) > 0
    # The first is the hour of the event before midnight; the four after it are cleared too.
    engine.run("rollup/clear_stale", start=hours[0]["hour_utc"], end=hours[5]["hour_utc"])
    later = [row["hour_utc"] for row in hours[5:]]
    assert [row["hour_utc"] for row in engine.read("rollup/read_stale", {})] == later
    engine.run("rollup/mark_stale_span", start=sample.START, end=sample.START + sample.HOUR)
    assert len(engine.read("rollup/read_stale", {})) == len(later) + 1
    # ft:nobody-prices-this is asked every 5 * 17 = 85 minutes, from minute 3 * 17 = 51 on.
    engine.run("rollup/mark_stale_model", model="ft:nobody-prices-this", start=sample.START,
               end=sample.START + 4 * sample.HOUR)
    marked = [row["hour_utc"].hour for row in engine.read("rollup/read_stale", {})]
    assert marked[:4] == [0, 2, 3, 4]


def test_a_batch_is_accounted_for_where_it_stands(engine: ServerEngine) -> None:
    there = engine.fetch("select batch_seq, count(*) as n, min(at_utc) as first_at "
                         "from requests group by batch_seq order by batch_seq", {})[0]
    batch = {"kind": "requests", "batch_seq": there["batch_seq"]}
    assert [row["rows_kept"] for row in engine.read("ingest/count_batch", batch)] == [there["n"]]
    engine.run("rollup/clear_stale", start=sample.START - dt.timedelta(days=1),
               end=sample.END + dt.timedelta(days=1))
    engine.run("ingest/mark_stale_batch", {"kind": "requests"}, batch_seq=there["batch_seq"])
    marked = engine.read("rollup/read_stale", {})[0]["hour_utc"]
    assert marked == there["first_at"].replace(minute=0, second=0, microsecond=0)
    engine.run("ingest/record_batch", {"kind": "requests"}, batch_seq=there["batch_seq"],
               rows_in=there["n"] + 3)
    again = engine.fetch("select rows_repeated, checksum from accepted_batches where kind = "
                         f"'requests' and batch_seq = {int(there['batch_seq'])} "
                         "order by rows_repeated", {})
    assert int(again[-1]["rows_repeated"]) == 3
    assert int(again[0]["checksum"]) == int(again[-1]["checksum"])


def test_deleting_a_source_leaves_the_account_right(engine: ServerEngine) -> None:
    engine.delete_source("demo")
    for kind in ("requests", "feedback", "deploys"):
        left = engine.fetch(f"select count(*) as rows_there from {kind} where source = 'demo'", {})
        assert left[0]["rows_there"] == 0
        assert engine.read("ingest/compare_recent", {"first_seq": 1}, {"kind": kind}) == []
    rows = engine.read("ingest/count_rows", {}, {"kind": "feedback"})
    assert rows[0]["rows_there"] == 0


def test_requests_are_counted_by_cells_of_prices(engine: ServerEngine) -> None:
    span = {"start": sample.START, "end": sample.END, "workspaces": []}
    priced = len({row[:2] for row in sample.PRICES})
    engine.put_incoming(cells_table("one", cut_cells(
        [RANGES], sample.START, sample.END)))
    engine.run("prices/insert_cells")
    rows = engine.read("costs/use_by_cell", {**span, "scenario": "one"})
    asked = [*sample.events()["requests"], sample.late_request()]
    assert sum(row["requests"] for row in rows) == sum(
        sample.START <= each.at_utc < sample.END for each in asked)
    assert len({(row["provider"], row["model"]) for row in rows if row["cell_id"] >= 0}) == priced
    engine.run("prices/delete_cells", scenario="one")
    assert {row["cell_id"] for row in engine.read("costs/use_by_cell", {
        **span, "scenario": "one"})} == {-1}


def test_texts_of_one_workspace_are_taken_away(engine: ServerEngine) -> None:
    def texts() -> dict[str, int]:
        rows = engine.read("queries/count_texts", {"workspaces": []})
        return {row["workspace_id"]: row["texts"] for row in rows}

    # Request n has a text where n is even, of 250: 125 texts. Workspace n % 3: of n in 0, 6, ...
    # 246 (acme) 42, of 4, 10, ... 244 41, of 2, 8, ... 248 42.
    before = texts()
    assert sorted(before.values()) == [41, 42, 42]
    engine.run("queries/forget_texts", workspace_id="acme")
    assert texts() == {name: count for name, count in before.items() if name != "acme"}
    rows = engine.fetch("select count(*) as n from requests where query_hash <> ''", {})
    assert rows[0]["n"] == 250


def test_rolling_up_twice_changes_nothing(engine: ServerEngine) -> None:
    def totals() -> list[object]:
        return [engine.fetch(f"select count(*) as n from {table}", {}) for table in ROLLUPS]

    before = totals()
    engine.roll_up([(sample.START, sample.END)], 4096)
    assert totals() == before
