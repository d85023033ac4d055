"""Totals, breakdowns and series are one truth: what the requests themselves say."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics import spans, usage
from brain.events import Request
from tests import sample
from tests.sql.engines import ServerEngine

DIMENSIONS = ("workspace_id", "provider", "model", "agent_id", "region", "device")
FIRST, LAST = sample.START - dt.timedelta(days=1), sample.END + dt.timedelta(days=1)
SECONDS = int((LAST - FIRST).total_seconds())

edges = st.one_of(st.integers(0, SECONDS * 10**6),  # any microsecond, and round hours and days
                  st.integers(0, SECONDS // 3600).map(lambda hour: hour * 3600 * 10**6),
                  st.integers(0, SECONDS // 86400).map(lambda day: day * 86400 * 10**6))
tilings = st.tuples(edges, edges).filter(lambda pair: pair[0] != pair[1]).map(
    lambda pair: spans.Span(*(FIRST + dt.timedelta(microseconds=each) for each in sorted(pair))))


def some(values: Sequence[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), max_size=2, unique=True)


filters = st.fixed_dictionaries({
    "workspaces": some((*sample.WORKSPACES, "nobody")),
    "models": some(tuple({model for _, model in sample.MODELS})),
    "agents": some(("helper", "coder", "")), "regions": some(("eu", "us", "")),
    "devices": some(("mobile", "desktop"))})
unhurried = settings(max_examples=40, deadline=None,
                     suppress_health_check=[HealthCheck.function_scoped_fixture])


def from_requests(span: spans.Span, chosen: dict[str, list[str]]) -> dict[str, Any]:
    """Sums over the sample's requests, by hand: cost from ``sample.PRICES``."""
    fields = {"workspaces": "workspace_id", "models": "model", "agents": "agent_id",
              "regions": "region", "devices": "device"}
    seen = [each for each in (*sample.requests(), sample.late_request())
            if isinstance(each, Request) and span.start <= each.at_utc < span.end and all(
                not chosen[name] or getattr(each, field) in chosen[name]
                for name, field in fields.items())]
    billed = [each for each in seen if not each.cached]
    costs = [cost_pico_usd(each) for each in seen]
    return {"requests": len(seen), "errors": sum(each.status == "error" for each in seen),
            "cached": sum(each.cached for each in seen),
            "input_tokens": sum(each.input_tokens for each in billed),
            "output_tokens": sum(each.output_tokens for each in billed),
            "unpriced_requests": costs.count(None),
            "cost_usd": sum(each or 0 for each in costs) * Decimal("1e-12")}


def cost_pico_usd(request: Request) -> int | None:
    tokens = (request.input_tokens, request.cache_read_tokens, request.cache_write_tokens,
              request.output_tokens)
    if request.cached:
        return 0
    days = (request.at_utc - sample.DAY) / dt.timedelta(days=1)
    for provider, model, first, last, low, high, *prices, each, _ in sample.PRICES:
        if (provider, model) == (request.provider, request.model) and first <= days < last \
                and low <= sum(tokens[:3]) < high:
            if any(amount and price is None for amount, price in zip(tokens, prices, strict=True)):
                return None
            return sum(amount * (price or 0)
                       for amount, price in zip(tokens, prices, strict=True)) + (each or 0)
    return None if sum(tokens) else 0


def only_sums(rows: list[dict[str, Any]], wanted: dict[str, Any]) -> dict[str, Any]:
    return {name: sum((row[name] for row in rows), type(value)(0))
            for name, value in wanted.items()}


@given(span=tilings, chosen=filters)
@unhurried
def test_totals_breakdowns_and_series_are_the_sums_of_the_requests(
        duck: ServerEngine, span: spans.Span, chosen: dict[str, list[str]]) -> None:
    wanted = from_requests(span, chosen)
    params = {**spans.query_params(span), **chosen}
    assert only_sums(duck.read("usage/totals", params), wanted) == wanted
    together = duck.read("usage/breakdowns", {**params, "dimensions": []})
    for dimension in DIMENSIONS:
        rows = duck.read("usage/breakdown", {**params, "dimension": dimension})
        assert only_sums(rows, wanted) == wanted
        at_once = [row for row in together if row["dimension"] == dimension]
        assert only_sums(at_once, wanted) == wanted
        assert [row["name"] for row in at_once] == [row["name"] for row in rows]
        assert len({row["name"] for row in rows}) == len(rows)
    for width_s in (300, 3_600, 21_600, 86_400):
        for dimension in ("", "model"):
            rows = duck.read("usage/series", {
                **usage.series_params(params, width_s), "dimension": dimension})
            assert only_sums(rows, wanted) == wanted
            starts = set(usage.bucket_starts(span, width_s))
            assert {row["bucket_start_utc"].replace(tzinfo=dt.UTC) for row in rows} <= starts


