"""What the server does by itself, and when it last did it."""

import datetime as dt
import gc
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from apscheduler.schedulers.background import BackgroundScheduler

from brain.engine import Engine
from brain.jobs import (
    allocation,
    anomalies,
    budgets,
    demo,
    experiments,
    host,
    knowledge,
    models,
    monthly,
    reports,
    scaling,
)

_log = logging.getLogger("brain.jobs")
CHECKPOINT_S = 30.0
COLLECT_GARBAGE_S = 60.0
# A job that takes longer than its pause simply comes later; that is no news.
logging.getLogger("apscheduler").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class JobState:
    """How a job is doing: when it last ended, and the last error if that run failed."""

    name: str
    every_s: float
    ended_utc: dt.datetime | None = None
    error: str = ""


class Schedule:
    """Runs the jobs of one engine, each never twice at once; one that fails is tried again."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._states: dict[str, JobState] = {}
        self._scheduler = BackgroundScheduler(
            timezone=dt.UTC, job_defaults={"coalesce": True, "max_instances": 1,
                                           "misfire_grace_time": None})

    def start(self) -> None:
        """Begin."""
        settings = self._engine.settings
        sampler = host.Sampler(settings.server.port)
        jobs: list[tuple[str, float, Callable[[], object]]] = [
            ("drain", settings.ingest.drain_interval_ms / 1000, self._engine.drain),
            ("roll up", settings.rollup.interval_s, self._engine.roll_up),
            ("checkpoint", CHECKPOINT_S, self._engine.ingestion.checkpoint),
            ("sample this machine", settings.host.interval_s,
             lambda: self._engine.record("metric_samples", sampler.read(self._engine.clock()))),
            ("daily reports", reports.EVERY_S, lambda: reports.run(self._engine)),
            ("monthly report and mail", monthly.EVERY_S, lambda: monthly.run(self._engine)),
            ("read watched servers", settings.watch.interval_s, self._engine.collect_sources),
            ("watch for anomalies", anomalies.EVERY_S,
             lambda: anomalies.run(self._engine)),
            ("watch experiments", experiments.EVERY_S,
             lambda: experiments.run(self._engine)),
            ("log scaling", settings.scaling.sync_s, lambda: scaling.run(self._engine)),
            ("optimize", settings.optimization.tick_s, self._engine.optimization.tick),
            ("allocate traffic", allocation.EVERY_S, lambda: allocation.run(self._engine)),
            ("check budgets", budgets.EVERY_S, lambda: budgets.run(self._engine)),
            ("renew reservations", settings.budgets.lease_s / 3,
             self._engine.budgets.keep_alive),
            ("measure models", models.EVERY_S, lambda: models.run(self._engine)),
            ("purge deleted documents", knowledge.EVERY_S, lambda: knowledge.run(self._engine)),
            ("make vectors of documents", knowledge.VECTORS_EVERY_S,
             self._engine.knowledge.embed_soon),
            ("collect garbage", COLLECT_GARBAGE_S, gc.collect)]
        if settings.demo.live:
            jobs.append(("live demonstration", demo.LIVE_S,
                         lambda: demo.go_on(self._engine)))
        for name, every_s, work in jobs:
            self._states[name] = JobState(name, every_s)
            self._scheduler.add_job(self._guarded(name, work), "interval", seconds=every_s, id=name,
                                    next_run_time=dt.datetime.now(dt.UTC))
        self._scheduler.start()

    def stop(self) -> None:
        """End, once the jobs under way are done."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)

    def states(self) -> tuple[JobState, ...]:
        """How each job is doing."""
        with self._lock:
            return tuple(self._states.values())

    def _guarded(self, name: str, work: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            error = ""
            try:
                work()
            except Exception as failure:  # a job that fails must not end the others
                _log.exception("job %r failed", name)
                error = f"{type(failure).__name__}: {failure}"
            with self._lock:
                self._states[name] = replace(self._states[name], error=error,
                                             ended_utc=self._engine.clock())
        return run
