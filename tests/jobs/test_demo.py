"""The demonstration written through an engine: whole, resumable, live, removable."""

import datetime as dt
import json

import pytest

from brain.decisions.allocation import decide_shares
from brain.demo import continue_from, read_plan
from brain.engine import Engine
from brain.jobs import demo
from brain.models.allocation_log import summarize_routes
from brain.settings import load

NOW = dt.datetime(2026, 3, 18, 15, 20, 7, tzinfo=dt.UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> dt.datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(tmp_path, clock):
    opened = Engine.open(load({}, data_dir=tmp_path), clock)
    yield opened
    opened.close()


def count(engine: Engine) -> int:
    return sum(engine.status().events.values())


def test_writes_history_marks_and_workspaces(engine):
    heard: list[float] = []
    written = demo.write(engine, events=1_000, days=7, seed=5, progress=heard.append)
    assert count(engine) == written
    assert heard == [5 / 7, 1.0]
    state = engine.state.rows("demo_state")[0]
    assert state["last_at_utc"] == dt.datetime(2026, 3, 18, 15, tzinfo=dt.UTC)
    assert json.loads(state["effects_json"])["outage"]["provider"] == "anthropic"
    assert len(engine.state.rows("workspaces")) == 12
    assert engine.annotations(NOW - dt.timedelta(days=8), NOW)
    assert engine.status().waiting.hours == 0


def test_refuses_a_second_demonstration(engine):
    demo.write(engine, events=1_000, days=7)
    with pytest.raises(demo.DemoExistsError, match="remove"):
        demo.write(engine, events=1_000, days=7)


def test_goes_on_as_time_passes_and_stands_still_if_the_clock_goes_back(engine, clock):
    written = demo.write(engine, events=1_000, days=7)
    plan = read_plan(json.loads(engine.state.rows("demo_state")[0]["effects_json"]))
    live = demo.go_on(engine)
    clock.now = NOW + dt.timedelta(hours=30)
    live += demo.go_on(engine) + demo.go_on(engine)  # a day at most at a time
    assert engine.state.rows("demo_state")[0]["last_at_utc"] == clock.now
    expected = continue_from(plan, plan.end_utc, clock.now)
    assert live == sum(table.num_rows for table in expected.values())
    assert count(engine) == written + live
    clock.now = NOW
    assert demo.go_on(engine) == 0


def test_a_repeat_after_a_lost_position_doubles_nothing(engine):
    written = demo.write(engine, events=1_000, days=7)
    row = engine.state.rows("demo_state")[0]
    engine.state.update("demo_state", "demo_id", row["demo_id"],
                        last_at_utc=row["last_at_utc"] - dt.timedelta(hours=20))
    demo.go_on(engine)
    demo.go_on(engine)
    plan = read_plan(json.loads(row["effects_json"]))
    later = continue_from(plan, plan.end_utc, NOW)
    assert count(engine) == written + sum(table.num_rows for table in later.values())


def test_a_history_cut_short_is_finished_and_can_be_removed(engine):
    def stop(_share: float) -> None:
        raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        demo.write(engine, events=1_000, days=7, progress=stop)
    assert engine.has_demo()
    while demo.go_on(engine):
        pass
    plan = read_plan(json.loads(engine.state.rows("demo_state")[0]["effects_json"]))
    whole = continue_from(plan, plan.end_utc - dt.timedelta(days=7), NOW)
    assert count(engine) == sum(table.num_rows for table in whole.values())
    engine.remove_demo()
    assert count(engine) == 0
    assert not engine.has_demo()
    assert demo.go_on(engine) == 0


@pytest.mark.slow
def test_removal_while_writing_leaves_nothing(engine, clock):
    clock.now = NOW + dt.timedelta(days=1, hours=-3)  # Thursday 12:20
    demo.write(engine, events=1_000, days=7)
    clock.now += dt.timedelta(hours=2)  # a deploy at 13:00 brings an annotation
    append = engine.append_tables

    def append_after_removal(tables):
        engine.remove_demo()
        return append(tables)
    engine.append_tables = append_after_removal
    assert demo.go_on(engine) == 0
    assert count(engine) == 0
    assert not engine.state.rows("annotations")


def test_its_allocation_has_exact_chances_and_shares_by_the_rule_and_goes_with_it(engine):
    demo.write(engine, events=60_000, days=14, seed=5)
    (policy,) = engine.allocation.list()
    assert (policy.policy_id, policy.mode, policy.is_demo) == ("demo-routes", "dry_run", True)
    start = NOW - dt.timedelta(days=15)
    choices = engine.allocation.choices("demo-routes", start, NOW)
    assert len(choices) > 200
    # each model was drawn as often as its stated chance says, within four standard errors
    chances = choices["shares"][0]
    assert sum(chances.values()) == pytest.approx(1)
    for route, chance in chances.items():
        found = (choices["route"] == route).mean()
        assert abs(found - chance) < 4 * (chance * (1 - chance) / len(choices)) ** 0.5
    assert (choices["propensity"] == choices["route"].map(chances)).all()
    history = engine.allocation.history("demo-routes", start, NOW)
    assert len(history) > 3 and {each.person for each in history} == {"demo"}
    last = history[-1]
    seen = summarize_routes(choices[choices["at_utc"] < last.at_utc], policy, last.at_utc, {})
    assert decide_shares(seen, policy, {}).shares == pytest.approx(dict(last.shares))
    demo_rows = engine.remove_demo()
    assert demo_rows and engine.allocation.list() == ()
    for table in ("allocation_policies", "allocation_shares"):
        assert engine.state.rows(table) == []
    assert count(engine) == 0
