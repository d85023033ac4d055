"""Plans as they run: order, retries, limits, cancellation, and the record of every step."""

import datetime as dt
import random
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from brain.decisions.conductor import Plan, PlanLimits, PlanStep
from brain.decisions.reasons import InputError
from brain.gateway.conductor import Conductor, read_plan
from brain.gateway.question import Answer, Source
from brain.sources.state import StateStore
from tests.gateway.studios import open_studio

NOW = dt.datetime(2026, 3, 5, 12, tzinfo=dt.UTC)
Ask = Callable[..., Answer]


def answer(text: str, usd: str = "0.01", **fields: Any) -> Answer:
    return Answer("r1", text, provider="house", model="m", cost_usd=Decimal(usd), **fields)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateStore]:
    with open_studio(tmp_path) as opened:
        yield opened.state


@pytest.fixture
def conduct(state: StateStore) -> Callable[[Ask], Conductor]:
    def search(_workspace: str, query: str, limit: int) -> list[Source]:
        return [Source(f"d{n}", "doc", f"{query} {n}") for n in range(limit)]
    return lambda ask: Conductor(state, ask, search, lambda: NOW, lambda: "ann", random.Random(1))


def test_outputs_flow_along_the_graph_and_every_step_is_recorded(
        conduct: Callable[[Ask], Conductor]) -> None:
    asked: list[str] = []

    def ask(**fields: Any) -> Answer:
        asked.append(fields["text"])
        return answer("17")
    conductor = conduct(ask)
    plan = read_plan({"name": "sum", "steps": [
        {"key": "total", "kind": "tool", "needs": ["count"],
         "given": {"tool": "calculate", "expression": "{{count.text}} * {{inputs.price}}"}},
        {"key": "find", "kind": "retrieve", "given": {"query": "orders", "limit": 2}},
        {"key": "count", "needs": ["find"], "given": {"text": "Count: {{find.text}}"}}]})
    done = conductor.run(plan, workspace_id="acme", inputs={"price": 3})
    assert (done.state, done.cost_usd) == ("done", Decimal("0.01"))
    assert asked == ["Count: orders 0\n\norders 1"]
    assert done.steps[0].output["value"] == "51"
    rows = conductor.steps(done.run_id)
    assert [(row["step_key"], row["state"], row["attempts"]) for row in rows] == [
        ("total", "done", 1), ("find", "done", 1), ("count", "done", 1)]
    assert rows[2]["request_id"] == "r1" and rows[0]["reasons"][-1].code == "done"
    assert conductor.runs()[0]["state"] == "done"


def test_a_step_is_tried_again_and_each_attempt_is_told(
        conduct: Callable[[Ask], Conductor]) -> None:
    tries = iter([answer("", status="error", error="overloaded"), answer("fine")])
    done = conduct(lambda **_: next(tries)).run(Plan("x", (
        PlanStep("a", "ask", {"text": "?"}, retries=2),)))
    assert (done.state, done.steps[0].attempts) == ("done", 2)
    assert done.cost_usd == Decimal("0.02")  # what failed has cost too
    assert "overloaded" in done.steps[0].reasons[0].text


def test_a_failed_step_ends_the_run_and_skips_the_rest(
        conduct: Callable[[Ask], Conductor]) -> None:
    def ask(**_: Any) -> Answer:
        raise RuntimeError("no line")
    done = conduct(ask).run(Plan("x", (PlanStep("a", "ask", {"text": "?"}),
                                       PlanStep("b", "ask", {"text": "{{a.text}}"}, ("a",)))))
    assert (done.state, [each.state for each in done.steps]) == ("failed", ["failed", "skipped"])
    assert "no line" in done.steps[0].reasons[0].text


def test_money_ends_a_run_before_the_next_step(conduct: Callable[[Ask], Conductor]) -> None:
    left: list[Decimal] = []

    def ask(**fields: Any) -> Answer:
        left.append(fields["max_cost_usd"])
        return answer("x", "0.6")
    done = conduct(ask).run(Plan("x", tuple(
        PlanStep(f"s{n}", "ask", {"text": "?"}, (f"s{n - 1}",) if n else ())
        for n in range(4))), limits=PlanLimits(cost_usd=Decimal(1)))
    assert (done.state, done.reasons[0].code) == ("stopped", "cost_limit")
    assert left == [Decimal(1), Decimal("0.4")]
    assert [each.state for each in done.steps] == ["done", "done", "skipped", "skipped"]


def test_a_run_is_cancelled_by_another_thread(conduct: Callable[[Ask], Conductor]) -> None:
    asked, free = threading.Event(), threading.Event()

    def ask(**_: Any) -> Answer:
        asked.set()
        free.wait(120)
        return answer("late")
    conductor = conduct(ask)
    canceller = threading.Thread(target=lambda: asked.wait(120) and conductor.cancel("run"))
    canceller.start()
    done = conductor.run(Plan("x", (PlanStep("a", "ask", {"text": "?"}),
                                    PlanStep("b", "ask", {"text": "?"}, ("a",)))), run_id="run")
    free.set()
    canceller.join()
    assert (done.state, [each.state for each in done.steps]) == (
        "cancelled", ["cancelled", "skipped"])
    assert conductor.cancel("run") is False


def test_a_step_that_takes_too_long_fails_alone(conduct: Callable[[Ask], Conductor]) -> None:
    free = threading.Event()

    def ask(**fields: Any) -> Answer:
        if fields["text"] == "slow":
            free.wait(120)
        return answer("x")
    done = conduct(ask).run(Plan("x", (
        PlanStep("slow", "ask", {"text": "slow"}, time_s=0.05, optional=True),
        PlanStep("fast", "ask", {"text": "fast"}))))
    free.set()
    assert done.state == "done"
    assert [(each.state, each.reasons[-1].code) for each in done.steps] == [
        ("failed", "time_limit"), ("done", "done")]


def test_a_text_may_only_name_what_its_step_needs(conduct: Callable[[Ask], Conductor]) -> None:
    plan = Plan("x", (PlanStep("a", "ask", {"text": "?"}),
                      PlanStep("b", "ask", {"text": "{{a.text}}"})))
    with pytest.raises(InputError, match="b uses 'a'"):
        conduct(lambda **_: answer("x")).run(plan)
