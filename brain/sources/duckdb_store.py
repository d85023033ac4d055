"""The embedded event store: one DuckDB file, owned by one process."""

import datetime as dt
import itertools
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow as pa
import pyarrow.compute

from brain.events import KINDS, columns
from brain.sources import queries, rollup_steps
from brain.sources.frames import plain_times, with_batch_seq

# Results are small; DuckDB's advice to read them lazily does not work on cursors.
warnings.filterwarnings("ignore", message="Arrow output on a DB-API result")

_NEAR = dt.timedelta(days=1)
_RECENT_BATCHES = 1_000
_ROW_GROUP = 122_880  # DuckDB's; pieces of this size are inserted in parallel and stay in order
Span = tuple[dt.datetime, dt.datetime]


class StoreBusy(RuntimeError):
    """Another process owns the event store."""


class StoreDamaged(RuntimeError):
    """The event store holds less, or other, than was acknowledged."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """Events of one kind to append: their columns and a ``batch_seq`` column."""

    kind: str
    table: pa.Table


@dataclass(frozen=True, slots=True)
class Appended:
    """What an append did: rows kept, and rows left out as repeats."""

    kept: int
    repeated: int


class Lying(Protocol):
    """Events with distinct ids in a file that the store may read."""

    kind: str
    rows: int
    first_at: dt.datetime
    last_at: dt.datetime

    def events(self, cursor: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyRelation]:
        """Whole events, some at a time."""


class DuckEventStore:
    """Events, rollups and ready prices. Readers may be many, writers take turns.

    ``reads`` counts what was asked since it was opened: queries, and counts of all kinds.
    """

    engine = "duckdb"

    def __init__(self, path: Path, *, memory_bytes: int = 1_500_000_000) -> None:
        """Open or create the file and run migrations.

        Raises StoreBusy if another process owns the file.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._connection = duckdb.connect(str(path), config={
                "memory_limit": f"{memory_bytes}B", "preserve_insertion_order": "true"})
        except duckdb.IOException as error:
            if "lock" in str(error).lower():
                raise StoreBusy(f"{path} is owned by another process: {error}") from error
            raise StoreDamaged(f"{path} cannot be opened: {error}") from error
        self.path = path
        self._writing = threading.RLock()
        self._local = threading.local()
        self._dirty = False
        self._counted = itertools.count(1)
        self.reads = 0
        # Files of an import, which lie beside the database while it runs; no other, no network.
        self._run(self._connection, "imports/allow_folder", {},
                  folder=str(path.parent.resolve() / "imports"))
        self._run(self._connection, "imports/close_files", {})
        for statement in queries.statements("prelude/duckdb", self.engine):
            self._connection.execute(statement)
        self._migrate()

    # reading

    def read(self, name: str, params: dict[str, Any]) -> pa.Table:
        """Rows of ``sql/<name>.sql``; times in ``params`` may be aware or UTC."""
        query = queries.load_query(name, self.engine)
        query.check(params)
        self.reads = next(self._counted)
        done = self._cursor().execute(self._parsed(query), plain_times(params))
        rows: pa.Table = done.to_arrow_reader().read_all()  # type: ignore[union-attr]
        return rows

    def kinds(self) -> dict[str, int]:
        """Rows there are of each kind of event."""
        self.reads = next(self._counted)
        return {kind: self._one("ingest/count_rows", {"kind": kind})[0] for kind in KINDS}

    def count_source(self, source: str) -> int:
        """Events there are of a source."""
        found = (self._run(self._cursor(), "ingest/count_source", {"kind": kind},
                           source=source).fetchone() for kind in KINDS)
        return sum(int(row[0]) for row in found if row)

    def find_workspaces(self, kind: str, **span: Any) -> list[str]:
        """Workspaces in the events of a source within a span; see ``ingest/source_workspaces``."""
        found = self._run(self._cursor(), "ingest/source_workspaces", {"kind": kind}, **span)
        return [row[0] for row in found.fetchall()]

    def size_bytes(self) -> int:
        """Bytes on disk, write-ahead log included."""
        files = (self.path, self.path.with_name(self.path.name + ".wal"))
        return sum(each.stat().st_size for each in files if each.exists())

    # writing

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keep other threads from writing, over several transactions of this one."""
        with self._writing:
            yield

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor in a transaction that commits at the end or leaves nothing behind."""
        with self._writing:
            cursor = self._connection.cursor()
            cursor.execute("begin")
            try:
                yield cursor
            except BaseException:
                cursor.execute("rollback")
                raise
            else:
                cursor.execute("commit")
                self._dirty = True
            finally:
                cursor.close()

    def append(self, incoming: Sequence[Incoming], *, watermark: int | None = None) -> Appended:
        """Add events that are not there yet, all or none; move the watermark with them."""
        kept = repeated = 0
        with self.transaction() as cursor:
            for each in incoming:
                done = self._append_kind(cursor, each)
                kept, repeated = kept + done.kept, repeated + done.repeated
            if watermark is not None:
                self._run(cursor, "ingest/write_watermark", {}, batch_seq=watermark)
        return Appended(kept, repeated)

    def append_distinct(self, parts: Iterable[tuple[str, Span, Iterable[pa.Table]]],
                        reserve: Callable[[str], int],
                        lying: Lying | None = None) -> Appended:
        """Add the events of a whole file that are not there yet, all or none.

        Those ``lying`` in a Parquet file come first. Each part is a kind, its first and last
        time, and tables whose ids the caller vouches are distinct; ``reserve`` gives each table
        its sequence number, once the transaction stands.
        """
        kept = repeated = 0
        with self.transaction() as cursor:
            if lying is not None:
                done = self._append_lying(cursor, lying, reserve(lying.kind))
                kept, repeated = done.kept, done.repeated
            for kind, (first_at, last_at), tables in parts:
                near = {"near_start": first_at - _NEAR, "near_end": last_at + _NEAR}
                known = self._run(cursor, "ingest/count_near", {"kind": kind},
                                  **near).fetchall()[0][0]
                for table in tables:
                    numbered = with_batch_seq(table, reserve(kind))
                    done = self._append_kind(cursor, Incoming(kind, numbered),
                                             distinct=not known)
                    kept, repeated = kept + done.kept, repeated + done.repeated
        return Appended(kept, repeated)

    def _append_kind(self, cursor: duckdb.DuckDBPyConnection, incoming: Incoming, *,
                     distinct: bool = False) -> Appended:
        kind, table = incoming.kind, incoming.table
        if not table.num_rows:
            return Appended(0, 0)
        cursor.register("incoming", pa.Table.from_batches(
            table.to_batches(max_chunksize=_ROW_GROUP), table.schema))
        first_at, last_at = pa.compute.min_max(table["at_utc"]).as_py().values()
        first_seq, last_seq = pa.compute.min_max(table["batch_seq"]).as_py().values()
        near = {"near_start": first_at - _NEAR, "near_end": last_at + _NEAR}
        if not distinct:
            rows_in, distinct_ids, near_rows = self._run(
                cursor, "ingest/count_overlap", {"kind": kind}, **near).fetchone() or (0, 0, 0)
            distinct = rows_in == distinct_ids and not near_rows
        names = {"kind": kind, "columns": ", ".join(columns(kind))}
        if distinct:
            kept = self._run(cursor, "ingest/append_unique", names).fetchone()
        else:
            kept = self._run(cursor, "ingest/append", names, **near).fetchone()
        self._run(cursor, "ingest/record_batches", {"kind": kind},
                  first_seq=first_seq, last_seq=last_seq)
        self._run(cursor, "ingest/mark_stale", {})
        cursor.unregister("incoming")
        rows_kept = int(kept[0]) if kept else 0
        return Appended(rows_kept, table.num_rows - rows_kept)

    def _append_lying(self, cursor: duckdb.DuckDBPyConnection, lying: Lying,
                      batch_seq: int) -> Appended:
        kind, names = lying.kind, {"kind": lying.kind}
        near = {"near_start": lying.first_at - _NEAR, "near_end": lying.last_at + _NEAR}
        known = self._run(cursor, "ingest/count_near", names, **near).fetchall()[0][0]
        order = [duckdb.ColumnExpression(name) for name in cursor.table(kind).columns]
        for rows in lying.events(cursor):
            if known:
                there = cursor.table(kind).filter(duckdb.ColumnExpression("at_utc").between(
                    *(duckdb.ConstantExpression(each) for each in near.values())))
                rows = rows.join(there.select("event_id"), "event_id", how="anti")
            rows.select(
                duckdb.StarExpression(),
                duckdb.ConstantExpression(batch_seq).cast("bigint").alias("batch_seq"),
                duckdb.FunctionExpression("hash60", duckdb.ColumnExpression("user_id"))
                .alias("user_hash")).select(*order).insert_into(kind)
        self._run(cursor, "ingest/record_batch", names, batch_seq=batch_seq, rows_in=lying.rows)
        self._run(cursor, "ingest/mark_stale_batch", names, batch_seq=batch_seq)
        rows_kept = int(self._run(cursor, "ingest/count_batch", {}, kind=kind,
                                  batch_seq=batch_seq).fetchall()[0][0])
        return Appended(rows_kept, lying.rows - rows_kept)

    def delete_source(self, source: str) -> int:
        """Remove every event of a source and note its hours for the rollup; the rows removed."""
        removed = 0
        with self.transaction() as cursor:
            for kind in KINDS:
                names = {"kind": kind}
                self._run(cursor, "ingest/stale_source", names, source=source)
                self._run(cursor, "ingest/subtract_source", names, source=source)
                done = self._run(cursor, "ingest/delete_source", names, source=source).fetchone()
                removed += int(done[0]) if done else 0
        return removed

    def execute(self, name: str, **params: Any) -> None:
        """Run one writing statement of ``sql/`` in its own transaction."""
        with self.transaction() as cursor:
            self._run(cursor, name, {}, **params)

    def execute_with(self, name: str, incoming: pa.Table) -> None:
        """Run one statement that takes over the rows of ``incoming``."""
        with self.transaction() as cursor:
            cursor.register("incoming", incoming)
            self._run(cursor, name, {})
            cursor.unregister("incoming")

    def replace_prices(self, ranges: pa.Table) -> None:
        """Put ``ranges`` in the place of all ready prices."""
        with self.transaction() as cursor:
            cursor.register("incoming", ranges)
            self._run(cursor, "prices/delete_ranges", {})
            self._run(cursor, "prices/insert_ranges", {})
            cursor.unregister("incoming")

    def roll_up(self, spans: Sequence[Span], sketch_size: int) -> None:
        """Recompute every rollup for spans of whole hours (UTC, half-open), in one transaction.

        Their hours are no longer stale then.
        """
        with self.transaction() as cursor:
            def row(name: str) -> tuple[Any, ...] | None:
                return self._run(cursor, name, {}).fetchone()

            for start, end in spans:
                self._run(cursor, "rollup/clear_stale", {}, start=start, end=end)
            rollup_steps.roll_up(partial(self._run, cursor), row, spans, sketch_size)

    # keeping

    def watermark(self) -> int:
        """Sequence number of the last spool batch that is in here."""
        return int(self._one("ingest/read_watermark", {})[0])

    def accepted(self, last_seq: int) -> dict[str, tuple[int, int, int]]:
        """Batches, rows kept and checksum by kind, up to a batch."""
        rows = self.read("ingest/count_accepted", {"last_seq": last_seq}).to_pylist()
        return {row["kind"]: (row["batches"], row["rows_kept"], int(row["checksum"]))
                for row in rows}

    def verify(self) -> tuple[str, ...]:
        """Sentences about what is there against what was accepted; empty if all is well."""
        with self._writing:  # all counts are of one moment
            return self._find_faults()

    def _find_faults(self) -> tuple[str, ...]:
        faults = []
        wanted = {row["kind"]: row["rows_kept"] for row
                  in self.read("ingest/count_kept", {}).to_pylist()}
        first_seq = max(0, self.watermark() - _RECENT_BATCHES)
        for kind, there in self.kinds().items():
            expected = wanted.get(kind, 0)
            if there != expected:
                faults.append(f"{kind}: {expected:,} rows were accepted, {there:,} are there")
            query = queries.load_query("ingest/compare_recent").named(kind=kind)
            for row in self._cursor().execute(query, {"first_seq": first_seq}).fetchall():
                faults.append(f"{kind}: batch {row[0]} had {row[1]:,} rows, {row[2]:,} are there "
                              "or their ids differ")
        return tuple(faults)

    def checkpoint(self) -> bool:
        """Write the log into the file; True if there was anything to write and it is done."""
        with self._writing:
            if not self._dirty:
                return False
            try:
                self._connection.cursor().execute("checkpoint")
            except duckdb.TransactionException:
                return False  # a reader is in the way; the log keeps everything until next time
            self._dirty = False
            return True

    def close(self) -> None:
        """Checkpoint and give the file free."""
        with self._writing:
            self.checkpoint()
            self._local = threading.local()  # cursors of threads that live on would keep the file
            self._connection.close()

    # inside

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        cursor = getattr(self._local, "cursor", None)
        if cursor is None:
            cursor = self._local.cursor = self._connection.cursor()
        return cursor

    def _parsed(self, query: queries.Query) -> Any:
        """The statement of a query, parsed once per thread: a fifth of a small query's time."""
        known = self._local.__dict__.setdefault("parsed", {})
        if query.name not in known:
            (known[query.name],) = self._cursor().extract_statements(query.text)
        return known[query.name]

    def _one(self, name: str, names: dict[str, str]) -> tuple[Any, ...]:
        row = self._run(self._cursor(), name, names).fetchone()
        if row is None:
            raise StoreDamaged(f"{name} returned nothing")
        return row

    def _run(self, cursor: duckdb.DuckDBPyConnection, name: str, names: dict[str, str],
             **params: Any) -> duckdb.DuckDBPyConnection:
        query = queries.load_query(name, self.engine)
        query.check(params)
        return cursor.execute(query.named(**names), plain_times(params))

    def _migrate(self) -> None:
        self._run(self._connection, "migrate/create_version", {})
        there = int(self._one("migrate/read_version", {})[0])
        known = queries.migrations("events")
        if there > known[-1][0]:
            raise StoreDamaged(f"{self.path} has schema {there}, this program knows up to "
                               f"{known[-1][0]}: install the newer program")
        for version, name in known:
            if version > there:
                with self.transaction() as cursor:
                    for statement in queries.statements(name, self.engine):
                        cursor.execute(statement)
                    self._run(cursor, "migrate/write_version", {}, version=version)
                self.checkpoint()
