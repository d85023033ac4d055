"""A second route beside a slow one: the quicker answers, the other is let go and paid for."""

import asyncio
import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from brain.decisions.budgets import Budget
from brain.decisions.tokens import TokenClasses
from brain.engine import Engine
from brain.gateway.calling import Called, Route
from brain.gateway.holding import most_prompt_tokens
from brain.gateway.question import Answer, Question
from brain.gateway.racing import race
from brain.gateway.sending import to_sent
from brain.gateway.trace import Trace
from brain.settings import load
from brain.sources.providers.interface import Received
from tests.gateway.test_asking import COST, NOW, USD_IN, USD_OUT, provide, recorded
from tests.services import vendors
from tests.services.vendors import running_vendor

MONTH = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
TEXT = "Quick?"
LOST = (-(-len(TEXT) // 4) * USD_IN + vendors.OUT * USD_OUT) / 1_000_000


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    found = Engine.open(load({"BRAIN_DATA_DIR": str(tmp_path), "BRAIN_GATEWAY_TIMEOUT_S": "240"}),
                        lambda: NOW)
    yield found
    found.close()


@pytest.fixture
def first() -> Iterator[vendors.Vendor]:
    with running_vendor("openai") as found:
        yield found


@pytest.fixture
def second() -> Iterator[vendors.Vendor]:
    with running_vendor("openai") as found:
        yield found


def both(engine: Engine, first: vendors.Vendor, second: vendors.Vendor,
         usual_ms: float = 20.0) -> None:
    """Two routes, of which the first, preferred for its speed, usually takes so long."""
    provide(engine, "one", first)
    provide(engine, "two", second)
    live = engine.gateway.providers.live("one")
    assert live is not None
    for _ in range(20):
        live.note_latency("model-one", usual_ms)


def ask(engine: Engine, **more: Any) -> Answer:
    return engine.gateway.ask(Question(TEXT, priority="latency", use_cache=False, **more))


def hedged(answer: Answer) -> bool:
    return "hedge" in [each.name for each in answer.steps]


def test_the_quicker_one_answers_and_the_slower_is_let_go(engine: Engine, first: vendors.Vendor,
                                                          second: vendors.Vendor) -> None:
    both(engine, first, second)
    engine.budgets.put(Budget("all", Decimal(100), "workspace", "default", hard=True))
    first.mode = "timeout"
    answer = ask(engine)
    assert (answer.status, answer.provider, hedged(answer)) == ("ok", "two", True)
    assert first.gone.wait(120)  # its connection was closed: the provider knows
    rows = recorded(engine).set_index("provider")
    assert (rows["error_code"]["two"], rows["error_code"]["one"]) == ("", "lost_cancelled")
    assert (answer.cost_usd, rows["cost_usd"]["one"]) == (COST, LOST)
    assert rows["status"]["one"] == "ok"  # nobody failed
    why = [each.text for each in answer.reasons if each.code == "other_calls"]
    assert f"{LOST:.6f} USD" in why[0]
    counted = engine.budgets.ledger.count("all", MONTH)
    assert (counted.spent_usd, counted.reserved_usd) == (COST + LOST, 0)
    told = engine.gateway.request(f"{answer.request_id}:1")
    assert told is not None
    assert "usage_estimated" in str(told["steps"])


def test_a_quick_first_one_stays_alone(engine: Engine, first: vendors.Vendor,
                                       second: vendors.Vendor) -> None:
    both(engine, first, second, usual_ms=20_000.0)
    answer = ask(engine)
    assert (answer.provider, hedged(answer), second.calls) == ("one", False, 0)


def test_both_fail(engine: Engine, first: vendors.Vendor, second: vendors.Vendor) -> None:
    both(engine, first, second)
    engine.budgets.put(Budget("all", Decimal(100), "workspace", "default", hard=True))
    first.mode = second.mode = "error"
    first.wait_s = 0.5
    answer = ask(engine)
    assert (answer.status, answer.error, hedged(answer)) == ("error", "unavailable", True)
    assert first.calls >= 1 and second.calls >= 1
    rows = recorded(engine)
    assert len(rows) == 1 and not rows["cost_usd"].fillna(0)[0]
    counted = engine.budgets.ledger.count("all", MONTH)
    assert (counted.spent_usd, counted.reserved_usd) == (0, 0)


def test_no_second_call_where_the_time_left_is_short(engine: Engine, first: vendors.Vendor,
                                                     second: vendors.Vendor) -> None:
    both(engine, first, second, usual_ms=20_000.0)
    first.mode = "timeout"
    answer = ask(engine, max_latency_ms=3_000.0)
    assert not hedged(answer)
    assert answer.provider == "two"  # in turn, once the first had had its share of the time


def test_no_second_call_where_the_budget_holds_only_one(engine: Engine, first: vendors.Vendor,
                                                        second: vendors.Vendor) -> None:
    both(engine, first, second)
    prompt = most_prompt_tokens(to_sent(Question(TEXT), ()))
    highest = engine.gateway.prices.highest("one", "model-one", prompt, 5, NOW)
    assert highest is not None
    engine.budgets.put(Budget("one call", highest * Decimal("1.5"), "workspace", "default",
                              hard=True))
    first.wait_s = 1.0
    answer = ask(engine, max_output_tokens=5)
    assert (answer.provider, hedged(answer), second.calls) == ("one", True, 0)
    assert "budget" in [each.name for each in answer.steps]
    recorded(engine)
    counted = engine.budgets.ledger.count("one call", MONTH)
    assert (counted.spent_usd, counted.reserved_usd) == (COST, 0)


def test_an_answer_that_comes_too_late_is_not_forgotten() -> None:
    way: Any = SimpleNamespace(trace=Trace(), lost=[])
    routes = [Route("one", "a"), Route("two", "b")]

    async def run() -> Called:
        asked = asyncio.Event()

        async def take(route: Route) -> Called:
            if route.provider == "two":
                asked.set()
            await asked.wait()  # both are ready at once
            return Called(route, Received("x"), TokenClasses(3, 0, 0, 2, 0), Decimal(1), False)
        return await race(way, routes[0], routes[1:], take, 0.0)
    winner = asyncio.run(run())
    assert {winner.route, *(each.route for each in way.lost)} == set(routes)
    assert way.lost[0].usage.output_tokens == 2
