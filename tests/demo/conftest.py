"""One history for all tests of the demonstration: 30 days, some 60,000 events."""

import datetime as dt

import pandas as pd
import pytest

from brain.demo import DemoHistory, generate

END = dt.datetime(2026, 3, 18, 15, tzinfo=dt.UTC)  # a Wednesday


@pytest.fixture(scope="session")
def history() -> DemoHistory:
    """The plan under test."""
    return generate(seed=11, days=30, events=60_000, end=END)


@pytest.fixture(scope="session")
def frames(history: DemoHistory) -> dict[str, pd.DataFrame]:
    """All its rows by kind, ``at_utc`` aware."""
    found = {kind: table.to_pandas() for kind, table in history.tables().items()}
    for frame in found.values():
        frame["at_utc"] = frame["at_utc"].dt.tz_localize("UTC")
    return found


@pytest.fixture(scope="session")
def large_history() -> DemoHistory:
    """14 days with some 200,000 events, for effects that need many requests."""
    return generate(seed=12, days=14, events=200_000, end=END)


@pytest.fixture(scope="session")
def large_requests(large_history: DemoHistory) -> pd.DataFrame:
    """Its requests, ``at_utc`` aware."""
    frame = large_history.tables()["requests"].to_pandas()
    frame["at_utc"] = frame["at_utc"].dt.tz_localize("UTC")
    return frame
