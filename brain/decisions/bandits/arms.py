"""What arms have earned, plain or by context, and whether such numbers can be."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from brain.decisions.reasons import InputError

LARGEST = 1e15
"""No statistic may be larger, so that squares and products stay finite."""


@dataclass(frozen=True, slots=True)
class Arm:
    """What an arm has earned: ``n`` rewards, their sum and, unless each is 0 or 1, squares.

    ``n`` may be discounted and is then no whole number. ``cost_usd`` and ``latency_s`` are its
    means. A harmed arm, one that hurt a guardrail, is chosen no more. ``pending`` choices still
    wait for their reward: they narrow a bound, so that an arm is not chosen for ever before its
    first reward comes, and tell nothing about its mean.
    """

    key: str
    n: float
    sum: float
    sum_squares: float | None = None
    cost_usd: float = 0.0
    is_harmed: bool = False
    latency_s: float = 0.0
    pending: float = 0.0


@dataclass(frozen=True, slots=True)
class LinearArm:
    """What an arm has earned in contexts x: ``gram`` adds up x x', ``moment`` reward × x.

    ``spread`` is the standard deviation of a reward around its expectation.
    """

    key: str
    gram: tuple[tuple[float, ...], ...]
    moment: tuple[float, ...]
    spread: float = 1.0
    cost_usd: float = 0.0
    is_harmed: bool = False
    latency_s: float = 0.0


def check_arms(arms: Sequence[Arm | LinearArm], context: Sequence[float]) -> None:
    """Raise InputError naming what no arms can have earned."""
    if not arms:
        raise InputError("no_arms", "a bandit needs at least one arm", "arms")
    if len({type(arm) for arm in arms}) > 1:
        raise InputError("mixed_arms", "either all arms are linear or none is", "arms")
    if not all(math.isfinite(x) and abs(x) <= LARGEST for x in context):
        raise InputError("not_finite", "the context must be finite numbers", "context")
    seen = set()
    for place, arm in enumerate(arms):
        field = f"arms[{place}]"
        if arm.key in seen:
            raise InputError("repeated_arm", f"two arms are called {arm.key!r:.80}", f"{field}.key")
        seen.add(arm.key)
        if isinstance(arm, LinearArm):
            _check_linear(arm, len(context), field)
        else:
            _check_plain(arm, field)


def _check_plain(arm: Arm, field: str) -> None:
    numbers = (arm.n, arm.sum, arm.sum_squares or 0.0, arm.cost_usd, arm.latency_s, arm.pending)
    if not all(math.isfinite(x) and abs(x) <= LARGEST for x in numbers):
        raise InputError("not_finite", "statistics must be finite numbers", field)
    for name, value in (("n", arm.n), ("pending", arm.pending), ("latency_s", arm.latency_s)):
        if value < 0:
            raise InputError("out_of_range", f"{name} must not be negative", f"{field}.{name}")
    if arm.sum_squares is None and not 0 <= arm.sum <= arm.n * (1 + 1e-12):
        raise InputError("impossible_statistics", "rewards of 0 and 1 add up to at most n",
                         f"{field}.sum")
    if arm.n == 0 and (arm.sum != 0 or (arm.sum_squares or 0.0) != 0):
        raise InputError("impossible_statistics", "no rewards add up to 0", f"{field}.sum")
    if arm.sum_squares is not None and arm.n * arm.sum_squares < 0.999999 * arm.sum * arm.sum:
        raise InputError("impossible_statistics", "sum_squares is smaller than sum allows",
                         f"{field}.sum_squares")


def _check_linear(arm: LinearArm, size: int, field: str) -> None:
    if not size:
        raise InputError("missing_field", "linear arms need a context", "context")
    if len(arm.moment) != size or len(arm.gram) != size or any(
            len(row) != size for row in arm.gram):
        raise InputError("wrong_size", f"gram and moment must fit the {size} numbers of the "
                         "context", f"{field}.gram")
    gram = np.asarray(arm.gram, float)
    numbers = (*arm.moment, arm.cost_usd, arm.latency_s, *gram.ravel().tolist())
    if not (all(math.isfinite(x) and abs(x) <= LARGEST for x in numbers)
            and math.isfinite(arm.spread) and 0 < arm.spread <= LARGEST):
        raise InputError("not_finite", "gram, moment and spread must be finite, spread above 0",
                         field)
    if not np.allclose(gram, gram.T) or float(np.linalg.eigvalsh(gram)[0]) < -1e-9 * max(
            1.0, float(np.abs(gram).max())):
        raise InputError("impossible_statistics", "gram must be a sum of x x'", f"{field}.gram")
