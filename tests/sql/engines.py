"""The three engines under one small face, so that one text of SQL can be held against all."""

import abc
import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from brain.events import KINDS, columns
from brain.sources import frames, queries, rollup_steps
from brain.sources.duckdb_store import DuckEventStore, Incoming

Row = dict[str, Any]
Span = tuple[dt.datetime, dt.datetime]
ROLLUPS = (*(table for tables in rollup_steps.TABLES.values() for table in tables),
           *rollup_steps.SESSION_TABLES, "first_seen", "cohorts_week")
NEAR = dt.timedelta(days=1)


class ServerEngine(abc.ABC):
    """What PostgreSQL and ClickHouse have in common: the statements, their order, their names."""

    engine: str

    @abc.abstractmethod
    def execute(self, text: str, params: Mapping[str, Any]) -> None:
        """Run one statement with values bound as ``$name``."""

    @abc.abstractmethod
    def fetch(self, text: str, params: Mapping[str, Any]) -> list[Row]:
        """Rows of one statement, by column."""

    @abc.abstractmethod
    def put_incoming(self, table: pa.Table) -> None:
        """Make ``table`` the relation ``incoming``, in the place of an earlier one."""

    def run(self, name: str, names: Mapping[str, str] | None = None, **params: Any) -> None:
        """Run a writing query of ``sql/``."""
        query = queries.load_query(name, self.engine)
        query.check(params)
        self.execute(query.named(**(names or {})), params)

    def read(self, name: str, params: Mapping[str, Any],
             names: Mapping[str, str] | None = None) -> list[Row]:
        """Rows of a reading query of ``sql/``."""
        query = queries.load_query(name, self.engine)
        query.check(dict(params))
        return self.fetch(query.named(**(names or {})), params)

    def set_up(self) -> None:
        """Macros and tables in an empty database."""
        for name in (f"prelude/{self.engine}", *(name for _, name in queries.migrations("events"))):
            for statement in queries.statements(name, self.engine):
                self.execute(statement, {})

    def append(self, incoming: Sequence[Incoming], watermark: int) -> None:
        """Add events as the embedded store does, repeats left out."""
        for each in incoming:
            names = {"kind": each.kind, "columns": ", ".join(columns(each.kind))}
            moments, numbers = each.table["at_utc"].to_pylist(), each.table["batch_seq"].to_pylist()
            near = {"near_start": min(moments) - NEAR, "near_end": max(moments) + NEAR}
            self.put_incoming(each.table)
            overlap = self.read("ingest/count_overlap", near, {"kind": each.kind})[0]
            if overlap["rows_in"] == overlap["distinct_ids"] and not overlap["near_rows"]:
                self.run("ingest/append_unique", names)
            else:
                self.run("ingest/append", names, **near)
            self.run("ingest/record_batches", {"kind": each.kind},
                     first_seq=min(numbers), last_seq=max(numbers))
            self.run("ingest/mark_stale")
        self.run("ingest/write_watermark", batch_seq=watermark)

    def replace_prices(self, ranges: pa.Table) -> None:
        """Put ``ranges`` in the place of all ready prices."""
        self.put_incoming(ranges)
        self.run("prices/delete_ranges")
        self.run("prices/insert_ranges")

    def roll_up(self, spans: Iterable[Span], sketch_size: int) -> None:
        """Compute every rollup anew for spans of whole days."""
        def row(name: str) -> tuple[Any, ...] | None:
            found = self.read(name, {})
            return tuple(plain(value) for value in found[0].values()) if found else None

        rollup_steps.roll_up(self.run, row, list(spans), sketch_size)

    def delete_source(self, source: str) -> None:
        """Remove every event of a source."""
        for kind in KINDS:
            for name in ("stale_source", "subtract_source", "delete_source"):
                self.run(f"ingest/{name}", {"kind": kind}, source=source)

    @abc.abstractmethod
    def close(self) -> None:
        """Give everything free."""


class DuckEngine(ServerEngine):
    """DuckDB through the product's own store."""

    engine = "duckdb"

    def __init__(self, folder: Path) -> None:
        self.store = DuckEventStore(folder / "events.duckdb")

    def set_up(self) -> None:
        """Nothing: the store has done it."""

    def execute(self, text: str, params: Mapping[str, Any]) -> None:
        with self.store.transaction() as cursor:
            cursor.execute(text, frames.plain_times(dict(params)))

    def fetch(self, text: str, params: Mapping[str, Any]) -> list[Row]:
        with self.store.transaction() as cursor:
            done = cursor.execute(text, frames.plain_times(dict(params)))
            return done.to_arrow_reader().read_all().to_pylist()

    def put_incoming(self, table: pa.Table) -> None:
        with self.store.transaction() as cursor:
            cursor.register("incoming_arrow", table)
            cursor.execute("create or replace table incoming as select * from incoming_arrow")

    def append(self, incoming: Sequence[Incoming], watermark: int) -> None:
        self.store.append(incoming, watermark=watermark)

    def replace_prices(self, ranges: pa.Table) -> None:
        self.store.replace_prices(ranges)

    def delete_source(self, source: str) -> None:
        self.store.delete_source(source)

    def close(self) -> None:
        self.store.close()


