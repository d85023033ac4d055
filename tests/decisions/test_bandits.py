"""Bandits: shares against simulation, propensities that add up, and a regret that stays small."""

import time
import timeit
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.experiments.best import chance_of_largest
from analytics.experiments.off_policy import evaluate_policy
from analytics.experiments.statistics import CannotTell
from brain.decisions.bandits import Arm, BanditPolicy, Chooser, LinearArm, decide_allocation
from brain.decisions.reasons import InputError

THREE = (Arm("a", 1_000, 100), Arm("b", 1_000, 120), Arm("c", 10, 2))


def shares(arms, **policy):
    found = decide_allocation(arms, BanditPolicy(**{"floor_ratio": 0.0} | policy))
    return dict(zip(found.arms, found.shares, strict=True))


@pytest.mark.parametrize(("hits", "misses"), [
    ((0, 0, 0), (0, 0, 0)), ((100, 120, 2), (900, 880, 8)), ((0, 3, 50), (2_000, 5, 60)),
    ((9, 9, 9), (0, 0, 1)), ((50_000, 50_200, 49_900), (50_000, 49_800, 50_100))])
def test_chances_to_be_best_are_those_of_simulation(hits, misses):
    rng = np.random.default_rng(1)
    draws = rng.beta(1 + np.array(hits), 1 + np.array(misses), (300_000, 3))
    simulated = np.bincount(draws.argmax(axis=1), minlength=3) / 300_000
    found = chance_of_largest(np.array(hits, float), np.array(misses, float))
    assert found == pytest.approx(simulated, abs=0.004)  # four standard errors of a half


def test_two_proportions_in_closed_form():
    # Beta(2, 1) above Beta(1, 1): the integral of 2x * x over 0..1 is 2/3
    assert chance_of_largest(np.array([1.0, 0.0]), np.array([0.0, 0.0]))[0] == pytest.approx(
        2 / 3, abs=2e-4)


def test_policies():
    assert shares(THREE)["b"] == pytest.approx(0.13, abs=0.02)
    greedy = shares(THREE, name="epsilon_greedy", epsilon=0.3)
    # the best mean gets 0.7 + 0.1; one pooled reward lies before each arm's own
    assert greedy == pytest.approx({"a": 0.1, "b": 0.1, "c": 0.8})
    assert shares(THREE, name="ucb") == {"a": 0, "b": 0, "c": 1}  # ten trials: a high bound
    well_known = (Arm("a", 10_000, 1_000), Arm("b", 10_000, 2_000))
    assert shares(well_known, name="ucb") == {"a": 0, "b": 1}
    assert shares(well_known, lower_is_better=True)["a"] == pytest.approx(1)


def test_every_arm_keeps_its_floor_and_a_harmed_one_nothing():
    found = decide_allocation((*THREE, Arm("d", 500, 499, is_harmed=True)),
                              BanditPolicy(name="ucb", floor_ratio=0.05))
    # 0.05 each, and the remaining 0.85 to the one with the highest bound
    assert found.shares == pytest.approx((0.05, 0.05, 0.9, 0.0))
    assert [reason.code for reason in found.reasons] == ["arm_harmed", "highest_bound", "floor"]
    with pytest.raises(InputError) as caught:
        decide_allocation((Arm("a", 1, 1, is_harmed=True),), BanditPolicy())
    assert caught.value.code == "no_arms"


def test_without_rewards_all_are_alike():
    for name in ("thompson", "epsilon_greedy", "ucb"):
        found = decide_allocation((Arm("a", 0, 0), Arm("b", 0, 0)), BanditPolicy(name))
        assert found.shares == (0.5, 0.5)
        assert found.reasons[0].code == "no_rewards"


def test_cost_counts_as_declared():
    arms = (Arm("cheap", 5_000, 2_500, 1_500, cost_usd=0.01),
            Arm("dear", 5_000, 2_600, 1_600, cost_usd=0.05))
    assert shares(arms)["dear"] > 0.99
    assert shares(arms, reward_per_usd=2.0)["cheap"] > 0.99  # 0.02 more reward, 0.08 more cost


