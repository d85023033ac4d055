"""All metrics of an experiment against its control, read by every method at once."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analytics.experiments.corrections import adjust_benjamini_hochberg, adjust_holm
from analytics.experiments.effects import Effect, estimate_effect
from analytics.experiments.group_sequential import Spending, find_boundary
from analytics.experiments.health import HealthCheck
from analytics.experiments.power import units_to_decide
from analytics.experiments.readings import (
    DEFAULT_PLANNED_UNITS,
    Alternative,
    Floats,
    Intervals,
    chance_to_be_best,
    read_fixed,
    read_posterior,
    read_sequence,
)
from analytics.experiments.statistics import (
    ZERO_BASELINE,
    CannotTell,
    Moments,
    Statistic,
    measure,
)
from analytics.experiments.verdict import (
    Better,
    Verdict,
    decide_by_chance,
    decide_verdict,
    refuse_verdict,
    withhold_verdict,
)

Method = Literal["sequential", "fixed", "bayesian", "group_sequential"]
Role = Literal["primary", "secondary", "guardrail"]


@dataclass(frozen=True, slots=True)
class Prior:
    """Normal prior of the effect; flat unless ``is_proper``. A relative one is times the mean."""

    mean: float = 0.0
    variance: float = 1.0
    is_proper: bool = False
    is_relative: bool = True


@dataclass(frozen=True, slots=True)
class Rules:
    """How results are read. ``method`` leads; the others stand beside it.

    ``planned_units`` tunes the sequence to the units of both variants that the plan asks for.
    ``looks`` are the information fractions of the looks so far, for "group_sequential" only.
    """

    method: Method = "sequential"
    alpha: float = 0.05
    alternative: Alternative = "two_sided"
    is_relative: bool = True
    planned_units: float = DEFAULT_PLANNED_UNITS
    prior: Prior = Prior()
    looks: tuple[float, ...] = ()
    spending: Spending = "obrien_fleming"


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric with its sums per variant; the control is named by the experiment.

    The family of tests is the role: Holm among primary metrics, Benjamini–Hochberg among
    secondary ones, none among guardrails, where a missed harm is worse than a false alarm.
    """

    key: str
    variants: Mapping[str, Statistic]
    role: Role = "primary"
    better: Better = "higher"
    smallest_effect: float = 0.0


