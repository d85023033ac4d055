"""One text, three engines: every query gives the same columns and the same rows on each."""

import datetime as dt
import itertools
import math
import re
from decimal import Decimal
from typing import Any

import pytest

from brain.events import columns
from brain.sources import queries
from tests import sample
from tests.sql.engines import ROLLUPS, Row, ServerEngine
from tests.sql.params import EMPTY_ALLOWED, NAMES, ONE_ENGINE, parameter_sets

SHARED = [name for name in queries.list_queries() if not name.startswith(ONE_ENGINE)]
READING = [name for name in SHARED if queries.load_query(name).columns]
WRITING = [name for name in SHARED if not queries.load_query(name).columns]
SMALL_TABLES = ("accepted_batches", "stale_hours", "price_ranges")


def same(left: Any, right: Any) -> bool:
    """Whether two values are of one type and equal: floats to 1e-9, everything else exactly."""
    if isinstance(left, dt.datetime) and isinstance(right, dt.datetime):
        return left.replace(tzinfo=None) == right.replace(tzinfo=None)
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-12)
    return bool(left == right)


def compare(engine: str, rows: list[Row], wanted: list[Row]) -> None:
    """Fail at the first difference, naming row, column and both values."""
    for number, (row, expected) in enumerate(itertools.zip_longest(rows, wanted)):
        assert row is not None and expected is not None, (
            f"{engine} gives {len(rows)} rows, DuckDB {len(wanted)}; "
            f"the first that only one has: {row or expected}")
        assert list(row) == list(expected), f"columns on {engine}"
        for column, value in expected.items():
            assert same(row[column], value), (
                f"row {number}, {column}: {engine} says {row[column]!r}, DuckDB {value!r}")


def names_of(name: str) -> list[dict[str, str]]:
    """Every choice of identifiers that a query's text takes."""
    wanted = queries.load_query(name).names
    if unknown := [each for each in wanted if each not in NAMES]:
        raise LookupError(f"{{{unknown[0]}}} of sql/{name}.sql has no value: add some to NAMES "
                          "in tests/sql/params.py")
    return [dict(zip(wanted, choice, strict=True))
            for choice in itertools.product(*(NAMES[each] for each in wanted))]


@pytest.mark.parametrize("name", READING)
def test_same_rows_on_every_engine(name: str, duck: ServerEngine, postgres: ServerEngine,
                                   clickhouse: ServerEngine) -> None:
    query = queries.load_query(name)
    most_rows = 0
    if "from incoming" in query.text:
        for engine in (duck, postgres, clickhouse):
            engine.put_incoming(sample.tables()["requests"])
    for names in names_of(name):
        for params in parameter_sets(name, query.params):
            wanted = duck.read(name, params, names)
            most_rows = max(most_rows, len(wanted))
            for row in wanted:
                assert tuple(row) == query.columns, "the header names other columns"
                for column, value in row.items():
                    assert not (isinstance(value, float) and not math.isfinite(value)), column
                    assert not column.endswith("_usd") or isinstance(value, Decimal | None), column
            compare("PostgreSQL", postgres.read(name, params, names), wanted)
            compare("ClickHouse", clickhouse.read(name, params, names), wanted)
    assert most_rows or name in EMPTY_ALLOWED, "no row for any parameters: add a case that has some"


@pytest.mark.parametrize("table", (*ROLLUPS, *NAMES["kind"], *SMALL_TABLES))
def test_same_tables_on_every_engine(table: str, duck: ServerEngine, postgres: ServerEngine,
                                     clickhouse: ServerEngine) -> None:
    text = f"select * from {table}"

    def in_order(engine: ServerEngine) -> list[Row]:
        return sorted(engine.fetch(text, {}), key=lambda row: [
            (value is not None, str(value) if isinstance(value, Decimal | str) else value)
            for value in row.values() if not isinstance(value, float)])

    wanted = in_order(duck)
    assert wanted
    compare("PostgreSQL", in_order(postgres), wanted)
    compare("ClickHouse", in_order(clickhouse), wanted)


def test_repeats_are_left_out_on_every_engine(duck: ServerEngine, postgres: ServerEngine,
                                              clickhouse: ServerEngine) -> None:
    for engine in (duck, postgres, clickhouse):
        batches = {row["batch_seq"]: (row["rows_kept"], row["rows_repeated"]) for row
                   in engine.fetch("select * from accepted_batches", {})}
        assert batches[101] == (0, 40)
        assert batches[102] == (1, 0)


def test_one_engine_topics_are_these() -> None:
    others = {name.split("/")[0] + "/" for name in queries.list_queries()} & set(ONE_ENGINE)
    assert others <= {"imports/", "migrate/", "postgres/", "spool/"}


@pytest.mark.parametrize("name", queries.list_queries())
def test_header_tells_parameters_and_names(name: str) -> None:
    for engine in ("duckdb", "postgres", "clickhouse"):
        query = queries.load_query(name, engine)
        body = "\n".join(line for line in query.text.splitlines() if not line.startswith("--"))
        assert query.sentence.endswith("."), "the header starts with a sentence"
        assert set(re.findall(r"\$(\w+)", body)) == set(query.params)
        assert set(re.findall(r"\{([a-z_]+)\}", body)) == set(query.names)


def test_kinds_of_the_tests_are_the_kinds_of_event() -> None:
    assert all(columns(kind) for kind in NAMES["kind"])
