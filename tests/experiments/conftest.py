"""An engine with a clock that stands, and experiments played through it."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from brain import settings
from brain.engine import Engine

NOW = dt.datetime(2026, 3, 5, 12, tzinfo=dt.UTC)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> dt.datetime:
        return self.now

    def pass_by(self, span: dt.timedelta) -> None:
        self.now += span


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(tmp_path: Path, clock: Clock) -> Iterator[Engine]:
    opened = Engine.open(settings.load({}, data_dir=str(tmp_path)), clock=clock)
    yield opened
    opened.close()


def definition(**fields) -> dict:
    """A definition that can be used, with other fields laid over it."""
    return {"key": "checkout", "name": "Shorter checkout",
            "variants": [{"key": "a", "weight": 50}, {"key": "b", "weight": 50}],
            "primary": {"key": "paid", "kind": "proportion"}, **fields}