@dataclass(frozen=True, slots=True)
class Reading:
    """One method's reading of an effect; what a method does not have is None.

    ``p_adjusted`` is that of the family of tests, from the larger p-value of the effect and of
    the plain difference. A relative effect leaves zero too easily while the control's mean is
    uncertain; that there is no difference is the same claim on both scales.
    ``is_significant`` is whether the effect counts so.
    """

    lower: float
    upper: float
    p_value: float | None = None
    p_adjusted: float | None = None
    is_significant: bool = True
    estimate: float | None = None
    chance_to_win: float | None = None
    control_loss: float | None = None
    treatment_loss: float | None = None
    critical_z: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A variant against the control. ``readings`` is empty where the effect cannot be told.

    ``units_to_decide`` is how many units of both it will likely take, where that is open.
    """

    metric: str
    variant: str
    effect: Effect | CannotTell
    readings: Mapping[Method, Reading]
    verdict: Verdict
    units_to_decide: float | None = None


@dataclass(frozen=True, slots=True)
class MetricResult:
    """A metric's comparisons, and each variant's chance to be best where three or more compete."""

    metric: str
    comparisons: tuple[Comparison, ...]
    chance_to_be_best: Mapping[str, float] | None


def analyze(metrics: Sequence[Metric], control: str, rules: Rules,
            checks: Sequence[HealthCheck] = ()) -> tuple[MetricResult, ...]:
    """Every variant of every metric against the control, in the order given.

    A failed check takes all verdicts away. Raises ValueError as `read_sequence` and
    `find_boundary` do, KeyError where a metric lacks the control.
    """
    if rules.method == "group_sequential" and not rules.looks:
        raise ValueError("a group sequential reading needs the looks so far")
    pairs = [(metric, key, estimate_effect(metric.variants[control], statistic,
                                           rules.is_relative))
             for metric in metrics for key, statistic in metric.variants.items()
             if key != control]
    known = [(metric, effect) for metric, _, effect in pairs if isinstance(effect, Effect)]
    read = iter(_read_all(known, rules) if known else ())
    families = Counter(metric.role for metric, _ in known)
    withheld = withhold_verdict(checks)
    found: dict[str, list[Comparison]] = {metric.key: [] for metric in metrics}
    for metric, key, effect in pairs:
        if isinstance(effect, CannotTell):
            found[metric.key].append(Comparison(metric.key, key, effect, {},
                                                withheld or refuse_verdict(effect)))
            continue
        readings = next(read)
        verdict = withheld or _judge(metric, readings, rules)
        found[metric.key].append(Comparison(metric.key, key, effect, readings, verdict,
                                            _units_left(metric, effect, verdict, rules,
                                                        families[metric.role])))
    return tuple(MetricResult(metric.key, tuple(found[metric.key]), _best(metric))
                 for metric in metrics)


def _read_all(known: Sequence[tuple[Metric, Effect]],
              rules: Rules) -> list[dict[Method, Reading]]:
    estimate, error, df, n, mean, z = (np.array(column) for column in zip(*(
        (effect.estimate, effect.standard_error, effect.degrees_of_freedom, float(effect.n),
         effect.control_mean, effect.absolute_z) for _, effect in known), strict=True))
    one = np.ones_like(z)

    def fix(estimate: Floats, error: Floats) -> Intervals:
        return read_fixed(estimate, error, df, rules.alpha, rules.alternative)

    def follow(estimate: Floats, error: Floats) -> Intervals:
        return read_sequence(estimate, error, n, rules.alpha, rules.planned_units,
                             rules.alternative)

    fixed, sequence = fix(estimate, error), follow(estimate, error)
    careful = (fixed.p_value, sequence.p_value)
    if rules.is_relative:
        careful = (np.maximum(fixed.p_value, fix(z, one).p_value),
                   np.maximum(sequence.p_value, follow(z, one).p_value))
    adjusted = [_adjust(known, each) for each in careful]
    scale = np.abs(mean) if rules.prior.is_relative and not rules.is_relative else \
        1 / np.abs(mean) if rules.is_relative and not rules.prior.is_relative else np.ones_like(n)
    variance = rules.prior.variance * scale * scale if rules.prior.is_proper else math.inf
    with np.errstate(divide="ignore", invalid="ignore"):
        posterior = read_posterior(estimate, error, rules.alpha, rules.prior.mean * scale, variance,
                                   np.array([metric.better == "lower" for metric, _ in known]))
    columns = zip(*(each.tolist() for each in (
        fixed.lower, fixed.upper, fixed.p_value, adjusted[0], adjusted[0] <= rules.alpha,
        sequence.lower, sequence.upper, sequence.p_value, adjusted[1], adjusted[1] <= rules.alpha,
        posterior.lower, posterior.upper, posterior.mean, posterior.chance_to_win,
        posterior.control_loss, posterior.treatment_loss)), strict=True)
    found: list[dict[Method, Reading]] = [{
        "sequential": Reading(*row[5:10]), "fixed": Reading(*row[:5]),
        "bayesian": Reading(row[10], row[11], None, None, True, *row[12:16])} for row in columns]
    told = np.isfinite(posterior.chance_to_win) & np.isfinite(posterior.control_loss)
    for place in np.flatnonzero(~told):
        del found[place]["bayesian"]  # a prior relative to a mean of zero says nothing
    if rules.looks:
        _read_group(found, known, rules)
    return found


def _read_group(found: list[dict[Method, Reading]], known: Sequence[tuple[Metric, Effect]],
                rules: Rules) -> None:
    """Adds the group sequential reading; the level is shared by Bonferroni within a family."""
    is_two_sided = rules.alternative == "two_sided"
    families = Counter(metric.role for metric, _ in known)
    for readings, (metric, effect) in zip(found, known, strict=True):
        alpha = rules.alpha / (1 if metric.role == "guardrail" else families[metric.role])
        critical = find_boundary(rules.looks, alpha, rules.spending, is_two_sided).critical[-1]
        reach = critical * effect.standard_error
        readings["group_sequential"] = Reading(
            -math.inf if rules.alternative == "less" else effect.estimate - reach,
            math.inf if rules.alternative == "greater" else effect.estimate + reach,
            is_significant=abs(effect.absolute_z) >= critical, critical_z=critical)


def _adjust(known: Sequence[tuple[Metric, Effect]], p_value: Floats) -> Floats:
    adjusted = p_value.copy()
    for role, correct in (("primary", adjust_holm), ("secondary", adjust_benjamini_hochberg)):
        family = np.array([metric.role == role for metric, _ in known])
        if family.any():
            adjusted[family] = correct(p_value[family])
    return adjusted


def _judge(metric: Metric, readings: Mapping[Method, Reading], rules: Rules) -> Verdict:
    reading = readings.get(rules.method)
    if reading is None:
        return refuse_verdict(ZERO_BASELINE)
    if rules.method == "bayesian" and reading.chance_to_win is not None:
        return decide_by_chance(reading.chance_to_win, rules.alpha)
    return decide_verdict(reading.lower, reading.upper, metric.better, metric.smallest_effect,
                          reading.is_significant)


def _units_left(metric: Metric, effect: Effect, verdict: Verdict, rules: Rules,
                family: int) -> float | None:
    if verdict.name != "cannot_tell_yet":
        return None
    alpha = rules.alpha / (family if metric.role == "primary" else 1)
    units = units_to_decide(effect.estimate, effect.standard_error, effect.n, alpha,
                            rules.planned_units if rules.method == "sequential" else None,
                            metric.smallest_effect)
    return None if isinstance(units, CannotTell) else units


def _best(metric: Metric) -> dict[str, float] | None:
    if len(metric.variants) < 3:
        return None
    moments = {key: measure(statistic) for key, statistic in metric.variants.items()}
    known = [each for each in moments.values() if isinstance(each, Moments)]
    if len(known) < len(moments):
        return None
    chances = chance_to_be_best(np.array([each.mean for each in known]),
                                np.sqrt(np.array([each.variance / each.n for each in known])),
                                metric.better == "lower")
    return dict(zip(moments, chances.tolist(), strict=True))
