"""What a platform's own past says for a plan: baselines of its metrics, and units as they come."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import pandas as pd

from analytics.experiments.power import Plan, smallest_effect
from analytics.experiments.statistics import CannotTell, Mean, Moments, Proportion, measure

BaselineKind = Literal["proportion", "mean", "count"]
RECENT_DAYS = 7
MOST_DAYS = 3_650
NO_UNITS = CannotTell("no_traffic", "No units come: the experiment would never end.")
TOO_LONG = CannotTell("too_long", "It would take more than ten years.")


@dataclass(frozen=True, slots=True)
class Baseline:
    """Mean and variance of one unit of a metric, from ``units`` units.

    ``proportion``: units with a value above 0. ``mean``: the mean of a unit's values. ``count``:
    their sum.
    """

    metric: str
    kind: BaselineKind
    mean: float
    variance: float
    units: int


def outcome_baselines(rows: pd.DataFrame) -> tuple[Baseline, ...]:
    """Baselines of outcomes, from rows of ``design/outcome_baselines``.

    A metric of which every unit has a value of 0 or 1 is a proportion; any other has its mean
    and its count. What has no variance cannot be planned with and is left out.
    """
    found: list[Baseline | None] = []
    for row in rows.to_dict("records"):
        name, units, positive = str(row["metric"]), int(row["units"]), int(row["positive_units"])
        is_flag = (math.isclose(row["mean_sum"], positive)
                   and math.isclose(row["mean_squares"], positive))
        if not is_flag:
            found += [_mean(name, "mean", units, row["mean_sum"], row["mean_squares"]),
                      _mean(name, "count", units, row["total_sum"], row["total_squares"])]
        if is_flag or positive < units:
            found.append(_proportion(name, units, positive))
    return tuple(each for each in found if each is not None)


def request_baselines(rows: pd.DataFrame) -> tuple[Baseline, ...]:
    """Requests and LLM cost per user, from the row of ``design/request_baselines``."""
    row = rows.to_dict("records")[0]
    found = (_mean("requests", "count", int(row["units"]), row["requests_sum"],
                   row["requests_squares"]),
             _mean("llm_cost_usd", "count", int(row["units"]), row["cost_usd_sum"],
                   row["cost_usd_squares"]))
    return tuple(each for each in found if each is not None)


@dataclass(frozen=True, slots=True)
class UnitCurve:
    """Distinct units that came within 1, 2, … days, and how many new ones a day come after."""

    units: tuple[float, ...]
    later_per_day: float

    def after(self, days: float) -> float:
        """Units within so many days, in proportion between whole days."""
        known = (0.0, *self.units)
        last = len(known) - 1
        if days >= last:
            return known[last] + (days - last) * self.later_per_day
        whole = int(days)
        return known[whole] + (days - whole) * (known[whole + 1] - known[whole])

    def days_until(self, units: float) -> float | CannotTell:
        """Days until so many units came, or why they never will."""
        known = (0.0, *self.units)
        for day, (before, now) in enumerate(pairwise(known)):
            if now >= units:
                return day + (units - before) / (now - before) if now > before else float(day)
        if not self.later_per_day > 0:
            return NO_UNITS
        days = len(known) - 1 + (units - known[-1]) / self.later_per_day
        return days if days <= MOST_DAYS else TOO_LONG


def unit_curve(new_units: Sequence[float], traffic_ratio: float = 1.0) -> UnitCurve | CannotTell:
    """Units as they would come to an experiment, from the new units of each of the last days.

    Units that come back are counted once; after the days known, new ones come as they did in
    the last week of them. ``traffic_ratio`` is the share that takes part.
    """
    taken = [float(each) * traffic_ratio for each in new_units]
    if not sum(taken) > 0:
        return NO_UNITS
    total, curve = 0.0, []
    for each in taken:
        total += each
        curve.append(total)
    recent = taken[-RECENT_DAYS:]
    return UnitCurve(tuple(curve), sum(recent) / len(recent))


def effects_by_day(plan: Plan, curve: UnitCurve, parts: float, days: int) -> pd.DataFrame:
    """The smallest effect that could be found after each of ``days`` days.

    ``parts`` is how many times the control's units all variants have. Columns day, units (all
    variants), effect (of the plan's kind); days on which nothing can be told have no row.
    """
    rows = []
    for day in range(1, days + 1):
        units = curve.after(day)
        least = smallest_effect(plan, units / parts)
        if not isinstance(least, CannotTell):
            rows.append((day, units, least))
    return pd.DataFrame(rows, columns=["day", "units", "effect"])


def _proportion(name: str, units: int, positive: int) -> Baseline | None:
    found = measure(Proportion(units, positive))
    return Baseline(name, "proportion", found.mean, found.variance, units) \
        if isinstance(found, Moments) else None


def _mean(name: str, kind: BaselineKind, units: int, total: float,
          squares: float) -> Baseline | None:
    found = measure(Mean(units, float(total), float(squares)))
    return Baseline(name, kind, found.mean, found.variance, units) \
        if isinstance(found, Moments) else None