def test_linear_arms_follow_the_context():
    def arm(key, slope):
        return LinearArm(key, ((500.0, 0.0), (0.0, 500.0)), (500 * slope[0], 500 * slope[1]), 0.5)
    arms = (arm("a", (1.0, 0.0)), arm("b", (0.0, 1.0)))
    for name in ("thompson", "ucb", "epsilon_greedy"):
        policy = BanditPolicy(name, floor_ratio=0.0, epsilon=0.0)
        assert decide_allocation(arms, policy, (1.0, 0.0)).shares[0] > 0.99
        assert decide_allocation(arms, policy, (0.0, 1.0)).shares[1] > 0.99
    even = decide_allocation(arms, BanditPolicy(floor_ratio=0.0), (1.0, 1.0)).shares
    assert even == pytest.approx((0.5, 0.5))


ARMS = st.lists(st.tuples(st.integers(0, 10_000), st.floats(0, 1)), min_size=1, max_size=8).map(
    lambda rows: tuple(Arm(str(key), n, round(n * share)) for key, (n, share) in enumerate(rows)))


@given(ARMS, st.sampled_from(["thompson", "epsilon_greedy", "ucb"]), st.floats(0, 0.12),
       st.booleans(), st.floats(0, 0.999_999))
def test_propensities_are_a_distribution_above_the_floor(arms, name, floor, lower, draw):
    found = decide_allocation(arms, BanditPolicy(name, floor, lower_is_better=lower))
    assert sum(found.shares) == pytest.approx(1)
    assert min(found.shares) >= floor - 1e-9
    choice = Chooser(found).choose(draw)
    assert choice.propensity == dict(zip(found.arms, found.shares, strict=True))[choice.arm] > 0
    assert found.reasons


def test_choices_come_as_often_as_their_propensity():
    chooser = Chooser(decide_allocation(THREE, BanditPolicy()))
    counts = Counter(chooser.choose((place + 0.5) / 10_000).arm for place in range(10_000))
    for arm, share in zip(chooser.allocation.arms, chooser.allocation.shares, strict=True):
        assert counts[arm] / 10_000 == pytest.approx(share, abs=1e-4)


def test_a_choice_takes_microseconds():
    chooser = Chooser(decide_allocation(THREE, BanditPolicy()))
    fastest = min(timeit.repeat(lambda: chooser.choose(0.7), number=2_000, repeat=10,
                                timer=time.process_time))
    assert fastest / 2_000 <= 20e-6


@pytest.mark.parametrize(("name", "most"), [("thompson", 130), ("ucb", 260),
                                            ("epsilon_greedy", 260)])
def test_regret_is_far_below_that_of_equal_shares(name, most):
    """20 decisions of 500 choices at rates 0.10, 0.12, 0.15: equal shares lose 267 rewards."""
    rng = np.random.default_rng(9)
    rates = np.array([0.10, 0.12, 0.15])
    lost = []
    for _ in range(10):
        n, hits = np.zeros(3), np.zeros(3)
        for _ in range(20):
            arms = [Arm(str(key), n[key], hits[key]) for key in range(3)]
            chosen = rng.multinomial(500, decide_allocation(arms, BanditPolicy(name)).shares)
            n, hits = n + chosen, hits + rng.binomial(chosen, rates)
        lost.append(float((n * (0.15 - rates)).sum()))
    # 10,000 x (0.05 + 0.03) / 3 = 267
    assert np.mean(lost) < most


