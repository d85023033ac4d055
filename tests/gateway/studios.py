"""A studio over a state store alone: no event store, so that opening it takes milliseconds."""

import datetime as dt
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from types import SimpleNamespace
from typing import Any

from brain.experiments.board import Experiments
from brain.gateway.studio import Studio
from brain.privacy import QueryPrivacy
from brain.settings import load
from brain.sources.state import StateStore

NOW = dt.datetime(2026, 3, 5, 12, tzinfo=dt.UTC)


@cache
def migrated() -> Path:
    """An empty state store, made once and copied for each test."""
    path = Path(mkdtemp(prefix="brain-state-")) / "state.sqlite"
    StateStore(f"sqlite:///{path}").close()
    return path


@contextmanager
def open_studio(folder: Path, **overrides: Any) -> Iterator[Any]:
    """What the studio knows of an engine, with ``studio`` itself."""
    shutil.copy(migrated(), folder / "state.sqlite")
    state = StateStore(f"sqlite:///{folder / 'state.sqlite'}")
    store: Any = None
    experiments = Experiments(state, lambda *_, **__: None, lambda *_: 0,  # type: ignore
                              lambda: NOW, lambda: "ann")
    engine: Any = SimpleNamespace(
        settings=load({}, data_dir=str(folder), **overrides), state=state, clock=lambda: NOW,
        experiments=experiments, query=None, privacy=QueryPrivacy(state, store, NOW))
    engine.studio = Studio(engine, lambda: "ann")
    try:
        yield engine
    finally:
        engine.studio.close()
        state.close()
