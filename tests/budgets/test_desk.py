"""The engine's verbs of budgets: what is spent, what is told, what may still be called."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from brain.budgets import alerting
from brain.decisions.budget_caps import Call
from brain.decisions.budget_claims import LedgerUnavailable
from brain.decisions.budgets import Budget
from brain.decisions.prices import ALWAYS_FROM, ALWAYS_TO, Price
from brain.decisions.reasons import InputError
from brain.engine import Engine
from brain.events import Exposure, Request
from brain.settings import load
from tests.services.process import free_port

NOW = dt.datetime(2026, 3, 5, 12, 30, tzinfo=dt.UTC)
CALL = Call("acme", "house", "m", "helper", "ann", "key-1", "eu")
MILLION = 1_000_000  # tokens of model m, a dollar


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> dt.datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(tmp_path: Path, clock: Clock) -> Iterator[Engine]:
    opened = Engine.open(load({}, data_dir=tmp_path), clock=clock)
    opened.add_price(Price(1, "house", "m", "contract", "test", ALWAYS_FROM, ALWAYS_TO, 0,
                           Decimal(1), None, None, Decimal(1), None))
    yield opened
    opened.close()


def request(usd: float, at_utc: dt.datetime, **fields) -> Request:
    given = {"workspace_id": "acme", "provider": "house", "model": "m", "agent_id": "helper",
             "user_id": "ann", "api_key_id": "key-1", "region": "eu",
             "input_tokens": round(usd * MILLION), "source": "api", **fields}
    return Request(at_utc=at_utc, **given)


def spend(engine: Engine, usd: float, at_utc: dt.datetime, **fields) -> None:
    engine.record("requests", [request(usd, at_utc, **fields)])


def spend_daily(engine: Engine, usd: float, days: int) -> None:
    """The same amount at noon of each of the days before today."""
    noon = NOW.replace(minute=0)
    engine.record("requests", [request(usd, noon - dt.timedelta(days=day))
                               for day in range(1, days + 1)])


def hard(budget_id: str, amount: str | int, **changes) -> Budget:
    return Budget(budget_id, Decimal(amount), hard=True, **changes)


def test_status_is_what_the_events_cost(engine: Engine) -> None:
    spend_daily(engine, 10, 40)
    spend(engine, 3, NOW - dt.timedelta(minutes=10))
    engine.settle()
    this = engine.budgets.put(Budget("b", Decimal(300), "workspace", "acme"))
    found = engine.budgets.status(this)
    assert found.spent_usd == 43                      # noons of 1 to 4 March at 10, and 3 today
    assert found.remaining_usd == 257
    # 4 days, 12.5 h of 31 days: 43 / 108.5 × 744 h
    assert float(found.run_rate_usd or 0) == pytest.approx(43 / 108.5 * 744)
    assert found.projected_usd == pytest.approx(Decimal(310), rel=Decimal("0.05"))  # 31 × 10
    assert found.verdict in {"over", "at_risk"}


@pytest.mark.parametrize(("scope", "name"), [
    ("platform", ""), ("workspace", "acme"), ("provider", "house"), ("model", "m"),
    ("agent", "helper"), ("user", "ann"), ("api_key", "key-1"), ("region", "eu"),
    ("experiment", "trial")])
def test_every_scope_counts_its_own(engine: Engine, scope: str, name: str) -> None:
    other = {"workspace_id": "beta", "provider": "else", "agent_id": "x", "user_id": "bob",
             "api_key_id": "key-2", "region": "us"}
    seen = NOW - dt.timedelta(hours=3)
    engine.record("exposures", [Exposure(at_utc=seen, experiment_key="trial", variant="a",
                                         unit_id="ann", workspace_id="acme")])
    spend(engine, 2, NOW - dt.timedelta(hours=1))
    spend(engine, 5, NOW - dt.timedelta(minutes=5), **other)
    spend(engine, 7, dt.datetime(2026, 2, 28, 23, 59, 59, tzinfo=dt.UTC))  # last month
    engine.settle()
    this = Budget("b", Decimal(100), scope, name)
    # The price of model m is that of its provider; another one's request has none.
    assert engine.budgets.status(this).spent_usd == 2


def test_a_workspace_has_a_month_budget_unless_it_has_its_own(engine: Engine) -> None:
    spend(engine, 1, NOW - dt.timedelta(hours=1))
    spend(engine, 1, NOW - dt.timedelta(hours=1), workspace_id="w" * 100)
    engine.settle()
    found = {each.name: each for each in engine.budgets.list()}
    assert found["acme"].amount_usd == found["w" * 100].amount_usd == 1_000
    assert not found["acme"].hard
    assert all(len(each.budget_id) <= 64 for each in found.values())
    engine.budgets.put(Budget("own", Decimal(5), "workspace", "acme"))
    assert {each.budget_id for each in engine.budgets.list() if each.name == "acme"} == {"own"}


def test_alerts_once_whoever_checks(engine: Engine, clock: Clock) -> None:
    engine.budgets.put(Budget("b", Decimal(10), "workspace", "acme"))
    spend(engine, 8.5, NOW - dt.timedelta(hours=1))
    engine.settle()
    assert [each.crossing for each in engine.budgets.check()] == ["80"]
    status = engine.budgets.status(engine.budgets.book.get("b"))
    assert engine.budgets.check() == alerting.tell(engine.state, status) == ()
    spend(engine, 1, NOW - dt.timedelta(minutes=30))
    engine.settle()
    assert [each.severity for each in engine.budgets.check()] == ["high"]
    clock.now = dt.datetime(2026, 4, 2, tzinfo=dt.UTC)
    assert engine.budgets.check() == ()
    told = engine.budgets.alerts(NOW, clock.now)
    assert [(each["budget_id"], each["crossing"]) for each in told] == [("b", "80"), ("b", "90")]


def test_reserves_in_every_hard_budget_and_settles(engine: Engine) -> None:
    engine.budgets.put(hard("all", 10))
    engine.budgets.put(hard("ann", 4, scope="user", name="ann", window="day"))
    engine.budgets.put(hard("bob", 1, scope="user", name="bob"))
    held = engine.budgets.reserve(CALL, Decimal("3"))
    assert held.decision.action == "allow"
    refused = engine.budgets.reserve(CALL, Decimal("1.5"))
    assert (refused.decision.action, refused.decision.budget_id) == ("block", "ann")
    assert refused.decision.http_status == 402
    assert refused.decision.retry_after_s == 11.5 * 3_600  # until midnight
    assert engine.budgets.settle(held.reservation_id, Decimal("0.25")).was_known
    again = engine.budgets.reserve(CALL, Decimal("3.75"))
    assert again.decision.action == "allow"
    assert engine.budgets.release(again.reservation_id)
    assert engine.budgets.status(engine.budgets.book.get("all")).spent_usd == Decimal("0.25")


def test_spend_of_other_programs_leaves_less_to_reserve(engine: Engine) -> None:
    engine.budgets.put(hard("all", 10))
    spend(engine, 9, NOW - dt.timedelta(hours=1))
    engine.settle()
    engine.budgets.check()
    assert engine.budgets.reserve(CALL, Decimal("1.01")).decision.action == "block"
    assert engine.budgets.reserve(CALL, Decimal("1")).decision.action == "allow"


def test_no_hard_budget_holds_nothing(engine: Engine) -> None:
    engine.budgets.put(Budget("soft", Decimal("0.01")))
    found = engine.budgets.reserve(CALL, None)
    assert (found.decision.action, found.reservation_id) == ("allow", "")


def test_a_call_without_a_price_passes_no_hard_budget(engine: Engine) -> None:
    engine.budgets.put(hard("all", 10))
    found = engine.budgets.reserve(CALL, None)
    assert [reason.code for reason in found.decision.reasons] == ["unpriced"]
    assert found.decision.http_status == 402


def test_dead_processes_give_way_living_ones_do_not(engine: Engine, clock: Clock) -> None:
    engine.budgets.put(hard("all", 10))
    held = engine.budgets.reserve(CALL, Decimal(9))
    for _ in range(5):
        clock.now += dt.timedelta(seconds=40)  # past the lease of 60 s, were it not renewed
        assert engine.budgets.keep_alive() == 1
    assert engine.budgets.reserve(CALL, Decimal(2)).decision.action == "block"
    clock.now += dt.timedelta(seconds=60)
    assert engine.budgets.reserve(CALL, Decimal(2)).decision.action == "allow"
    assert engine.budgets.settle(held.reservation_id, Decimal(1)).was_late


def test_a_ledger_that_is_gone_lets_nothing_pass(tmp_path: Path) -> None:
    settings = load({}, data_dir=tmp_path, redis_timeout_s=0.2,
                    budgets_redis_url=f"redis://127.0.0.1:{free_port()}/0")
    opened = Engine.open(settings, clock=Clock())
    try:
        opened.budgets.put(hard("all", 10))
        found = opened.budgets.reserve(CALL, Decimal(1))
        assert (found.decision.action, found.decision.http_status) == ("block", 503)
        opened.budgets.put(Budget("soft", Decimal(1), "workspace", "acme"))
        with pytest.raises(LedgerUnavailable):
            opened.budgets.check()
        # The soft one, which comes after the hard one, was looked at nevertheless.
        assert [row["budget_id"] for row in opened.state.rows("budget_memory")] == ["soft"]
    finally:
        opened.close()


def test_changes_are_recorded_and_undone(engine: Engine) -> None:
    first, second = Budget("b", Decimal("1.5"), window="week", alert_pcts=(33,)), hard("b", 2)
    engine.budgets.put(first)
    engine.budgets.put(second, "ann")
    assert engine.budgets.undo("b") == first
    assert engine.budgets.undo("b") == second
    engine.budgets.remove("b")
    with pytest.raises(LookupError):
        engine.budgets.book.get("b")
    assert engine.budgets.undo("b") == second == engine.budgets.book.get("b")
    with pytest.raises(LookupError):
        engine.budgets.undo("never")
    actions = [row["action"] for row in engine.state.rows("audit", order="audit_id")
               if row["subject"] == "b"]
    assert actions == ["budget set"] * 2 + ["budget change undone"] * 2 + [
        "budget removed", "budget change undone"]


@pytest.mark.parametrize("wrong", [
    Budget("default:x", Decimal(1)), Budget("", Decimal(1)), Budget("b" * 65, Decimal(1)),
    Budget("b", Decimal(1), "infrastructure", "gpu")])
def test_refuses_what_cannot_be_kept(engine: Engine, wrong: Budget) -> None:
    with pytest.raises(InputError):
        engine.budgets.put(wrong)
    assert engine.budgets.book.all() == ()


def spiking(engine: Engine) -> None:
    """Ten days of a dollar an hour by two agents, then thirty dollars of one of them."""
    start = NOW.replace(minute=0) - dt.timedelta(days=10)
    engine.record("requests", [
        request(0.5 + 0.01 * (hour % 3), start + dt.timedelta(hours=hour), agent_id=agent)
        for hour in range(240) for agent in ("helper", "coder")])
    spend(engine, 30, NOW - dt.timedelta(minutes=5), agent_id="coder")
    engine.settle()


def test_the_kill_switch_names_and_if_on_stops_the_cause(engine: Engine, clock: Clock) -> None:
    spiking(engine)
    (reason,) = engine.budgets.check_spike()
    assert reason.code == "cost_spike"
    assert "route coder" in reason.text
    assert engine.budgets.stops.all() == []  # off, unless switched on
    engine.budgets.stops.check_spike(clock.now, act=True)
    found = engine.budgets.reserve(Call(agent_id="coder"), Decimal("0.01")).decision
    assert (found.action, found.http_status) == ("stopped", 429)
    assert engine.budgets.reserve(CALL, Decimal("0.01")).decision.action == "allow"
    assert engine.budgets.resume("route", "coder") is True
    assert engine.budgets.resume("route", "coder") is False
    assert engine.budgets.reserve(Call(agent_id="coder"), None).decision.action == "allow"


def test_no_spike_without_history(engine: Engine) -> None:
    spend(engine, 30, NOW - dt.timedelta(minutes=5))
    engine.settle()
    assert [reason.code for reason in engine.budgets.check_spike()] == ["no_forecast"]


def test_stopping_an_experiment_pauses_it(engine: Engine) -> None:
    key = engine.experiments.load_samples()[0].key
    engine.experiments.start(key)
    engine.budgets.stop("experiment", key, "Too dear.")
    assert engine.experiments.get(key).state == "paused"
    found = engine.budgets.reserve(Call(experiments=(key,)), Decimal(1)).decision
    assert found.action == "stopped"
    with pytest.raises(InputError):
        engine.budgets.stop("planet", "x", "No.")


def test_a_coming_price_is_a_known_step_of_the_forecast(engine: Engine, clock: Clock) -> None:
    """10 USD a day; from 16 March on the price is double: 15 days at 10, 16 at 20, 470 in all."""
    spend_daily(engine, 10, 40)
    spend(engine, 5, NOW.replace(hour=6))
    engine.settle()
    budget = Budget("b", Decimal(10_000), "workspace", "acme")
    flat = engine.budgets.status(budget).projected_usd
    assert float(flat or 0) == pytest.approx(310, rel=0.05)
    change = dt.datetime(2026, 3, 16, tzinfo=dt.UTC)
    engine.add_price(Price(2, "house", "m", "contract", "test", change, ALWAYS_TO, 0,
                           Decimal(2), None, None, Decimal(2), None))
    for scope, name in (("workspace", "acme"), ("platform", ""), ("model", "m"),
                        ("provider", "house"), ("agent", "helper")):
        stepped = engine.budgets.status(Budget("b", Decimal(10_000), scope, name))
        assert float(stepped.projected_usd or 0) == pytest.approx(470, rel=0.05), scope
        assert float(stepped.run_rate_usd or 0) < 330       # which knows nothing of it
