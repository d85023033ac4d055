"""The watch of the platform's own series: found once, kept, taught, forgotten with the demo."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from brain import settings
from brain.engine import Engine
from brain.events import MetricSample, Request
from brain.jobs import anomalies

NOW = dt.datetime(2026, 3, 5, 12, 0, 30, tzinfo=dt.UTC)
STEP = dt.timedelta(minutes=5)
LAST = dt.datetime(2026, 3, 5, 11, 55, tzinfo=dt.UTC)
"""The last bucket of five minutes that was over, and settled for a minute, at NOW: the run at
NOW takes in what is before 11:55."""
BUCKETS = 3 * 288


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> dt.datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(tmp_path: Path, clock: Clock) -> Iterator[Engine]:
    opened = Engine.open(settings.load({}, data_dir=str(tmp_path)), clock=clock)
    yield opened
    opened.close()


def samples(values: np.ndarray, source: str = "host") -> list[MetricSample]:
    """One sample per bucket, the last one in the bucket before LAST."""
    return [MetricSample(event_id=f"{source}-{number}", metric="cpu_pct", instance="web-1",
                         value=float(value), source=source,
                         at_utc=LAST - (len(values) - number) * STEP)
            for number, value in enumerate(values)]


def spiked(count: int = BUCKETS) -> np.ndarray:
    values = np.random.default_rng(1).normal(30, 1, count)
    values[-1] = 95.0
    return values


def test_nothing_recorded_is_nothing_found(engine: Engine) -> None:
    assert anomalies.run(engine) == 0
    assert engine.state.rows("detectors") == []


def test_finds_a_spike_once_and_says_why(engine: Engine) -> None:
    engine.record("metric_samples", samples(spiked()))
    engine.settle()
    for _ in range(5):  # history is read in pieces
        anomalies.run(engine)
    last = engine.anomalies(LAST - STEP, LAST)
    assert [row["series"] for row in last] == ["cpu_pct@web-1"]
    assert last[0]["value"] == 95.0
    assert last[0]["at_utc"] == LAST - STEP
    assert last[0]["reason"]
    assert not last[0]["is_demo"]
    assert anomalies.run(engine) == 0
    assert engine.anomalies(LAST, LAST + STEP) == []


def test_a_restart_goes_on_where_it_was(clock: Clock, tmp_path: Path) -> None:
    values = spiked(BUCKETS + 1)
    engine = Engine.open(settings.load({}, data_dir=str(tmp_path)), clock=clock)
    engine.record("metric_samples", samples(values)[:-1])
    engine.settle()
    clock.now = NOW - STEP
    for _ in range(5):
        anomalies.run(engine)
    before = engine.state.rows("detectors", order="series")
    engine.record("metric_samples", samples(values)[-1:])
    engine.settle()
    engine.close()
    clock.now = NOW
    again = Engine.open(engine.settings, clock=clock)
    assert again.state.rows("detectors", order="series") == before
    assert anomalies.run(again) == 1
    assert [row["value"] for row in again.anomalies(LAST - STEP, LAST)] == [95.0]
    again.close()


def test_a_dismissed_anomaly_is_marked_audited_and_learned(engine: Engine) -> None:
    engine.record("metric_samples", samples(spiked()))
    engine.settle()
    for _ in range(5):
        anomalies.run(engine)
    row, = engine.anomalies(LAST - STEP, LAST)
    assert engine.dismiss_anomaly(row["anomaly_id"], "ada")
    assert engine.anomalies(LAST - STEP, LAST)[0]["verdict"] == "not_anomaly"
    entry = engine.state.rows("audit", order="audit_id")[-1]
    assert (entry["person"], entry["subject"]) == ("ada", row["anomaly_id"])
    with pytest.raises(LookupError):
        engine.dismiss_anomaly("no such")


def test_requests_that_stop_are_found(engine: Engine) -> None:
    start = LAST - BUCKETS * STEP
    rng = np.random.default_rng(2)
    requests = [Request(event_id=f"{number}-{n}", at_utc=start + number * STEP, user_id="u",
                        workspace_id="acme", model="m", status="ok", latency_ms=100.0)
                for number in range(BUCKETS - 24) for n in range(int(rng.poisson(20)))]
    engine.record("requests", requests)
    engine.settle()
    for _ in range(3):
        anomalies.run(engine)
    found = engine.anomalies(LAST - 24 * STEP, LAST)
    assert "requests" in {row["series"] for row in found}


def test_what_was_learned_from_the_demonstration_goes_with_it(engine: Engine) -> None:
    engine.record("metric_samples", samples(spiked(), "demo"))
    engine.settle()
    for _ in range(5):
        anomalies.run(engine)
    assert all(row["is_demo"] for row in engine.anomalies(LAST - 30 * STEP, LAST))
    assert engine.anomalies(LAST - STEP, LAST)
    engine.remove_demo("ada")
    assert engine.anomalies(LAST - BUCKETS * STEP, LAST) == []
    assert engine.state.rows("detectors") == []
