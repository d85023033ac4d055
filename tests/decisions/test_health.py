"""The health score: each expected number with its arithmetic beside it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.decisions.health import (
    WEIGHTS,
    Demand,
    judge_demand,
    score_metric,
    summarize_health,
)
from brain.decisions.reasons import InputError
from brain.decisions.targets import TARGETS, with_overrides

WELL = {"availability_pct": 99.95, "api_latency_p95_ms": 180.0, "error_pct": 0.5,
        "cpu_pct": 40.0, "memory_pct": 60.0, "disk_pct": 50.0}


@pytest.mark.parametrize(("metric", "value", "points"), [
    ("api_latency_p95_ms", 200, 100), ("api_latency_p95_ms", 500, 0),
    ("api_latency_p95_ms", 350, 50),     # (500 - 350) / (500 - 200)
    ("api_latency_p95_ms", 9000, 0), ("api_latency_p95_ms", 0, 100),
    ("availability_pct", 99.45, 50),     # (99.45 - 99) / (99.9 - 99)
    ("error_pct", 2, 75),                # (5 - 2) / (5 - 1)
    ("throughput_per_s", 750, 50),       # no critical: 0 at 500, half of 1000
    ("throughput_per_s", 500, 0),
    ("disk_pct", 85, 50),                # (95 - 85) / (95 - 75)
])
def test_points_fall_from_target_to_critical(metric, value, points):
    assert score_metric(TARGETS[metric], value) == pytest.approx(points)


def test_a_metric_without_critical_where_lower_is_better_reaches_zero_at_twice_its_target():
    changed = with_overrides([{"metric": "api_latency_p95_ms", "critical": "none"}])
    assert score_metric(changed["api_latency_p95_ms"], 300) == pytest.approx(50)  # (400-300)/200


def test_on_target_is_a_hundred():
    found = summarize_health(WELL)
    assert found.score == 100
    assert found.unknown == ()
    assert [reason.code for reason in found.reasons] == ["on_target"]


def test_weighs_the_parts():
    found = summarize_health({"availability_pct": 99.45, "api_latency_p95_ms": 350,
                              "error_pct": 2, "cpu_pct": 85})
    # 50 x 0.40 + 50 x 0.30 + 75 x 0.20 + 0 x 0.10 = 20 + 15 + 15 + 0
    assert found.score == pytest.approx(50)
    # 50 x 0.40, 50 x 0.30, 25 x 0.20, 100 x 0.10
    assert [part.cost for part in found.parts] == pytest.approx([20, 15, 5, 10])


def test_generation_latency_stands_in_by_its_own_targets():
    alone = {"availability_pct": 99.9, "error_pct": 1, "generation_latency_p95_ms": 2250}
    # (3000 - 2250) / (3000 - 1500) = 50; 40 + 50 x 0.30 + 20 of 90 known points
    assert summarize_health(alone).score == pytest.approx(100 * 75 / 90)
    both = alone | {"api_latency_p95_ms": 200}
    assert summarize_health(both).score == 100


def test_resources_are_their_worst():
    found = summarize_health(WELL | {"cpu_pct": 77.5, "memory_pct": 88.0, "disk_pct": 80.0})
    # cpu (85-77.5)/15 = 50, memory (90-88)/10 = 20, disk (95-80)/20 = 75: worst 20
    assert found.parts[3].score == pytest.approx(20)
    assert found.score == pytest.approx(92)  # 100 - 80 x 0.10


def test_unknown_parts_give_their_weight_to_the_others():
    found = summarize_health({"availability_pct": 99.45, "error_pct": 1})
    # availability 40 of 60, errors 20 of 60: (50 x 40 + 100 x 20) / 60
    assert found.score == pytest.approx(66.6667, abs=1e-4)
    assert found.unknown == ("performance", "resources")
    assert "67, performance, resources unknown." in [reason.text for reason in found.reasons]


def test_no_score_without_availability_and_errors():
    found = summarize_health({"api_latency_p95_ms": 100, "cpu_pct": 10})
    assert found.score is None
    assert found.reasons[0].code == "not_enough_data"
    assert found.statuses["availability_pct"] == "unknown"
    assert summarize_health({}).score is None


def test_one_of_availability_and_errors_is_enough():
    assert summarize_health({"error_pct": 1}).score == 100
    assert summarize_health({"availability_pct": 99}).score == 0


def test_success_stands_in_for_unknown_errors():
    assert summarize_health({"success_pct": 97}).score == pytest.approx(50)  # (97-95)/(99-95)
    assert summarize_health({"success_pct": 97, "error_pct": 1}).score == 100


def test_throughput_counts_only_while_demand_is_unmet():
    quiet = summarize_health(WELL | {"throughput_per_s": 3.0})
    assert quiet.score == 100
    assert quiet.statuses["throughput_per_s"] == "ok"
    assert "throughput_not_counted" in [reason.code for reason in quiet.reasons]
    busy = summarize_health(WELL | {"throughput_per_s": 750.0}, demand_unmet=True)
    assert busy.parts[1].score == pytest.approx(75)  # mean of latency 100 and throughput 50
    assert busy.score == pytest.approx(92.5)         # 100 - 25 x 0.30


@pytest.mark.parametrize(("values", "field"), [
    ({"error_pct": math.nan}, "error_pct"), ({"error_pct": math.inf}, "error_pct"),
    ({"error_pct": -1}, "error_pct"), ({"cpu_pct": 101}, "cpu_pct"), ({"cpu": 1}, "cpu"),
])
def test_refuses_what_cannot_be(values, field):
    with pytest.raises(InputError) as caught:
        summarize_health(values)
    assert caught.value.field == field


def _value(metric):
    return st.floats(0, 100 if TARGETS[metric].unit == "%" else 1e308)


SCORED = ("availability_pct", "api_latency_p95_ms", "throughput_per_s", "error_pct", "cpu_pct",
          "memory_pct", "disk_pct")
VALUES = st.fixed_dictionaries({}, optional={
    metric: st.none() | _value(metric) for metric in TARGETS})


@given(VALUES, st.booleans())
def test_the_score_stays_inside_0_and_100_and_equals_its_parts(values, demand_unmet):
    found = summarize_health(values, demand_unmet=demand_unmet)
    if values.get("availability_pct") is None and values.get("error_pct") is None \
            and values.get("success_pct") is None:
        assert found.score is None
        return
    assert 0 <= found.score <= 100
    assert found.score == pytest.approx(sum(part.weight_pct * part.score / 100
                                            for part in found.parts if part.score is not None))
    assert sum(part.weight_pct for part in found.parts) == pytest.approx(100)
    assert set(found.unknown) == {part.name for part in found.parts if part.score is None}
    assert found.reasons


@given(VALUES.filter(lambda values: values.get("availability_pct") is not None),
       st.sampled_from(SCORED), st.data())
def test_a_better_value_never_lowers_the_score(values, metric, data):
    worse, better = sorted(data.draw(st.tuples(_value(metric), _value(metric))),
                           reverse=TARGETS[metric].better == "lower")
    low = summarize_health(values | {metric: worse}, demand_unmet=True).score
    high = summarize_health(values | {metric: better}, demand_unmet=True).score
    assert high >= low - 1e-9


@given(VALUES.filter(lambda values: values.get("availability_pct") is not None),
       st.sampled_from(["performance", "errors", "resources"]))
def test_losing_a_part_never_raises_the_score_above_the_best_known_part(values, lost):
    full = summarize_health(values)
    gone = {part.name: part for part in full.parts}[lost]
    standing_in = {"errors": {"error_pct", "success_pct"}, "performance":
                   {"api_latency_p95_ms", "generation_latency_p95_ms"}}
    removed = standing_in.get(lost, set()) | set(gone.metrics)
    rest = summarize_health({metric: value for metric, value in values.items()
                             if metric not in removed})
    assert lost in rest.unknown
    if gone.score is not None and gone.score >= full.score:
        assert rest.score <= full.score + 1e-9
    assert rest.score <= max(part.score for part in rest.parts if part.score is not None) + 1e-9


@given(VALUES)
def test_an_unknown_metric_is_never_green(values):
    found = summarize_health(values)
    assert all((values.get(metric) is None) == (status == "unknown")
               for metric, status in found.statuses.items())


def test_weights_are_those_of_the_specification():
    assert dict(WEIGHTS) == {"availability": 40, "performance": 30, "errors": 20, "resources": 10}


@pytest.mark.parametrize(("seen", "unmet", "codes"), [
    (Demand(), False, ["demand_unknown"]),
    (Demand(rejected=0, queued=0.0, capacity_pct=60.0), False, ["demand_met"]),  # not above 60
    (Demand(capacity_pct=60.1), True, ["capacity_in_use"]),
    (Demand(rejected=1), True, ["requests_rejected"]),
    (Demand(queued=3.0, capacity_pct=10.0), True, ["requests_queued"]),
    (Demand(2, 3.0, 99.0), True, ["requests_rejected", "requests_queued", "capacity_in_use"]),
])
def test_demand_is_unmet_by_any_sign(seen, unmet, codes):
    verdict = judge_demand(seen)
    assert verdict.unmet is unmet
    assert [reason.code for reason in verdict.reasons] == codes


@given(st.builds(Demand, st.none() | st.integers(-5, 5), st.none() | st.floats(),
                 st.none() | st.floats()))
def test_every_demand_has_a_verdict_with_reasons_or_a_named_fault(seen):
    try:
        verdict = judge_demand(seen)
    except InputError as error:
        assert error.field in {"rejected", "queued", "capacity_pct"}
    else:
        assert verdict.reasons
        assert verdict.unmet == bool(seen.rejected or seen.queued or (seen.capacity_pct or 0) > 60)


def test_slow_throughput_costs_points_only_while_demand_is_unmet():
    slow = WELL | {"throughput_per_s": 500.0}  # half of its target: no points
    assert summarize_health(slow, demand_unmet=False).score == 100
    # performance is the mean of 100 and 0, which costs half of its 30 points
    assert summarize_health(slow, demand_unmet=True).score == pytest.approx(85)
