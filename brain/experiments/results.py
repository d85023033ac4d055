"""What an experiment has shown so far: the answers that pages, exports and jobs read."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import pandas as pd

from analytics.experiments.analysis import Comparison, Rules
from analytics.experiments.effects import Effect
from analytics.experiments.health import HealthCheck
from analytics.experiments.off_policy import Value
from analytics.experiments.segments import Heterogeneity
from analytics.experiments.statistics import CannotTell, Moments, Statistic
from analytics.experiments.verdict import Verdict
from analytics.experiments.worth import MonthlyWorth, VariantCost
from brain.decisions.experiment import Experiment, MetricDefinition, Role

SERIES = ("at_utc", "variant", "units", "estimate", "lower", "upper", "p_value", "fixed_lower",
          "fixed_upper", "fixed_p_value", "is_called", "is_fixed_called")
"""Columns of `Results.series`: readings of the effect up to ``at_utc``, units of both variants."""


@dataclass(frozen=True, slots=True)
class MetricResults:
    """One metric: sums and means by variant, the treatments against the control, one verdict.

    ``means`` has a mean with the variance of one unit, or why there is none; ``winner`` is the
    variant that is better.
    """

    definition: MetricDefinition
    role: Role
    statistics: Mapping[str, Statistic]
    means: Mapping[str, Moments | CannotTell]
    comparisons: tuple[Comparison, ...]
    chance_to_be_best: Mapping[str, float] | None
    verdict: Verdict
    winner: str | None


@dataclass(frozen=True, slots=True)
class Worth:
    """A variant at full rollout, USD per month: what it gains, what it costs more, and both.

    ``gain`` needs `Experiment.usd_per_value`; a cost is negative where the variant costs more.
    """

    gain: MonthlyWorth | CannotTell
    cost: MonthlyWorth | CannotTell
    net: MonthlyWorth | CannotTell


@dataclass(frozen=True, slots=True)
class Results:
    """Everything read from an experiment up to ``at_utc``, by all methods.

    ``units`` counts by variant the units that saw one variant only; ``checks`` stand above the
    ``verdict`` (that of the primary metric) and may take it away. ``days_to_decide`` is how long
    it will likely take at ``units_per_day``, by variant. ``series`` has the columns `SERIES`, one
    row per look and treatment of the primary metric; ``cost_series`` at_utc, variant, cost_usd
    (cumulative). ``bandit`` has differences to the control that hold although shares followed
    the rewards, by variant.
    """

    experiment: Experiment
    at_utc: dt.datetime
    start_utc: dt.datetime | None
    rules: Rules
    units: Mapping[str, int]
    crossed_units: int
    checks: tuple[HealthCheck, ...]
    verdict: Verdict
    winner: str | None
    metrics: tuple[MetricResults, ...]
    series: pd.DataFrame
    units_per_day: float | None
    days_to_decide: Mapping[str, float]
    costs: Mapping[str, VariantCost | CannotTell]
    cost_usd: Decimal | None
    cost_series: pd.DataFrame
    worth: Mapping[str, Worth]
    bandit: Mapping[str, Value | CannotTell]

    @property
    def primary(self) -> MetricResults:
        """The metric that decides."""
        return self.metrics[0]


@dataclass(frozen=True, slots=True)
class SegmentResults:
    """The effect of one treatment within each segment, and whether segments differ; exploration.

    ``units`` counts control and treatment by segment.
    """

    metric: str
    variant: str
    dimension: str
    effects: Mapping[str, Effect | CannotTell]
    units: Mapping[str, int]
    heterogeneity: Heterogeneity | CannotTell


@dataclass(frozen=True, slots=True)
class Overlap:
    """Another experiment that a unit can take part in at the same time, and why."""

    experiment: Experiment
    reason: str


@dataclass(frozen=True, slots=True)
class ImportedSeries:
    """What an import of experiments brought, and what it left out as already there."""

    experiments: int
    series: int
    looks: int
    known: tuple[str, ...]
