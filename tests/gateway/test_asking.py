"""The query engine end to end over real vendors' wire formats on loopback."""

import asyncio
import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from brain.decisions.budgets import Budget
from brain.decisions.models.catalogue import Model
from brain.decisions.quotas import Quota
from brain.decisions.reasons import InputError
from brain.engine import Engine
from brain.gateway.providers import ProviderConfig
from brain.gateway.question import Answer, Question
from brain.settings import load
from tests.services import vendors
from tests.services.vendors import running_vendor

NOW = dt.datetime(2026, 11, 26, 12, tzinfo=dt.UTC)
USD_IN, USD_OUT = Decimal(100), Decimal(200)  # per million: 12 in and 5 out cost 0.0022 USD
COST = (12 * USD_IN + 5 * USD_OUT) / 1_000_000
CALLERS = 64


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    found = Engine.open(load({"BRAIN_DATA_DIR": str(tmp_path), "BRAIN_GATEWAY_TIMEOUT_S": "240"}),
                        lambda: NOW)
    yield found
    found.close()


@pytest.fixture(scope="module")
def first() -> Iterator[vendors.Vendor]:
    with running_vendor("openai") as found:
        yield found


@pytest.fixture(scope="module")
def second() -> Iterator[vendors.Vendor]:
    with running_vendor("openai") as found:
        yield found


@pytest.fixture(autouse=True)
def well(first: vendors.Vendor, second: vendors.Vendor) -> None:
    for each in (first, second):
        each.mode, each.wait_s, each.words = "ok", 0.0, vendors.WORDS
        each.bodies.clear()
        each.gone.clear()


def provide(engine: Engine, name: str, vendor: vendors.Vendor, **options: Any) -> None:
    engine.gateway.set_provider(ProviderConfig(
        name, "openai", vendor.url, models=(Model(
            f"model-{name}", input_usd_per_mtok=USD_IN, output_usd_per_mtok=USD_OUT,
            quality=80.0, latency_ms=100.0 if name == "one" else 200.0),),
        options={"timeout_s": 60.0, "queue": 256, **options},
        position=0 if name == "one" else 1))


def let_through(engine: Engine) -> None:
    """Hold no stream back."""
    engine.guard.set_policy("default", pii="allow", injection="allow", toxicity="allow")


def ask_all(engine: Engine, count: int, **more: Any) -> list[Answer]:
    """Answers of so many callers at once."""
    async def run() -> list[Answer]:
        return await asyncio.gather(*(engine.gateway.answer(Question(
            f"Question {number}?", use_cache=False, priority="quality", **more))
            for number in range(count)))
    return asyncio.run(run())


def recorded(engine: Engine) -> Any:
    engine.settle()
    return engine.query("requests/search", start=NOW - dt.timedelta(hours=1),
                        end=NOW + dt.timedelta(hours=1), limit=10_000, text="", least_ms=0.0,
                        workspaces=[], users=[], providers=[], models=[], agents=[], statuses=[])


def test_a_request_opens_as_a_waterfall(engine: Engine, first: vendors.Vendor) -> None:
    provide(engine, "one", first)
    answer = engine.gateway.ask(Question("What is an error budget?", user_id="ann"))
    assert (answer.text, answer.status, answer.cost_usd) == (vendors.TEXT, "ok", COST)
    rows = recorded(engine)
    assert list(rows["event_id"]) == [answer.request_id]
    assert rows["cost_usd"][0] == COST
    assert rows["wording"].isna().all()  # the workspace does not keep wordings
    told = engine.gateway.request(answer.request_id)
    assert told is not None
    names = [step["name"] for step in told["steps"]]
    assert names == ["context", "prepare", "guard in", "cache", "choose", "call one", "guard out",
                     "answer"]
    assert all(step["reasons"] and step["took_ms"] >= 0 for step in told["steps"])
    assert "error budget" not in str(told["steps"])


def test_the_same_question_is_answered_once(engine: Engine, first: vendors.Vendor) -> None:
    provide(engine, "one", first)
    first.wait_s = 0.05

    async def run() -> list[Answer]:
        return await asyncio.gather(*(engine.gateway.answer(Question("Same?")) for _ in range(20)))
    answers = asyncio.run(run())
    assert first.calls == 1
    assert {each.text for each in answers} == {vendors.TEXT}
    assert sum(each.cost_usd or 0 for each in answers) == COST
    assert engine.gateway.ask(Question("Same?", workspace_id="other")).cache_tier == ""


