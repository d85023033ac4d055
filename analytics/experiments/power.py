"""Before an experiment: how many units, how long, and what could be seen."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from scipy import special

from analytics.experiments.group_sequential import crossing_probability, find_boundary
from analytics.experiments.statistics import ZERO_BASELINE, CannotTell

PlanMethod = Literal["fixed", "sequential", "group_sequential"]
MOST_UNITS = 1e15
NEVER = CannotTell("no_effect", "An effect of zero is never found: there is no sample size.")
NO_SPREAD = CannotTell("no_variance", "Without variance there is nothing to plan for.")
TOO_MANY = CannotTell("too_many_units", "More than 10^15 units would be needed.")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be found and how surely.

    ``mean`` and ``variance`` are those of one unit of the control; a proportion has the variance
    mean × (1 - mean). ``effect`` is added to the mean, or times its size where ``is_relative``.
    ``ratio`` is units of the treatment per unit of the control. ``comparisons`` shares the level
    by Bonferroni, what Holm guarantees at the least. ``looks`` are those of a group sequential
    plan, at equal distances.
    """

    mean: float
    variance: float
    effect: float
    is_relative: bool = False
    is_proportion: bool = False
    alpha: float = 0.05
    power: float = 0.8
    is_two_sided: bool = True
    ratio: float = 1.0
    comparisons: int = 1
    method: PlanMethod = "sequential"
    looks: int = 1

    @property
    def level(self) -> float:
        """Alpha of one comparison."""
        return self.alpha / self.comparisons

    @property
    def difference(self) -> float:
        """The effect added to the mean."""
        return self.effect * abs(self.mean) if self.is_relative else self.effect

    @property
    def treatment_mean(self) -> float:
        """Mean of the treatment if the effect is as planned."""
        return self.mean + self.difference


@dataclass(frozen=True, slots=True)
class SampleSize:
    """Units per variant, rounded up; ``exact`` is the control's before rounding."""

    control: int
    treatment: int
    exact: float

    @property
    def total(self) -> int:
        """Units of both: the ``planned_units`` of the anytime-valid sequence."""
        return self.control + self.treatment


def plan_size(plan: Plan) -> SampleSize | CannotTell:
    """Units with which an effect as planned is found with the power wanted.

    "fixed" solves the t-test's power by the noncentral t; the other two replace its critical
    value by that of the sequence at its tuning point or by the boundary's drift.
    """
    problem = _check(plan)
    if problem is not None:
        return problem
    try:
        start = max(_units_by_normal(plan), 2.0)
    except (OverflowError, ZeroDivisionError):
        return TOO_MANY
    if not start < MOST_UNITS:
        return TOO_MANY
    exact = start
    if plan.method == "fixed":
        exact = _rising_root(lambda n: find_power(plan, n) - plan.power, start)
    return SampleSize(math.ceil(exact - 1e-9), math.ceil(exact * plan.ratio - 1e-9), exact)


def find_power(plan: Plan, control_units: float) -> float:
    """Chance of finding the planned effect by a t-test with this many units in the control.

    Both sides count where the test is two-sided, as in statsmodels.
    """
    df = _df(plan, control_units)
    shift = abs(plan.effect) / math.sqrt(_unit_variance(plan) / control_units)
    if not plan.is_two_sided:
        return float(1 - special.nctdtr(df, shift, special.stdtrit(df, 1 - plan.level)))
    edge = special.stdtrit(df, 1 - plan.level / 2)
    far = special.nctdtr(df, shift, -edge)  # NaN in scipy where it is too small to matter
    return float(1 - special.nctdtr(df, shift, edge) + (0.0 if math.isnan(far) else far))


def smallest_effect(plan: Plan, control_units: float) -> float | CannotTell:
    """Size of the smallest effect, in the plan's unit, found with the power wanted.

    The variance is that without effect. Raises nothing; fewer than two units tell nothing.
    """
    if control_units < 2:
        return CannotTell("one_unit", "It takes two units per variant to find anything.")
    problem = _check(plan, needs_effect=False)
    if problem is not None:
        return problem
    variance = plan.variance * (1 + 1 / plan.ratio)
    if plan.is_relative:
        variance = variance / plan.mean / plan.mean
    return (_critical(plan) + _power_z(plan)) * math.sqrt(variance / control_units)


def days_needed(units: int, units_per_day: float) -> float | CannotTell:
    """Days until so many units came, at a steady number of new units a day."""
    if not units_per_day > 0:
        return CannotTell("no_traffic", "No units come: the experiment would never end.")
    return units / units_per_day


