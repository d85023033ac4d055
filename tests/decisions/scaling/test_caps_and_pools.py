"""Cost caps and the pools beside pods."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.decisions.reasons import InputError
from brain.decisions.scaling.caps import CostCap, decide_within_cap
from brain.decisions.scaling.pools import (
    FUNCTION_POLICIES,
    CacheMinute,
    check_quota,
    decide_cache_shards,
    decide_database_instances,
    decide_provisioned_concurrency,
    size_connection_pool,
)


def cap(limit=100, spent=40, left_h=10, price="0.5"):
    return CostCap("production", Decimal(limit), Decimal(spent), Decimal(left_h), Decimal(price))


def test_pays_for_as_many_as_the_rest_allows():
    # 60 USD are left; a replica costs 10 h x 0.5 = 5 USD: 12 of them
    found = decide_within_cap(20, 10, cap())
    assert (found.replicas, found.alert) == (12, False)
    assert found.lift_usd == 40  # 20 x 5 - 60
    short = decide_within_cap(20, 15, cap())
    assert (short.replicas, short.alert, [each.code for each in short.reasons]) == (
        12, True, ["CostCap", "CapCostsObjective"])
    assert decide_within_cap(12, 12, cap()).reasons[0].code == "WithinCap"
    assert decide_within_cap(5, 5, cap(spent=200)).replicas == 0
    assert decide_within_cap(5, 5, cap(left_h=0)).replicas == 5


@given(st.integers(0, 500), st.integers(0, 500), st.decimals(0, 1000, places=2),
       st.decimals(0, 1000, places=2), st.decimals(0, 100, places=1), st.decimals(0, 5, places=3))
def test_nothing_passes_the_cap(wanted, needed, limit, spent, left_h, price):
    given_cap = CostCap("x", limit, spent, left_h, price)
    found = decide_within_cap(wanted, needed, given_cap)
    assert 0 <= found.replicas <= wanted
    assert found.replicas * price * left_h <= max(Decimal(0), limit - spent)
    assert found.alert == (needed > found.replicas) or found.reasons[0].code == "WithinCap"


def test_refuses_amounts_below_zero():
    for wrong in (cap(spent=-1), cap(price="NaN")):
        with pytest.raises(InputError):
            decide_within_cap(1, 1, wrong)
    with pytest.raises(InputError):
        decide_within_cap(-1, 1, cap())


def test_connections_are_shared_by_the_instances():
    assert size_connection_pool(100, 3).size == 20  # 0.6 x 100 / 3
    assert size_connection_pool(2, 5).size == 1
    assert [each.code for each in size_connection_pool(2, 5).alarms] == ["TooManyInstances"]
    with pytest.raises(InputError):
        size_connection_pool(0, 1)


@pytest.mark.parametrize(("figures", "size", "code"), [
    ((60, 70, 20, 2), 2, "Hold"), ((60.1, 0, 50, 0), 3, "CpuHigh"),
    ((0, 70.1, 50, 0), 3, "ConnectionsHigh"), ((0, 0, 19.9, 0), 3, "MemoryLow"),
    ((0, 0, 50, 2.1), 3, "LagHigh"), ((None, None, None, None), 2, "Hold"),
    ((None, None, 0, None), 3, "MemoryLow")])
def test_a_database_grows_past_any_level(figures, size, code):
    found = decide_database_instances(2, *figures)
    assert (found.size, found.reasons[0].code) == (size, code)


def test_a_database_stays_at_its_maximum_with_an_alarm():
    found = decide_database_instances(5, 99, None, None, None)
    assert (found.size, found.reasons[0].code, found.alarms[0].code) == (5, "AtMaximum", "CpuHigh")


@pytest.mark.parametrize(("minutes", "size"), [
    ([CacheMinute(76, 10, 0, 5)] * 10, 4), ([CacheMinute(76, 10, 0, 5)] * 9, 3),
    ([CacheMinute(75, 10, 0, 5)] * 10, 3), ([CacheMinute(10, 61, 0, 5)] * 5, 4),
    ([CacheMinute(10, 61, 0, 5)] * 4, 3),
    ([CacheMinute(10, 10, 1, 5), CacheMinute(10, 10, 0, 6)], 4),
    ([CacheMinute(10, 10, 1, 6), CacheMinute(10, 10, 1, 5)], 3), ([], 3)])
def test_a_cache_gets_a_shard_after_long_enough(minutes, size):
    assert decide_cache_shards(3, minutes).size == size


@pytest.mark.parametrize(("provisioned", "busy", "size"), [
    (20, 15, 20),    # 0.75
    (20, 18, 24),    # 0.9: 18 / 0.75
    (20, 9, 12),     # 0.45: 9 / 0.75
    (20, 1, 10),     # not below 10
    (40, 45, 50),    # not above 50
    (0, 5, 10)])
def test_functions_keep_their_utilization(provisioned, busy, size):
    found = decide_provisioned_concurrency(provisioned, busy, 0, FUNCTION_POLICIES["production"])
    assert found.size == size


def test_any_throttle_is_an_alarm():
    found = decide_provisioned_concurrency(20, 15, 1, FUNCTION_POLICIES["production"])
    assert [each.code for each in found.alarms] == ["Throttled"]
    assert decide_provisioned_concurrency(0, 0, 0, FUNCTION_POLICIES["development"]).size == 0


@pytest.mark.parametrize(("used", "asked", "granted", "code", "alarm"), [
    (10, 5, 5, "WithinQuota", False), (70, 10, 10, "WithinQuota", True),
    (95, 10, 5, "QuotaExceeded", True), (120, 1, 0, "QuotaExceeded", True),
    (69, 10, 10, "WithinQuota", False)])
def test_quotas_are_checked_before(used, asked, granted, code, alarm):
    found = check_quota(used, asked, 100, "cpus")
    assert (found.size, found.reasons[0].code, bool(found.alarms)) == (granted, code, alarm)