@pytest.mark.parametrize("mode", ["rate_limited", "error", "garbage", "cut", "timeout", "drip"])
def test_64_callers_while_a_provider_fails(engine: Engine, first: vendors.Vendor,
                                           second: vendors.Vendor, mode: str) -> None:
    provide(engine, "one", first, timeout_s=0.5 if mode in ("timeout", "drip") else 60, places=64)
    provide(engine, "two", second, places=64)
    engine.budgets.put(Budget("all", Decimal(100), "workspace", "default", hard=True))
    first.mode = mode
    answers = ask_all(engine, CALLERS, max_latency_ms=240_000.0)
    assert {each.status for each in answers} == {"ok"}
    assert {each.provider for each in answers} == {"two"}
    assert second.calls == CALLERS
    rows = recorded(engine)
    assert sorted(rows["event_id"]) == sorted(each.request_id for each in answers)
    counted = engine.budgets.ledger.count("all", dt.datetime(2026, 11, 1, tzinfo=dt.UTC))
    assert counted.spent_usd == sum(rows["cost_usd"]) == COST * CALLERS
    assert counted.reserved_usd == 0
    live = engine.gateway.providers.live("one")
    assert live is not None
    assert live.breakers["model-one"].position == "open"
    assert live.slots.state().in_use == engine.gateway.slots.state().in_use == 0


def test_a_hard_budget_is_never_passed(engine: Engine, first: vendors.Vendor) -> None:
    provide(engine, "one", first)
    engine.budgets.put(Budget("small", Decimal("0.05"), "workspace", "default", hard=True))
    answers = ask_all(engine, 40, max_output_tokens=5)
    done = [each for each in answers if each.status == "ok"]
    refused = [each for each in answers if each.status == "refused"]
    assert len(done) + len(refused) == 40
    assert done and refused
    assert {(each.error, each.http_status) for each in refused} == {("budget_reached", 402)}
    counted = engine.budgets.ledger.count("small", dt.datetime(2026, 11, 1, tzinfo=dt.UTC))
    recorded(engine)
    counted = engine.budgets.ledger.count("small", dt.datetime(2026, 11, 1, tzinfo=dt.UTC))
    assert counted.spent_usd == COST * len(done) <= Decimal("0.05")
    assert counted.reserved_usd == 0


def test_the_breaker_heals_by_a_probe(tmp_path: Path, first: vendors.Vendor) -> None:
    now_s = [1_000.0]
    engine = Engine.open(load({"BRAIN_DATA_DIR": str(tmp_path)}), lambda: NOW)
    try:
        from brain.gateway.desk import Gateway
        engine.gateway.close()
        engine.gateway = Gateway(engine, lambda: now_s[0])
        provide(engine, "one", first, failures=2, first_pause_s=10.0)
        first.mode = "error"
        failed = engine.gateway.ask(Question("a?", use_cache=False))
        assert (failed.status, failed.error, failed.http_status) == ("error", "unavailable", 502)
        calls = first.calls
        assert calls == 2  # tried twice, which opens the breaker
        shut = engine.gateway.ask(Question("b?", use_cache=False, model="model-one"))
        assert (shut.error, first.calls) == ("breaker_open", calls)
        assert shut.retry_after_s == 10.0
        now_s[0] += 10.0
        first.mode = "ok"
        assert engine.gateway.ask(Question("c?", use_cache=False)).status == "ok"
        live = engine.gateway.providers.live("one")
        assert live is not None
        assert live.breakers["model-one"].position == "closed"
    finally:
        engine.close()


