"""Allocation by a request's features: what is noticed of it, what routes earned in such, shares."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from brain.decisions.allocation import AllocationPolicy
from brain.decisions.bandits.arms import LinearArm
from brain.decisions.bandits.policy import BanditPolicy
from brain.decisions.bandits.shares import decide_allocation
from brain.decisions.models.features import Features

Floats = npt.NDArray[np.float64]
CONTEXT = ("any request", "medium complexity", "high complexity", "code", "math", "writing",
           "beyond 500 tokens", "beyond 4,000 tokens")
"""What `read_context` notices, each as 1 or 0, so that contexts are few and can be remembered."""
LEAST_SPREAD = 0.05


@dataclass(frozen=True, slots=True)
class Experience:
    """Rewards of one route by context: the arm of a linear bandit, as plain numbers."""

    route: str
    gram: tuple[tuple[float, ...], ...]
    moment: tuple[float, ...]
    spread: float
    cost_usd: float
    latency_s: float

    def to_json(self) -> dict[str, Any]:
        """The experience to keep."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Experience":
        """The experience as it was kept."""
        return cls(kept["route"], tuple(map(tuple, kept["gram"])), tuple(kept["moment"]),
                   kept["spread"], kept["cost_usd"], kept["latency_s"])


def read_context(features: Features) -> tuple[float, ...]:
    """A number for each of ``CONTEXT``."""
    tokens = features.input_tokens
    return (1.0, float(features.complexity == "medium"), float(features.complexity == "high"),
            float(features.task_class == "code"), float(features.task_class == "math"),
            float(features.task_class == "writing"), float(tokens > 500), float(tokens > 4_000))


def learn_experience(route: str, contexts: Floats, rewards: Floats, weights: Floats,
                     cost_usd: float, latency_s: float) -> Experience:
    """What a route's rewards (0 to 1) teach: a row of ``contexts`` and a weight for each.

    ``spread`` is the rewards' deviation from the ridge fit, LEAST_SPREAD at least.
    """
    weighted = contexts * weights[:, None]
    gram, moment = weighted.T @ contexts, weighted.T @ rewards
    spread = 0.5
    if weights.sum() >= 2:
        fit = np.linalg.solve(gram + np.eye(len(CONTEXT)), moment)
        missed = rewards - contexts @ fit
        spread = max(math.sqrt(float(weights @ missed**2 / weights.sum())), LEAST_SPREAD)
    return Experience(route, tuple(map(tuple, gram.tolist())), tuple(moment.tolist()), spread,
                      cost_usd, latency_s)


def decide_context_shares(experiences: Sequence[Experience], policy: AllocationPolicy,
                          context: Sequence[float]) -> dict[str, float]:
    """The share of each route for requests of one context: LinTS or LinUCB, floors included."""
    if not experiences:
        return {}
    found = decide_allocation(
        [LinearArm(each.route, each.gram, each.moment, each.spread, each.cost_usd, False,
                   each.latency_s) for each in experiences],
        BanditPolicy(policy.rule, min(policy.floor_ratio, 1 / len(experiences)), policy.epsilon,
                     reward_per_usd=policy.reward_per_usd, reward_per_s=policy.reward_per_s),
        context)
    return dict(zip(found.arms, found.shares, strict=True))
