"""What variants cost so far, and what they would gain or cost a month at full rollout."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pandas as pd

from analytics.experiments.analysis import Rules
from analytics.experiments.effects import estimate_effect
from analytics.experiments.readings import read_fixed, read_sequence
from analytics.experiments.statistics import EMPTY, CannotTell, Statistic
from analytics.experiments.worth import (
    MonthlyWorth,
    VariantCost,
    monthly_worth,
    net_worth,
    variant_cost,
)
from brain.decisions.experiment import Experiment, MetricDefinition
from brain.experiments.measuring import Query, Window
from brain.experiments.results import Worth

COST_SERIES = ("at_utc", "variant", "cost_usd")
DAY = pd.Timedelta(days=1)
NO_VALUE = CannotTell("no_value", "What one unit of the primary metric is worth in USD is not set.")
COST_ITSELF = CannotTell("cost_itself", "The primary metric is the cost itself.")


@dataclass(frozen=True, slots=True)
class Costs:
    """Cost of the units since their exposure; ``series`` is cumulative by day and variant."""

    by_variant: Mapping[str, VariantCost | CannotTell]
    total_usd: Decimal | None
    series: pd.DataFrame
    requests: int
    unpriced_requests: int


def read_costs(query: Query, window: Window, units: Mapping[str, int]) -> Costs:
    """What the requests of each variant's units cost; no total where there was no request."""
    rows = query("experiments/costs", experiment=window.experiment, unit=window.unit,
                 start=window.start, end=window.end)
    spent = {key: sum(rows.loc[rows["variant"] == key, "cost_usd"], Decimal(0)) for key in units}
    series = []
    for variant, own in rows.groupby("variant", sort=False):
        total = Decimal(0)
        for day, cost_usd in zip(own["day_utc"], own["cost_usd"], strict=True):
            total += cost_usd
            series.append((min(day + DAY, pd.Timestamp(window.end)), variant, total))
    return Costs({key: variant_cost(key, n, spent[key]) for key, n in units.items()},
                 sum(spent.values(), Decimal(0)) if len(rows) else None,
                 pd.DataFrame(series, columns=list(COST_SERIES)), int(rows["requests"].sum()),
                 int(rows["unpriced_requests"].sum()))


def monthly(given: Experiment, primary: MetricDefinition,
            statistics: Mapping[str, Mapping[str, Statistic]], units_per_day: float | None,
            rules: Rules) -> dict[str, Worth]:
    """Gain, cost and both by treatment, if all units that come got it.

    A revenue metric is worth its own value unless the experiment says otherwise.
    """
    value = given.usd_per_value
    if value is None and primary.kind == "revenue":
        value = 1.0
    found = {}
    for key in given.shares:
        if key == given.control:
            continue
        cost = _worth(statistics["llm_cost_usd"], given.control, key, units_per_day, -1.0, rules)
        if primary.kind == "llm_cost":
            found[key] = Worth(COST_ITSELF, cost, cost)
            continue
        gain: MonthlyWorth | CannotTell = NO_VALUE
        if value is not None and primary.kind not in ("ratio", "quantile"):
            gain = _worth(statistics[primary.key], given.control, key, units_per_day, value, rules)
        found[key] = Worth(gain, cost, gain if isinstance(gain, CannotTell) else
                           cost if isinstance(cost, CannotTell) else net_worth(gain, cost))
    return found


def _worth(statistics: Mapping[str, Statistic], control: str, key: str,
           units_per_day: float | None, usd_per_value: float,
           rules: Rules) -> MonthlyWorth | CannotTell:
    if units_per_day is None:
        return EMPTY
    effect = estimate_effect(statistics[control], statistics[key], is_relative=False)
    if isinstance(effect, CannotTell):
        return effect
    estimate, error = np.array([effect.estimate]), np.array([effect.standard_error])
    read = read_fixed(estimate, error, np.array([effect.degrees_of_freedom]), rules.alpha) \
        if rules.method == "fixed" else read_sequence(
            estimate, error, np.array([float(effect.n)]), rules.alpha, rules.planned_units)
    return monthly_worth(effect.estimate, float(read.lower[0]), float(read.upper[0]),
                         units_per_day, usd_per_value)
