"""Rollups brought up to date step by step are the rollups built anew, and what the events say."""

import datetime as dt
import math
import random
import tempfile
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brain.decisions.prices import PriceRange
from brain.decisions.pricing import Usage, price_usage
from brain.events import Event, Interaction, PageView, Request
from brain.ingestion import Ingestion
from brain.settings import load
from brain.sources import frames
from brain.sources.duckdb_store import DuckEventStore
from brain.sources.spool import Spool
from tests import sample
from tests.sql.engines import ROLLUPS

DAYS = 3
SMALL_SKETCH = 64
WHOLE = {"start": sample.START, "hour_start": sample.START, "day_start": sample.START,
         "day_end": sample.END, "hour_end": sample.END, "end": sample.END,
         "workspaces": [], "models": [], "agents": [], "regions": [], "devices": []}
RANGES = tuple(PriceRange(
    row[0], row[1], sample.DAY + dt.timedelta(days=row[2]), sample.DAY + dt.timedelta(days=row[3]),
    *row[4:11], price_id=row[11], row_ids=(row[11],) * 5) for row in sample.PRICES)

moments = st.one_of(
    st.integers(0, DAYS * 86_400 * 10**6 - 1),
    st.sampled_from((0, 1, -1)).flatmap(lambda tick: st.integers(1, DAYS * 24 - 1).map(
        lambda hour: hour * 3_600 * 10**6 + tick)),
).map(lambda offset_us: sample.START + dt.timedelta(microseconds=offset_us))
tokens = st.one_of(st.integers(0, 3), st.integers(0, 300_000), st.just(10**9))
latencies = st.one_of(st.none(), st.floats(0.01, 1e9, allow_subnormal=False), st.just(0.0))
shared = {"at_utc": moments, "workspace_id": st.sampled_from(sample.WORKSPACES),
          "user_id": st.integers(0, 30).map(lambda number: f"user-{number}" if number else "")}
names = st.sampled_from(sample.MODELS)
requests = st.tuples(names, st.builds(
    Request, **shared, agent_id=st.sampled_from(("", "helper")), region=st.sampled_from(("", "eu")),
    status=st.sampled_from(("ok", "error")), latency_ms=latencies, input_tokens=tokens,
    cache_read_tokens=st.sampled_from((0, 50)), cache_write_tokens=st.sampled_from((0, 20)),
    output_tokens=tokens, cached=st.booleans())).map(lambda pair: _named(*pair))
streams = st.lists(st.one_of(requests, requests, st.builds(PageView, **shared), st.builds(
    Interaction, **shared, action=st.just("click"))), min_size=1, max_size=30)


def _named(name: tuple[str, str], request: Request) -> Request:
    request.provider, request.model = name
    return request


class Platform:
    """Stores in a folder of their own, with the sample's prices."""

    def __init__(self, folder: str, sketch_size: int = 4096) -> None:
        self.store = DuckEventStore(Path(folder) / "events.duckdb")
        self.spool = Spool(Path(folder) / "spool.sqlite")
        self.ingestion = Ingestion(load({}, rollup_sketch_size=sketch_size), self.store, self.spool)
        self.store.replace_prices(sample.price_ranges())

    def take(self, events: list[Event]) -> None:
        """Accept events of any kinds and move them into the store."""
        by_kind: dict[str, list[Event]] = defaultdict(list)
        for event in events:
            by_kind[_kind(event)].append(event)
        self.ingestion.accept({kind: frames.to_table(kind, each) for kind, each in by_kind.items()})
        self.ingestion.drain()

    def rollups(self) -> dict[str, Any]:
        """The rows of every rollup, without order; sums of floats to nine digits."""
        found = {}
        with self.store.transaction() as cursor:
            for table in ROLLUPS:
                rows = cursor.execute(f"select * from {table}").fetchall()
                found[table] = Counter(tuple(float(f"{value:.9g}") if isinstance(value, float)
                                             else value for value in row) for row in rows)
        return found

    def close(self) -> None:
        self.store.close()
        self.spool.close()


def _kind(event: Event) -> str:
    return {Request: "requests", PageView: "page_views", Interaction: "interactions"}[type(event)]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(stream=streams, rng=st.randoms(use_true_random=False), sketch=st.sampled_from((64, 4096)))
