"""What the store adds up per variant and metric, and the mean and variance that follow from it."""

import math
from dataclasses import dataclass
from typing import TypeAlias

_EPSILON = 2.3e-16


@dataclass(frozen=True, slots=True)
class CannotTell:
    """Why there is no number: ``code`` for machines, ``text`` for people."""

    code: str
    text: str


EMPTY = CannotTell("empty_variant", "A variant has no units yet.")
ONE_UNIT = CannotTell("one_unit", "A variant has one unit only: its variance is unknown.")
NO_VARIANCE = CannotTell("no_variance", "All units of a variant have the same value: its variance "
                                        "is unknown.")
NOT_FINITE = CannotTell("not_finite", "A statistic is no finite number, or too large to compute "
                                      "with.")
IMPOSSIBLE = CannotTell("impossible_statistics", "The sums contradict each other: no units have "
                                                 "these statistics.")
ZERO_DENOMINATOR = CannotTell("zero_denominator", "The denominator of a ratio adds up to zero.")
ZERO_BASELINE = CannotTell("zero_baseline", "The control's mean is zero: there is nothing that the "
                                            "effect could be relative to.")
TOO_FEW_FOR_QUANTILE = CannotTell("too_few_for_quantile", "There are too few values beyond the "
                                                          "quantile to bound it.")


@dataclass(frozen=True, slots=True)
class Proportion:
    """``n`` units of which ``sum`` did it."""

    n: int
    sum: float


@dataclass(frozen=True, slots=True)
class Mean:
    """One number per unit: count per unit, revenue, cost, latency."""

    n: int
    sum: float
    sum_squares: float


@dataclass(frozen=True, slots=True)
class Ratio:
    """Two numbers per unit, of which the sums' quotient is the metric (errors per request).

    Both come from the same ``n`` units; ``product_sum`` adds up numerator × denominator.
    """

    n: int
    sum: float
    sum_squares: float
    denominator_sum: float
    denominator_sum_squares: float
    product_sum: float


@dataclass(frozen=True, slots=True)
class Adjusted:
    """A metric with the same units' values from before the experiment (CUPED).

    ``product_sum`` adds up value × value before. A unit without history counts as 0 before.
    """

    post: "Mean | Proportion"
    pre: "Mean | Proportion"
    product_sum: float

    @property
    def n(self) -> int:
        """Units, the same before and after."""
        return self.post.n


@dataclass(frozen=True, slots=True)
class Clusters:
    """Units whose events a quantile is taken over; events of one unit are alike.

    Per unit: events, and events at or under the quantile. ``product_sum`` adds up both numbers'
    product.
    """

    n: int
    under_sum: float
    under_sum_squares: float
    events_sum: float
    events_sum_squares: float
    product_sum: float


@dataclass(frozen=True, slots=True)
class Quantile:
    """The ``level`` quantile of ``n`` values and its 95 % bounds by order statistics.

    The bounds are those for ``bounds_n`` values (``n`` where 0). ``clusters`` widens them to
    units as the sample where a unit has many values.
    """

    n: int
    level: float
    value: float
    lower: float
    upper: float
    bounds_n: int = 0
    clusters: Clusters | None = None


Statistic: TypeAlias = Proportion | Mean | Ratio | Adjusted | Quantile


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean and the variance of one unit: the mean's squared standard error is variance / n."""

    n: int
    mean: float
    variance: float


def measure(statistic: Statistic) -> Moments | CannotTell:
    """Mean and variance of a metric in one variant, or why there are none.

    The variance of a ratio is by the delta method; that of `Adjusted` is not adjusted, since
    theta belongs to a pair of variants (`analytics.experiments.cuped`).
    """
    if isinstance(statistic, Adjusted):
        return measure(statistic.post)
    if statistic.n <= 0:
        return EMPTY if statistic.n == 0 else IMPOSSIBLE
    try:
        if isinstance(statistic, Proportion):
            return _checked(_measure_proportion(statistic))
        if statistic.n == 1:
            return ONE_UNIT
        if isinstance(statistic, Mean):
            return _checked(_measure_mean(statistic))
        if isinstance(statistic, Ratio):
            return _checked(_measure_ratio(statistic))
        from analytics.experiments.quantiles import measure_quantile
        return _checked(measure_quantile(statistic))
    except (OverflowError, ZeroDivisionError):
        return NOT_FINITE


def covary(n: int, first: Mean | Proportion, second: Mean | Proportion,
           product_sum: float) -> float:
    """Covariance of two numbers of the same units."""
    if isinstance(first, Proportion) and isinstance(second, Proportion):
        return product_sum / n - (first.sum / n) * (second.sum / n)
    return (product_sum - first.sum * second.sum / n) / (n - 1)


def is_flat(centered: float, total: float, n: int) -> bool:
    """Whether a sum of squared deviations is what rounding makes of zero."""
    return centered <= _EPSILON * (8 + math.sqrt(n)) * total


def _measure_proportion(given: Proportion) -> Moments | CannotTell:
    share = given.sum / given.n
    if not 0 <= share <= 1:
        return IMPOSSIBLE if math.isfinite(share) else NOT_FINITE
    if given.n == 1:
        return ONE_UNIT
    return Moments(given.n, share, share * (1 - share))


def _measure_mean(given: Mean) -> Moments | CannotTell:
    if not (math.isfinite(given.sum) and math.isfinite(given.sum_squares)):
        return NOT_FINITE
    mean = given.sum / given.n
    centered = given.sum_squares - given.sum * mean
    if centered < -1e-9 * abs(given.sum_squares) or given.sum_squares < 0:
        return IMPOSSIBLE
    if is_flat(centered, given.sum_squares, given.n):
        return NO_VARIANCE
    return Moments(given.n, mean, centered / (given.n - 1))


def _measure_ratio(given: Ratio) -> Moments | CannotTell:
    if given.denominator_sum == 0:
        return ZERO_DENOMINATOR
    above = Mean(given.n, given.sum, given.sum_squares)
    below = Mean(given.n, given.denominator_sum, given.denominator_sum_squares)
    ratio = given.sum / given.denominator_sum
    # The variance of (numerator - ratio x denominator) per unit, over the mean denominator.
    parts = [_measure_mean(above), _measure_mean(below)]
    for part in parts:
        if part in (IMPOSSIBLE, NOT_FINITE):
            return part
    spread, below_spread = (part.variance if isinstance(part, Moments) else 0.0 for part in parts)
    covariance = covary(given.n, above, below, given.product_sum)
    if abs(covariance) > 1.000001 * math.sqrt(spread * below_spread) + \
            _EPSILON * (8 + math.sqrt(given.n)) * abs(given.product_sum):
        return IMPOSSIBLE
    total = spread + ratio * ratio * below_spread
    left = total - 2 * ratio * covariance
    if is_flat(left, total + ratio * ratio * given.denominator_sum_squares / given.n, given.n):
        return NO_VARIANCE
    mean_below = given.denominator_sum / given.n
    return Moments(given.n, ratio, left / (mean_below * mean_below))


def _checked(found: Moments | CannotTell) -> Moments | CannotTell:
    if isinstance(found, CannotTell):
        return found
    if not (math.isfinite(found.mean) and math.isfinite(found.variance)):
        return NOT_FINITE
    return found if found.variance > 0 else NO_VARIANCE