@given(span=tilings, workspaces=some(sample.WORKSPACES))
@unhurried
def test_minutes_are_the_series(duck: ServerEngine, span: spans.Span,
                                workspaces: list[str]) -> None:
    params = {**spans.query_params(span), "workspaces": workspaces, "models": [], "agents": [],
              "regions": [], "devices": []}
    for width_s in (60, 300, 900):
        rows = duck.read("usage/series", {**usage.series_params(params, width_s), "dimension": ""})
        wanted = [{name: value for name, value in row.items() if name != "name"} for row in rows]
        found = duck.read("usage/minutes", usage.minutes_params(params, width_s) or {})
        for row in (*wanted, *found):  # the order of summing may differ
            row["latency_ms_sum"] = round(row["latency_ms_sum"], 6)
        assert found == wanted


@given(span=tilings, chosen=filters)
@unhurried
def test_unpriced_list_is_what_the_total_leaves_out(
        duck: ServerEngine, span: spans.Span, chosen: dict[str, list[str]]) -> None:
    params = {**spans.query_params(span), **chosen}
    whole = duck.read("usage/totals", params)[0]
    rows = duck.read("costs/unpriced", {name: value for name, value in params.items()
                                        if name not in {"day_start", "day_end"}})
    for name in ("unpriced_requests", "unpriced_tokens"):
        assert sum(row[name] for row in rows) == whole[name]


@given(span=tilings, chosen=filters)
@unhurried
def test_users_are_exact_below_the_sketch_size(
        duck: ServerEngine, span: spans.Span, chosen: dict[str, list[str]]) -> None:
    chosen = {**chosen, "models": [], "agents": []}
    seen = {each.user_id
            for each in (*sample.requests(), sample.late_request(), *sample.page_views(),
                         *sample.others()["interactions"])
            if each.user_id and span.start <= each.at_utc < span.end
            and all(not chosen[name] or getattr(each, field) in chosen[name]
                    for name, field in (("workspaces", "workspace_id"), ("regions", "region"),
                                        ("devices", "device")))}
    params = usage.users_params({**spans.query_params(span), **chosen})
    rows = duck.read("usage/active_users", {**params, "dimension": "", "sketch_size": 4096})
    assert sum(row["users"] for row in rows) == len(seen)
    assert not any(row["is_estimate"] for row in rows)


@given(span=tilings, chosen=filters)
@unhurried
def test_latency_from_rollups_is_latency_from_requests(
        duck: ServerEngine, span: spans.Span, chosen: dict[str, list[str]]) -> None:
    chosen = {**chosen, "models": [], "regions": [], "devices": []}
    params = {**spans.query_params(span), **chosen}
    assert duck.read("usage/latency", params) == duck.read("usage/latency",
                                                           usage.from_events(params))


def test_percentiles_are_within_one_percent_of_the_nearest_rank(duck: ServerEngine) -> None:
    span = spans.Span(sample.START, sample.END)
    params = {**spans.query_params(span), "workspaces": [], "models": [], "agents": [],
              "regions": [], "devices": []}
    seen = sorted(each.latency_ms for each in (*sample.requests(), sample.late_request())
                  if isinstance(each, Request) and each.latency_ms is not None
                  and span.start <= each.at_utc < span.end)
    row = duck.read("usage/latency", params)[0]
    assert row["requests"] == len(seen)
    for pct in (50, 95, 99):
        rank = -(-len(seen) * pct // 100)  # nearest rank: ceil(n * pct / 100)
        assert row[f"p{pct}_ms"] == pytest.approx(seen[rank - 1], rel=0.0101)
