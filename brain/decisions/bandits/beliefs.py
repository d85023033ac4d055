"""What an arm is worth: expectation and its standard error, plain or in a context."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from brain.decisions.bandits.arms import Arm, LinearArm
from brain.decisions.bandits.policy import BanditPolicy

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Belief:
    """Per arm, ``value`` net of cost and latency (more is better) and its standard ``error``.

    ``choices`` are all those made so far, 0 for linear arms.
    """

    value: Floats
    error: Floats
    choices: float

    def width(self, policy: BanditPolicy) -> float:
        """Standard errors that the bound of "ucb" lies above the expectation: as in UCB1, with
        the rewards' own spread in place of a range of 1."""
        if not self.choices:
            return policy.exploration
        return math.sqrt(policy.exploration * math.log(max(self.choices, 2.0)))


def believe(arms: Sequence[Arm | LinearArm], policy: BanditPolicy,
            context: Sequence[float] = ()) -> Belief:
    """Normal beliefs about arms that are all plain or all linear."""
    if isinstance(arms[0], LinearArm):
        rows = [_linear(arm, policy, context) for arm in arms if isinstance(arm, LinearArm)]
        mean, error = (np.array(column) for column in zip(*rows, strict=True))
        choices = 0.0
    else:
        mean, error, choices = _plain([arm for arm in arms if isinstance(arm, Arm)])
    price = np.array([policy.reward_per_usd * arm.cost_usd + policy.reward_per_s * arm.latency_s
                      for arm in arms])
    return Belief((-mean if policy.lower_is_better else mean) - price, error, choices)


def _plain(arms: Sequence[Arm]) -> tuple[Floats, Floats, float]:
    n = np.array([arm.n for arm in arms], float)
    total = np.array([arm.sum for arm in arms], float)
    squares = np.array([arm.sum if arm.sum_squares is None else arm.sum_squares
                        for arm in arms], float)
    pooled_mean = total.sum() / n.sum()
    centered = squares - np.divide(total * total, n, out=np.zeros_like(n), where=n > 0)
    pooled = max(float(centered.sum()), 0.0) / max(float(n.sum()) - len(arms), 1.0)
    own = np.where(n >= 2, np.maximum(centered, 0.0) / np.maximum(n - 1, 1.0), pooled)
    # One reward of the pooled kind stands before each arm's own, so that none starts certain.
    least = max(pooled, 1e-12 * max(1.0, pooled_mean * pooled_mean))
    error = np.sqrt(np.maximum(own, 1e-3 * least) / (n + 1))
    return (total + pooled_mean) / (n + 1), error, float(n.sum())


def _linear(arm: LinearArm, policy: BanditPolicy,
            context: Sequence[float]) -> tuple[float, float]:
    x = np.asarray(context, float)
    precision = np.asarray(arm.gram, float) + policy.ridge * np.eye(len(x))
    solved = np.linalg.solve(precision, np.column_stack([np.asarray(arm.moment, float), x]))
    return float(x @ solved[:, 0]), arm.spread * math.sqrt(max(float(x @ solved[:, 1]), 1e-300))
