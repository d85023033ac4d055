"""The loop in the real engine: several hundred questions, and traffic goes where it is worth most.

Two simulated providers of known quality answer; later a planted third one fails.
"""

import datetime as dt
import random
from dataclasses import replace
from decimal import Decimal

import pytest

from analytics.experiments.off_policy import Evaluation
from brain.decisions.allocation import AllocationPolicy
from brain.decisions.models.catalogue import Model
from brain.engine import Engine
from brain.gateway.providers import ProviderConfig
from brain.gateway.question import Question
from brain.settings import load

NOW = dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC)
SOLVED = {"alpha/good": 0.9, "beta/poor": 0.6, "gamma/broken": 0.9}
"""How often an answer of each route solves the task."""
POLICY = AllocationPolicy("support", "acme", mode="on", floor_ratio=0.1, half_life_h=0.0,
                          max_error_ratio=0.3)


class Clock:
    now = NOW

    def __call__(self):
        return self.now


@pytest.fixture(scope="module")
def clock():
    return Clock()


@pytest.fixture(scope="module")
def engine(tmp_path_factory, clock):
    opened = Engine.open(load({}, data_dir=str(tmp_path_factory.mktemp("live"))), clock)
    opened.allocation._draw = random.Random(5).random
    offer(opened, "alpha", "good")
    offer(opened, "beta", "poor")
    yield opened
    opened.close()


def offer(engine, provider, name, **failures):
    engine.gateway.set_provider(ProviderConfig(
        provider, "simulated", models=(Model(
            name, provider, input_usd_per_mtok=Decimal(1), output_usd_per_mtok=Decimal(2),
            quality=80, latency_ms=500),),
        options={"failures": 10_000, "profile": {"latency_ms": 0, "tokens": 4,
                                                 "failures": failures}}))


def ask_many(engine, clock, count, rng):
    """How often each route answered; four in five askers say whether it solved their task."""
    answered = {}
    for number in range(count):
        clock.now += dt.timedelta(seconds=20)
        answer = engine.gateway.ask(Question(
            text=f"What is the answer to question {number}?", workspace_id="acme",
            user_id=f"user-{number}", use_cache=False, use_knowledge=False))
        route = f"{answer.provider}/{answer.model}"
        answered[route] = answered.get(route, 0) + 1
        if answer.status == "ok" and rng.random() < 0.8:
            solved = rng.random() < SOLVED[route]
            engine.gateway.feedback(answer.request_id, 5 if solved else 1, workspace_id="acme",
                                    user_id=f"user-{number}", success=solved)
    engine.gateway.recorder.flush()
    engine.drain()
    engine.roll_up()
    return answered


@pytest.mark.slow
def test_traffic_moves_to_the_better_route_and_a_failing_one_is_stopped(engine, clock):
    rng = random.Random(2)
    allocation = engine.allocation
    allocation.put(POLICY)
    ask_many(engine, clock, 8, rng)  # nothing is known yet: each gets a half
    allocation.update()
    assert 0.2 < allocation.latest("support").shares["alpha/good"] < 0.85
    for _ in range(7):
        assert allocation.update() in (0, 1)
        last = ask_many(engine, clock, 30, rng)
    allocation.update()
    shares = allocation.latest("support").shares
    assert shares["alpha/good"] > 0.85
    assert shares["beta/poor"] == pytest.approx(0.1, abs=0.05)  # its floor
    assert last["alpha/good"] > 20

    history = allocation.history("support", NOW, clock.now)
    assert len(history) > 1 and history[0].shares["alpha/good"] < shares["alpha/good"]
    assert all(abs(sum(each.shares.values()) - 1) < 1e-9 for each in history)

    # what would have been: all to one route, told from the log
    value = allocation.value("support", {"alpha/good": 1.0}, NOW, clock.now)
    assert isinstance(value.quality, Evaluation) and value.quality.fault is None
    assert value.quality.dr.lower <= 0.9 <= value.quality.dr.upper
    poor = allocation.value("support", {"beta/poor": 1.0}, NOW, clock.now)
    assert poor.quality.dr.lower <= 0.6 <= poor.quality.dr.upper
    assert value.quality.dr.estimate > value.quality.logged.estimate > poor.quality.dr.estimate
    assert isinstance(value.cost_usd, Evaluation) and value.cost_usd.dr.estimate > 0

    # a third route is planted that mostly fails: it is tried, stopped and chosen no more
    offer(engine, "gamma", "broken", bad_answer=0.95)
    for _ in range(6):
        ask_many(engine, clock, 25, rng)
        allocation.update()
    (stop,) = allocation.stops("support")
    assert stop["route"] == "gamma/broken"
    assert "failed; the limit is 30%" in stop["reason"]
    assert allocation.latest("support").shares["gamma/broken"] == 0
    assert "gamma/broken" not in ask_many(engine, clock, 40, rng)

    # by hand: the kill switch holds at once, and letting go on forgives the past
    allocation.stop("support", "alpha/good", "Looked into.")
    assert set(ask_many(engine, clock, 5, rng)) == {"beta/poor"}
    assert allocation.resume("support", "alpha/good")
    allocation.put(replace(POLICY, mode="off"))
    assert engine.gateway.ask(Question(text="And now?", workspace_id="acme")).status == "ok"


def test_the_record_of_a_request_says_why_and_how_likely(engine, clock):
    engine.allocation.put(POLICY)
    answer = engine.gateway.ask(Question(text="Which route is this?", workspace_id="acme"))
    engine.gateway.recorder.flush()
    engine.drain()
    steps = engine.gateway.request(answer.request_id)["steps"]
    (choose,) = [each for each in steps if each["name"] == "choose"]
    logged = choose["facts"]["allocation"]
    assert logged["policy"] == "support"
    assert logged["propensity"] == logged["shares"][logged["route"]]
    assert choose["reasons"][0][0] == "allocated"
    # whoever asks for the cheapest gets the rules, not the draw
    cheap = engine.gateway.ask(Question(text="Which is cheap?", workspace_id="acme",
                                        priority="cost"))
    engine.gateway.recorder.flush()
    engine.drain()
    (step,) = [each for each in engine.gateway.request(cheap.request_id)["steps"]
               if each["name"] == "choose"]
    assert "allocation" not in step["facts"]
