"""The machine form of `brain experiments power`."""

from argparse import Namespace as Arguments
from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec

from brain.cli.experiment_analysis import Level, Positive
from brain.cli.machine import ReasonOut
from brain.decisions.reasons import InputError


class PlanIn(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be found, and how surely.

    ``baseline`` is the control's mean, ``variance`` that of one unit (left out for a
    proportion). With ``units_per_day`` (new units of all variants) days are told. ``variants``
    are all of equal size but the control, which has 1 / ``ratio`` of a treatment's units.
    """

    baseline: float
    effect: float
    variance: Annotated[float, msgspec.Meta(ge=0)] | None = None
    kind: Literal["proportion", "mean"] = "proportion"
    effect_type: Literal["relative", "absolute"] = "relative"
    alpha: Level = 0.05
    power: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.8
    alternative: Literal["two_sided", "one_sided"] = "two_sided"
    method: Literal["sequential", "fixed", "group_sequential"] = "sequential"
    looks: Annotated[int, msgspec.Meta(ge=1, le=200)] = 10
    variants: Annotated[int, msgspec.Meta(ge=2, le=1_000)] = 2
    ratio: Annotated[float, msgspec.Meta(ge=1e-6, le=1e6)] = 1.0
    units_per_day: Positive | None = None


class PlanOut(msgspec.Struct, frozen=True):
    """Units per variant, null with ``unknown`` where no number of units would do.

    ``planned_units`` (control and one treatment) tunes the anytime-valid sequence.
    ``smallest_effect_by_week`` is what could be found after 1, 2, 4, 8 weeks.
    """

    control_units: int | None
    treatment_units: int | None
    planned_units: int | None
    total_units: int | None
    days: float | None
    smallest_effect_by_week: dict[str, float]
    unknown: ReasonOut | None
    reasons: list[ReasonOut]


WEEKS = (1, 2, 4, 8)


def prepare_plan(_: Arguments) -> Callable[[Any], PlanOut]:
    """The function that plans one experiment."""
    from analytics.experiments import power
    from analytics.experiments.statistics import CannotTell

    def plan(given: PlanIn) -> PlanOut:
        is_proportion = given.kind == "proportion"
        wanted = power.Plan(
            given.baseline, _variance(given), given.effect, given.effect_type == "relative",
            is_proportion, given.alpha, given.power, given.alternative == "two_sided",
            given.ratio, given.variants - 1, given.method, given.looks)
        found = power.plan_size(wanted)
        parts = 1 + given.ratio * (given.variants - 1)
        smallest = {}
        per_day = given.units_per_day or 0.0
        for week in WEEKS if per_day else ():
            least = power.smallest_effect(wanted, per_day * 7 * week / parts)
            if not isinstance(least, CannotTell):
                smallest[str(week)] = least
        if isinstance(found, CannotTell):
            unknown = ReasonOut(found.code, found.text)
            return PlanOut(None, None, None, None, None, smallest, unknown, [unknown])
        total = found.control + found.treatment * (given.variants - 1)
        days = power.days_needed(total, per_day) if per_day else None
        return PlanOut(found.control, found.treatment, found.total, total,
                       None if isinstance(days, CannotTell) else days, smallest, None,
                       [ReasonOut("planned", f"{total:,} units find it with a chance of "
                                             f"{given.power:.0%}, read by {given.method}.")])
    return plan


def _variance(given: PlanIn) -> float:
    if given.kind == "proportion":
        if not 0 < given.baseline < 1:
            raise InputError("out_of_range", "a proportion must lie between 0 and 1", "baseline")
        return given.baseline * (1 - given.baseline)
    if given.variance is None:
        raise InputError("missing_field", "a mean needs the variance of one unit", "variance")
    return given.variance
