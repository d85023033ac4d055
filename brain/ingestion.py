"""The way of an event: accepted into the spool, moved to the event store, rolled up, verified."""

import datetime as dt
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from brain.decisions.prices import Use
from brain.decisions.rollups import plan_spans
from brain.settings import Settings
from brain.sources import frames
from brain.sources.duckdb_store import Appended, DuckEventStore, Incoming
from brain.sources.spool import Batch, Spool

_BATCHES_AT_ONCE = 400


@dataclass(frozen=True, slots=True)
class Waiting:
    """What has been accepted and is not on every screen yet."""

    batches: int
    events: int
    hours: int


class Guard(Protocol):
    """What decides which texts may be written down; see `brain.privacy.QueryPrivacy`."""

    def protect(self, kind: str, table: pa.Table) -> pa.Table:
        """Events as they may be written down."""

    def withhold(self, kind: str, table: pa.Table) -> pa.Table:
        """Events without the texts that are no longer allowed."""


class NoTexts:
    """The guard where nobody says what is allowed: no text at all."""

    def protect(self, kind: str, table: pa.Table) -> pa.Table:
        """Events without texts."""
        return self.withhold(kind, table)

    def withhold(self, kind: str, table: pa.Table) -> pa.Table:
        """Events without texts."""
        return frames.without_texts(table) if kind == "requests" else table


class Ingestion:
    """Moves events between spool, event store and rollups; each event arrives exactly once."""

    def __init__(self, settings: Settings, store: DuckEventStore, spool: Spool,
                 guard: Guard | None = None) -> None:
        self._settings, self._store, self._spool = settings, store, spool
        self.guard: Guard = guard or NoTexts()
        self._draining = threading.Lock()
        self._drained_to = store.watermark()
        spool.continue_after(self._drained_to)
        self.seen_uses: set[Use] = set()

    def accept(self, tables: Mapping[str, pa.Table]) -> int:
        """How many events are now safe in the spool; all tables or none."""
        batches = [(kind, self.guard.protect(kind, frames.conform(kind, table)))
                   for kind, table in tables.items() if table.num_rows]
        if batches:
            self._spool.append(batches)
        return sum(table.num_rows for _, table in batches)

    def append_now(self, tables: Mapping[str, pa.Table]) -> Appended:
        """What putting big tables straight into the event store kept and left out."""
        incoming = []
        with self._draining:  # no later number may be settled before these are in
            for kind, table in tables.items():
                if table.num_rows:
                    allowed = self.guard.protect(kind, frames.conform(kind, table))
                    number = self._spool.reserve(kind)
                    incoming.append(Incoming(kind, frames.with_batch_seq(allowed, number)))
            return self._store.append(incoming)

    def drain(self) -> int:
        """How many accepted events were moved into the event store by this call.

        It moves what was there when it began, so that it ends while others go on writing.
        """
        moved = 0
        with self._draining:
            last_seq = self._spool.last_seq()
            while self._drained_to < last_seq and (
                    batches := self._spool.read(self._drained_to, _BATCHES_AT_ONCE)):
                chosen: list[Batch] = []
                rows = 0
                for batch in batches:
                    if chosen and rows + batch.rows > self._settings.ingest.drain_rows:
                        break
                    chosen.append(batch)
                    rows += batch.rows
                by_kind: dict[str, list[pa.Table]] = {}
                for batch in chosen:
                    by_kind.setdefault(batch.kind, []).append(  # it may be of an older program
                        frames.with_later_columns(batch.kind, batch.table()))
                # Again here: what waited may have been forbidden since it was accepted.
                incoming = [Incoming(kind, self.guard.withhold(kind, pa.concat_tables(tables)))
                            for kind, tables in by_kind.items()]
                self._store.append(incoming, watermark=chosen[-1].batch_seq)
                self._drained_to = chosen[-1].batch_seq
                moved += rows
        return moved

    def roll_up(self, prepare: Callable[[], object] = lambda: None) -> int:
        """How many hours were brought up to date; ``prepare`` runs before each round.

        It runs when every model of these hours is seen, and nothing arrives before they are
        added up: else a model's first requests would stay without the price that it has.
        """
        done = 0
        while hours := self._stale_hours():
            with self._store.hold():
                self._see_models(hours)
                prepare()
                spans, chosen = plan_spans(hours, self._requests_by_hour(hours))
                self._store.roll_up(spans, self._settings.rollup.sketch_size)
            done += len(chosen)
        return done

    def rebuild(self, start: dt.datetime, end: dt.datetime,
                prepare: Callable[[], object] = lambda: None) -> int:
        """How many hours were computed anew from the events of a span; see ``roll_up``."""
        self._store.execute("rollup/mark_stale_span", start=start, end=end)
        return self.roll_up(prepare)

    def checkpoint(self) -> None:
        """Put the store's log into its file, then let the spool forget what is in there."""
        with self._draining:
            mark = self._store.watermark()
            if self._store.checkpoint():
                self._spool.forget(mark, self._store.accepted(mark))

    def verify(self) -> tuple[str, ...]:
        """Sentences about what was acknowledged and is not there; empty if all is well."""
        faults = list(self._store.verify())
        for kind, (last_seq, batches, rows, total) in self._spool.anchors().items():
            there = self._store.accepted(last_seq).get(kind, (0, 0, 0))
            if there != (batches, rows, total):
                faults.append(f"{kind}: {rows:,} rows in {batches:,} batches had been accepted up "
                              f"to batch {last_seq}, the event store accounts for {there[1]:,} "
                              f"in {there[0]:,}")
        return tuple(faults)

    def waiting(self) -> Waiting:
        """What still has to be moved and rolled up."""
        batches, events = self._spool.waiting(self._drained_to)
        hours = self._store.read("rollup/count_stale", {}).to_pylist()[0]["hours_waiting"]
        return Waiting(batches, events, hours)

    @property
    def seen_models(self) -> set[tuple[str, str]]:
        """Provider and model names that events carry."""
        return {(provider, model) for provider, model, _ in self.seen_uses}

    def note_seen(self, rows: Iterable[Mapping[str, str]]) -> None:
        """Remember provider and model names, and price contexts, that events carry."""
        self.seen_uses |= {(row["provider"], row["model"], row["price_context"]) for row in rows}

    def _stale_hours(self) -> list[dt.datetime]:
        return self._store.read("rollup/read_stale", {})["hour_utc"].to_pylist()

    def _requests_by_hour(self, hours: Sequence[dt.datetime]) -> dict[dt.datetime, int]:
        rows = self._store.read("rollup/count_requests", {
            "start": min(hours), "end": max(hours) + dt.timedelta(hours=1)})
        return dict(zip(rows["hour_utc"].to_pylist(), rows["requests"].to_pylist(), strict=True))

    def _see_models(self, hours: Sequence[dt.datetime]) -> None:
        rows = self._store.read("rollup/seen_models", {
            "start": min(hours), "end": max(hours) + dt.timedelta(hours=1)}).to_pylist()
        self.note_seen(rows)
