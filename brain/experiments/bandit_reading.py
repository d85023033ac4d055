"""Differences between a bandit's arms that hold although shares followed the rewards."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from analytics.experiments.adaptive import compare_arms
from analytics.experiments.analysis import Comparison, MetricResult, Reading, Rules
from analytics.experiments.effects import Effect
from analytics.experiments.off_policy import NO_LOG, Value
from analytics.experiments.readings import read_fixed, read_sequence
from analytics.experiments.statistics import ZERO_BASELINE, CannotTell, Moments, Statistic, measure
from analytics.experiments.verdict import Verdict, decide_verdict, refuse_verdict
from brain.decisions.experiment import Experiment, MetricDefinition
from brain.experiments.measuring import Query, Window, cap_of, how_of
from brain.experiments.records import ExperimentRecords


def compare(given: Experiment, query: Query, window: Window, records: ExperimentRecords,
            metric: MetricDefinition) -> dict[str, Value | CannotTell]:
    """Each arm's mean reward minus the control's, by variant.

    Shares are those in force when a unit was assigned where this console assigned it, else when
    it was first exposed. An arm that was taken out is compared up to then.
    """
    rows = query("experiments/rewards", how=how_of(metric), cap=cap_of(metric),
                 **window.params(metric.key)).dropna(subset=["reward"])
    history = records.allocations(given.key)
    keys = list(given.shares)
    rows = rows[rows["variant"].isin(keys)]
    if not history or rows.empty:
        return {key: NO_LOG for key in keys if key != given.control}
    assigned = records.assigned_at(given.key)
    at = [assigned.get(unit, seen) for unit, seen
          in zip(rows["unit_id"], rows["seen_utc"], strict=True)]
    starts = np.array([each.at_utc.timestamp() for each in history])
    moments = np.array([each.timestamp() for each in at])
    order = np.argsort(moments, kind="stable")
    place = np.maximum(np.searchsorted(starts, moments[order], side="right") - 1, 0)
    shares = np.array([[each.shares.get(key, 0.0) for key in keys] for each in history])[place]
    arms = np.array([keys.index(each) for each in rows["variant"]], np.int64)[order]
    rewards = rows["reward"].to_numpy(np.float64)[order]
    control = keys.index(given.control)
    found: dict[str, Value | CannotTell] = {}
    for number, key in enumerate(keys):
        if number == control:
            continue
        open_to = (shares[:, number] > 0) & (shares[:, control] > 0)
        found[key] = compare_arms(arms[open_to], rewards[open_to], shares[open_to], number,
                                  control) if open_to.any() else NO_LOG
    return found


def with_adaptive(result: MetricResult, adaptive: Mapping[str, Value | CannotTell],
                  given: Experiment, statistics: Mapping[str, Mapping[str, Statistic]],
                  rules: Rules, withheld: Verdict | None) -> MetricResult:
    """The primary metric's comparisons with these differences in the place of plain ones.

    Their level is shared by all treatments (Bonferroni).
    """
    control = measure(statistics[result.metric][given.control])
    comparisons = tuple(_replace(each, adaptive[each.variant], control, given, rules, withheld)
                        for each in result.comparisons if each.variant in adaptive)
    return replace(result, comparisons=comparisons)


def _replace(plain: Comparison, value: Value | CannotTell, control: Moments | CannotTell,
             given: Experiment, rules: Rules, withheld: Verdict | None) -> Comparison:
    missing = value if isinstance(value, CannotTell) else \
        control if isinstance(control, CannotTell) else \
        ZERO_BASELINE if control.mean == 0 else None
    if missing is not None or isinstance(value, CannotTell) or isinstance(control, CannotTell):
        why = missing or ZERO_BASELINE
        return Comparison(plain.metric, plain.variant, why, {}, withheld or refuse_verdict(why))
    size = abs(control.mean)
    estimate, error = value.estimate / size, value.standard_error / size
    n = plain.effect.n if isinstance(plain.effect, Effect) else control.n
    alpha = rules.alpha / (len(given.variants) - 1)
    one, spread, units = np.array([estimate]), np.array([error]), np.array([float(n)])
    reads = {"sequential": read_sequence(one, spread, units, alpha, rules.planned_units),
             "fixed": read_fixed(one, spread, units - 2, alpha)}
    readings = {name: Reading(float(each.lower[0]), float(each.upper[0]), float(each.p_value[0]),
                              min(1.0, float(each.p_value[0]) * (len(given.variants) - 1)),
                              bool(each.p_value[0] <= alpha)) for name, each in reads.items()}
    lead = readings["fixed" if rules.method == "fixed" else "sequential"]
    verdict = withheld or decide_verdict(lead.lower, lead.upper, given.primary.better,
                                         given.primary.smallest_effect, lead.is_significant)
    effect = Effect(estimate, error, float(n - 2), n, control.mean, control.mean + value.estimate,
                    True, value.standard_error)
    return Comparison(plain.metric, plain.variant, effect, readings,  # type: ignore[arg-type]
                      verdict)
