"""The page of traffic allocation: empty, set by a dry run, with choices, the kill switch."""

import datetime as dt
import json
import random
from dataclasses import replace

import pytest

from brain.decisions.allocation import AllocationPolicy
from brain.engine import Engine
from brain.events import Feedback, Request, RequestSteps
from tests.pages.conftest import NOW, OpenPage

PAGE = "brain/allocation.py"
POLICY = AllocationPolicy("support", mode="on", routes=("a/good", "b/poor"), floor_ratio=0.1)
SOLVED = {"a/good": 0.9, "b/poor": 0.5}


@pytest.fixture
def played(engine: Engine) -> Engine:
    """300 choices by even shares within the last two hours, four in five of them rated."""
    rng = random.Random(4)
    engine.allocation.put(POLICY)
    requests, steps, verdicts = [], [], []
    for number in range(300):
        at = NOW - dt.timedelta(hours=2) + dt.timedelta(seconds=20 * number)
        route = rng.choice(POLICY.routes)
        provider, model = route.split("/")
        facts = {"allocation": {"policy": "support", "version": 1, "route": route,
                                "propensity": 0.5, "shares": dict.fromkeys(POLICY.routes, 0.5)}}
        requests.append(Request(event_id=f"q{number}", at_utc=at, provider=provider, model=model,
                                latency_ms=500.0, input_tokens=100, output_tokens=50,
                                query_hash=f"h{number % 30}"))
        steps.append(RequestSteps(
            event_id=f"q{number}:steps", at_utc=at, request_id=f"q{number}", provider=provider,
            model=model, status="ok", latency_ms=500.0, source="ask",
            steps=json.dumps([{"name": "choose", "facts": facts}], separators=(",", ":"))))
        if rng.random() < 0.8:
            verdicts.append(Feedback(
                event_id=f"v{number}", at_utc=at, request_id=f"q{number}",
                stars=5 if rng.random() < SOLVED[route] else 1))
    for kind, rows in (("requests", requests), ("request_steps", steps), ("feedback", verdicts)):
        engine.record(kind, rows)
    engine.settle()
    engine.allocation.update()
    return engine


def test_without_any_a_dry_run_is_offered_first(engine: Engine, open_page: OpenPage) -> None:
    app = open_page(PAGE)
    assert "begin with a dry run" in app.info[0].value
    app.text_input[0].set_value("support")
    next(each for each in app.button if each.label == "Dry run").click()
    app.run()
    assert not app.exception
    assert engine.allocation.list() == ()
    next(each for each in app.button if each.label == "Apply").click()
    app.run()
    assert not app.exception
    assert engine.allocation.get("support").mode == "dry_run"


def test_shows_worth_other_policies_and_wins(played: Engine, open_page: OpenPage) -> None:
    app = open_page(PAGE, range="24h")
    assert not app.exception and not app.error
    values = next(each.value for each in app.dataframe if "effective_n" in each.value.columns)
    rows = values.set_index("name")
    assert set(rows.index) == {"As it was", "The shares that come next", "Even shares",
                               "All to a/good", "All to b/poor"}
    # the routes solve 0.9 and 0.5 of the tasks
    assert rows.loc["All to a/good", "lower"] < 0.9 < rows.loc["All to a/good", "upper"]
    assert rows.loc["All to b/poor", "lower"] < 0.5 < rows.loc["All to b/poor", "upper"]
    wins = next(each.value for each in app.dataframe if "pairs" in each.value.columns)
    assert wins["call"].tolist() == ["Wins"]
    assert [each.value for each in app.metric][:2] == ["On", "300"]


def test_a_route_is_stopped_and_goes_on(played: Engine, open_page: OpenPage) -> None:
    app = open_page(PAGE, range="24h")
    next(each for each in app.selectbox if each.label == "Stop a route").set_value("b/poor")
    app.run()
    next(each for each in app.button if each.label == "Stop").click()
    app.run()
    assert [each["route"] for each in played.allocation.stops("support")] == ["b/poor"]
    next(each for each in app.selectbox if each.label == "Let a route go on").set_value("b/poor")
    app.run()
    next(each for each in app.button if each.label == "Go on").click()
    app.run()
    assert played.allocation.stops("support") == ()
    next(each for each in app.button if each.label.startswith("Switch the whole")).click()
    app.run()
    assert not app.exception
    assert played.allocation.get("support") == replace(POLICY, mode="off")
