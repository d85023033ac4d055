"""The effect of a variant against the control: estimate, standard error, degrees of freedom."""

import math
from dataclasses import dataclass

from analytics.experiments.cuped import adjust_pair
from analytics.experiments.statistics import (
    NOT_FINITE,
    ZERO_BASELINE,
    Adjusted,
    CannotTell,
    Moments,
    Statistic,
    measure,
)


@dataclass(frozen=True, slots=True)
class Effect:
    """Treatment minus control, over the size of the control's mean where ``is_relative``.

    ``n`` counts the units of both. ``absolute_error`` is the standard error of treatment minus
    control, whatever the scale of the effect. ``theta`` and ``variance_reduction_ratio`` (0..1)
    are those of CUPED, None without history.
    """

    estimate: float
    standard_error: float
    degrees_of_freedom: float
    n: int
    control_mean: float
    treatment_mean: float
    is_relative: bool
    absolute_error: float
    theta: float | None = None
    variance_reduction_ratio: float | None = None

    @property
    def absolute_z(self) -> float:
        """Treatment minus control in standard errors of their difference."""
        scale = abs(self.control_mean) if self.is_relative else 1.0
        return self.estimate * scale / self.absolute_error


def estimate_effect(control: Statistic, treatment: Statistic,
                    is_relative: bool) -> Effect | CannotTell:
    """The effect between two variants of one metric, or why it cannot be told.

    Standard errors of relative effects are by the delta method, degrees of freedom those of
    Welch and Satterthwaite.
    """
    try:
        found = _estimate(control, treatment, is_relative)
    except (OverflowError, ZeroDivisionError):
        return NOT_FINITE
    if isinstance(found, CannotTell):
        return found
    numbers = (found.estimate, found.standard_error, found.degrees_of_freedom,
               found.absolute_error)
    if not all(map(math.isfinite, numbers)) or found.standard_error <= 0 \
            or found.absolute_error <= 0:
        return NOT_FINITE
    return found


def _estimate(control: Statistic, treatment: Statistic,
              is_relative: bool) -> Effect | CannotTell:
    if isinstance(control, Adjusted) and isinstance(treatment, Adjusted):
        return _estimate_adjusted(control, treatment, is_relative)
    first, second = measure(control), measure(treatment)
    if isinstance(first, CannotTell):
        return first
    if isinstance(second, CannotTell):
        return second
    absolute = error = first.variance / first.n + second.variance / second.n
    estimate = second.mean - first.mean
    if is_relative:
        if first.mean == 0:
            return ZERO_BASELINE
        size = abs(first.mean)
        growth = second.mean / first.mean
        estimate /= size
        error = (second.variance / second.n
                 + growth * growth * first.variance / first.n) / size / size
    return Effect(estimate, math.sqrt(error), welch_df(first, second), first.n + second.n,
                  first.mean, second.mean, is_relative, math.sqrt(absolute))


def _estimate_adjusted(control: Adjusted, treatment: Adjusted,
                       is_relative: bool) -> Effect | CannotTell:
    pair = adjust_pair(control, treatment)
    if isinstance(pair, CannotTell):
        return pair
    first, second = pair.control, pair.treatment
    absolute = error = first.variance / first.n + second.variance / second.n
    estimate = second.mean - first.mean
    if is_relative:
        if pair.control_mean == 0:
            return ZERO_BASELINE
        size = abs(pair.control_mean)
        estimate /= size
        error = (second.variance / second.n
                 + pair.control_rel_variance / first.n) / size / size
    if error <= 0:
        return NOT_FINITE
    return Effect(estimate, math.sqrt(error), welch_df(first, second), first.n + second.n,
                  pair.control_mean, pair.treatment_mean, is_relative, math.sqrt(absolute),
                  pair.theta, pair.variance_reduction_ratio)


def welch_df(first: Moments, second: Moments) -> float:
    """Degrees of freedom of the difference of two means with unequal variances."""
    one, two = first.variance / first.n, second.variance / second.n
    largest = max(one, two)  # quotients first, so that small variances do not vanish in squares
    one, two = one / largest, two / largest
    return (one + two) ** 2 / (one * one / (first.n - 1) + two * two / (second.n - 1))
