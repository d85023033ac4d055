"""The durable way in: batches that any process writes and the event store's owner moves on."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from brain.sources import frames, queries


class SpoolTooNew(RuntimeError):
    """The spool was written by a newer program."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One accepted batch: events of one kind, still packed."""

    batch_seq: int
    kind: str
    rows: int
    checksum: int
    payload: bytes

    def table(self) -> pa.Table:
        """The events, with their ``batch_seq``."""
        return frames.with_batch_seq(frames.from_bytes(self.payload), self.batch_seq)


@dataclass(slots=True)
class _Ticket:
    batches: Sequence[tuple[str, pa.Table]]
    error: BaseException | None = None
    numbers: list[int] = field(default_factory=list)
    done: bool = False


class Spool:
    """SQLite with a write-ahead log and full syncing: what ``append`` returned from is safe."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._connection = sqlite3.connect(path, timeout=30, isolation_level=None,
                                           check_same_thread=False)
        for pragma in ("journal_mode=wal", "synchronous=full", "wal_autocheckpoint=4000"):
            self._connection.execute(f"pragma {pragma}")
        self._turn = threading.Lock()
        self._queue = threading.Lock()
        self._waiting: list[_Ticket] = []
        self._migrate()

    def append(self, batches: Sequence[tuple[str, pa.Table]]) -> list[int]:
        """Sequence numbers of the batches once they are safe on disk, all or none.

        Callers that wait at the same time share one sync.
        """
        ticket = _Ticket(batches)
        with self._queue:
            self._waiting.append(ticket)
        with self._turn:
            if not ticket.done:
                with self._queue:
                    taken, self._waiting = self._waiting, []
                self._write(taken)
        if ticket.error is not None:
            raise ticket.error
        return ticket.numbers

    def reserve(self, kind: str) -> int:
        """A sequence number for events that go straight into the event store."""
        with self._turn:
            number = self._run("spool/reserve_batch", kind=kind).lastrowid or 0
            self._run("spool/release_batch", batch_seq=number)
        return number

    def continue_after(self, watermark: int) -> None:
        """Give only numbers above ``watermark`` from now on, also to batches that wait.

        A spool that was lost and made anew would otherwise count from 1, below what the event
        store holds already.
        """
        with self._turn, self._transaction():
            last_seq = self._last_seq()
            if last_seq < watermark:
                self._run("spool/reserve_batch", kind="")  # numbers are noted from the first on
                self._run("spool/release_batch", batch_seq=last_seq + 1)
                self._run("spool/shift_batches", shift=watermark)
                self._run("spool/write_last", last_seq=watermark + last_seq)

    def last_seq(self) -> int:
        """The last number that was given."""
        with self._turn:
            return self._last_seq()

    def read(self, after_seq: int, most: int) -> list[Batch]:
        """Up to ``most`` batches that come after a watermark, oldest first."""
        with self._turn:
            rows = self._run("spool/read_batches", after_seq=after_seq, most=most).fetchall()
        return [Batch(row[0], row[1], row[2], int(row[3]), row[4]) for row in rows]

    def waiting(self, after_seq: int) -> tuple[int, int]:
        """Batches and events that the event store does not hold yet."""
        with self._turn:
            return tuple(self._run("spool/count_batches", after_seq=after_seq).fetchone())  # type: ignore[return-value]

    def forget(self, last_seq: int, accepted: dict[str, tuple[int, int, int]]) -> None:
        """Delete batches that the event store has in its file, and note what it accepted."""
        with self._turn, self._transaction():
            for kind, (batches, rows_kept, checksum) in accepted.items():
                self._run("spool/write_anchor", kind=kind, last_seq=last_seq, batches=batches,
                          rows_kept=rows_kept, checksum=str(checksum))
            self._run("spool/delete_batches", last_seq=last_seq)

    def anchors(self) -> dict[str, tuple[int, int, int, int]]:
        """By kind: last batch, batches, rows and checksum when batches were last deleted."""
        with self._turn:
            rows = self._run("spool/read_anchors").fetchall()
        return {row[0]: (row[1], row[2], row[3], int(row[4])) for row in rows}

    def compact(self) -> None:
        """Write the file anew, without the bytes of batches that were deleted."""
        with self._turn:
            self._connection.execute("vacuum")
            self._connection.execute("pragma wal_checkpoint(truncate)")

    def close(self) -> None:
        """Give the file free."""
        with self._turn:
            self._connection.close()

    def _write(self, tickets: list[_Ticket]) -> None:
        try:
            with self._transaction():
                for ticket in tickets:
                    for kind, table in ticket.batches:
                        payload = frames.to_bytes(table)
                        total = frames.checksum(table["event_id"].to_pylist())
                        ticket.numbers.append(self._run(
                            "spool/insert_batch", kind=kind, rows_in=table.num_rows,
                            checksum=str(total), payload=payload).lastrowid or 0)
        except BaseException as error:
            for ticket in tickets:
                ticket.error = error
        finally:
            for ticket in tickets:
                ticket.done = True

    def _last_seq(self) -> int:
        return int(self._run("spool/read_last").fetchone()[0])

    def _run(self, name: str, **params: Any) -> sqlite3.Cursor:
        return self._connection.execute(queries.load_query(name, "sqlite").text, params)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("begin immediate")
        try:
            yield
            self._connection.execute("commit")
        except BaseException:
            if self._connection.in_transaction:  # SQLite itself rolls back on a full disk
                self._connection.execute("rollback")
            raise

    def _migrate(self) -> None:
        known = queries.migrations("spool")
        with self._turn, self._transaction():
            self._run("migrate/create_version")
            there = self._run("migrate/read_version").fetchone()[0]
            if there > known[-1][0]:
                raise SpoolTooNew(f"{self.path} has schema {there}, this program knows up to "
                                  f"{known[-1][0]}: install the newer program")
            for version, name in known:
                if version > there:
                    for statement in queries.statements(name, "sqlite"):
                        self._connection.execute(statement)
                    self._run("migrate/write_version", version=version)
