"""What is planned: triggers and their hold times, bounds, ranking, the way back."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.decisions.optimization.actions import Platform, Route
from brain.decisions.optimization.configuration import Configuration
from brain.decisions.optimization.learning import PastRun, summarize_record
from brain.decisions.optimization.metrics import BETTER, Metric, score_performance
from brain.decisions.optimization.plan import Plan, Situation, decide_plan
from brain.decisions.optimization.strategies import BY_KEY, INVERSE
from brain.decisions.reasons import InputError

WELL = {"cpu_pct": 50.0, "memory_pct": 60.0, "api_latency_p95_ms": 150.0, "error_pct": 0.5,
        "success_pct": 99.5, "throughput_per_s": 900.0, "queue_depth": 0.0}


def plan(rules: Configuration | None = None, platform: Platform | None = None,
         history: tuple[PastRun, ...] = (), only: str = "", running: bool = False,
         **values: Any) -> Plan:
    seen = {name: value if isinstance(value, Metric) else Metric(value)
            for name, value in {**WELL, **values}.items() if value != "missing"}
    return decide_plan(Situation(seen, platform or Platform(
        replicas=4, cache_capacity_bytes=1000, cache_ttl_s=60), history=history, only=only,
        running=running), rules)


def key(found: Plan) -> str:
    return found.strategy.key if found.strategy else ""


def codes(found: Plan, strategy: str = "") -> set[str]:
    reasons = found.reasons if not strategy else next(
        each.reasons for each in found.candidates if each.strategy.key == strategy)
    return {each.code for each in reasons}


@pytest.mark.parametrize(("values", "strategy", "kinds"), [
    ({"cpu_pct": 90}, "proactive_rebalancing", ["resource_rebalance", "cache_optimize"]),
    ({"cpu_pct": 90.1}, "emergency_scale_up", ["scale_up"]),
    ({"memory_pct": 95.1}, "emergency_scale_up", ["scale_up"]),
    ({"error_pct": 5.1, "cpu_pct": 71}, "emergency_scale_up", ["scale_up"]),
    ({"error_pct": 5.1, "queue_depth": 6}, "emergency_scale_up", ["scale_up"]),
    ({"error_pct": 5.1}, "route_away", ["route_optimize"]),
    ({"pool_pct": 100, "queue_depth": 9}, "emergency_scale_up", ["scale_up"]),
    ({"memory_pct": 80.1}, "proactive_rebalancing", ["resource_rebalance", "cache_optimize"]),
    ({"api_latency_p95_ms": 300.1}, "response_time", ["route_optimize", "cache_optimize"]),
    ({"api_latency_p95_ms": "missing", "generation_latency_p95_ms": 2001}, "response_time",
     ["route_optimize", "cache_optimize"]),
    ({"throughput_per_s": 799}, "", []),  # demand is met: a quiet night
    ({"throughput_per_s": 799, "queue_depth": 3}, "throughput", ["scale_up"]),
    ({"throughput_per_s": 799, "cpu_pct": 61}, "throughput", ["scale_up"]),
    ({"cpu_pct": 29, "memory_pct": 39}, "efficiency", ["scale_down"]),
    ({"cpu_pct": 29, "memory_pct": 40}, "", []),
    ({}, "", []),
])
def test_each_strategy_has_its_trigger(values: dict[str, Any], strategy: str,
                                       kinds: list[str]) -> None:
    found = plan(**values)
    assert key(found) == strategy
    assert [each.kind for each in found.actions] == kinds
    assert [each.kind for each in found.rollback] == [INVERSE[kind] for kind in reversed(kinds)]
    assert found.reasons


@pytest.mark.parametrize(("now", "strategy", "then"), [
    (4, {"cpu_pct": 95}, 8), (1, {"cpu_pct": 95}, 2), (200, {"cpu_pct": 95}, 256),  # ×2, bound 256
    (4, {"throughput_per_s": 1, "queue_depth": 1}, 6),  # ×1.5
    (3, {"throughput_per_s": 1, "queue_depth": 1}, 5),  # 4.5, up
    (10, {"cpu_pct": 20, "memory_pct": 20}, 8),  # ×0.8
    (4, {"cpu_pct": 20, "memory_pct": 20}, 3),  # 3.2 would be 4: one less
])
def test_capacity_is_a_bounded_absolute_count(now: int, strategy: dict[str, Any],
                                              then: int) -> None:
    found = plan(platform=Platform(replicas=now), **strategy)
    assert dict(found.actions[0].before) == {"replicas": now}
    assert dict(found.actions[0].after) == {"replicas": then}
    assert dict(found.rollback[0].after) == {"replicas": now}


def test_a_condition_must_hold_for_its_time() -> None:
    def series(*values: float | None) -> Metric:
        return Metric(values[-1], series=tuple((20.0 * n, each) for n, each in enumerate(values)))
    assert plan(cpu_pct=series(50, 95, 95, 95)).strategy is None  # 40 s of 60
    assert codes(plan(cpu_pct=series(50, 95, 95, 95))) >= {"holding", "not_held"}
    assert key(plan(cpu_pct=series(50, 95, 95, 95, 95))) == "emergency_scale_up"
    assert key(plan(cpu_pct=series(50, 95, None, 95, 95))) == "emergency_scale_up"
    assert plan(cpu_pct=series(95, 95, 95, 50, 95)).strategy is None  # it began anew
    assert plan(cpu_pct=Metric(95, held_s=59)).strategy is None
    assert plan(cpu_pct=Metric(95, samples=2)).strategy is None  # too few to be believed


def test_missing_metrics_are_named_and_never_zero() -> None:
    nothing = decide_plan(Situation({}))
    assert nothing.strategy is None and codes(nothing) >= {"not_enough_data"}
    assert nothing.score.score is None
    assert plan(cpu_pct=None, memory_pct=20).strategy is None
    # errors with neither CPU nor slots known: the table's rule, and it says so
    assert codes(plan(error_pct=9, cpu_pct="missing")) >= {"capacity_unknown"}


def test_a_failing_provider_is_routed_away_from_not_scaled() -> None:
    routes = (Route("a", 0.6, 40.0, 300), Route("b", 0.4, 0.5, 400))
    found = plan(platform=Platform(replicas=4, routes=routes), error_pct=20)
    after = found.actions[0].after["routing_weights"]
    assert key(found) == "route_away" and codes(found) >= {"provider_fault"}
    assert after == {"a": 0.1304, "b": 0.8696}  # 0.06 and 0.4 of 0.46
    assert found.expected is not None and found.expected.errors is not None
    assert found.expected.errors.value < 6  # 20 % × 5.65/24.2
    broken = plan(platform=Platform(routes=(Route("a", 1, 40.0), Route("b", 1, 30.0))),
                  error_pct=35)
    assert broken.strategy is None and "no_healthy_route" in codes(broken)


def test_faster_providers_get_more() -> None:
    routes = (Route("a", 0.5, 0, 1000), Route("b", 0.5, 0, 500))
    found = plan(platform=Platform(routes=routes), api_latency_p95_ms=900)
    assert found.actions[0].after["routing_weights"] == {"a": 0.3333, "b": 0.6667}  # 0.375, 0.75


@pytest.mark.parametrize(("history", "values", "code"), [
    (PastRun("emergency_scale_up", 899, capacity="up"), {"cpu_pct": 95}, "cool_down"),
    (PastRun("throughput", 899, capacity="up"), {"cpu_pct": 95}, "capacity_cool_down"),
    (PastRun("emergency_scale_up", 7199, capacity="up"), {"cpu_pct": 9, "memory_pct": 9},
     "no_flip_flop"),
    (PastRun("efficiency", 3599, capacity="down"), {"throughput_per_s": 1, "queue_depth": 1},
     "no_flip_flop"),
    (PastRun("emergency_scale_up", 3599, capacity="up", rolled_back=True), {"cpu_pct": 95},
     "was_rolled_back"),  # 900 s × 4 after the first time
])
def test_what_acted_rests(history: PastRun, values: dict[str, Any], code: str) -> None:
    found = plan(history=(history,), **values)
    assert found.strategy is None or found.strategy.key not in (
        "emergency_scale_up", "throughput", "efficiency")
    assert code in {reason.code for each in found.candidates for reason in each.reasons}
    from dataclasses import replace
    later = replace(history, age_s=history.age_s + 1)
    assert plan(history=(later,), **values).strategy is not None


def test_the_hour_has_two_capacity_actions() -> None:
    runs = tuple(PastRun("throughput", age, capacity="up") for age in (1000, 2500))
    assert "capacity_limit" in codes(plan(history=runs, cpu_pct=95), "emergency_scale_up")
    assert "run_in_progress" in codes(plan(running=True, cpu_pct=95))
    idle = PastRun("emergency_scale_up", 5, verdict="recommended", capacity="up")
    assert key(plan(history=(idle,), cpu_pct=95)) == "emergency_scale_up"


@pytest.mark.parametrize(("cap", "price", "spend", "after", "code"), [
    (100, 1, 4, 8, ""), (7, 1, 4, 7, "cost_cap"), (4, 1, 4, None, "cost_cap"),
    (7, None, 4, 7, "cost_cap"),  # 4 USD for 4: 1 each
    (7, None, "missing", None, "cost_unknown"), (3, 0, 4, None, "cost_cap"), (5, 0, 4, 8, "")])
def test_nothing_passes_the_cost_cap(cap: float, price: float | None, spend: Any,
                                     after: int | None, code: str) -> None:
    rules = Configuration(cost_cap_usd_per_h=cap, replica_usd_per_h=price)
    found = plan(rules, cpu_pct=95, spend_usd_per_h=spend)
    actions = [each for each in found.actions if each.kind == "scale_up"]
    assert [each.after["replicas"] for each in actions] == ([] if after is None else [after])
    assert not code or code in codes(found, "emergency_scale_up")


def test_no_capacity_is_taken_from_who_waits() -> None:
    low = {"cpu_pct": 20.0, "memory_pct": 20.0}
    for worse in ({"queue_depth": 1.0}, {"error_pct": 1.5}, {"api_latency_p95_ms": 301.0}):
        assert "scale_down" not in {each.kind for each in plan(**low, **worse).actions}
    assert plan(platform=Platform(replicas=1), **low).strategy is None


def test_an_actuator_does_only_what_it_can() -> None:
    platform = Platform(replicas=4, cache_capacity_bytes=1000, can=frozenset({"cache_optimize"}))
    found = plan(platform=platform, cpu_pct=75)
    assert [each.kind for each in found.actions] == ["cache_optimize"]
    assert dict(found.actions[0].after) == {"cache_capacity_bytes": 1500}
    assert "no_actuator" in codes(found)


def test_the_record_replaces_the_prior_and_ranks() -> None:
    strategy = BY_KEY["proactive_rebalancing"]
    assert summarize_record(strategy, ()).gain == 0.5
    runs = tuple(PastRun("proactive_rebalancing", 90_000 + age, "cpu_pct", "no_change", gain=0.0)
                 for age in range(27))
    record = summarize_record(strategy, runs, "cpu_pct")
    assert record.gain == pytest.approx(0.05)  # (3 × 0.5 + 27 × 0) / 30
    assert (record.low, record.high, record.success_share) == (0.0, 0.0, 0.0)
    both = {"cpu_pct": 75.0, "api_latency_p95_ms": 400.0}
    assert key(plan(**both)) == "proactive_rebalancing"
    assert key(plan(history=runs, **both)) == "response_time"
    assert {each.state for each in plan(**both).candidates} >= {"chosen", "waiting"}


def test_a_person_may_choose_a_strategy_but_not_pass_a_bound() -> None:
    assert key(plan(only="throughput")) == "throughput"
    recent = (PastRun("emergency_scale_up", 10, capacity="up"),)
    assert plan(only="throughput", history=recent).strategy is None
    with pytest.raises(InputError, match="there is no strategy"):
        plan(only="magic")


def test_the_score_weighs_what_is_known() -> None:
    # success 40, p95 20, errors 20, CPU 5, memory 5; throughput is not counted: of 90
    values = {"cpu_pct": 77.5, "memory_pct": 80.0, "api_latency_p95_ms": 350.0,
              "error_pct": 1.0, "success_pct": 99.0}
    # CPU (85 - 77.5)/15 = 0.5, p95 (500 - 350)/300 = 0.5, the rest 1: (2.5 + 10 + 65) / 90
    assert score_performance(values).score == pytest.approx(77.5 / 90)
    found = score_performance({**values, "cpu_pct": None, "memory_pct": math.nan})
    assert found.score == pytest.approx(70 / 80)
    assert found.missing == ("cpu_pct", "memory_pct")


numbers = st.one_of(st.none(), st.floats(allow_nan=True), st.floats(0, 100))


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from([*BETTER, "other"]), numbers),
       st.integers(0, 70), st.floats(0, 5) | st.none(), st.lists(st.tuples(
           st.sampled_from([*BY_KEY]), st.floats(0, 1e5), st.sampled_from(["", "up", "down"]),
           st.booleans()), max_size=4))
def test_any_input_is_planned_within_bounds_or_refused(
        values: dict[str, float | None], replicas: int, cap: float | None,
        past: list[tuple[str, float, Any, bool]]) -> None:
    rules = Configuration(cost_cap_usd_per_h=cap, replica_usd_per_h=0.1)
    history = tuple(PastRun(name, age, capacity=way, rolled_back=back)
                    for name, age, way, back in past)
    try:
        found = decide_plan(Situation({name: Metric(each) for name, each in values.items()},
                                      Platform(replicas=replicas), history=history), rules)
    except InputError as error:
        assert error.field in values
        return
    assert found.reasons and len(found.candidates) == 5
    assert sum(each.kind in ("scale_up", "scale_down") for each in found.actions) <= 1
    for each in found.actions:
        if each.kind == "scale_up":
            after = each.after["replicas"]
            assert after <= max(replicas, 256)
            spend = values.get("spend_usd_per_h")
            spend = replicas * 0.1 if spend is None else spend
            assert cap is None or spend + (after - replicas) * 0.1 <= cap + 1e-6
        if each.kind == "scale_down":
            assert 1 <= each.after["replicas"] < replicas
    if any(run.age_s < 900 and run.capacity for run in history):
        assert not any(each.kind in ("scale_up", "scale_down") for each in found.actions)
