"""The job's hand on running experiments: ramps, halts with rollback, caps, bandit shares."""

import numpy as np
import pytest

from brain.events import Exposure, Outcome, Request
from brain.jobs import experiments
from tests.experiments.conftest import DAY, HOUR, NOW, definition

GUARD = [{"key": "errors", "kind": "ratio", "denominator": "requests", "better": "lower",
          "smallest_effect": 0.5}]


@pytest.fixture
def canary(engine):
    engine.experiments.create(definition(
        kind="canary", guardrails=GUARD, planned_units=2_000,
        ramp={"steps_pct": [1, 20, 100], "hold_s": 3_600, "least_units": 100}))
    engine.experiments.start("checkout")
    return engine.experiments


def ask(engine, clock, errors: dict[str, int], units: int = 400, part: str = "1") -> None:
    """Units of both variants see the experiment and ask 5 times; so many of each 100 fail."""
    shown, asked = [], []
    for number in range(2 * units):
        variant, unit = "ab"[number % 2], f"p{part}-{number}"
        at = clock.now + HOUR / 3600 * (number % 60)
        shown.append(Exposure(event_id=f"x{unit}", at_utc=at, experiment_key="checkout",
                              variant=variant, unit_id=unit))
        asked += [Request(event_id=f"r{unit}-{n}", at_utc=at, user_id=unit,
                          status="error" if (number // 2 * 5 + n) % 100 < errors[variant]
                          else "ok") for n in range(5)]
    engine.record("exposures", shown)
    engine.record("requests", asked)
    engine.drain()
    clock.pass_by(2 * HOUR)


def test_a_safe_canary_climbs_step_by_step(engine, canary, clock):
    assert experiments.run(engine) == 0
    assert canary.next_step("checkout").reasons[0].code == "held_too_short"
    ask(engine, clock, {"a": 10, "b": 10}, units=2_000)
    assert experiments.run(engine) == 1
    assert canary.get("checkout").traffic_ratio == 0.2
    assert experiments.run(engine) == 0  # the new step has to be held and seen as well
    clock.pass_by(2 * HOUR)
    assert [each.code for each in canary.next_step("checkout").reasons] == ["too_few_units"]
    ask(engine, clock, {"a": 10, "b": 10}, units=200, part="2")
    assert experiments.run(engine) == 1
    assert canary.get("checkout").traffic_ratio == 1.0
    last = canary.history("checkout")[0]
    assert (last.action, last.person) == ("ramped", "console")
    assert "on to 100 %" in last.reason


def test_harm_halts_the_canary_and_takes_it_back(engine, canary, clock):
    ask(engine, clock, {"a": 2, "b": 30}, units=1_000)
    assert experiments.run(engine) == 1
    after = canary.get("checkout")
    assert (after.state, after.traffic_ratio) == ("paused", 0.0)
    assert all(canary.assign("checkout", f"u{n}").variant is None for n in range(100))
    told = [(each.action, each.reason) for each in canary.history("checkout")[:2]]
    assert [action for action, _ in told] == ["paused", "ramped"]
    assert "errors is harmed by b" in told[0][1]
    clock.pass_by(DAY)
    assert experiments.run(engine) == 0  # it does not begin again by itself
    assert canary.get("checkout").state == "paused"


def test_the_cost_cap_pauses(engine, clock):
    engine.experiments.create(definition(cost_cap_usd="1"))
    engine.experiments.start("checkout")
    engine.record("exposures", [Exposure(event_id="x1", at_utc=NOW, experiment_key="checkout",
                                         variant="a", unit_id="u1")])
    # 400,000 input tokens of gpt-4o at 2.50 USD per million are 1 USD
    engine.record("requests", [Request(event_id="r1", at_utc=NOW + HOUR, user_id="u1",
                                       provider="openai", model="gpt-4o", input_tokens=400_000)])
    engine.settle()
    clock.pass_by(2 * HOUR)
    assert experiments.run(engine) == 1
    assert engine.experiments.get("checkout").state == "paused"
    assert "1.00 USD" in engine.experiments.history("checkout")[0].reason


def test_an_end_that_has_come_stops(engine, clock):
    engine.experiments.create(definition(end_utc=(NOW + DAY).isoformat()))
    engine.experiments.start("checkout")
    assert experiments.run(engine) == 0
    clock.pass_by(DAY)
    assert experiments.run(engine) == 1
    assert engine.experiments.get("checkout").state == "stopped"


def test_a_bandit_follows_its_rewards_and_its_reading_holds(engine, clock):
    verbs = engine.experiments
    verbs.create(definition(kind="bandit", planned_units=1_500,
                            bandit={"floor_ratio": 0.1}))
    verbs.start("checkout")
    rng = np.random.default_rng(3)
    for day in range(4):
        shown, paid = [], []
        for number in range(400):
            unit = f"d{day}-{number}"
            variant = verbs.assign("checkout", unit).variant
            at = clock.now + HOUR / 3600 * number
            shown.append(Exposure(event_id=f"x{unit}", at_utc=at, experiment_key="checkout",
                                  variant=variant, unit_id=unit))
            if rng.random() < (0.5 if variant == "b" else 0.3):
                paid.append(Outcome(event_id=f"o{unit}", at_utc=at, metric="paid", unit_id=unit,
                                    value=1.0))
        engine.record("exposures", shown)
        engine.record("outcomes", paid)
        engine.drain()
        clock.pass_by(DAY)
        experiments.run(engine)
    rows = verbs.allocations("checkout")
    assert len(rows) >= 2
    assert rows[-1].shares["b"] == pytest.approx(0.9, abs=0.01)  # all but the floor
    assert rows[-1].reasons
    assert [row.at_utc for row in rows] == sorted(row.at_utc for row in rows)
    results = verbs.results("checkout")
    value = results.bandit["b"]
    assert value.lower < 0.2 < value.upper  # the true difference is 0.5 - 0.3
    assert (results.verdict.name, results.winner) == ("better", "b")
    states = {each.code: each.status for each in results.checks}
    assert (states["sample_ratio"], states["changing_shares"]) == ("unknown", "warning")


def test_one_that_fails_keeps_no_other_waiting(engine, clock, monkeypatch):
    for key in ("first", "second"):
        engine.experiments.create(definition(key=key, end_utc=(NOW + HOUR).isoformat()))
        engine.experiments.start(key)
    clock.pass_by(DAY)
    stop = engine.experiments.stop

    def stop_second(key, *rest):
        if key == "first":
            raise LookupError("removed meanwhile")
        return stop(key, *rest)
    monkeypatch.setattr(engine.experiments, "stop", stop_second)
    assert experiments.run(engine) == 1
    assert engine.experiments.get("second").state == "stopped"
