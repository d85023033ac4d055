"""The engine: reads, decides, records, acts. Its methods are the product's verbs."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from brain import events as happenings
from brain.acting import Access
from brain.anomaly_watch import AnomalyWatch
from brain.budgets.desk import Budgets
from brain.costs.desk import Costs
from brain.decisions.prices import Price
from brain.decisions.reasons import Reason
from brain.experiments.board import Experiments
from brain.gateway.desk import Gateway
from brain.gateway.embedding import check_settings, open_embedding
from brain.gateway.guard import Guard
from brain.gateway.knowledge import Knowledge
from brain.gateway.studio import Studio
from brain.ingestion import Ingestion, Waiting
from brain.kept import Kept, whoami
from brain.models.allocation import Allocation
from brain.models.desk import Models
from brain.optimization.desk import Optimization
from brain.price_book import PriceBook
from brain.privacy import QueryPrivacy
from brain.scaling.desk import ScalingDesk
from brain.settings import Settings, SettingsError
from brain.sources import frames, wire
from brain.sources.duckdb_store import Appended, DuckEventStore
from brain.sources.spool import Spool
from brain.sources.state import StateStore
from brain.targets import TargetTable
from brain.watch import SourceStatus, Watch

if TYPE_CHECKING:
    from brain.imports import ImportPlan, ImportReport, Progress

RESERVED_SOURCES = ("demo", "host", "watch", "import:")
"""Beginnings of ``source`` that only the console itself gives, for it removes by them."""

Clock = Callable[[], dt.datetime]


def utc_now() -> dt.datetime:
    """The present moment, aware, in UTC."""
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """How the embedded stores are doing. ``faults`` is empty if all that was accepted is there."""

    events: Mapping[str, int]
    event_store_bytes: int
    spool_bytes: int
    state_bytes: int
    waiting: Waiting
    faults: tuple[str, ...]
    demo: bool


class Engine(Kept):
    """One open platform: event store, spool, state store, and the clock they go by."""

    def __init__(self, settings: Settings, store: DuckEventStore, spool: Spool, state: StateStore,
                 clock: Clock = utc_now) -> None:
        self.settings, self.state, self.clock = settings, state, clock
        self.store, self.spool = store, spool
        self.access = Access(settings, state, clock, whoami)
        self.prices = PriceBook(state, store)
        self.target_table = TargetTable(state)
        self.privacy = QueryPrivacy(state, store, clock())
        self.ingestion = Ingestion(settings, store, spool, self.privacy)
        self.faults = self.ingestion.verify()
        self.opened_at_utc = clock()
        self.watch = Watch(settings, clock)
        self.anomaly_watch = AnomalyWatch(state, self.query, clock, settings.pages.time_zone)
        self.experiments = Experiments(state, self.query, self.record, clock, whoami)
        self.budgets = Budgets(settings, state, self.query, self.experiments, clock, whoami,
                               self.prices)
        self.scaling = ScalingDesk(self)
        self.allocation = Allocation(state, self.query, clock, whoami)
        self.guard = Guard(state, clock, whoami)
        self.knowledge = Knowledge(state, clock, whoami, open_embedding(
            settings.embeddings, state, clock, lambda each: self.gateway.data_policies.of(each),  # noqa: PLW0108
            self.guard.judge_prompt, self.privacy.derive_key("question vectors")))
        self.models = Models(state, self.query, self.prices, clock, whoami,
                             lambda: tuple(self.gateway.providers.models()))
        self.gateway = Gateway(self)
        self.studio = Studio(self, whoami)
        self.costs = Costs(self)
        self.optimization = Optimization(self)
        self.ingestion.note_seen(store.read("prices/seen_models", {}).to_pylist())

    @classmethod
    def open(cls, settings: Settings, clock: Clock = utc_now) -> "Engine":
        """An engine that owns the stores in the data folder.

        Raises StoreBusy if another process owns them, SettingsError for a store that this
        version cannot use.
        """
        if settings.events.url:
            raise SettingsError("BRAIN_EVENTS_URL: this version keeps events in DuckDB only; "
                                "leave it empty")
        check_settings(settings.embeddings)
        folder = settings.data_dir
        store = DuckEventStore(folder / "events.duckdb")
        spool = Spool(folder / "spool.sqlite")
        state = StateStore(settings.state.url or f"sqlite:///{folder / 'state.sqlite'}")
        engine = cls(settings, store, spool, state, clock)
        engine.prices.take_over_lists(clock())
        engine.drain()
        engine.recover_imports()
        return engine

    # reading

    def query(self, name: str, **params: Any) -> pd.DataFrame:
        """Rows of ``sql/<name>.sql``: ``_utc`` columns aware, money as Decimal.

        Raises QueryError for an unknown query or wrong parameters.
        """
        return frames.to_frame(self.store.read(name, params))

    def status(self) -> StoreStatus:
        """How the stores are doing."""
        folder = self.settings.data_dir
        return StoreStatus(
            events=self.store.kinds(), event_store_bytes=self.store.size_bytes(),
            spool_bytes=_size_bytes(folder / "spool.sqlite"),
            state_bytes=_size_bytes(folder / "state.sqlite"),
            waiting=self.ingestion.waiting(), faults=self.faults, demo=self.has_demo())

    def sources(self, patience_s: float | None = None) -> tuple[SourceStatus, ...]:
        """How everything that numbers come from is doing, asked now or, with ``patience_s``, as
        last read; see `brain.watch.Watch.read`."""
        return self.watch.read(self.status(), self.store, patience_s)

    def collect_sources(self) -> int:
        """How many samples of the watched servers were taken and are safe."""
        found = self.watch.collect()
        return self.record("metric_samples", found) if found else 0

    def has_demo(self) -> bool:
        """Whether demonstration data is in the stores."""
        return bool(self.state.rows("demo_state"))

    def is_untouched(self) -> bool:
        """Whether nothing but this machine's own samples was ever kept here."""
        kept = sum(rows for kind, rows in self.store.kinds().items() if kind != "metric_samples")
        return not kept and not self.state.rows("audit")

    # events

    def record(self, kind: str, happened: Sequence[happenings.Event]) -> int:
        """How many events of a kind are now safe."""
        return self.ingestion.accept({kind: frames.to_table(kind, happened)})

    def accept_lines(self, body: bytes, source: str = "api") -> dict[str, Any]:
        """The receipt for JSON lines: what is safe now, and why the other lines are not."""
        latest = self.clock() + dt.timedelta(seconds=self.settings.ingest.future_tolerance_s)
        found = wire.read_lines(body, latest, reserved=RESERVED_SOURCES)
        for happened in found.events.values():
            for event in happened:
                event.source = event.source or source
        self.ingestion.accept({kind: frames.to_table(kind, happened)
                               for kind, happened in found.events.items()})
        return wire.receipt(found)

    def accept_traces(self, body: bytes, *, as_json: bool) -> bytes:
        """The answer to a sender of OTLP traces, when the calls of models in them are safe.

        Raises BodyRefused for a body that is no trace data.
        """
        from brain.sources import traces
        latest = self.clock() + dt.timedelta(seconds=self.settings.ingest.future_tolerance_s)
        found = traces.read_traces(body, latest, as_json=as_json)
        for event in found.events["requests"]:
            event.source = "otlp"
        self.ingestion.accept({kind: frames.to_table(kind, happened)
                               for kind, happened in found.events.items()})
        return traces.answer_sender(found, as_json=as_json)

    def append_tables(self, tables: Mapping[str, pa.Table]) -> Appended:
        """What putting tables of events straight into the event store kept and left out."""
        return self.ingestion.append_now(tables)

    def drain(self) -> int:
        """How many accepted events moved into the event store."""
        return self.ingestion.drain()

    def roll_up(self) -> int:
        """How many hours of rollups were brought up to date, prices first."""
        return self.ingestion.roll_up(self.prepare_prices)

    def rebuild_rollups(self, start: dt.datetime, end: dt.datetime) -> int:
        """How many hours of rollups were computed anew from the events."""
        return self.ingestion.rebuild(start, end, self.prepare_prices)

    def settle(self) -> None:
        """Move, roll up and write down everything that waits, answered questions first."""
        self.gateway.recorder.flush()
        self.drain()
        self.roll_up()
        self.ingestion.checkpoint()

    def remove_source(self, source: str) -> int:
        """How many events of a source were removed, rollups included."""
        removed = self.store.delete_source(source)
        self.roll_up()
        return removed

    def import_file(self, path: Path, plan: "ImportPlan",
                    progress: "Progress" = lambda *_: None) -> "ImportReport":
        """What importing a file did; see `brain.imports.run_import`.

        Raises ImportRefused, having changed nothing, for a file that cannot be used.
        """
        from brain.imports import run_import
        return run_import(self, path, plan, progress)

    def recover_imports(self) -> int:
        """How many imports that a stop of the program had cut off were settled."""
        running = self.state.tables["imports"].c.status == "running"
        if not self.state.rows("imports", running):
            return 0
        from brain.imports import recover_imports
        return recover_imports(self)

    def undo_import(self, import_id: str) -> int:
        """How many events of an import were removed. Raises LookupError for an unknown one."""
        from brain.imports import undo_import
        return undo_import(self, import_id)

    def remove_demo(self, person: str = "") -> int:
        """How many demonstration events were removed, with everything else marked so."""
        for row in self.state.rows("demo_state"):  # first, so that no job goes on writing
            self.state.delete("demo_state", demo_id=row["demo_id"])
        removed = self.remove_source("demo")
        for table in ("workspaces", "annotations", "optimization_runs"):
            self.state.delete(table, is_demo=True)
        self.anomaly_watch.forget_demo()
        self.experiments.remove_demo()
        self.allocation.book.remove_demo()
        self.knowledge.remove_sample(person=person)
        self.audit("demonstration data removed", "demo", None, {"events": removed}, person)
        return removed

    # anomalies

    def anomalies(self, start: dt.datetime, end: dt.datetime) -> list[dict[str, Any]]:
        """What was unusual in [start, end), dismissed ones included, oldest first."""
        return self.anomaly_watch.found(start, end)

    def dismiss_anomaly(self, anomaly_id: str, person: str = "") -> bool:
        """Whether the series' detector learned that this, and its like, is no anomaly.

        Raises LookupError for an unknown id.
        """
        row, learned = self.anomaly_watch.dismiss(anomaly_id)
        self.audit("anomaly dismissed", anomaly_id, {"verdict": row["verdict"]},
                   {"verdict": "not_anomaly", "learned": learned}, person)
        return learned

    # prices

    def add_price(self, price: Price, person: str = "") -> tuple[Price, tuple[Reason, ...]]:
        """The appended price and what looks odd about it; see `Costs.add_price`."""
        return self.costs.add_price(price, person)

    def withdraw_price(self, price_id: int, person: str = "", *, withdrawn: bool = True) -> Price:
        """The price that no longer holds, or holds again; see `Costs.withdraw_price`."""
        return self.costs.withdraw_price(price_id, person, withdrawn=withdrawn)

    def prepare_prices(self) -> None:
        """Bring the event store's ready prices up to date with the book."""
        self.prices.bring_up_to_date(set(self.ingestion.seen_uses))

    def close(self) -> None:
        """Leave everything safe and give the files free."""
        self.watch.close()
        self.studio.close()
        self.optimization.close()
        self.gateway.close()
        self.knowledge.close()
        self.budgets.close()
        self.drain()
        self.ingestion.checkpoint()
        self.store.close()
        self.spool.close()
        self.state.close()


def _size_bytes(path: Path) -> int:
    files = (path, path.with_name(path.name + "-wal"))
    return sum(each.stat().st_size for each in files if each.exists())
