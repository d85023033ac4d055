"""An engine of its own for tests that import, and a short way to import text."""

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from brain.engine import Engine
from brain.imports import ImportPlan, ImportReport, run_import
from brain.settings import Settings, load
from brain.sources.duckdb_store import DuckEventStore
from brain.sources.spool import Spool
from brain.sources.state import StateStore

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
Bring = Callable[..., ImportReport]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = small_engine(load({}, data_dir=str(tmp_path / "data")))
    yield opened
    opened.close()


def small_engine(settings: Settings) -> Engine:
    """An engine at the moment NOW, without the price lists, which no import needs."""
    folder = settings.data_dir
    return Engine(settings, DuckEventStore(folder / "events.duckdb"),
                  Spool(folder / "spool.sqlite"),
                  StateStore(f"sqlite:///{folder / 'state.sqlite'}"), lambda: NOW)


@pytest.fixture
def bring(engine: Engine, tmp_path: Path) -> Bring:
    """Imports bytes or text under a file name."""
    def run(content: str | bytes, name: str = "file.csv", **plan: Any) -> ImportReport:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return run_import(engine, path, ImportPlan(**plan))
    return run


def rows(engine: Engine, kind: str = "requests") -> list[dict[str, Any]]:
    """Every event of a kind, by time."""
    found = engine.store._cursor().execute(f"select * from {kind} order by at_utc, event_id")
    names = [each[0] for each in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
