"""An engine whose clock is set by hand, and traffic for its optimizer to see."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from brain.engine import Engine
from brain.events import MetricSample, Request
from brain.settings import load

NOW = dt.datetime(2026, 3, 5, 12, 0, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> dt.datetime:
        return self.now

    def pass_s(self, seconds: float) -> None:
        self.now += seconds * SECOND


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(tmp_path: Path, clock: Clock) -> Iterator[Engine]:
    opened = Engine.open(load({}, data_dir=tmp_path), clock=clock)
    yield opened
    opened.close()


def write_traffic(engine: Engine, start: dt.datetime, length_s: int, *, latency_ms: float,
                  error_pct: float = 0.0, pool_pct: float = 100.0, queue: float = 20.0,
                  cpu_pct: float = 20.0, seed: int = 1) -> None:
    """Two requests a second and samples of the worker pool every five, as told."""
    rng = np.random.default_rng(seed)
    requests, samples = [], []
    for number in range(2 * length_s):
        failed = rng.random() * 100 < error_pct
        requests.append(Request(
            at_utc=start + number * SECOND / 2, provider="openai", model="gpt-4o",
            status="error" if failed else "ok", error_code="500" if failed else "",
            latency_ms=latency_ms * float(rng.lognormal(-0.005, 0.1))))
    for at in range(0, length_s, 5):
        for name, value in (("pool_pct", pool_pct), ("queue_depth", queue),
                            ("cpu_pct", cpu_pct), ("memory_pct", 50.0)):
            samples.append(MetricSample(metric=name, value=value, instance="here",
                                        at_utc=start + at * SECOND, source="host"))
    engine.record("requests", requests)
    engine.record("metric_samples", samples)
    engine.drain()
