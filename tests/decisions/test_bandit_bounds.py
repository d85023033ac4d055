"""Bounds, histories and play: known results of the bandit literature, with their arithmetic."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.decisions.bandits import Arm, BanditPolicy, LinearArm, decide_allocation
from brain.decisions.bandits.bounds import (
    divergence,
    kl_ucb_bounds,
    lai_robbins_constant,
    ucb1_bounds,
)
from brain.decisions.bandits.history import Chosen, Memory, remember
from brain.decisions.bandits.simulation import Strategy, play, play_linear, switching_rates
from brain.decisions.reasons import InputError


def test_bounds_by_hand():
    # 0.5 + sqrt(2 ln 100 / 10) = 0.5 + sqrt(0.921034) = 1.459705
    assert ucb1_bounds(np.array([0.5]), np.array([10.0]), 100)[0] == pytest.approx(
        1.459705, rel=1e-6)
    # a mean of 0 has d(0, q) = -ln(1 - q): q = 1 - exp(-ln 100 / 10) = 0.369043
    assert kl_ucb_bounds(np.array([0.0]), np.array([10.0]), 100)[0] == pytest.approx(
        1 - 100 ** -0.1, abs=1e-6)
    assert kl_ucb_bounds(np.array([0.3, 1.0]), np.array([0.0, 5.0]), 100).tolist() == [1.0, 1.0]
    # 0.1 / d(0.8, 0.9) with d = 0.8 ln(8/9) + 0.2 ln 2 = 0.044403
    assert lai_robbins_constant(np.array([0.9, 0.8])) == pytest.approx(0.1 / 0.044403, rel=1e-4)


@given(st.floats(0, 1), st.floats(0.5, 1e6), st.floats(1, 1e9))
def test_kl_ucb_is_where_the_divergence_meets_its_reach(mean, n, choices):
    bound = float(kl_ucb_bounds(np.array([mean]), np.array([n]), choices)[0])
    assert mean - 1e-12 <= bound <= 1
    assert bound <= float(ucb1_bounds(np.array([mean]), np.array([n]), choices, 0.5)[0]) + 1e-6
    reach = math.log(choices) / n
    below = max(mean, bound - 1e-6)
    if below < 1:
        assert float(divergence(np.array([mean]), np.array([below]))[0]) <= reach + 1e-9


def test_policies_with_bounds_decide_one_arm_and_share_ties():
    arms = (Arm("a", 100, 30), Arm("b", 100, 40), Arm("c", 100, 40))
    for name in ("ucb1", "kl_ucb"):
        found = decide_allocation(arms, BanditPolicy(name, floor_ratio=0.0))
        assert found.shares == (0.0, 0.5, 0.5)
    lower = decide_allocation(arms, BanditPolicy("kl_ucb", floor_ratio=0.1, lower_is_better=True))
    assert lower.shares == pytest.approx((0.8, 0.1, 0.1))
    # 100 choices without an answer yet narrow the bound of "b" below that of "a"
    late = (Arm("a", 10, 5), Arm("b", 10, 5, pending=100))
    assert decide_allocation(late, BanditPolicy("ucb1", floor_ratio=0.0)).shares == (1.0, 0.0)
    assert decide_allocation(arms, BanditPolicy("uniform")).shares == pytest.approx((1 / 3,) * 3)
    stars = (Arm("a", 50, 200, 820), Arm("b", 50, 220, 990))
    assert decide_allocation(stars, BanditPolicy("ucb1", lowest_reward=1, highest_reward=5,
                                                 floor_ratio=0.0)).shares == (0.0, 1.0)
    with pytest.raises(InputError) as caught:
        decide_allocation(stars, BanditPolicy("kl_ucb"))
    assert (caught.value.code, caught.value.field) == ("out_of_range", "arms[0].sum")
    linear = (LinearArm("a", ((1.0,),), (1.0,)),)
    with pytest.raises(InputError) as caught:
        decide_allocation(linear, BanditPolicy("ucb1"), (1.0,))
    assert caught.value.code == "wrong_policy"


def test_latency_and_cost_are_taken_off_as_declared():
    arms = (Arm("fast", 5_000, 2_500, 1_500, latency_s=0.5),
            Arm("slow", 5_000, 2_600, 1_600, latency_s=2.0))
    plain = decide_allocation(arms, BanditPolicy(floor_ratio=0.0)).shares
    priced = decide_allocation(arms, BanditPolicy(floor_ratio=0.0, reward_per_s=0.1)).shares
    # 0.02 more reward, 1.5 s more at 0.1 a second
    assert (plain[1] > 0.99, priced[0] > 0.99) == (True, True)


def test_a_history_is_discounted_cut_and_waited_for():
    rows = [Chosen("a", 1.0), Chosen("b", 0.0), Chosen("a"), Chosen("a", 0.0), Chosen("b")]
    arms = (Arm("a", 0, 0), Arm("b", 0, 0))
    plain = remember(arms, rows, Memory())
    assert [(arm.n, arm.sum, arm.pending) for arm in plain.arms] == [(2, 1, 1), (1, 0, 1)]
    # ages 4, 3, 2, 1, 0: a has 0.5^4 + 0.5^1 counts of which 0.5^4 paid
    half = remember(arms, rows, Memory(discount=0.5)).arms[0]
    assert (half.n, half.sum) == (0.5625, 0.0625)
    assert [arm.n for arm in remember(arms, rows, Memory(window=2)).arms] == [1, 0]
    # after one further choice a reward is missing: that of row 2, not that of row 4
    late = remember(arms, rows, Memory(wait=1, missing_reward=0.0))
    assert [(arm.n, arm.pending) for arm in late.arms] == [(3, 0), (1, 1)]
    left_out = remember(arms, rows, Memory(wait=0))
    assert [arm.n for arm in left_out.arms] == [2, 1]
    assert [reason.code for reason in left_out.reasons] == ["missing"]
    with pytest.raises(InputError) as caught:
        remember(arms, [Chosen("z", 1.0)], Memory())
    assert caught.value.field == "history[0].arm"


def test_linear_history_is_the_sum_of_products():
    start = (LinearArm("a", ((0.0, 0.0), (0.0, 0.0)), (0.0, 0.0)),)
    found = remember(start, [Chosen("a", 2.0, (1.0, 3.0)), Chosen("a", 1.0, (1.0, 0.0))],
                     Memory(discount=0.5)).arms[0]
    # 0.5 x (1, 3)(1, 3)' + (1, 0)(1, 0)', and 0.5 x 2 x (1, 3) + (1, 0)
    assert isinstance(found, LinearArm)
    assert (found.gram, found.moment) == (((1.5, 1.5), (1.5, 4.5)), (2.0, 3.0))


def test_uneven_answers_are_told():
    rows = [Chosen("a", 1.0)] * 40 + [Chosen("b", 1.0)] * 10 + [Chosen("b")] * 30
    found = remember((Arm("a", 0, 0), Arm("b", 0, 0)), rows, Memory(wait=0))
    assert [reason.code for reason in found.reasons] == ["missing", "uneven_answers"]


# --- known results ------------------------------------------------------------------------------

def final(strategy, rates, runs=200, seed=1, **more):
    found = play(strategy, rates, runs, np.random.default_rng(seed), **more)
    return float(found.mean[-1]), float(found.standard_error[-1])


def test_kl_ucb_and_thompson_lose_less_than_ucb1():
    """Garivier and Cappé 2011, and Kaufmann, Korda and Munos 2012: two Bernoulli arms."""
    rates = np.tile([0.9, 0.8], (1_500, 1))
    lost = {rule: final(Strategy(rule), rates) for rule in ("ucb1", "kl_ucb", "thompson",
                                                            "uniform")}
    for rule in ("kl_ucb", "thompson"):
        gap = lost["ucb1"][0] - lost[rule][0]
        assert gap > 5 * math.hypot(lost["ucb1"][1], lost[rule][1])
        assert lost[rule][0] < 0.4 * lost["ucb1"][0]
    assert lost["uniform"][0] == pytest.approx(75, abs=1)  # 1,500 x 0.1 / 2


def test_thompsons_regret_grows_as_the_logarithm():
    """Per ln(choices) it comes near the least possible, that of Lai and Robbins: 2.25."""
    rates = np.tile([0.9, 0.8], (4_000, 1))
    found = play(Strategy(), rates, 300, np.random.default_rng(3))
    at = np.interp([250, 1_000, 4_000], found.choices, found.mean)
    least = lai_robbins_constant(rates[0])
    slopes = np.diff(at) / math.log(4)
    assert (slopes > 0.4 * least).all() and (slopes < 1.8 * least).all()
    assert at[2] < 3 * at[0]  # linear growth would be 16 times as much


def test_forgetting_wins_where_arms_drift_and_costs_where_they_do_not():
    drifting = switching_rates(np.array([0.8, 0.5, 0.2]), 1_500, 500)
    steady = np.tile([0.8, 0.5, 0.2], (1_500, 1))
    for forgetful in (Strategy(discount=0.98), Strategy(window=150)):
        assert final(forgetful, drifting, 60)[0] < 0.6 * final(Strategy(), drifting, 60)[0]
        assert final(forgetful, steady, 60)[0] > final(Strategy(), steady, 60)[0]
    assert final(Strategy("kl_ucb", window=150), drifting, 30)[0] < final(
        Strategy("uniform"), drifting, 30)[0]


def test_late_rewards_cost_little():
    """Joulani and others 2013: delay adds to the regret, it does not multiply it."""
    rates = np.tile([0.9, 0.8], (1_500, 1))
    at_once, late = final(Strategy(), rates), final(Strategy(), rates, delay=100)
    assert late[0] < at_once[0] + 100 * 0.1


def test_context_beats_no_context_where_it_matters():
    slopes = np.array([[0.5, 0.5, 0.0], [0.5, -0.5, 0.0], [0.5, 0.0, 0.5]])
    lost = {name: play_linear(slopes, 600, 60, np.random.default_rng(2), **how).mean[-1]
            for name, how in {"lin_ts": {}, "lin_ucb": {"rule": "ucb"},
                              "blind": {"uses_context": False}}.items()}
    assert lost["lin_ts"] < 0.15 * lost["blind"]
    assert lost["lin_ucb"] < 0.15 * lost["blind"]
