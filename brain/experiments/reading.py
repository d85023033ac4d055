"""Results of an experiment: sums from the store, read by every method, health first."""

import datetime as dt
from collections.abc import Mapping, Sequence

import pandas as pd

from analytics.experiments.analysis import Comparison, Metric, MetricResult, Rules, analyze
from analytics.experiments.health import HealthCheck
from analytics.experiments.off_policy import Value
from analytics.experiments.statistics import CannotTell, Statistic, measure
from analytics.experiments.verdict import Verdict, summarize_verdicts, withhold_verdict
from brain.decisions.experiment import Experiment, MetricDefinition, Role
from brain.experiments import bandit_reading, checking, imported, over_time, worth
from brain.experiments.measuring import Query, read_statistics, read_units, window_of
from brain.experiments.records import ExperimentRecords
from brain.experiments.results import MetricResults, Results
from brain.sources.state import StateStore

COST = MetricDefinition("llm_cost_usd", "llm_cost", "lower", name="LLM cost per unit")
NOT_BEGUN = Verdict("cannot_tell", "not_started", "The experiment has not begun.")
DAY_S = 86_400.0


def read_results(given: Experiment, state: StateStore, query: Query, records: ExperimentRecords,
                 now: dt.datetime, metric: str | None = None) -> Results:
    """Everything the experiment has shown up to ``now``; see `Results`.

    Raises LookupError for a metric that the experiment does not have.
    """
    metrics = ordered_metrics(given, metric)
    if given.is_imported:
        return imported.read_imported(given, state, now, metrics)
    window = window_of(given, now)
    if window is None:
        return _empty(given, now)
    units = read_units(query, window, given.shares)
    definitions = [each for _, each in metrics]
    with_cost = definitions if any(each.key == COST.key for each in definitions) \
        else [*definitions, COST]
    statistics = read_statistics(query, window, with_cost, units.by_variant)
    costs = worth.read_costs(query, window, units.by_variant)
    checks = checking.check(given, query, window, units, statistics, records, costs,
                            definitions[0])
    rules = rules_of(given)
    found = analyze([Metric(each.key, statistics[each.key], role, each.better,
                            each.smallest_effect) for role, each in metrics],
                    given.control, rules, checks)
    adaptive: Mapping[str, Value | CannotTell] = {}
    if given.kind == "bandit":
        adaptive = bandit_reading.compare(given, query, window, records, definitions[0])
        found = (bandit_reading.with_adaptive(found[0], adaptive, given, statistics, rules,
                                              withhold_verdict(checks)), *found[1:])
    shown = tuple(combine(role, each, statistics[each.key], result) for (role, each), result
                  in zip(metrics, found, strict=True))
    days = (window.end - window.start).total_seconds() / DAY_S
    per_day = units.total / days if units.total else None
    return Results(
        given, window.end, window.start, rules, units.by_variant, units.crossed, checks,
        shown[0].verdict, shown[0].winner, shown,
        over_time.read_series(given, query, window, definitions[0], units), per_day,
        days_to_decide(shown[0].comparisons, units.by_variant, given.control, per_day),
        costs.by_variant, costs.total_usd, costs.series,
        worth.monthly(given, definitions[0], statistics, per_day, rules), adaptive)


def ordered_metrics(given: Experiment, first: str | None
                    ) -> tuple[tuple[Role, MetricDefinition], ...]:
    """Every metric with its role; ``first`` leads as primary and its former leader is secondary.

    Raises LookupError for a metric that the experiment does not have.
    """
    if first is None or first == given.primary.key:
        return given.metrics
    chosen = [each for _, each in given.metrics if each.key == first]
    if not chosen:
        raise LookupError(f"{given.key} has no metric {first!r:.80}")
    rest = tuple(("secondary" if role == "primary" else role, each)
                 for role, each in given.metrics if each.key != first)
    return (("primary", chosen[0]), *rest)  # type: ignore[return-value]


def rules_of(given: Experiment) -> Rules:
    """How its results are read."""
    return Rules(given.method, given.alpha, planned_units=given.planned_units)


def combine(role: Role, definition: MetricDefinition, statistics: Mapping[str, Statistic],
            result: MetricResult) -> MetricResults:
    """A metric's numbers and verdicts together."""
    sign = 1 if definition.better == "higher" else -1
    verdict, winner = summarize_verdicts([
        (each.variant, 0.0 if isinstance(each.effect, CannotTell)
         else sign * each.effect.estimate, each.verdict) for each in result.comparisons])
    return MetricResults(definition, role, statistics,
                         {key: measure(each) for key, each in statistics.items()},
                         result.comparisons, result.chance_to_be_best, verdict, winner)


def days_to_decide(comparisons: Sequence[Comparison], units: Mapping[str, int], control: str,
                   per_day: float | None) -> dict[str, float]:
    """Days until each open comparison will likely be decided, at the present inflow of units."""
    total = sum(units.values())
    if not per_day or not total:
        return {}
    found = {}
    for each in comparisons:
        both = units.get(control, 0) + units.get(each.variant, 0)
        if each.units_to_decide is not None and both:
            found[each.variant] = max(0.0, each.units_to_decide - both) / (per_day * both / total)
    return found


def _empty(given: Experiment, now: dt.datetime) -> Results:
    checks: tuple[HealthCheck, ...] = ()
    metrics = tuple(MetricResults(each, role, {}, {}, (), None, NOT_BEGUN, None)
                    for role, each in given.metrics)
    return Results(given, now, None, rules_of(given), dict.fromkeys(given.shares, 0), 0, checks,
                   NOT_BEGUN, None, metrics, over_time.no_series(), None, {}, {}, None,
                   pd.DataFrame(columns=list(worth.COST_SERIES)), {}, {})
