"""Every source with its last values, the age of these, and the reason where it is silent."""

import datetime as dt
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from analytics import watched
from analytics.spans import Span
from brain import promql
from brain.events import MetricSample
from brain.settings import Settings
from brain.sources.duckdb_store import DuckEventStore
from brain.sources.prometheus import PrometheusSource
from brain.sources.reading import SourceReading, place_of
from brain.watch import telling
from brain.watch.keeper import History, HistoryKeeper, Keeper

if TYPE_CHECKING:
    from brain.engine import StoreStatus
    from brain.sources.kubernetes import KubernetesSource
    from brain.sources.postgres import PostgresSource
    from brain.sources.redis import RedisSource

Status = Literal["ok", "warning", "critical", "unknown"]
_OF_READING: dict[str, Status] = {"ok": "ok", "down": "critical", "unknown": "unknown"}
_HOST_STALE_GAPS = 3
STALE_READINGS = 1.5
"""Pauses after which a reader begins a reading himself, because no job does."""
SOURCE = "watch"
"""The ``source`` of the samples that are kept of watched servers."""
FIGURES: Mapping[str, Callable[..., watched.Figures]] = {
    "Redis": watched.redis_figures, "PostgreSQL": watched.postgres_figures,
    "Kubernetes": watched.kubernetes_figures}
TELL: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "Prometheus": telling.tell_prometheus, "Redis": telling.tell_redis,
    "PostgreSQL": telling.tell_postgres, "Kubernetes": telling.tell_kubernetes}


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """How one source is doing.

    ``status`` is ok, warning, critical or unknown; ``text`` says why, or what it holds;
    ``value_at_utc`` is when its last value was true (None: never had one). ``is_configured``
    is False for a source that nobody asked for. ``instance`` names the samples kept of it.
    """

    name: str
    status: Status
    text: str
    value_at_utc: dt.datetime | None
    values: Mapping[str, Any] = field(default_factory=dict)
    is_configured: bool = True
    instance: str = ""


