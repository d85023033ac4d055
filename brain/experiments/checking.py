"""Health of a running experiment: what must hold before its result may be believed."""

from collections.abc import Mapping, Sequence

from analytics.experiments.effects import estimate_effect
from analytics.experiments.health import (
    HealthCheck,
    judge_before,
    judge_crossed,
    judge_novelty,
    judge_ratio,
    judge_shares,
    judge_unexposed,
)
from analytics.experiments.segments import TOO_FEW_POINTS, Trend, check_novelty
from analytics.experiments.srm import check_ratio
from analytics.experiments.statistics import Adjusted, CannotTell, Statistic
from brain.decisions.experiment import BUILT_IN, Experiment, MetricDefinition
from brain.experiments.measuring import Query, Units, Window, cap_of, how_of, statistic_of
from brain.experiments.records import ExperimentRecords
from brain.experiments.worth import Costs


def check(given: Experiment, query: Query, window: Window, units: Units,
          statistics: Mapping[str, Mapping[str, Statistic]], records: ExperimentRecords,
          costs: Costs, primary: MetricDefinition) -> tuple[HealthCheck, ...]:
    """Every check, in the order pages show them."""
    found = [_check_ratio(given, units), judge_crossed(units.crossed, units.total + units.crossed),
             _check_exposures(given, query, window, units, primary),
             _check_before(given, statistics, primary),
             judge_novelty(_find_trend(given, query, window, primary)),
             _check_shares(given, records)]
    if costs.unpriced_requests:
        found.append(HealthCheck(
            "unpriced_requests", "warning", f"{costs.unpriced_requests:,} of {costs.requests:,} "
            "requests have no price: costs are too low by theirs."))
    return tuple(found)


def _check_ratio(given: Experiment, units: Units) -> HealthCheck:
    if given.kind == "bandit":
        return HealthCheck("sample_ratio", "unknown", "A bandit's shares follow the rewards: there "
                                                      "is no planned ratio.")
    shares = given.shares
    return judge_ratio(check_ratio(list(units.by_variant.values()),
                                   [shares.get(key, 0.0) for key in units.by_variant]),
                       is_anytime=True)


def _check_exposures(given: Experiment, query: Query, window: Window, units: Units,
                     primary: MetricDefinition) -> HealthCheck:
    if given.traffic_ratio < 1 or given.targeting or given.namespace or primary.key in BUILT_IN:
        return HealthCheck("missing_exposures", "unknown", "Not everybody with a value takes part, "
                           "so missing exposures cannot be told from units left out.")
    found = query("experiments/unexposed", **window.params(primary.key))
    return judge_unexposed(int(found["unexposed_units"].iloc[0]), units.total + units.crossed)


def _check_before(given: Experiment, statistics: Mapping[str, Mapping[str, Statistic]],
                  primary: MetricDefinition) -> HealthCheck:
    for key in (primary.key, *statistics):
        adjusted = {variant: each for variant, each in statistics[key].items()
                    if isinstance(each, Adjusted)}
        if given.control in adjusted and len(adjusted) > 1:
            return judge_before(adjusted, given.control)
    return HealthCheck("difference_before", "unknown", "There is no history to compare.")


def _find_trend(given: Experiment, query: Query, window: Window,
                primary: MetricDefinition) -> Trend | CannotTell:
    """The surest trend of the treatments' effects from one day's new units to the next."""
    if primary.kind in ("ratio", "quantile"):
        return TOO_FEW_POINTS
    how = how_of(primary)
    rows = query("experiments/cohort_sums", cap=cap_of(primary), **window.params(primary.key))
    by_day: dict[object, dict[str, Statistic]] = {}
    for row in rows.to_dict("records"):
        by_day.setdefault(row["cohort_utc"], {})[row["variant"]] = statistic_of(
            how, row, int(row["units"]))
    treatments = [key for key in given.shares if key != given.control]
    trends: Sequence[Trend | CannotTell] = [check_novelty([
        estimate_effect(day[given.control], day[key], is_relative=False)
        if given.control in day and key in day else TOO_FEW_POINTS for day in by_day.values()])
        for key in treatments]
    known = [each for each in trends if isinstance(each, Trend)]
    if not known:
        return TOO_FEW_POINTS
    surest = min(known, key=lambda each: each.p_value)
    return Trend(surest.slope, surest.standard_error, min(1.0, surest.p_value * len(known)))


def _check_shares(given: Experiment, records: ExperimentRecords) -> HealthCheck:
    rows = records.allocations(given.key)
    return judge_shares({key: tuple(row.shares.get(key, 0.0) for row in rows)
                         for key in given.shares})
