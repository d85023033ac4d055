"""The table of targets: statuses, overrides, and what is refused."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.decisions.reasons import InputError
from brain.decisions.targets import TARGETS, check_value, judge, with_overrides


@pytest.mark.parametrize(("metric", "value", "status"), [
    ("cpu_pct", 70, "ok"),                # on the warning level: not past it
    ("cpu_pct", 70.1, "warning"),
    ("cpu_pct", 85, "warning"),           # on the critical level: not past it
    ("cpu_pct", 85.1, "critical"),
    ("memory_pct", 76, "warning"),        # the warning (75) stands before the target (80)
    ("availability_pct", 99.9, "ok"),
    ("availability_pct", 99.5, "warning"),
    ("availability_pct", 98.9, "critical"),
    ("cache_hit_pct", 70, "ok"),          # below its target 85, above its warning 65
    ("throughput_per_s", 0, "warning"),   # no critical level
    ("replication_lag_ms", 2001, "critical"),
    ("pods_running", 3, "ok"), ("pods_running", 10, "ok"),
    ("pods_running", 2, "warning"), ("pods_running", 11, "warning"),
    ("error_pct", None, "unknown"),
])
def test_judges_a_value_by_its_levels(metric, value, status):
    assert judge(TARGETS[metric], value) == status


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.1, 100.1, 10**400])
def test_refuses_a_value_no_percentage_can_have(value):
    with pytest.raises(InputError) as caught:
        check_value(TARGETS["cpu_pct"], value)
    assert caught.value.field == "cpu_pct"


def test_a_pool_may_overflow():
    assert judge(TARGETS["db_connections_pct_of_pool"], 130) == "critical"


def test_an_override_changes_only_what_it_names():
    changed = with_overrides([{"metric": "cpu_pct", "target": "60", "warning": None}])
    assert (changed["cpu_pct"].target, changed["cpu_pct"].warning) == (60, 70)
    assert changed["disk_pct"] is TARGETS["disk_pct"]
    assert TARGETS["cpu_pct"].target == 70


def test_a_level_can_be_removed_and_a_range_moved():
    changed = with_overrides([{"metric": "cpu_pct", "critical": "none"},
                              {"metric": "pods_running", "target": "2–20"}])
    assert changed["cpu_pct"].critical is None
    assert changed["cpu_pct"].worst == 140  # twice the target 70
    assert (changed["pods_running"].low, changed["pods_running"].high) == (2, 20)


@pytest.mark.parametrize(("row", "field"), [
    ({"metric": "cpu"}, "metric"),
    ({"metric": "cpu_pct", "target": "high"}, "target"),
    ({"metric": "cpu_pct", "target": "nan"}, "target"),
    ({"metric": "cpu_pct", "target": "none"}, "target"),
    ({"metric": "cpu_pct", "warning": 101}, "warning"),
    ({"metric": "cpu_pct", "target": 85}, "target"),          # equal to critical
    ({"metric": "cpu_pct", "warning": 90}, "warning"),        # past critical 85
    ({"metric": "availability_pct", "critical": 99.95}, "target"),
    ({"metric": "throughput_per_s", "target": 0}, "target"),  # half of 0 is 0
    ({"metric": "pods_running", "target": "ten"}, "target"),
    ({"metric": "pods_running", "target": "9-3"}, "target"),
    ({"metric": "pods_running", "warning": 3}, "warning"),
])
def test_refuses_an_override_that_makes_no_sense(row, field):
    with pytest.raises(InputError) as caught:
        with_overrides([row])
    assert caught.value.field == field


LEVELS = st.one_of(st.none(), st.text("0123456789.-–+e naif"), st.floats(), st.integers())


@given(st.fixed_dictionaries({"metric": st.sampled_from([*sorted(TARGETS), "", "no such"])},
                             optional={"target": LEVELS, "warning": LEVELS, "critical": LEVELS}))
def test_any_override_is_taken_or_refused_with_a_field(row):
    try:
        with_overrides([row])
    except InputError as error:
        assert error.field in {"metric", "target", "warning", "critical"}
