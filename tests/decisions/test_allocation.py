"""Traffic among routes: shares, floors, harm that is beyond doubt, choices with propensities."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.decisions.allocation import (
    AllocationPolicy,
    RouteSeen,
    belief_of,
    check_allocation,
    choose_route,
    decide_shares,
    find_harm,
    harm_evidence,
)
from brain.decisions.reasons import InputError

POLICY = AllocationPolicy("p", mode="on", floor_ratio=0.05)
GOOD = RouteSeen("a/good", 200, 160, 160, choices=200, errors=4, rated=200, rated_sum=160)
POOR = RouteSeen("b/poor", 200, 100, 100, choices=200, errors=4, rated=200, rated_sum=100)


def test_the_better_route_gets_the_traffic_and_the_other_its_floor():
    found = decide_shares((GOOD, POOR), POLICY, {})
    assert found.moved and found.stopped == {}
    # 0.8 against 0.5 of 200 answers: beyond doubt
    assert found.shares == pytest.approx({"a/good": 0.95, "b/poor": 0.05}, abs=1e-3)
    again = decide_shares((GOOD, POOR), POLICY, found.shares)
    assert not again.moved
    assert again.reasons[-1].code == "shares_hold"


def test_cost_and_latency_count_as_declared():
    dear = replace(GOOD, cost_usd=0.05, latency_s=3.0)
    cheap = replace(POOR, cost_usd=0.001, latency_s=0.5)
    assert decide_shares((dear, cheap), POLICY, {}).shares["a/good"] > 0.9
    # 0.3 more quality; 0.049 USD at 10 a USD is 0.49 more cost
    by_cost = replace(POLICY, reward_per_usd=10.0)
    assert decide_shares((dear, cheap), by_cost, {}).shares["b/poor"] > 0.9
    assert belief_of(dear, by_cost)[0] == pytest.approx(0.8 - 0.5)
    by_time = replace(POLICY, reward_per_s=0.2)
    assert decide_shares((dear, cheap), by_time, {}).shares["b/poor"] > 0.9


def test_a_failing_route_is_stopped_and_says_why():
    broken = replace(POOR, route="c/broken", errors=120)
    found = decide_shares((GOOD, POOR, broken), POLICY, {})
    assert found.shares["c/broken"] == 0
    assert found.stopped["c/broken"].code == "too_many_errors"
    kept = decide_shares((GOOD, broken), POLICY, {}, ["c/broken"])
    assert (kept.shares["c/broken"], kept.stopped) == (0, {})
    none_left = decide_shares((broken,), POLICY, {})
    assert none_left.reasons[-1].code == "all_stopped"


def test_quality_below_the_least_is_harm_only_beyond_doubt():
    strict = replace(POLICY, min_quality=0.7)
    assert find_harm(POOR, strict).code == "too_low_quality"
    few = RouteSeen("b/poor", 12, 6, 6, choices=12, rated=12, rated_sum=6)
    assert find_harm(few, strict) is None
    assert find_harm(GOOD, strict) is None


def test_evidence_by_hand():
    # 3 of 3 at a limit of a half: the mean of p^3 over 0.5..1 is (1 - 1/16) / 4 / 0.5, over 1/8
    assert harm_evidence(3, 3, 0.5) == pytest.approx(0.46875 / 0.125)
    assert harm_evidence(0, 500, 0.5) < 1e-2
    assert harm_evidence(1e5, 1e5, 0.01) == pytest.approx(np.exp(700.0))


def test_a_sound_route_is_hardly_ever_stopped_however_often_it_is_looked_at():
    """Ville: an e-value passes 100 with probability 1 % at most, over all 1,000 looks."""
    rng = np.random.default_rng(3)
    stopped = 0
    for _ in range(200):
        bad = np.cumsum(rng.random(1_000) < 0.25)
        stopped += any(harm_evidence(float(bad[n - 1]), n, 0.25) >= 100
                       for n in range(10, 1_001, 10))
    assert stopped <= 6  # 1 % of 200 is 2; 6 is three standard errors above


@given(st.lists(st.sampled_from(["a/x", "b/y", "c/z", "d/w"]), max_size=5),
       st.dictionaries(st.sampled_from(["a/x", "b/y", "c/z"]), st.floats(0, 1)),
       st.sets(st.sampled_from(["a/x", "b/y"])), st.floats(0, 0.2),
       st.floats(0, 1, exclude_max=True))
def test_choices_are_among_the_possible_with_exact_propensities(possible, shares, stopped, floor,
                                                                draw):
    found = choose_route(possible, shares, stopped, floor, draw)
    if not set(possible) - stopped:
        assert found is None
        return
    assert found.route in set(possible) - stopped
    assert sum(found.shares.values()) == pytest.approx(1)
    assert found.propensity == found.shares[found.route] >= 0
    assert found.reasons


def test_choices_come_as_often_as_their_propensity():
    shares = {"a/x": 0.6, "b/y": 0.3, "c/z": 0.1}
    drawn = [choose_route(["a/x", "c/z"], shares, (), 0.0, (place + 0.5) / 7_000).route
             for place in range(7_000)]
    assert drawn.count("a/x") / 7_000 == pytest.approx(0.6 / 0.7, abs=1e-3)
    # one that nothing is known of gets an even share: 0.5 beside 0.6
    fresh = choose_route(["a/x", "n/new"], shares, (), 0.0, 0.99)
    assert fresh.propensity == pytest.approx(0.5 / 1.1)


@pytest.mark.parametrize(("change", "field"), [
    ({"policy_id": ""}, "policy_id"), ({"mode": "maybe"}, "mode"), ({"routes": ("gpt",)}, "routes"),
    ({"routes": ("a/b", "a/b")}, "routes"), ({"floor_ratio": 0.6, "routes": ("a/b", "c/d")},
                                             "floor_ratio"),
    ({"max_error_ratio": float("nan")}, "max_error_ratio"), ({"window_days": 0}, "window_days"),
    ({"reward_per_usd": -1}, "reward_per_usd"), ({"rule": "best"}, "policy")])
def test_policies_that_cannot_be_are_named(change, field):
    with pytest.raises(InputError) as caught:
        check_allocation(replace(POLICY, **change))
    assert caught.value.field == field
