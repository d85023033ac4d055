"""Quantiles as metrics: their bounds from sorted values, and their variance."""

import math

import numpy as np
import numpy.typing as npt

from analytics.experiments.statistics import (
    IMPOSSIBLE,
    TOO_FEW_FOR_QUANTILE,
    CannotTell,
    Clusters,
    Moments,
    Quantile,
)

Z_95 = 1.959963984540054
"""Standard normal quantile of 97.5 %."""


def summarize_quantile(values: npt.NDArray[np.float64], level: float,
                       units: npt.NDArray[np.int64] | None = None) -> Quantile | CannotTell:
    """The quantile of these values with its bounds; with ``units``, clustered by unit.

    The bounds are the values at the shares level ± 1.96 sqrt(level (1 - level) / n).
    """
    n = len(values)
    reach = Z_95 * math.sqrt(level * (1 - level) / n) if n else 1.0
    if not (level - reach > 0 and level + reach < 1):
        return TOO_FEW_FOR_QUANTILE
    ordered = np.sort(values)
    value, lower, upper = (float(each) for each in np.quantile(
        ordered, [level, level - reach, level + reach], method="inverted_cdf"))
    clusters = None if units is None else _cluster(values <= value, units)
    return Quantile(n, level, value, lower, upper, n, clusters)


def measure_quantile(given: Quantile) -> Moments | CannotTell:
    """The quantile and the variance of one value, from the width of its bounds.

    variance / n = ((upper - lower) / (2 × 1.96))², scaled from ``bounds_n`` to ``n`` values and,
    where there are clusters, by the variance of the clustered share over that of a share of
    independent values. Source: Deng, Knoblich and Lu, "Applying the Delta Method in Metric
    Analytics", KDD 2018.
    """
    if not (0 < given.level < 1 and given.lower <= given.value <= given.upper):
        return IMPOSSIBLE
    square = Z_95 * Z_95
    if given.n <= square * max(given.level, 1 - given.level) / min(given.level, 1 - given.level):
        return TOO_FEW_FOR_QUANTILE
    half = (given.upper - given.lower) / (2 * Z_95)
    bounds_n = given.bounds_n or given.n
    variance = bounds_n / given.n * (given.n - 1) * half * half
    if given.clusters is not None:
        share_variance = _share_variance(given.clusters)
        if isinstance(share_variance, CannotTell):
            return share_variance
        variance *= share_variance / (given.level * (1 - given.level) / given.n)
    return Moments(given.n, given.value, variance)


def _cluster(under: npt.NDArray[np.bool_], units: npt.NDArray[np.int64]) -> Clusters:
    _, place = np.unique(units, return_inverse=True)
    events = np.bincount(place).astype(np.float64)
    below = np.bincount(place, weights=under)
    return Clusters(len(events), float(below.sum()), float((below * below).sum()),
                    float(events.sum()), float((events * events).sum()),
                    float((below * events).sum()))


def _share_variance(given: Clusters) -> float | CannotTell:
    """Squared standard error of the share of events under the quantile, units as the sample."""
    if given.n < 2 or given.events_sum <= 0:
        return TOO_FEW_FOR_QUANTILE
    share = given.under_sum / given.events_sum
    left = (given.under_sum_squares - 2 * share * given.product_sum
            + share * share * given.events_sum_squares)
    if left < -1e-9 * given.events_sum_squares:
        return IMPOSSIBLE
    mean_events = given.events_sum / given.n
    return left / (given.n - 1) / (given.n * mean_events * mean_events)
