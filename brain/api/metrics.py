"""Our own figures in Prometheus' text form."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from brain.engine import Engine
from brain.jobs.schedule import Schedule


class _Figures:
    def __init__(self, engine: Engine, schedule: Schedule) -> None:
        self._engine, self._schedule = engine, schedule

    def collect(self) -> Iterator[Metric]:
        """Figures of the stores, the way in and the jobs."""
        status = self._engine.status()
        events = GaugeMetricFamily("brain_events", "Events in the event store.", labels=["kind"])
        for kind, rows in status.events.items():
            events.add_metric([kind], rows)
        yield events
        for name, meaning, value in (
                ("brain_event_store_bytes", "Size of the event store.", status.event_store_bytes),
                ("brain_spool_bytes", "Size of the spool.", status.spool_bytes),
                ("brain_state_bytes", "Size of the state store.", status.state_bytes),
                ("brain_spool_events", "Accepted events on their way to the event store.",
                 status.waiting.events),
                ("brain_stale_hours", "Hours that wait for the rollup.", status.waiting.hours),
                ("brain_store_faults", "Faults found when the stores were verified.",
                 len(status.faults))):
            yield GaugeMetricFamily(name, meaning, value=value)
        yield CounterMetricFamily("brain_queries", "Queries that the event store has answered.",
                                  value=self._engine.store.reads)
        ended = GaugeMetricFamily("brain_job_ended_timestamp_seconds", "When a job last ended.",
                                  labels=["job"])
        failing = GaugeMetricFamily("brain_job_failing", "1 if the last run of a job failed.",
                                    labels=["job"])
        for state in self._schedule.states():
            failing.add_metric([state.name], 1 if state.error else 0)
            if state.ended_utc:
                ended.add_metric([state.name], state.ended_utc.timestamp())
        yield ended
        yield failing


def describe(engine: Engine, schedule: Schedule) -> bytes:
    """The present figures, each named ``brain_…``."""
    registry = CollectorRegistry()
    registry.register(_Figures(engine, schedule))
    return generate_latest(registry)
