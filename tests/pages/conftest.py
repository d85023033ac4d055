"""The console over a small engine whose clock stands still; nothing outside the test's folder."""

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from brain import running, settings
from brain.decisions.prices import Price
from brain.engine import Engine
from brain.events import MetricSample, Request

ROOT = Path(__file__).resolve().parents[2]
NOW = dt.datetime(2026, 3, 5, 12, 0, 30, tzinfo=dt.UTC)
HALF_HOUR = dt.timedelta(minutes=30)
OpenPage = Callable[..., AppTest]


def as_list(value: str | list[str]) -> list[str]:
    """A filter's value as its control holds it."""
    return [value] if isinstance(value, str) else value


CONTROLS: dict[str, Callable[[Any], Any]] = {
    "range": str, "compare": lambda value: value in {True, "true"},
    **dict.fromkeys(("workspace", "model", "agent", "region", "device"), as_list)}
"""Controls of the frame, and how a value of the address bar stands in them."""


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An engine without events, at NOW, that the pages use."""
    monkeypatch.setenv("BRAIN_DATA_DIR", str(tmp_path / "data"))
    opened = Engine.open(settings.load(), clock=lambda: NOW)
    monkeypatch.setattr(running, "engine", lambda _settings=None: opened)
    st.cache_data.clear()
    yield opened
    st.cache_data.clear()
    opened.close()


@pytest.fixture
def filled(engine: Engine) -> Engine:
    """The engine with two days of requests and two minutes of one machine's samples.

    Last 24 hours: 48 requests of acme, 2 of them failed, 1 of a model without a price; the others
    cost 1,000 * 1 + 500 * 2 micro-USD = 0.002 USD each. The 24 hours before: 24 requests.
    """
    engine.add_price(Price(
        price_id=0, provider="openai", model="gpt-4o", origin="contract", source="test",
        valid_from_utc=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        valid_to_utc=dt.datetime(2027, 1, 1, tzinfo=dt.UTC),
        input_usd_per_mtok=Decimal(1), output_usd_per_mtok=Decimal(2)))
    last = NOW - dt.timedelta(minutes=15)
    requests = [_request(f"now-{n}", last - n * HALF_HOUR, n) for n in range(48)]
    requests += [_request(f"then-{n}", last - dt.timedelta(hours=24 + n), n + 20)
                 for n in range(24)]
    engine.record("requests", requests)
    engine.record("metric_samples", [
        MetricSample(event_id=f"{metric}-{n}", at_utc=NOW - dt.timedelta(seconds=10 * n),
                     metric=metric, instance="web-1", value=value, source="host")
        for n in range(12)
        for metric, value in (("cpu_pct", 42.0), ("memory_pct", 50.0), ("disk_pct", 60.0),
                              ("uptime_s", 93_780.0))])
    engine.settle()
    return engine


def _request(event_id: str, at_utc: dt.datetime, number: int) -> Request:
    return Request(
        event_id=event_id, at_utc=at_utc, workspace_id="acme", user_id=f"user-{number % 5}",
        provider="openai", model="house-model" if number == 47 else "gpt-4o", agent_id="helper",
        region="eu", device="mobile", status="error" if number in {3, 9} else "ok",
        latency_ms=100.0, input_tokens=1_000, output_tokens=500, source="api")


@pytest.fixture
def open_page() -> OpenPage:
    """Opens a page such as "finance/costs.py" with values of the frame's controls.

    Without a file it opens the first page, the values standing in the address bar. AppTest can
    give another page no address, so there they are put into the controls.
    """
    def opened(file: str = "", **values: Any) -> AppTest:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240)
        if not file:
            for name, value in values.items():
                app.query_params[name] = value
            return app.run()
        app.run()
        # AppTest knows listed options only, though this control takes typed ones too.
        app.selectbox(key="range").options.append(str(values.get("range", "")))
        for name, value in values.items():
            app.query_params[name] = value
            if name in CONTROLS:
                app.session_state[name] = CONTROLS[name](value)
        return app.switch_page(f"pages/{file}").run()

    return opened
