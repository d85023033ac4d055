"""Allocation in the state store: set, undo, shares over time, stopped routes; choosing by it."""

import datetime as dt
from dataclasses import replace

import pandas as pd
import pytest

from brain.decisions.allocation import AllocationPolicy, RouteSeen
from brain.decisions.reasons import InputError, Reason
from brain.models.allocation import Allocation, explain
from brain.sources.state import StateStore

NOW = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
POLICY = AllocationPolicy("support", "acme", "question", "on", ("a/x", "b/y"), floor_ratio=0.1,
                          reward_per_usd=2.0)
ROUTES = ["a/x", "b/y", "c/z"]


class Clock:
    now = NOW

    def __call__(self):
        return self.now

    def go_on(self, **by):
        self.now += dt.timedelta(**by)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def allocation(tmp_path, clock):
    state = StateStore(f"sqlite:///{tmp_path / 'state.sqlite'}")
    draws = iter([0.05, 0.95] * 500)
    yield Allocation(state, lambda name, **params: pd.DataFrame(), clock, lambda: "ann",
                     lambda: next(draws))
    state.close()


def test_what_is_put_comes_back_and_can_be_undone(allocation):
    allocation.put(POLICY)
    assert allocation.get("support") == POLICY
    allocation.put(replace(POLICY, mode="off"))
    assert allocation.undo("support") == POLICY
    assert allocation.undo("support").mode == "off"
    allocation.remove("support")
    assert allocation.list() == ()
    assert allocation.undo("support").mode == "off"
    with pytest.raises(LookupError):
        allocation.undo("nobody")
    with pytest.raises(LookupError):
        allocation.remove("nobody")


def test_two_policies_cannot_divide_the_same_traffic(allocation):
    allocation.put(POLICY)
    with pytest.raises(InputError) as caught:
        allocation.put(replace(POLICY, policy_id="other"))
    assert caught.value.code == "repeated"


def test_the_nearest_policy_chooses_and_says_its_exact_propensity(allocation):
    assert allocation.choose(ROUTES, "acme", "question") is None
    allocation.put(POLICY)
    allocation.put(AllocationPolicy("rest", mode="on"))
    allocation.book.note_shares("support", "on", {"a/x": 0.8, "b/y": 0.2}, (RouteSeen("a/x"),),
                                (Reason("r", "t"),), NOW, "ann")
    first, second = (allocation.choose(ROUTES, "acme", "question") for _ in range(2))
    assert (first.policy_id, first.choice.route, first.choice.propensity) == ("support", "a/x", 0.8)
    assert (second.choice.route, second.choice.propensity) == ("b/y", pytest.approx(0.2))
    assert first.facts["allocation"]["shares"] == pytest.approx({"a/x": 0.8, "b/y": 0.2})
    assert first.facts["allocation"]["version"] == 1
    assert explain(first)[0].code == "allocated"
    # nothing is known of "rest" yet: all three routes alike
    assert allocation.choose(ROUTES, "globex", "chat").choice.propensity == pytest.approx(1 / 3)


def test_a_stopped_route_is_chosen_no_more_until_it_is_resumed(allocation, clock):
    allocation.put(POLICY)
    with pytest.raises(LookupError):
        allocation.stop("nobody", "a/x", "why")
    with pytest.raises(InputError):
        allocation.stop("support", "gpt", "why")
    allocation.stop("support", "a/x", "It fails.")
    for _ in range(4):
        assert allocation.choose(ROUTES, "acme", "question").choice.route == "b/y"
    assert allocation.stopped_routes("acme", "question") == {"a/x"}
    allocation.stop("support", "b/y", "It fails too.")
    assert allocation.choose(ROUTES, "acme", "question") is None
    clock.go_on(minutes=5)
    assert allocation.resume("support", "a/x") and not allocation.resume("support", "a/x")
    assert allocation.choose(ROUTES, "acme", "question").choice.route == "a/x"
    assert allocation.book.resumes("support") == {"a/x": clock.now}
    assert [each["route"] for each in allocation.stops("support")] == ["b/y"]


def test_a_dry_run_logs_what_really_happens(allocation):
    allocation.put(replace(POLICY, mode="dry_run"))
    allocation.choose(ROUTES, "acme", "question")
    found = allocation.choose(ROUTES, "acme", "question")
    logged = found.facts["allocation"]
    assert (found.followed, logged["route"], logged["propensity"]) == (False, "a/x", 1.0)
    assert logged["would_choose"] == found.choice.route == "b/y"
    assert explain(found)[0].code == "allocation_dry_run"


def test_shares_over_time_begin_with_those_in_force(allocation):
    for hour in range(4):
        allocation.book.note_shares("support", "on", {"a/x": hour / 4}, (), (), NOW + dt.timedelta(
            hours=hour), "console")
    found = allocation.history("support", NOW + dt.timedelta(hours=1, minutes=30),
                               NOW + dt.timedelta(hours=3))
    assert [each.version for each in found] == [2, 3]
    assert allocation.latest("support").shares == {"a/x": 0.75}
    assert allocation.history("nobody", NOW, NOW) == ()
