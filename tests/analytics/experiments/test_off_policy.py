"""Off-policy evaluation: intervals cover as often as promised, or are not given."""

import numpy as np
import pytest

from analytics.experiments.off_policy import Evaluation, evaluate_policy
from analytics.experiments.reward_model import guess_rewards
from analytics.experiments.statistics import CannotTell

ESTIMATORS = ("ips", "snips", "dr")
WORLDS = {
    # logging policy, target, mean rewards, kind, decisions
    "far": ((0.9, 0.05, 0.05), (0.1, 0.45, 0.45), (0.3, 0.5, 0.4), "binary", 1_000),
    "rare": ((0.4, 0.3, 0.3), (0.1, 0.8, 0.1), (0.05, 0.08, 0.06), "binary", 400),
    "nearly all": ((0.8, 0.1, 0.1), (0.0, 1.0, 0.0), (0.9, 0.95, 0.8), "binary", 1_000),
    "normal": ((0.8, 0.1, 0.1), (0.0, 0.5, 0.5), (1.0, 2.0, 1.5), "normal", 300),
    "skewed": ((0.4, 0.3, 0.3), (0.0, 1.0, 0.0), (1.0, 2.0, 1.5), "skewed", 1_000),
}
SIMULATIONS = 2_000


def draw(rng, world):
    """Arms, rewards, propensities, target, and the target's true value."""
    logging, target, means, kind, n = (np.array(each) if isinstance(each, tuple) else each
                                       for each in WORLDS[world])
    arms = (rng.random(n)[:, None] > np.cumsum(logging)[None, :-1]).sum(axis=1)
    rewards = means[arms]
    if kind == "binary":
        rewards = (rng.random(n) < rewards).astype(float)
    elif kind == "normal":
        rewards = rewards + rng.normal(size=n)
    else:  # gamma, of skewness 2 / sqrt(0.7) = 2.4
        rewards = rewards * rng.gamma(0.7, 1 / 0.7, n)
    return arms, rewards, logging[arms], np.tile(target, (n, 1)), float(target @ means)


@pytest.mark.parametrize("world", WORLDS)
def test_intervals_cover_the_truth_95_times_in_100(world):
    rng = np.random.default_rng(11)
    hits = dict.fromkeys(ESTIMATORS, 0)
    told = 0
    for _ in range(SIMULATIONS):
        arms, rewards, chances, target, truth = draw(rng, world)
        found = evaluate_policy(arms, rewards, chances, target)
        if found.fault is None:
            told += 1
            for name in ESTIMATORS:
                value = getattr(found, name)
                hits[name] += value.lower <= truth <= value.upper
    assert told > 0.98 * SIMULATIONS
    for name in ESTIMATORS:
        # 93 to 97 %, and three standard errors of 0.5 % where the truth is at the edge
        assert 0.93 <= hits[name] / told <= 0.97, name


def test_little_overlap_is_told_in_the_place_of_an_interval():
    rng = np.random.default_rng(5)
    refused = covered = told = 0
    for _ in range(500):  # 60 decisions, of which the policy would have made six
        arms = (rng.random(60) < 0.1).astype(np.int64)
        rewards = (rng.random(60) < np.where(arms, 0.5, 0.3)).astype(float)
        found = evaluate_policy(arms, rewards, np.where(arms, 0.1, 0.9),
                                np.tile([0.0, 1.0], (60, 1)))
        if isinstance(found, CannotTell) or found.fault is not None:
            refused += 1
        else:
            told += 1
            covered += found.dr.lower <= 0.5 <= found.dr.upper
    assert refused > 490
    assert covered == told


def test_one_heavy_decision_and_arms_hardly_logged_are_told():
    arms = np.array([0] * 99 + [1])
    rewards = np.linspace(0, 1, 100)
    heavy = evaluate_policy(arms, rewards, np.where(arms == 1, 0.01, 0.99), even := np.full(
        (100, 2), 0.5))
    assert isinstance(heavy, Evaluation) and heavy.fault.code == "not_enough_overlap"
    first = arms[:99], rewards[:99], np.full(99, 0.99)
    unseen = evaluate_policy(*first, even[:99] * 0.4 + [0.6, 0.0])
    assert "20%" in unseen.fault.text
    fine = evaluate_policy(*first, np.tile([1.0, 0.0], (99, 1)))
    assert fine.fault is None and fine.dr.lower < fine.dr.estimate < fine.dr.upper


def test_rewards_that_never_vary_still_have_an_interval():
    """50 of 50 paid: Agresti and Coull's interval ends at about 1 - 4 / 54."""
    arms = np.zeros(50, np.int64)
    found = evaluate_policy(arms, np.ones(50), np.ones(50), np.ones((50, 1)))
    assert found.snips.estimate == 1.0
    assert 0.89 < found.snips.lower < 0.95
    assert found.snips.upper >= 1.0


def test_no_reward_predicts_itself():
    """Each fold's guess is the mean of the other folds, one overall reward before it."""
    arms, rewards = np.array([0, 0, 1, 1]), np.array([1.0, 0.0, 1.0, 1.0])
    guess = guess_rewards(arms, rewards, 2)  # four folds of one row
    # row 0: others of arm 0 are {0}, all others (0, 1, 1): (0 + 2/3) / 2 and (2 + 2/3) / 3
    assert guess[0] == pytest.approx([1 / 3, 8 / 9])
    # row 1: others of arm 0 are {1}, all others (1, 1, 1): (1 + 1) / 2
    assert guess[1] == pytest.approx([1.0, 1.0])


def test_contexts_make_the_doubly_robust_interval_shorter():
    rng = np.random.default_rng(8)
    n = 1_500
    x = rng.normal(size=(n, 2))
    arms = (rng.random(n) < 0.3).astype(np.int64)
    rewards = 1 + arms * x[:, 0] * 2 - x[:, 1] + 0.3 * rng.normal(size=n)
    target = np.column_stack([x[:, 0] <= 0, x[:, 0] > 0]).astype(float)
    chances = np.where(arms, 0.3, 0.7)
    blind = evaluate_policy(arms, rewards, chances, target)
    seeing = evaluate_policy(arms, rewards, chances, target, contexts=x)
    assert seeing.dr.standard_error < 0.6 * blind.dr.standard_error
    truth = 1 + 2 * 0.398942  # E[max(x, 0)] of a standard normal is 0.398942
    assert seeing.dr.lower <= truth <= seeing.dr.upper


def test_numbers_too_large_to_compute_with_are_told():
    big = np.array([1e300, -1e300, 1e308])
    found = evaluate_policy(np.array([0, 1, 1]), big, np.array([1e-12, 0.5, 0.5]),
                            np.tile([0.5, 0.5], (3, 1)))
    assert isinstance(found, CannotTell) and found.code == "not_finite"
