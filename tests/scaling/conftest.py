"""An engine whose clock is set by hand, and one that has a cluster."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from brain.engine import Engine
from brain.events import Request
from brain.settings import load
from tests.services.kubernetes import TOKEN
from tests.services.kubernetes_scaling import ScalingServer, running_scaling_server

NOW = dt.datetime(2026, 3, 5, 12, 0, tzinfo=dt.UTC)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> dt.datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(tmp_path: Path, clock: Clock) -> Iterator[Engine]:
    opened = Engine.open(load({}, data_dir=tmp_path), clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def api() -> Iterator[ScalingServer]:
    with running_scaling_server() as server:
        server.deploy("brain-api", 3)
        yield server


@pytest.fixture
def with_cluster(tmp_path: Path, clock: Clock, api: ScalingServer) -> Iterator[Engine]:
    opened = Engine.open(load({}, data_dir=tmp_path, kubernetes_url=api.url,
                              kubernetes_token=TOKEN, kubernetes_allow_changes="true"),
                         clock=clock)
    yield opened
    opened.close()


def ask(engine: Engine, count: int, seconds_ago: float = 30, **fields: Any) -> None:
    """Record requests at one moment before the clock's present."""
    at_utc = engine.clock() - dt.timedelta(seconds=seconds_ago)
    engine.record("requests", [Request(
        event_id=f"{at_utc.timestamp()}-{number}", at_utc=at_utc, workspace_id="acme",
        provider="openai", model="gpt-4o", status="ok", latency_ms=100.0, input_tokens=1,
        output_tokens=1, source="api", **fields) for number in range(count)])
    engine.settle()