@pytest.mark.parametrize(("arms", "field"), [
    ((), "arms"), ((Arm("a", 1, 0), Arm("a", 1, 0)), "arms[1].key"),
    ((Arm("a", -1, 0),), "arms[0].n"), ((Arm("a", 5, 6),), "arms[0].sum"),
    ((Arm("a", 5, 10, 1),), "arms[0].sum_squares"), ((Arm("a", float("nan"), 0),), "arms[0]"),
    ((Arm("a", 1, 0), LinearArm("b", ((1.0,),), (1.0,))), "arms"),
    ((LinearArm("b", ((1.0,),), (1.0,)),), "context"),
])
def test_refuses_arms_that_cannot_be(arms, field):
    with pytest.raises(InputError) as caught:
        decide_allocation(arms, BanditPolicy(floor_ratio=0.0))
    assert caught.value.field == field


@pytest.mark.parametrize(("gram", "field"), [
    (((1.0,),), "arms[0].gram"), (((1.0, 0.0), (0.0, float("inf"))), "arms[0]"),
    (((1.0, 0.0), (0.0, -5.0)), "arms[0].gram"), (((1.0, 2.0), (0.0, 1.0)), "arms[0].gram")])
def test_refuses_contexts_that_cannot_be(gram, field):
    with pytest.raises(InputError) as caught:
        decide_allocation((LinearArm("b", gram, (1.0, 1.0)),), BanditPolicy(), (1.0, 2.0))
    assert caught.value.field == field


# --- off-policy ---------------------------------------------------------------------------------

def log(rng, n=2_000):
    """Two arms, chosen 0.8 and 0.2, paying 0.3 and 0.5: the second policy would earn 0.5."""
    arms = (rng.random(n) < 0.2).astype(np.int64)
    rewards = (rng.random(n) < np.where(arms, 0.5, 0.3)).astype(float)
    return arms, rewards, np.where(arms, 0.2, 0.8)


def test_estimators_by_hand():
    arms, rewards = np.array([0, 1, 1]), np.array([1.0, 0.0, 1.0])
    target = np.tile([0.5, 0.5], (3, 1))
    found = evaluate_policy(arms, rewards, np.array([0.8, 0.2, 0.2]), target,
                            np.tile([0.6, 0.4], (3, 1)))
    # weights 0.625, 2.5, 2.5: (0.625 + 0 + 2.5) / 3, over their sum 5.625
    assert found.ips.estimate == pytest.approx(3.125 / 3)
    assert found.snips.estimate == pytest.approx(3.125 / 5.625)
    # 0.5 + (0.625 x 0.4 - 2.5 x 0.4 + 2.5 x 0.6) / 3 = 0.75
    assert found.dr.estimate == pytest.approx(0.75)
    assert found.effective_n == pytest.approx(5.625**2 / (0.625**2 + 2 * 2.5**2))
    assert found.logged.estimate == pytest.approx(2 / 3)
    clipped = evaluate_policy(arms, rewards, np.array([0.8, 0.2, 0.2]), target, most_weight=1.0)
    assert (clipped.clipped, clipped.largest_weight) == (2, 1.0)


def test_intervals_of_all_three_cover_the_truth():
    rng = np.random.default_rng(4)
    hits, widths = Counter(), Counter()
    for _ in range(400):
        found = evaluate_policy(*log(rng), np.tile([0.0, 1.0], (2_000, 1)))
        for name in ("ips", "snips", "dr"):
            value = getattr(found, name)
            hits[name] += value.lower <= 0.5 <= value.upper
            widths[name] += value.standard_error
    for name in ("ips", "snips", "dr"):
        assert hits[name] / 400 == pytest.approx(0.95, abs=0.04), name  # 3.7 standard errors
    assert widths["dr"] < widths["ips"]


def test_no_overlap_is_told():
    arms, rewards, propensities = log(np.random.default_rng(2), 10)
    target = np.tile([0.0, 0.0, 1.0], (10, 1))
    assert evaluate_policy(arms, rewards, propensities, target).code == "no_overlap"
    assert evaluate_policy(arms[:1], rewards[:1], propensities[:1], target[:1]).code == \
        "no_decisions"
    assert isinstance(evaluate_policy(arms, rewards, propensities, target), CannotTell)