def test_a_stream_that_breaks_off_is_paid_and_told(engine: Engine, first: vendors.Vendor,
                                                   second: vendors.Vendor) -> None:
    provide(engine, "one", first)
    provide(engine, "two", second)
    let_through(engine)
    first.mode = "cut"
    deltas = list(engine.gateway.stream(Question("Go?", model="model-one", use_cache=False)))
    answer = deltas[-1].answer
    assert answer is not None
    assert (answer.status, answer.error) == ("error", "cut")
    told = "".join(each.text for each in deltas)
    assert told and vendors.TEXT.startswith(told)
    assert answer.usage.output_tokens == -(-len(told) // 4)
    assert second.calls == 0  # what was begun to be read is not begun anew
    assert recorded(engine)["cost_usd"][0] == answer.cost_usd


def test_what_was_held_back_can_be_asked_elsewhere(engine: Engine, first: vendors.Vendor,
                                                   second: vendors.Vendor) -> None:
    provide(engine, "one", first)
    provide(engine, "two", second)
    first.mode = "cut"
    deltas = list(engine.gateway.stream(Question("Go?", priority="quality", use_cache=False)))
    answer = deltas[-1].answer
    assert answer is not None and answer.provider == "two"
    assert "".join(each.text for each in deltas) == answer.text == vendors.TEXT
    rows = recorded(engine).set_index("provider")  # the first one is billed as well
    assert (rows["error_code"]["one"], rows["error_code"]["two"]) == ("lost_cut", "")
    assert rows["event_id"]["one"] == f"{answer.request_id}:1"
    assert rows["output_tokens"]["one"] > 0 and rows["cost_usd"]["one"] > 0
    assert [each.code for each in answer.reasons if each.code == "other_calls"]


@pytest.mark.parametrize("words", [
    ("I wrote to ma", "x@exam", "ple.de with AKIAIOSF", "ODNN7EXAMPLE", ", fine."),
    tuple("I wrote to max@example.de with AKIAIOSFODNN7EXAMPLE, fine."),
    ("I wrote to max@example.de with AKIAIOSFODNN7EXAMPLE, fine.",)])
def test_a_stream_is_the_guarded_whole(engine: Engine, first: vendors.Vendor,
                                       words: tuple[str, ...]) -> None:
    provide(engine, "one", first)
    first.words = words
    deltas = list(engine.gateway.stream(Question("Write to max@example.de!", use_cache=False)))
    answer = deltas[-1].answer
    assert answer is not None and answer.status == "ok"
    assert "".join(each.text for each in deltas) == answer.text \
        == "I wrote to [EMAIL_1] with [SECRET_1], fine."


def test_abuse_is_not_delivered_before_it_is_refused(engine: Engine,
                                                     first: vendors.Vendor) -> None:
    provide(engine, "one", first)
    first.words = (*("A plain word. ",) * 20, "You are a stu", "pid idi", "ot", " said.")
    deltas = list(engine.gateway.stream(Question("Go?", use_cache=False)))
    answer = deltas[-1].answer
    assert answer is not None
    assert (answer.status, answer.error) == ("refused", "guard_refused")
    told = "".join(each.text for each in deltas)
    assert told and "stu" not in told
    assert "stu" not in answer.text
    assert recorded(engine)["cost_usd"][0] > 0  # it was made, and is paid


def test_a_stream_without_a_model_is_guarded_too(engine: Engine) -> None:
    engine.knowledge.ingest("default", "team.md", "# Team\n\nThe deploy key is "
                            "AKIAIOSFODNN7EXAMPLE and the deploy team keeps it.")
    deltas = list(engine.gateway.stream(Question("What is the deploy key?", use_cache=False)))
    told = "".join(each.text for each in deltas)
    assert "[SECRET_1]" in told and "AKIA" not in told


def test_who_goes_away_ends_the_call(engine: Engine, first: vendors.Vendor) -> None:
    provide(engine, "one", first)
    let_through(engine)
    first.mode = "drip"

    async def leave() -> str:
        stream = engine.gateway.answer_stream(Question("Long?", use_cache=False))
        got = [(await stream.__anext__()).text, (await stream.__anext__()).text]
        await stream.aclose()
        return "".join(got)
    assert asyncio.run(leave())
    assert first.gone.wait(120)
    rows = recorded(engine)
    assert list(rows["error_code"]) == ["cancelled"]
    assert rows["output_tokens"][0] > 0


def test_quotas_refuse_with_the_time_to_come_again(engine: Engine, first: vendors.Vendor) -> None:
    provide(engine, "one", first)
    engine.gateway.quotas.put(Quota("user", "ann", requests_per_minute=2))
    answers = [engine.gateway.ask(Question(f"{number}?", user_id="ann")) for number in range(3)]
    assert [each.status for each in answers] == ["ok", "ok", "refused"]
    assert (answers[2].http_status, answers[2].error) == (429, "quota_reached")
    assert 0 < (answers[2].retry_after_s or 0) <= 60
    assert engine.gateway.ask(Question("4?", user_id="bob")).status == "ok"


def test_personal_data_and_wordings(engine: Engine, first: vendors.Vendor) -> None:
    provide(engine, "one", first)
    engine.keep_query_text("default", True)
    engine.gateway.ask(Question("Write to ann.example@example.com please."))
    sent = first.bodies[-1]["messages"][-1]["content"]
    assert "ann.example@example.com" not in sent
    assert recorded(engine)["wording"][0] == sent


def test_a_named_model_that_nobody_offers(engine: Engine, first: vendors.Vendor) -> None:
    provide(engine, "one", first)
    answer = engine.gateway.ask(Question("x?", model="gpt-nine"))
    assert (answer.status, answer.error, answer.http_status) == ("refused", "unknown_model", 404)
    engine.gateway.knobs.apply(routing_weights={"one": 0})
    assert engine.gateway.ask(Question("x?", model="model-one")).error == "unknown_model"


def test_bad_questions_change_nothing(engine: Engine) -> None:
    for question in (Question(), Question("x", temperature=float("nan")),
                     Question("x", max_output_tokens=0), Question("x", workspace_id="")):
        with pytest.raises(InputError):
            engine.gateway.ask(question)
    assert recorded(engine).empty