def units_to_decide(estimate: float, standard_error: float, units: float, alpha: float,
                    planned_units: float | None = None,
                    smallest_effect_size: float = 0.0) -> float | CannotTell:
    """Units of both variants at which the interval will likely decide, at least those now.

    It decides by leaving zero or by fitting into ± ``smallest_effect_size``, if the estimate
    stays and the standard error falls with the root of the units. The interval is that of the
    sequence tuned to ``planned_units``, of a fixed horizon where None.
    """
    aim = max(abs(estimate), smallest_effect_size - abs(estimate))
    if aim == 0 or not math.isfinite(aim):
        return NEVER
    z = float(special.ndtri(1 - alpha / 2))

    needed = float(units)
    for _ in range(60):  # the factor changes slowly: a few steps do
        factor = z if planned_units is None else sequence_factor(alpha, True,
                                                                 needed / planned_units)
        quotient = factor * standard_error / aim
        before, needed = needed, math.sqrt(needed * units) * quotient
        if needed > MOST_UNITS:
            return TOO_MANY
        if abs(needed - before) < 1e-3 * before:
            break
    return max(needed, float(units))


def sequence_factor(alpha: float, is_two_sided: bool = True, at: float = 1.0) -> float:
    """Half-width of the anytime-valid interval in standard errors.

    ``at`` is the number of units over that of the tuning point.
    """
    sided = -2 * math.log(alpha * (1 if is_two_sided else 2))
    c = (sided + math.log(sided + 1)) * at  # units times the square of `sequence_rho`
    if is_two_sided:
        log = 0.5 * math.log(c + 1) - math.log(alpha)
    else:
        log = math.log1p(math.sqrt(c + 1) / (2 * alpha))
    return math.sqrt(2 * (c + 1) / c * log)


def _critical(plan: Plan) -> float:
    if plan.method == "sequential":
        return sequence_factor(plan.level, plan.is_two_sided)
    if plan.method == "group_sequential":
        return _drift(plan) - _power_z(plan)
    return float(special.ndtri(1 - plan.level / (2 if plan.is_two_sided else 1)))


def _power_z(plan: Plan) -> float:
    return float(special.ndtri(plan.power))


def _drift(plan: Plan) -> float:
    """Mean of z at the last look with which a boundary is crossed as often as wanted."""
    looks = max(1, plan.looks)
    boundary = find_boundary(tuple((look + 1) / looks for look in range(looks)), plan.level,
                             is_two_sided=plan.is_two_sided)
    low, high = 0.0, 20.0
    for _ in range(40):
        middle = (low + high) / 2
        if crossing_probability(boundary, middle, plan.is_two_sided) < plan.power:
            low = middle
        else:
            high = middle
    return high


def _unit_variance(plan: Plan) -> float:
    """Variance of the effect with one unit in the control and ``ratio`` in the treatment."""
    treated = plan.variance
    if plan.is_proportion:
        treated = plan.treatment_mean * (1 - plan.treatment_mean)
    if not plan.is_relative:
        return plan.variance + treated / plan.ratio
    growth = plan.treatment_mean / plan.mean
    return (growth * growth * plan.variance + treated / plan.ratio) / plan.mean / plan.mean


def _df(plan: Plan, control_units: float) -> float:
    """Degrees of freedom of the two-sample t-test."""
    return max(control_units * (1 + plan.ratio) - 2, 1e-9)


def _units_by_normal(plan: Plan) -> float:
    reach = _critical(plan) + _power_z(plan)
    effect = abs(plan.effect)
    quotient = reach / effect
    return quotient * quotient * _unit_variance(plan)


def _rising_root(gap: Callable[[float], float], start: float) -> float:
    """Where a rising function is zero, by bisection around ``start``."""
    low, high = max(2.0, start / 2), start * 2 + 10
    while gap(low) > 0 and low > 2.0:
        low = max(2.0, low / 2)
    while gap(high) < 0 and high < MOST_UNITS:
        high *= 2
    if gap(low) > 0:
        return low
    for _ in range(200):
        middle = (low + high) / 2
        if gap(middle) < 0:
            low = middle
        else:
            high = middle
        if high - low < 1e-12 * high:
            break
    return (low + high) / 2


def _check(plan: Plan, needs_effect: bool = True) -> CannotTell | None:
    numbers = (plan.mean, plan.variance, plan.effect, plan.alpha, plan.power, plan.ratio)
    if not all(map(math.isfinite, numbers)):
        return CannotTell("not_finite", "A value of the plan is no finite number.")
    if not (0 < plan.alpha < 0.5 and plan.comparisons >= 1
            and plan.alpha < plan.power < 1 and plan.ratio > 0):
        return CannotTell("out_of_range", "It must hold that 0 < alpha < 0.5, alpha < power < 1, "
                                          "ratio > 0 and comparisons >= 1.")
    if plan.variance <= 0:
        return NO_SPREAD
    if plan.is_relative and plan.mean == 0:
        return ZERO_BASELINE
    if needs_effect and plan.difference == 0:
        return NEVER
    if plan.is_proportion and not 0 <= plan.treatment_mean <= 1:
        return CannotTell("out_of_range", "The effect takes the proportion out of 0 and 1.")
    return None
