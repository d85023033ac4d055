"""How arms are chosen: the policies by name, and their knobs."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from brain.decisions.reasons import InputError

PolicyName = Literal["thompson", "ucb1", "kl_ucb", "ucb", "epsilon_greedy", "uniform"]
POLICIES: tuple[PolicyName, ...] = get_args(PolicyName)
BOUNDED = ("ucb1", "kl_ucb")
"""Policies whose bounds hold for rewards inside a stated range."""


@dataclass(frozen=True, slots=True)
class BanditPolicy:
    """How arms are chosen. Every arm that is not harmed keeps ``floor_ratio`` of the choices.

    ``epsilon`` is shared by all arms in "epsilon_greedy"; ``exploration`` scales the bonus of
    "ucb1", "kl_ucb" (where 1 is the bound without its log log term) and "ucb". A USD of cost
    takes ``reward_per_usd`` off the reward, a second of latency ``reward_per_s``. ``ridge`` is
    the prior precision of a linear arm's coefficients. Rewards of "ucb1" and "kl_ucb" lie between
    ``lowest_reward`` and ``highest_reward``.
    """

    name: PolicyName = "thompson"
    floor_ratio: float = 0.02
    epsilon: float = 0.1
    exploration: float = 2.0
    lower_is_better: bool = False
    reward_per_usd: float = 0.0
    ridge: float = 1.0
    reward_per_s: float = 0.0
    lowest_reward: float = 0.0
    highest_reward: float = 1.0


def check_policy(policy: BanditPolicy, arms: int) -> None:
    """Raise InputError naming a knob that cannot be used for so many arms."""
    if policy.name not in POLICIES:
        raise InputError("invalid_value", f"policy must be one of {', '.join(POLICIES)}", "policy")
    for name, value, least, most in (
            ("floor_ratio", policy.floor_ratio, 0.0, 1 / arms),
            ("epsilon", policy.epsilon, 0.0, 1.0), ("exploration", policy.exploration, 0.0, 1e6),
            ("reward_per_usd", policy.reward_per_usd, 0.0, 1e12),
            ("reward_per_s", policy.reward_per_s, 0.0, 1e12),
            ("ridge", policy.ridge, 1e-12, 1e12)):
        if not least <= value <= most:
            raise InputError("out_of_range", f"{name} must be between {least:g} and {most:g}", name)
    low, high = policy.lowest_reward, policy.highest_reward
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError("out_of_range", "highest_reward must be above lowest_reward",
                         "highest_reward")
