"""A model's first events are priced whenever they are added up, whatever happened in between."""

import datetime as dt
import json
from pathlib import Path

import pytest

from analytics import spans
from brain.engine import Engine
from brain.events import Request
from brain.settings import load
from brain.sources import frames
from brain.sources.duckdb_store import Incoming

NOW = dt.datetime(2026, 3, 5, 12, 30, tzinfo=dt.UTC)
AT = NOW - dt.timedelta(minutes=10)


def open_engine(folder: Path) -> Engine:
    return Engine.open(load({}, data_dir=str(folder)), clock=lambda: NOW)


def unpriced_and_cost(engine: Engine) -> tuple[int, str]:
    none: list[str] = []
    row = engine.query("usage/totals", **spans.query_params(spans.parse_range("2026-03-05", NOW)),
                       workspaces=none, models=none, agents=none, regions=none,
                       devices=none).iloc[0]
    return int(row["unpriced_requests"]), f"{row['cost_usd']:.4f}"


@pytest.mark.parametrize("is_drained", [True, False])
def test_a_stop_before_the_rollup_leaves_nothing_unpriced(tmp_path: Path, is_drained: bool) -> None:
    engine = open_engine(tmp_path)
    engine.accept_lines(json.dumps({"model": "gpt-3.5-turbo", "input_tokens": 1_000,
                                    "output_tokens": 1_000, "at_utc": AT.isoformat()}).encode())
    if is_drained:
        engine.drain()
    engine.close()
    engine = open_engine(tmp_path)
    engine.roll_up()
    assert unpriced_and_cost(engine) == (0, "0.0020")  # 1,000 x 0.5 / 10^6 + 1,000 x 1.5 / 10^6
    engine.close()


def test_events_that_nobody_announced_are_priced(tmp_path: Path) -> None:
    engine = open_engine(tmp_path)
    table = frames.to_table("requests", [Request(
        model="gpt-3.5-turbo", input_tokens=1_000, output_tokens=1_000, at_utc=AT)])
    number = engine.spool.reserve("requests")
    engine.store.append([Incoming("requests", frames.with_batch_seq(table, number))])
    engine.roll_up()
    assert unpriced_and_cost(engine) == (0, "0.0020")
    engine.close()
