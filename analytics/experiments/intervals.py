"""Intervals of weighted means that hold for few, rare and skewed rewards."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]
Z_95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval and the standard error behind it."""

    standard_error: float
    lower: float
    upper: float


def interval_of_mean(estimate: float, terms: Floats, effective_n: float,
                     rewards: Floats) -> Interval:
    """Interval of an estimate between 0 and 1, or anywhere, that is nearly the mean of ``terms``.

    Rewards of 0 and 1 only: four are added, two of each, as Agresti and Coull do for proportions,
    weighing as much as the ``effective_n`` decisions behind the estimate. That holds at 0 and 1
    too, where the terms vary in nothing. Others: `skewed_interval`.
    Source: Agresti and Coull, "Approximate Is Better than Exact", 1998.
    """
    if not is_binary(rewards):
        return skewed_interval(terms, effective_n)
    error, whole = _error(terms), effective_n + 4
    center = (effective_n * estimate + 2) / whole
    spread = (effective_n * error) ** 2 + effective_n * (estimate - center) ** 2 \
        + 2 * ((1 - center) ** 2 + center**2)
    reach = Z_95 * math.sqrt(spread) / whole
    return Interval(error, min(center - reach, estimate), max(center + reach, estimate))


def interval_of_total(weights: Floats, rewards: Floats, effective_n: float) -> Interval:
    """Interval of the mean of weight × reward, which has no upper bound.

    Rewards of 0 and 1 are rare events that weigh different amounts: the score interval of a
    Poisson count, in units of the typical weight. Others: `skewed_interval`.
    """
    terms, n = weights * rewards, len(rewards)
    if not is_binary(rewards):
        return skewed_interval(terms, effective_n)
    estimate, error = float(terms.mean()), _error(terms)
    step = Z_95 * Z_95 * float((weights**2).sum() / weights.sum()) / n
    center, reach = estimate + step / 2, Z_95 * math.hypot(error, step / (2 * Z_95))
    return Interval(error, min(center - reach, estimate), max(center + reach, estimate))


def skewed_interval(terms: Floats, effective_n: float) -> Interval:
    """Interval of the mean of terms that may be skewed.

    The middle between Student's t with ``effective_n`` - 1 degrees of freedom and its
    transformation for skewed terms, which alone is too wide where few terms carry the skewness.
    Source: Hall, "On the Removal of Skewness by Transformation", 1992.
    """
    n, estimate, error = len(terms), float(terms.mean()), _error(terms)
    if error <= 0:
        return Interval(0.0, estimate, estimate)
    centered = terms - estimate
    skew = float((centered**3).mean()) / float((centered**2).mean()) ** 1.5
    t = float(special.stdtrit(max(effective_n - 1.0, 1.0), 0.975))
    lower, upper = (estimate - error * (_straighten(sign * t, skew, n) + sign * t) / 2
                    for sign in (1.0, -1.0))
    return Interval(error, min(lower, estimate), max(upper, estimate))


def is_binary(rewards: Floats) -> bool:
    """Whether every reward is 0 or 1."""
    return bool(((rewards == 0) | (rewards == 1)).all())


def _error(terms: Floats) -> float:
    return float(terms.std(ddof=1)) / math.sqrt(len(terms))


def _straighten(t: float, skew: float, n: int) -> float:
    """The studentized mean of skewed terms whose transformation is ``t``."""
    root = math.sqrt(n)
    if abs(skew) < 1e-6 * root:
        return t - skew * (2 * t * t + 1) / (6 * root)
    return 3 * root / skew * (float(np.cbrt(1 + skew / root * (t - skew / (6 * root)))) - 1)