class PostgresEngine(ServerEngine):
    """PostgreSQL through psycopg. The database must sort text by bytes (locale C)."""

    engine = "postgres"
    _TYPES = ((pa.types.is_string, "text"), (pa.types.is_timestamp, "timestamp"),
              (pa.types.is_integer, "bigint"), (pa.types.is_floating, "double precision"),
              (pa.types.is_boolean, "boolean"))

    def __init__(self, dsn: str) -> None:
        import psycopg
        from psycopg.rows import dict_row
        from psycopg.types.numeric import Int8Dumper

        self._connection = psycopg.connect(dsn, autocommit=True, row_factory=dict_row)
        # Every whole number is a bigint, as the headers say, so that products do not overflow.
        self._connection.adapters.register_dumper(int, Int8Dumper)
        self._connection.execute("set time zone 'UTC'")

    def execute(self, text: str, params: Mapping[str, Any]) -> None:
        self._connection.execute(_percent(text), frames.plain_times(dict(params)))

    def fetch(self, text: str, params: Mapping[str, Any]) -> list[Row]:
        return self._connection.execute(_percent(text), frames.plain_times(dict(params))).fetchall()

    def put_incoming(self, table: pa.Table) -> None:
        fields = [f"{field.name} {self._type(field.type)}" for field in table.schema]
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.execute("drop table if exists incoming")
            cursor.execute(f"create temporary table incoming ({', '.join(fields)})")
            with cursor.copy("copy incoming from stdin") as copy:
                for row in table.to_pylist():
                    copy.write_row(tuple(row.values()))

    def _type(self, kind: pa.DataType) -> str:
        return next(name for fits, name in self._TYPES if fits(kind))

    def close(self) -> None:
        self._connection.close()


class ClickHouseEngine(ServerEngine):
    """ClickHouse in this process, through the client that also speaks to servers."""

    engine = "clickhouse"
    _TYPES = (("timestamp", "DateTime64(6, 'UTC')"), ("text list", "Array(String)"),
              ("text[]", "Array(String)"), ("list", "Array(String)"), ("text", "String"),
              ("bigint", "Int64"), ("integer", "Int64"), ("double", "Float64"),
              ("boolean", "Bool"))

    def __init__(self, database: str) -> None:
        import clickhouse_connect

        self._client = clickhouse_connect.get_client(interface="chdb")
        self._client.command(f"create database {database}")
        self._client.command(f"use {database}")
        self._database = database
        # As in the SQL standard: a row without partner has nulls, not zeros and empty texts.
        self._client.set_client_setting("join_use_nulls", 1)

    def run(self, name: str, names: Mapping[str, str] | None = None, **params: Any) -> None:
        query = queries.load_query(name, self.engine)
        query.check(params)
        self._client.command(self._typed(query.named(**(names or {})), query.params),
                             parameters=_bound(params))

    def read(self, name: str, params: Mapping[str, Any],
             names: Mapping[str, str] | None = None) -> list[Row]:
        query = queries.load_query(name, self.engine)
        query.check(dict(params))
        done = self._client.query(self._typed(query.named(**(names or {})), query.params),
                                  parameters=_bound(params))
        return [dict(zip(done.column_names, row, strict=True)) for row in done.result_rows]

    def execute(self, text: str, params: Mapping[str, Any]) -> None:
        self._client.command(text, parameters=_bound(params))

    def fetch(self, text: str, params: Mapping[str, Any]) -> list[Row]:
        done = self._client.query(text, parameters=_bound(params))
        return [dict(zip(done.column_names, row, strict=True)) for row in done.result_rows]

    def put_incoming(self, table: pa.Table) -> None:
        kinds = {"string": "String", "timestamp[us]": "DateTime64(6, 'UTC')", "int64": "Int64",
                 "double": "Float64", "bool": "Bool"}
        fields = [f"{field.name} " + (f"Nullable({kinds[str(field.type)]})" if field.nullable
                                      else kinds[str(field.type)]) for field in table.schema]
        self._client.command("drop table if exists incoming")
        self._client.command(f"create table incoming ({', '.join(fields)}) engine = Memory")
        self._client.insert_arrow("incoming", table)

    def _typed(self, text: str, params: Mapping[str, str]) -> str:
        def bind(found: re.Match[str]) -> str:
            declared = params[found[1]]
            kind = next(kind for start, kind in self._TYPES if declared.startswith(start))
            return f"{{{found[1]}:{kind}}}"
        return re.sub(r"\$(\w+)", bind, text)

    def close(self) -> None:
        self._client.command(f"drop database {self._database}")
        self._client.close()


def plain(value: Any) -> Any:
    """A time without its zone, as the stores give it; anything else as it is."""
    return value.replace(tzinfo=None) if isinstance(value, dt.datetime) else value


def _percent(text: str) -> str:
    return re.sub(r"\$(\w+)", r"%(\1)s", text.replace("%", "%%"))


def _bound(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.astimezone(dt.UTC) if isinstance(value, dt.datetime) and value.tzinfo
            else value.replace(tzinfo=dt.UTC) if isinstance(value, dt.datetime) else value
            for name, value in params.items()}
