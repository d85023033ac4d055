"""Right-sizing beyond Kubernetes' own cases: bounds, cost, conflicts, any history."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.decisions.reasons import InputError
from brain.decisions.scaling.histograms import ExponentialBuckets, Histogram, LinearBuckets
from brain.decisions.scaling.manifests import read_hpa
from brain.decisions.scaling.quantities import MAX_INT64
from brain.decisions.scaling.rightsizing import (
    ContainerPolicy,
    EstimateSettings,
    count_evictable,
    estimate_cost,
    find_conflicts,
    recommend_resources,
    scale_limit,
)
from brain.decisions.scaling.usage import DAY_S, ContainerWindow, Usage

MIB = 2**20


def steady(days, millicores=500, mebibytes=400):
    """A container that used the same for some days, at one sample a minute."""
    usage = Usage()
    window = ContainerWindow(usage)
    for minute in range(int(days * 1440) + 1):
        window.add_cpu(millicores, minute * 60.0)
        window.add_memory(mebibytes * MIB, minute * 60.0)
    return usage


def test_recommends_the_percentile_and_its_margin():
    (found,) = recommend_resources({"api": steady(2)})
    # 0.5 core lies in bucket 25 of ratio 1.05 (0.01 x (1.05^25 - 1) / 0.05 = 0.4773), whose end is
    # 0.01 x (1.05^26 - 1) / 0.05 = 0.5113: 511 m and 15 % of it cut to 76 m
    assert found.target["cpu"] == 511 + 76
    assert found.uncapped == found.target
    # two days of one sample a minute: confidence 2, so the upper bound is half as high again
    assert found.upper["cpu"] == int(587 * (1 + 1 / 2))
    assert found.lower["cpu"] == int(587 * (1 + 0.001 / 2) ** -2)


def test_without_history_it_bounds_nothing():
    (found,) = recommend_resources({"api": Usage()})
    assert found.target == {"cpu": 25, "memory": 250 * MIB * 1000}
    assert found.lower == found.target == found.upper  # 0 x infinity is no number: the least
    (short,) = recommend_resources({"api": steady(0)})
    assert short.upper["cpu"] == 10**14  # one sample, no time between the first and the last
    assert short.lower["cpu"] == 25


def test_the_least_amounts_are_shared_by_the_containers():
    two = recommend_resources({"a": Usage(), "b": Usage()})
    assert [each.target for each in two] == [{"cpu": 12, "memory": 125 * MIB * 1000}] * 2
    with pytest.raises(InputError):
        recommend_resources({"a": Usage()}, containers_per_pod=0)


def test_policies_bound_rounding_and_whole_cores():
    usages = {"api": steady(1), "side": steady(1), "off": steady(1)}
    policies = {"api": ContainerPolicy({"cpu": 2000}, {"memory": 300 * MIB * 1000}),
                "*": ContainerPolicy(controlled=("cpu",)), "off": ContainerPolicy(mode="Off")}
    api, side = recommend_resources(
        usages, policies, EstimateSettings(round_cpu_millicores=100), {"cpu": 550}, ["side"])
    # min 2000 m is raised first, then the global 550 m caps, as the policy has no such maximum
    assert api.target == {"cpu": 550, "memory": 300 * MIB * 1000}
    assert side.target == {"cpu": 1000}  # 587 -> 600 by the scale -> 550 by the cap -> 1 core


def test_a_kill_raises_memory_by_a_fifth_or_by_100_mib():
    usage = Usage()
    window = ContainerWindow(usage)
    assert window.add_memory(1000 * MIB, 0.0)
    assert window.add_oom(900 * MIB, 60.0)  # max(1000 + 100, 1000 x 1.2) = 1200 MiB
    assert window.oom_peak == 1200 * MIB
    assert window.add_oom(900 * MIB, 120.0)  # from 1000 again, not from the last estimate
    assert window.oom_peak == 1200 * MIB
    assert not window.add_oom(900 * MIB, -2 * DAY_S)  # too old


def test_old_samples_fade():
    histogram = Histogram(LinearBuckets(10, 1, 1e-15), half_life_s=3600.0)
    histogram.add(2, 1000, 0)
    histogram.add(1, 1, 20 * 3600.0)  # 2^20 is more than 1000
    assert histogram.percentile(0.99) == 2
    old, new = (Histogram(LinearBuckets(10, 1, 1e-15), half_life_s=3600.0) for _ in range(2))
    old.add(2, 1000, 0)
    new.add(1, 1, 200 * 3600.0)
    old.merge(new)
    assert old.percentile(0.99) == 2
    with pytest.raises(ValueError):
        old.merge(Histogram(LinearBuckets(10, 1, 1e-15)))


def test_usages_of_one_name_are_put_together():
    first, second = steady(1), steady(2)
    first.merge(second)
    assert (first.samples, first.first_s, first.last_s) == (1441 + 2881, 0.0, 2 * DAY_S)
    assert not first.expired(9.9 * DAY_S)
    assert first.expired(10 * DAY_S)
    assert not Usage().expired(1e12)


@pytest.mark.parametrize(("limit", "old_request", "recommended", "default", "expected"), [
    (2000, 1000, 500, None, 1000), (None, 1000, 500, None, None), (None, 1000, 500, 3000, 1500),
    (2000, None, 500, None, 500), (1000, 1000, 500, None, 500), (2000, 1000, 0, None, None),
    (2**62, 1, 2**40, None, MAX_INT64)])
def test_limits_keep_their_proportion(limit, old_request, recommended, default, expected):
    assert scale_limit(limit, old_request, recommended, default)[0] == expected


def test_costs_requests_of_all_replicas():
    effect = estimate_cost({"cpu": 2000, "memory": 4 * 2**30 * 1000},
                           {"cpu": 500, "memory": 2**30 * 1000}, 3, Decimal("0.04"),
                           Decimal("0.005"))
    assert effect.before_usd_per_h == Decimal("0.3")    # 3 x (2 x 0.04 + 4 x 0.005)
    assert effect.after_usd_per_h == Decimal("0.075")   # 3 x (0.5 x 0.04 + 1 x 0.005)
    assert effect.saving_usd_per_month == Decimal("164.25")  # 0.225 x 730


def test_never_beside_an_hpa_on_the_same_metric():
    hpa = read_hpa({"spec": {"maxReplicas": 3, "metrics": [{"type": "Resource", "resource": {
        "name": "cpu", "target": {"averageUtilization": 50}}}]}})
    assert [each.code for each in find_conflicts(hpa, ("cpu", "memory"), "Auto")] == [
        "DeprecatedMode", "HpaConflict"]
    assert find_conflicts(hpa, ("memory",), "Recreate") == ()
    assert find_conflicts(hpa, ("cpu",), "Off") == ()
    assert find_conflicts(None, ("cpu",), "Initial") == ()


@pytest.mark.parametrize(("replicas", "healthy", "min_available", "expected"), [
    (5, 5, 2, 2), (3, 3, 2, 1), (2, 2, 2, 0), (1, 1, 0, 0), (5, 4, 2, 1), (5, 2, 2, 0)])
def test_evicts_no_more_than_the_disruption_budget_allows(replicas, healthy, min_available,
                                                          expected):
    assert count_evictable(replicas, healthy, min_available) == expected


BUCKETS = st.sampled_from([LinearBuckets(10, 1, 1e-9), ExponentialBuckets(500, 40, 1.5, 1e-9)])
SAMPLES = st.lists(st.tuples(st.floats(0, 1000), st.floats(0.01, 100), st.integers(0, 10**7)),
                   min_size=1, max_size=30)


@given(BUCKETS, SAMPLES, st.sampled_from([None, 3600.0, DAY_S]))
def test_percentiles_rise_and_survive_a_checkpoint(buckets, samples, half_life_s):
    histogram = Histogram(buckets, half_life_s)
    for value, weight, at_s in sorted(samples, key=lambda each: each[2]):
        histogram.add(value, weight, at_s)
    found = [histogram.percentile(share / 10) for share in range(11)]
    assert found == sorted(found)
    restored = Histogram(buckets, half_life_s)
    restored.load(histogram.save())
    assert restored.total_weight == pytest.approx(histogram.total_weight, rel=1e-3)
    assert restored.reference_s == histogram.reference_s


EVENTS = st.lists(st.tuples(st.sampled_from(["cpu", "memory", "oom"]), st.integers(-5, 10**13),
                            st.integers(0, 20 * 86_400)), max_size=40)


@given(EVENTS, st.integers(1, 5))
def test_any_history_gives_ordered_bounds(events, per_pod):
    usage = Usage()
    window = ContainerWindow(usage)
    for kind, amount, at_s in events:
        getattr(window, f"add_{kind}")(amount, float(at_s))
    (found,) = recommend_resources({"api": usage}, containers_per_pod=per_pod)
    for resource in ("cpu", "memory"):
        assert 0 < found.lower[resource] <= found.target[resource] <= found.upper[resource]


