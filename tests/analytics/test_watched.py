"""Figures of watched servers: each expected number with its arithmetic beside it."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.watched import (
    Counted,
    counters,
    kubernetes_figures,
    postgres_figures,
    rate_per_s,
    redis_figures,
    replication_lag_ms,
)

NOW = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)


def at(seconds: float, **values: Any) -> Counted:
    """What was counted so many seconds before NOW."""
    return Counted(NOW - dt.timedelta(seconds=seconds), values)


def test_rates_are_growth_over_the_time_between() -> None:
    assert rate_per_s("n", at(0, n=30), [at(20, n=0), at(10, n=10)]) == 2.0  # 20 in 10 s
    assert rate_per_s("n", at(0, n=30), []) is None
    assert rate_per_s("n", at(0, n=5), [at(10, n=10)]) is None  # set back: who knows how much
    assert rate_per_s("n", at(0), [at(10, n=10)]) is None
    assert rate_per_s("n", at(0, n=30), [at(0, n=10)]) is None  # no time has passed
    assert rate_per_s("n", at(0, n=30), [at(10, n=10), at(0.5, n=29)]) == 2.0  # a second at least


def test_hit_ratio_is_that_of_ten_minutes_else_since_the_start() -> None:
    now = at(0, hits=1_000, misses=500)
    assert redis_figures(now)["cache_hit_pct"] == pytest.approx(100 * 1_000 / 1_500)
    # in the last ten minutes: 10 hits, 90 misses; what is older does not count
    past = [at(3_600, hits=0, misses=0), at(600, hits=990, misses=410),
            at(10, hits=999, misses=499)]
    assert redis_figures(now, past)["cache_hit_pct"] == pytest.approx(10.0)
    quiet = [at(600, hits=1_000, misses=500)]  # no look-ups since: the start counts again
    assert redis_figures(now, quiet)["cache_hit_pct"] == pytest.approx(100 * 1_000 / 1_500)
    assert redis_figures(at(0, hits=0, misses=0))["cache_hit_pct"] is None


def test_memory_has_a_share_only_where_it_has_a_limit() -> None:
    assert redis_figures(at(0, used_memory_bytes=30, max_memory_bytes=120))[
        "cache_memory_pct"] == 25.0
    assert redis_figures(at(0, used_memory_bytes=30, max_memory_bytes=0))[
        "cache_memory_pct"] is None


def test_evictions_are_per_second() -> None:
    assert redis_figures(at(0, evicted_keys=150), [at(10, evicted_keys=100)])[
        "cache_evictions_per_s"] == 5.0


def test_connections_are_a_share_of_those_allowed() -> None:
    found = postgres_figures(at(0, max_connections=200, connections=(
        {"state": "idle", "connections": 20}, {"state": "active", "connections": 10})))
    assert (found["db_connections"], found["db_connections_pct_of_pool"]) == (30.0, 15.0)
    assert postgres_figures(at(0))["db_connections"] is None


def test_slow_statements_are_per_hour_of_at_least_a_minute() -> None:
    now = at(0, slow_calls=12)
    assert postgres_figures(now, [at(1_800, slow_calls=10)])["db_slow_queries_per_h"] == 4.0
    assert postgres_figures(now, [at(30, slow_calls=10)])["db_slow_queries_per_h"] is None
    # the reading of two hours ago is too old; that of an hour ago counts
    assert postgres_figures(now, [at(7_200, slow_calls=0), at(3_600, slow_calls=11)])[
        "db_slow_queries_per_h"] == 1.0
    assert postgres_figures(now, [at(1_800, slow_calls=20), at(600, slow_calls=9)])[
        "db_slow_queries_per_h"] == 18.0  # set back in between: 3 in ten minutes


@pytest.mark.parametrize(("values", "lag_ms"), [
    ({}, None), ({"replicas": ()}, None),
    ({"replicas": ({"lag_ms": None, "lag_bytes": 0},)}, 0.0),  # caught up
    ({"replicas": ({"lag_ms": None, "lag_bytes": 9},)}, None),  # behind, who knows how long
    ({"replicas": ({"lag_ms": 5.0, "lag_bytes": 9}, {"lag_ms": 70.0, "lag_bytes": 1})}, 70.0),
    ({"is_standby": True, "standby_lag_ms": 12.0, "replicas": ()}, 12.0),
])
def test_lag_is_that_of_the_slowest_standby(values: dict[str, Any], lag_ms: float | None) -> None:
    assert replication_lag_ms(values) == lag_ms


def test_pods_by_phase_and_new_restarts() -> None:
    now = at(0, pods={"Running": 3, "Pending": 1, "Failed": 0}, restarts=9)
    assert kubernetes_figures(now, [at(10, restarts=7)]) == {
        "pods_running": 3.0, "pods_pending": 1.0, "pods_failed": 0.0, "pod_restarts": 2.0}
    assert kubernetes_figures(at(0))["pods_running"] is None


NUMBERS = st.none() | st.integers(0, 10**15) | st.booleans() | st.text(max_size=3)
VALUES = st.fixed_dictionaries({}, optional=dict.fromkeys(
    ("hits", "misses", "evicted_keys", "used_memory_bytes", "max_memory_bytes",
     "connected_clients", "transactions", "calls", "slow_calls", "blocks_hit", "blocks_read",
     "index_blocks_hit", "index_blocks_read", "max_connections", "restarts"), NUMBERS))


@given(VALUES, st.lists(st.tuples(st.floats(-10, 1e5), VALUES), max_size=3))
def test_figures_are_unknown_or_numbers_that_can_be(
        values: dict[str, Any], past: list[tuple[float, dict[str, Any]]]) -> None:
    before = [at(seconds, **counters(each)) for seconds, each in past]
    for figures in (redis_figures, postgres_figures, kubernetes_figures):
        for name, value in figures(at(0, **values), before).items():
            assert value is None or value >= 0, name
            if value is not None and name.endswith("_hit_pct"):
                assert value <= 100