@pytest.mark.slow
def test_step_by_step_is_built_anew_is_the_truth(stream: list[Event], rng: random.Random,
                                                 sketch: int) -> None:
    arriving = stream + rng.choices(stream, k=len(stream) // 3)  # some come twice
    rng.shuffle(arriving)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        steps, anew = Platform(one, sketch), Platform(other, sketch)
        while arriving:
            size = rng.randint(1, 12)
            steps.take(arriving[:size])
            arriving = arriving[size:]
            if rng.random() < 0.5:
                steps.ingestion.roll_up()
        steps.ingestion.roll_up()
        anew.take(stream)
        anew.ingestion.roll_up()
        wanted = anew.rollups()
        assert steps.rollups() == wanted
        steps.ingestion.rebuild(sample.START, sample.END)
        assert steps.rollups() == wanted
        assert steps.ingestion.verify() == ()
        check_truth(steps.store, stream)
        steps.close()
        anew.close()


def check_truth(store: DuckEventStore, stream: list[Event]) -> None:
    """Hold what the rollups answer for the whole span against the events themselves."""
    asked = [each for each in stream if isinstance(each, Request)]
    billed = [each for each in asked if not each.cached]
    costs = [cost_usd(each) for each in asked]
    totals = store.read("usage/totals", WHOLE).to_pylist()[0]
    assert totals["requests"] == len(asked)
    assert totals["errors"] == sum(each.status == "error" for each in asked)
    assert totals["input_tokens"] == sum(each.input_tokens for each in billed)
    assert totals["output_tokens"] == sum(each.output_tokens for each in billed)
    assert totals["cost_usd"] == sum((each for each in costs if each is not None), Decimal(0))
    assert totals["unpriced_requests"] == costs.count(None)
    seen = {each.user_id for each in stream if each.user_id}
    users = store.read("usage/active_users", {**WHOLE, "dimension": "", "sketch_size": 64})
    assert [row["users"] for row in users.to_pylist()] == ([len(seen)] if seen else [])
    check_quantiles(store, [each.latency_ms for each in asked if each.latency_ms is not None])


def check_quantiles(store: DuckEventStore, latencies_ms: list[float]) -> None:
    """p50, p95 and p99 are within 1 % of the value at that rank; under 0.01 ms, under 0.01."""
    found = store.read("usage/latency", WHOLE).to_pylist()[0]
    assert found["requests"] == len(latencies_ms)
    for quantile in (50, 95, 99):
        value = found[f"p{quantile}_ms"]
        if not latencies_ms:
            assert value is None
            continue
        exact = sorted(latencies_ms)[math.ceil(len(latencies_ms) * quantile / 100) - 1]
        assert value == pytest.approx(exact, rel=0.01) or (exact <= 0.01 and value <= 0.01)


def cost_usd(request: Request) -> Decimal | None:
    """The cost by the pure rule; answers from the platform's own cache cost nothing."""
    if request.cached:
        return Decimal(0)
    usage = Usage(request.provider, request.model, request.input_tokens,
                  request.cache_read_tokens, request.cache_write_tokens, request.output_tokens)
    return price_usage(usage, RANGES, request.at_utc).total_usd


def test_quantiles_of_many_requests(tmp_path: Path) -> None:
    rng = random.Random(1)
    events = [Request(event_id=f"{number}", at_utc=sample.START + number * dt.timedelta(seconds=30),
                      workspace_id="acme", latency_ms=rng.lognormvariate(6, 1.5))
              for number in range(8_000)]
    platform = Platform(str(tmp_path))
    platform.take(events)  # type: ignore[arg-type]
    platform.ingestion.roll_up()
    check_quantiles(platform.store, [each.latency_ms or 0.0 for each in events])
    platform.close()


def test_users_above_the_sketch_size_are_estimated_as_stated(tmp_path: Path) -> None:
    """40 workspaces of 300 users each over three days, kept as 64 smallest hashes.

    The standard error stated is 1/sqrt(64) = 12.5 %; over 40 estimates their own standard
    error of that figure is 12.5 % / sqrt(80) = 1.4 %, so three of them allow 16.7 %.
    """
    platform = Platform(str(tmp_path), SMALL_SKETCH)
    platform.take([PageView(event_id=f"{workspace}-{user}", workspace_id=f"w{workspace}",
                            user_id=f"{workspace}:{user}",
                            at_utc=sample.START + dt.timedelta(hours=user % 72))
                   for workspace in range(40) for user in range(300)])
    platform.ingestion.roll_up()
    rows = platform.store.read("usage/active_users", {
        **WHOLE, "dimension": "workspace_id", "sketch_size": SMALL_SKETCH}).to_pylist()
    errors = [row["users"] / 300 - 1 for row in rows]
    assert len(errors) == 40 and all(row["is_estimate"] for row in rows)
    assert math.sqrt(sum(error**2 for error in errors) / 40) <= 0.125 + 3 * 0.014
    assert abs(sum(errors) / 40) <= 3 * 0.125 / math.sqrt(40)  # and it leans to no side
    platform.close()
