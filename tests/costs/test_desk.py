"""The costs desk on real stores: contexts, versions of the book, re-pricing, breakdowns."""

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from analytics import spend
from analytics.spans import Span, query_params
from brain.decisions.prices import Price
from brain.decisions.reasons import InputError
from brain.engine import Engine
from brain.events import Feedback, Request
from brain.settings import load
from brain.sources.price_lists import parse_litellm_prices

NOW = dt.datetime(2026, 11, 20, 14, 25, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
DAY = Span(NOW - 24 * HOUR, NOW + dt.timedelta(minutes=5))
ALL = {"workspaces": [], "models": [], "agents": [], "regions": [], "devices": []}


class Clock:
    """A clock that a test sets."""

    now = NOW

    def __call__(self) -> dt.datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The engine's clock."""
    return Clock()


def asked(number: int, hours: float, context: str = "", model: str = "m",
          **more: object) -> Request:
    return Request(event_id=f"e{number}", at_utc=NOW - hours * HOUR, provider="house", model=model,
                   input_tokens=1_000, output_tokens=500, price_context=context,
                   user_id=f"u{number % 3}", feature=("chat", "search")[number % 2],
                   **more)  # type: ignore[arg-type]


@pytest.fixture
def engine(tmp_path: Path, clock: Clock) -> Iterator[Engine]:
    """House prices: 1 and 2 USD per Mtok, half of it for batches; a call is 0.002, or 0.001."""
    opened = Engine.open(load({}, data_dir=tmp_path), clock=clock)
    for context, factor in (("", "1"), ("batch", "0.5")):
        opened.add_price(Price(0, "house", "m", "list", "test", context=context,
                               input_usd_per_mtok=Decimal(factor),
                               output_usd_per_mtok=Decimal(factor) * 2))
    opened.record("requests", [
        asked(0, 1), asked(1, 2, "batch"), asked(2, 30), asked(3, 3, cached=True),
        asked(4, 4, model="nobody-prices-this"), asked(5, 5, "flex", region="eu")])
    opened.record("feedback", [Feedback(event_id="f0", at_utc=NOW, request_id="e0", stars=5),
                               Feedback(event_id="f1", at_utc=NOW, request_id="e1", stars=2)])
    opened.settle()
    yield opened
    opened.close()


def cost(engine: Engine, by: tuple[str, ...] = (), **filters: list[str]) -> Decimal:
    return spend.total(engine.costs.breakdown(DAY, by, **filters)).cost_usd


def test_a_request_has_the_price_of_its_context(engine: Engine) -> None:
    rows = engine.costs.breakdown(DAY, ("Model", "Price context"))
    assert {(row.first_name, row.second_name): row.cost_usd for row in rows.itertuples()} == {
        ("m", ""): Decimal("0.002"), ("m", "batch"): Decimal("0.001"),
        ("m", "flex"): Decimal("0.002"), ("nobody-prices-this", ""): 0}
    seen = spend.total(rows)
    # 0.002 + 0.001 + 0.002; 3 x 1,000 input x 1 USD/Mtok with the batch at half: 0.0025
    assert (seen.cost_usd, seen.by_class_usd["input"]) == (Decimal("0.005"), Decimal("0.0025"))
    assert (seen.saved_usd, seen.cached) == (Decimal("0.002"), 1)
    assert (seen.unpriced_requests, seen.unpriced_tokens, seen.tokens) == (1, 1_500, 4_500)
    assert seen.usd_per_request == Decimal("0.00125")  # four of five have a price, one cached
    assert seen.usd_per_1k_tokens is not None
    assert round(seen.usd_per_1k_tokens, 12) == Decimal("0.001111111111")


@pytest.mark.parametrize("by", [(), ("User",), ("Feature",), ("Model", "User"), ("Day", "Model"),
                                ("Hour",), ("Workspace", "API key"), ("Variant", "Agent")])
def test_every_breakdown_adds_up_to_the_same(engine: Engine, by: tuple[str, ...]) -> None:
    total = engine.query("usage/totals", **query_params(DAY), **ALL).iloc[0]
    found = spend.total(engine.costs.breakdown(DAY, by))
    assert (found.cost_usd, found.requests) == (total["cost_usd"], total["requests"])
    assert found.cost_usd == sum(found.by_class_usd.values())
    whole = engine.costs.breakdown(DAY)
    assert spend.total(spend.with_rest(engine.costs.breakdown(DAY, by), whole, 1)) == found
    assert cost(engine, by, regions=["eu"]) == Decimal("0.002")


def test_positive_answers_are_found_by_their_request(engine: Engine) -> None:
    rows = engine.costs.positive_answers(DAY, "Feature")
    assert {row.name: (row.answers, row.rated) for row in rows.itertuples(index=False)} == {
        "chat": (1, 1), "search": (0, 1)}


def test_drivers_of_the_change_add_up(engine: Engine) -> None:
    change = engine.costs.drivers(DAY).total
    assert (change.before_usd, change.after_usd) == (Decimal("0.002"), Decimal("0.005"))
    assert change.volume_usd + change.mix_usd + change.price_usd == Decimal("0.003")
    # 4,500 for 1,500 tokens: twice 0.002 more. The batch is new, its half price is mix.
    assert (change.volume_usd, change.price_usd) == (Decimal("0.004"), 0)


def test_repricing_by_every_way(engine: Engine, clock: Clock) -> None:
    clock.now = NOW + 24 * HOUR
    engine.costs.add_price(Price(0, "house", "", "contract", "c", discount_pct=Decimal(10)))
    version = engine.prices.version()

    def totals(base: str, other: str) -> tuple[Decimal, Decimal]:
        return engine.costs.reprice(DAY, base, other).totals_usd

    assert totals("billed", "current") == (Decimal("0.005"), Decimal("0.0045"))
    assert totals("today", "list") == (Decimal("0.0045"), Decimal("0.005"))
    # Version 2 had the plain price only: three calls of 0.002.
    assert totals("version:2", f"version:{version}") == (Decimal("0.006"), Decimal("0.0045"))
    assert cost(engine) == Decimal("0.0045")  # as current
    done = engine.costs.reprice(DAY, "billed", "current", "anna")
    assert [(row.model, row.price_context, row.difference_usd) for row in done.rows] == [
        ("m", "", Decimal("-0.0002")), ("m", "batch", Decimal("-0.0001")),
        ("m", "flex", Decimal("-0.0002")), ("nobody-prices-this", "", 0)]
    assert done.unpriced_requests == (1, 1)
    entry = engine.state.rows("audit", order="audit_id")[-1]
    assert (entry["action"], entry["person"]) == ("period re-priced", "anna")
    assert json.loads(entry["after_json"])["usd"] == "0.004500000000"
    assert len(engine.costs.repricings()) == 4
    assert engine.store.read("costs/use_by_cell", {
        "scenario": "", "start": DAY.start, "end": DAY.end, "workspaces": []}).num_rows
    with pytest.raises(InputError):
        engine.costs.reprice(DAY, "billed", "version:99")
    assert len(engine.costs.repricings()) == 4


def test_a_version_is_read_as_it_was_and_taken_back(engine: Engine) -> None:
    before = engine.prices.rows()
    version = engine.prices.version()
    added, _ = engine.add_price(Price(0, "house", "m", "contract", "c",
                                      input_usd_per_mtok=Decimal(9)))
    engine.withdraw_price(added.price_id)
    engine.withdraw_price(added.price_id, withdrawn=False)
    assert cost(engine) > Decimal("0.005")
    assert engine.prices.rows(version) == before
    assert [row.withdrawn for number in (1, 2, 3)
            for row in engine.prices.rows(version + number)[-1:]] == [False, True, False]
    assert engine.costs.take_back_version(version + 1) == 1
    assert cost(engine) == Decimal("0.005")
    assert engine.prices.versions()[0].action == "version taken back"
    for number, error in ((version + 1, InputError), (1, InputError), (99, LookupError)):
        with pytest.raises(error):
            engine.costs.take_back_version(number)


def test_a_list_is_taken_over_once_and_a_newer_one_replaces_it(engine: Engine) -> None:
    entry = {"litellm_provider": "house", "input_cost_per_token": 3e-06,
             "output_cost_per_token": 0, "input_cost_per_token_flex": 1e-06,
             "input_cost_per_token_above_200k_tokens": 5e-06,
             "provider_specific_entry": {"us": 1.1}}
    rows = parse_litellm_prices(json.dumps({"m": entry}).encode(), "prices.json")
    assert [(row.context, row.tier_from_tokens, row.input_usd_per_mtok) for row in rows] == [
        ("", 0, 3), ("", 200_001, 5), ("flex", 0, 1), ("us", 0, Decimal("3.3")),
        ("us", 200_001, Decimal("5.5"))]
    done = engine.costs.take_over_prices(rows)
    assert (done.appended, done.withdrawn, done.models) == (5, 0, 1)
    # plain 0.003; batch keeps its own price of more words, 0.001; flex 0.001
    assert cost(engine) == Decimal("0.005")
    assert engine.costs.take_over_prices(rows).version is None
    newer = parse_litellm_prices(json.dumps({"m": {**entry,
                                                   "input_cost_per_token": 4e-06}}).encode(),
                                 "prices.json")
    assert engine.costs.take_over_prices(newer).withdrawn == 5
    assert cost(engine) == Decimal("0.006")
    assert engine.costs.take_over_prices(newer).version is None
