"""The shares by which arms are chosen, and a choice by them."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from analytics.experiments.best import chance_of_largest, chance_of_largest_normal
from brain.decisions.bandits.arms import Arm, LinearArm, check_arms
from brain.decisions.bandits.beliefs import believe
from brain.decisions.bandits.bounds import kl_ucb_bounds, ucb1_bounds
from brain.decisions.bandits.policy import BOUNDED, BanditPolicy, check_policy
from brain.decisions.reasons import InputError, Reason

Floats = npt.NDArray[np.float64]
_BEST = Reason("chance_to_be_best", "Each arm is chosen as often as it is likely to be the best.")


@dataclass(frozen=True, slots=True)
class Allocation:
    """Share of the choices per arm, in the order given: the propensities, until decided anew.

    They are exact, however an arm's value was estimated, for choices are drawn by them.
    """

    arms: tuple[str, ...]
    shares: tuple[float, ...]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """The arm chosen and the probability it had; both belong into the log."""

    arm: str
    propensity: float


class Chooser:
    """An allocation made ready: ``choose`` takes a microsecond."""

    def __init__(self, allocation: Allocation) -> None:
        self.allocation = allocation
        self._choices = [Choice(arm, share) for arm, share in
                         zip(allocation.arms, allocation.shares, strict=True) if share > 0]
        self._ends = list(accumulate(each.propensity for each in self._choices))

    def choose(self, draw: float) -> Choice:
        """The arm for a number drawn evenly from [0, 1)."""
        place = bisect_right(self._ends, draw)
        return self._choices[min(place, len(self._choices) - 1)]


def decide_allocation(arms: Sequence[Arm | LinearArm], policy: BanditPolicy,
                      context: Sequence[float] = ()) -> Allocation:
    """Shares by which arms are to be chosen until the next decision.

    Thompson sampling's shares are the chances of being best. An arm without any reward, nor one
    on its way, is tried first by the bounds. Raises InputError for arms or policies that cannot
    be used. Sources: Thompson 1933; Agrawal and Goyal, "Thompson Sampling for Contextual Bandits
    with Linear Payoffs", 2013; Li, Chu, Langford and Schapire, "A Contextual-Bandit Approach",
    2010 (LinUCB); those of `brain.decisions.bandits.bounds`.
    """
    check_arms(arms, context)
    check_policy(policy, len(arms))
    open_arms = [arm for arm in arms if not arm.is_harmed]
    reasons = [Reason("arm_harmed", f"{arm.key} hurt a guardrail and is chosen no more.")
               for arm in arms if arm.is_harmed]
    if not open_arms:
        raise InputError("no_arms", "every arm is harmed: nothing can be chosen", "arms")
    wanted, why = _wanted(open_arms, policy, context)
    reasons.append(why)
    floor = policy.floor_ratio
    if floor > 0 and float(wanted.min()) < floor:
        reasons.append(Reason("floor", f"Every arm keeps at least {floor:.1%} of the choices."))
    shares = lift(wanted, floor)
    by_key = dict(zip((arm.key for arm in open_arms), shares.tolist(), strict=True))
    return Allocation(tuple(arm.key for arm in arms),
                      tuple(by_key.get(arm.key, 0.0) for arm in arms), tuple(reasons))


def lift(shares: Floats, floor: float) -> Floats:
    """Shares of at least ``floor`` that add up to 1: the rest is divided as before."""
    floor = min(floor, 1 / len(shares))
    lifted = floor + (1 - floor * len(shares)) * shares
    return np.asarray(lifted / lifted.sum())


def _wanted(arms: Sequence[Arm | LinearArm], policy: BanditPolicy,
            context: Sequence[float]) -> tuple[Floats, Reason]:
    """Shares before floors, and why."""
    plain = [arm for arm in arms if isinstance(arm, Arm)]
    even = np.full(len(arms), 1 / len(arms))
    if policy.name == "uniform":
        return even, Reason("uniform", "All arms are chosen alike.")
    if plain and sum(arm.n for arm in plain) == 0:
        return even, Reason("no_rewards", "No arm has a reward yet: all are chosen alike.")
    if policy.name == "thompson":
        return _chances(arms, plain, policy, context), _BEST
    if policy.name in BOUNDED:
        return _bounded(plain, policy)
    belief = believe(arms, policy, context)
    if policy.name == "ucb":
        return _highest(arms, belief.value + belief.error * belief.width(policy))
    value = belief.value
    even = np.full(len(arms), policy.epsilon / len(arms))
    return even + (1 - policy.epsilon) * _only(value), Reason(
        "greedy", f"{arms[int(value.argmax())].key} earns most; {policy.epsilon:.1%} of the "
                  "choices are spread evenly.")


def _chances(arms: Sequence[Arm | LinearArm], plain: Sequence[Arm], policy: BanditPolicy,
             context: Sequence[float]) -> Floats:
    priced = any(policy.reward_per_usd * arm.cost_usd or policy.reward_per_s * arm.latency_s
                 for arm in arms)
    if plain and not priced and all(arm.sum_squares is None for arm in plain):
        hits = np.array([arm.sum for arm in plain], float)
        misses = np.maximum(np.array([arm.n - arm.sum for arm in plain], float), 0.0)
        return chance_of_largest(*((misses, hits) if policy.lower_is_better else (hits, misses)))
    belief = believe(arms, policy, context)
    return chance_of_largest_normal(belief.value, belief.error)


def _bounded(plain: Sequence[Arm], policy: BanditPolicy) -> tuple[Floats, Reason]:
    """The arm whose reward may be the highest, for rewards of a stated range."""
    if not plain:
        raise InputError("wrong_policy", f"linear arms are chosen by thompson, ucb, "
                         f"epsilon_greedy or uniform, not {policy.name}", "policy")
    low, width = policy.lowest_reward, policy.highest_reward - policy.lowest_reward
    n = np.array([arm.n for arm in plain], float)
    total = np.array([arm.sum for arm in plain], float)
    means = (np.divide(total, n, out=np.full_like(n, low), where=n > 0) - low) / width
    for place, mean in enumerate(means.tolist()):
        if not -1e-9 <= mean <= 1 + 1e-9:
            raise InputError("out_of_range", f"the mean reward of {plain[place].key} is outside "
                             f"{low:g} to {policy.highest_reward:g}", f"arms[{place}].sum")
    means = np.clip(1 - means if policy.lower_is_better else means, 0.0, 1.0)
    tried = n + np.array([arm.pending for arm in plain], float)
    choices = max(float(tried.sum()), 1.0)
    bound = ucb1_bounds(means, tried, choices, policy.exploration) if policy.name == "ucb1" \
        else np.where(tried > 0, kl_ucb_bounds(means, tried, choices), np.inf)
    price = np.array([policy.reward_per_usd * arm.cost_usd + policy.reward_per_s * arm.latency_s
                      for arm in plain])
    return _highest(plain, bound - price / width)


def _highest(arms: Sequence[Arm | LinearArm], bounds: Floats) -> tuple[Floats, Reason]:
    """All choices to the highest bound, shared where several are as high."""
    top = bounds == bounds.max()
    names = [arm.key for arm, is_top in zip(arms, top.tolist(), strict=True) if is_top]
    text = f"{names[0]} has the highest upper confidence bound." if len(names) == 1 else \
        f"{len(names)} arms have the highest upper confidence bound."
    return top / top.sum(), Reason("highest_bound", text)


def _only(value: Floats) -> Floats:
    chosen = np.zeros_like(value)
    chosen[int(value.argmax())] = 1.0
    return chosen
