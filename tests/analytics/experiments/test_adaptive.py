"""Effects from a bandit's log: covered as often as promised, where plain means are not."""

import numpy as np
import pytest

from analytics.experiments.adaptive import compare_arms
from analytics.experiments.best import chance_of_largest

BATCHES, BATCH, FLOOR = 20, 100, 0.05


def thompson_log(rng, rates):
    """Arms, rewards and shares of 20 decisions for 100 choices each."""
    rates = np.asarray(rates)
    hits, misses = np.zeros(len(rates)), np.zeros(len(rates))
    logged = []
    for _ in range(BATCHES):
        shares = FLOOR + (1 - FLOOR * len(rates)) * chance_of_largest(hits, misses)
        arms = np.searchsorted(np.cumsum(shares)[:-1], rng.random(BATCH), side="right")
        rewards = (rng.random(BATCH) < rates[arms]).astype(float)
        hits += np.bincount(arms, rewards, len(rates))
        misses += np.bincount(arms, 1 - rewards, len(rates))
        logged.append((arms, rewards, np.tile(shares, (BATCH, 1))))
    return tuple(np.concatenate(part) for part in zip(*logged, strict=True))


@pytest.mark.parametrize("rates", [(0.2, 0.2), (0.2, 0.3)])
def test_intervals_hold_under_adaptive_shares(rates):
    rng = np.random.default_rng(12)
    truth = rates[1] - rates[0]
    estimates, hits, plain = [], 0, []
    for _ in range(600):
        arms, rewards, shares = thompson_log(rng, rates)
        found = compare_arms(arms, rewards, shares, 1, 0)
        estimates.append(found.estimate)
        hits += found.lower <= truth <= found.upper
        plain.append(rewards[arms == 0].mean())
    # the standard error of a share of 0.95 in 600 runs is 0.009
    assert hits / 600 >= 0.95 - 0.03
    spread = np.std(estimates) / 600**0.5
    assert np.mean(estimates) == pytest.approx(truth, abs=4 * spread)
    # an arm that is dropped early keeps its bad luck: its plain mean is too low
    assert np.mean(plain) - rates[0] < -3 * np.std(plain) / 600**0.5


def test_equal_shares_give_the_plain_difference():
    rng = np.random.default_rng(1)
    arms = rng.integers(0, 2, 20_000)
    rewards = rng.normal(1 + 0.5 * arms, 1)
    found = compare_arms(arms, rewards, np.full((20_000, 2), 0.5), 1, 0)
    plain = rewards[arms == 1].mean() - rewards[arms == 0].mean()
    assert found.estimate == pytest.approx(plain, abs=0.01)
    # sqrt(1 / 10,000 + 1 / 10,000)
    assert found.standard_error == pytest.approx(0.01414, rel=0.05)


def test_what_was_never_chosen_cannot_be_told():
    shares = np.array([[0.5, 0.5, 0.0]] * 4)
    arms, rewards = np.array([0, 1, 0, 1]), np.array([1.0, 0.0, 1.0, 1.0])
    assert compare_arms(arms, rewards, shares, 2, 0).code == "never_chosen"
    assert compare_arms(arms[:1], rewards[:1], shares[:1], 1, 0).code == "no_decisions"
    assert compare_arms(arms[:3], rewards[:3], shares[:3], 1, 0).code == "one_unit"