class Watch:
    """Asks the sources in the background and remembers each one's last values.

    Raises SettingsError for questions to Prometheus that cannot be understood.
    """

    def __init__(self, settings: Settings, clock: Callable[[], dt.datetime],
                 monotonic: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._clock = settings, clock
        self.figures = promql.figures(settings.prometheus)
        chosen = settings.prometheus
        self._prometheus = PrometheusSource(chosen.url, chosen.timeout_s, clock,
                                            token=chosen.token, tenant=chosen.tenant)
        questions = {each.name: each.promql for each in self.figures.values()}
        self._urls = {"Prometheus": chosen.url, "Redis": settings.redis.url,
                      "PostgreSQL": settings.postgres.url,
                      "Kubernetes": settings.kubernetes.url or settings.kubernetes.kubeconfig}
        self._redis: RedisSource | None = None
        self._postgres: PostgresSource | None = None
        self._kubernetes: KubernetesSource | None = None
        self._pool = ThreadPoolExecutor(max_workers=len(self._urls), thread_name_prefix="watch")
        reads = {"Prometheus": lambda: self._prometheus.read(questions),
                 "Redis": self._read_redis, "PostgreSQL": self._read_postgres,
                 "Kubernetes": self._read_kubernetes}
        self._keepers = {name: Keeper(read, self._pool, FIGURES.get(name), monotonic)
                         for name, read in reads.items()}
        self._histories = HistoryKeeper()

    def collect(self) -> list[MetricSample]:
        """Samples of what every configured source says now; waits at most their time-outs.

        Those that did not answer have none.
        """
        asked = {name: keeper.begin() for name, keeper in self._keepers.items()
                 if self._urls[name]}
        wait(asked.values())
        found = []
        for name in asked:
            reading = self._keepers[name].last
            if reading.status == "ok" and reading.read_at_utc and name in FIGURES:
                figures = FIGURES[name](watched.Counted(reading.read_at_utc, {}))
                found += [MetricSample(
                    metric=metric, value=float(reading.values[metric]), source=SOURCE,
                    instance=self._instance(name), at_utc=reading.read_at_utc)
                    for metric in figures if reading.values.get(metric) is not None]
        return found

    def read(self, stores: "StoreStatus", store: DuckEventStore,
             patience_s: float | None = None) -> tuple[SourceStatus, ...]:
        """Every source's status; what does not answer in time keeps its last values.

        Without ``patience_s`` all are asked now and waited for. With it the last readings count;
        only sources that nobody has read lately are asked, and waited for so long.
        """
        stale_s = STALE_READINGS * self._settings.watch.interval_s
        due = [keeper.begin() for keeper in self._keepers.values()
               if patience_s is None or keeper.age_s() > stale_s]
        here = (self._this_machine(store), *self._stores(stores, store))
        wait(due, timeout=patience_s)
        return (*here, *(self._watched(name) for name in self._keepers))

    def history(self, names: Sequence[str], span: Span, step_s: int, patience_s: float, *,
                is_before: bool = False) -> History:
        """Series of Prometheus' figures over a span; the last ones while new ones are read.

        ``is_before`` tells a span that is compared with from the one of the same length. Rates
        are over the settings' window, or over the step where that is wider.
        """
        chosen = self._settings.prometheus
        window = f"{step_s}s" if step_s > 300 else chosen.window
        figures = promql.figures(chosen, window)
        questions = {name: figures[name].promql for name in names}
        if self._keepers["Prometheus"].last.status == "down":
            patience_s = 0.0
        key = (tuple(names), span.length, step_s, is_before)
        return self._histories.read(key, span, lambda: self._prometheus.read_range(
            questions, span.start, min(span.end, self._clock()), step_s), patience_s)

    def close(self) -> None:
        """Begin no more readings."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._histories.close()

    # Their libraries take long to import, so the first reading does it.

    def _read_redis(self) -> SourceReading:
        if self._redis is None:
            from brain.sources.redis import RedisSource
            chosen = self._settings.redis
            self._redis = RedisSource(chosen.url, chosen.timeout_s, self._clock)
        return self._redis.read()

    def _read_postgres(self) -> SourceReading:
        if self._postgres is None:
            from brain.sources.postgres import PostgresSource
            self._postgres = PostgresSource(self._settings.postgres, self._clock)
        return self._postgres.read()

    def _read_kubernetes(self) -> SourceReading:
        if self._kubernetes is None:
            from brain.sources.kubernetes import KubernetesSource
            self._kubernetes = KubernetesSource(self._settings.kubernetes, self._clock)
        return self._kubernetes.read()

    def _instance(self, name: str) -> str:
        return f"{name} {place_of(self._urls[name])}"[:256]

    def _this_machine(self, store: DuckEventStore) -> SourceStatus:
        now, name = self._clock(), socket.gethostname()
        rows = store.read("health/machine_summary", {
            "start": now - dt.timedelta(days=1), "end": now + dt.timedelta(minutes=1),
            "instance": name, "is_demo": 0}).to_pylist()
        if not rows:
            return SourceStatus(f"This machine ({name})", "unknown",
                                "No sample yet. The server's jobs take one every "
                                f"{self._settings.host.interval_s:g} s.", None)
        last_at = max(row["last_at_utc"] for row in rows).replace(tzinfo=dt.UTC)
        values = {row["metric"]: row["last_value"] for row in rows}
        if (now - last_at).total_seconds() > _HOST_STALE_GAPS * self._settings.host.interval_s + 30:
            return SourceStatus(f"This machine ({name})", "unknown",
                                "Its samples have stopped. Do the server's jobs run?", last_at,
                                values)
        told = ", ".join(f"{title} {values[metric]:.0f} %" for metric, title in (
            ("cpu_pct", "CPU"), ("memory_pct", "memory"), ("disk_pct", "disk"))
            if metric in values)
        return SourceStatus(f"This machine ({name})", "ok", told, last_at, values, instance=name)

    def _stores(self, stores: "StoreStatus", store: DuckEventStore) -> tuple[SourceStatus, ...]:
        last = store.read("health/last_event", {}).to_pylist()[0]["last_at_utc"]
        events, waiting = sum(stores.events.values()), stores.waiting
        size = stores.event_store_bytes / 1e6
        return (
            SourceStatus("Event store", "critical" if stores.faults else "ok",
                         "; ".join(stores.faults) or f"{events:,} events, {size:,.0f} MB. "
                         "All that was accepted is there.",
                         last.replace(tzinfo=dt.UTC) if last else None),
            SourceStatus("Spool", "ok", f"{waiting.events:,} events wait to be moved, "
                         f"{waiting.hours:,} hours to be added up.", self._clock()),
            SourceStatus("State store", "ok", f"{stores.state_bytes / 1e6:,.1f} MB.",
                         self._clock()))

    def _watched(self, name: str) -> SourceStatus:
        reading = self._keepers[name].last
        said = TELL[name](reading.values) if reading.values else ""
        text = " ".join(part for part in (reading.reason, said if reading.status == "ok"
                                          else said and f"Last: {said}") if part)
        return SourceStatus(name, _OF_READING[reading.status], text, reading.read_at_utc,
                            reading.values, bool(self._urls[name]), self._instance(name))
