"""The state store: what is configured, promised and decided, in transactions."""

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from brain.sources import queries
from brain.sources.frames import plain_times

VECTOR_TABLE = "pgvector_passages"
"""The one table that only some PostgreSQL have: its column is of an extension's type."""
_TURN = 0x6272_6169_6E  # "brain": a number of our own among PostgreSQL's advisory locks


class StateTooNew(RuntimeError):
    """The database was written by a newer program."""


class StateStore:
    """SQLAlchemy Core over SQLite (one machine) or PostgreSQL. Times inside are zone-less UTC."""

    def __init__(self, url: str) -> None:
        """Open ``url``, run migrations, read the tables.

        Raises StateTooNew if the schema is newer than this program.
        """
        if url.startswith("sqlite:///"):
            Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        if url.startswith("postgresql://"):
            url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        self.url = url
        self._engine = sa.create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
        if self._engine.dialect.name == "sqlite":
            sa.event.listen(self._engine, "connect", _prepare_sqlite)
            sa.event.listen(self._engine, "begin", _begin_immediately)
        self._migrate()
        metadata = sa.MetaData()
        metadata.reflect(self._engine, only=lambda name, _: name != VECTOR_TABLE)
        self.tables = dict(metadata.tables)

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """A connection in a transaction that commits at the end or changes nothing."""
        with self._engine.begin() as connection:
            yield connection

    def rows(self, table: str, *where: Any, order: str | None = None) -> list[dict[str, Any]]:
        """Rows of a table as dictionaries; columns ending ``_utc`` are aware."""
        this = self.tables[table]
        chosen = sa.select(this).where(*where)
        if order:
            chosen = chosen.order_by(this.c[order])
        with self._engine.connect().execution_options(reading=True) as connection:
            return [{name: value.replace(tzinfo=dt.UTC) if isinstance(value, dt.datetime) else value
                     for name, value in row._mapping.items()}
                    for row in connection.execute(chosen)]

    def insert(self, table: str, *rows: dict[str, Any]) -> None:
        """Add rows in one transaction."""
        if rows:
            with self.begin() as connection:
                connection.execute(sa.insert(self.tables[table]),
                                   [plain_times(row) for row in rows])

    def update(self, table: str, key: str, value: Any, **changes: Any) -> None:
        """Change the row whose ``key`` column is ``value``."""
        this = self.tables[table]
        with self.begin() as connection:
            connection.execute(sa.update(this).where(this.c[key] == value)
                               .values(**plain_times(changes)))

    def delete(self, table: str, **where: Any) -> int:
        """Remove the rows that match; how many they were."""
        this = self.tables[table]
        with self.begin() as connection:
            done = connection.execute(
                sa.delete(this).where(*(this.c[name] == value for name, value in where.items())))
        return int(done.rowcount)

    def audit(self, now: dt.datetime, person: str, action: str, subject: str,
              before: Any, after: Any) -> None:
        """Add an entry to the record, chained by hash to the one before it."""
        this = self.tables["audit"]
        with self.begin() as connection:
            _take_turns(connection)
            last = connection.execute(sa.select(this.c.audit_id, this.c.entry_hash)
                                      .order_by(this.c.audit_id.desc()).limit(1)).first()
            entry = {"audit_id": (last[0] if last else 0) + 1, "at_utc": now, "person": person,
                     "action": action, "subject": subject,
                     "before_json": json.dumps(before, default=str),
                     "after_json": json.dumps(after, default=str),
                     "previous_hash": last[1] if last else ""}
            told = json.dumps(entry, default=str, sort_keys=True).encode()
            entry["entry_hash"] = hashlib.sha256(told).hexdigest()
            connection.execute(sa.insert(this), [plain_times(entry)])

    def prepare(self, name: str, table: str) -> None:
        """Run the statements of ``sql/<name>.sql``, in one transaction and one process at a time,
        unless the ``table`` that they make is there."""
        with self.begin() as connection:
            _take_turns(connection)
            if not sa.inspect(connection).has_table(table):
                for statement in queries.statements(name, "postgres"):
                    connection.exec_driver_sql(statement)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _migrate(self) -> None:
        dialect = self._engine.dialect.name
        known = queries.migrations("state")
        for version, name in known:
            with self.begin() as connection:
                _take_turns(connection)
                connection.exec_driver_sql(queries.load_query("migrate/create_version").text)
                there = connection.exec_driver_sql(
                    queries.load_query("migrate/read_version").text).scalar_one()
                if there > known[-1][0]:
                    raise StateTooNew(f"{self._engine.url} has schema {there}, this program knows "
                                      f"up to {known[-1][0]}: install the newer program")
                if version > there:
                    for statement in queries.statements(name, dialect):
                        connection.exec_driver_sql(statement)
                    connection.execute(sa.insert(sa.table("schema_version", sa.column("version"))),
                                       {"version": version})


def _take_turns(connection: sa.Connection) -> None:
    """Wait for other processes' migrations and audit entries. SQLite writers wait by themselves."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_TURN)))


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=wal", "synchronous=full", "foreign_keys=on", "busy_timeout=30000"):
        connection.execute(f"pragma {pragma}")


def _begin_immediately(connection: sa.Connection) -> None:
    reading = connection.get_execution_options().get("reading")
    connection.exec_driver_sql("begin" if reading else "begin immediate")
