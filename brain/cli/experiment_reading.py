"""From one record of `brain experiments analyze` to its answer."""

from analytics.experiments import analysis, health, srm, verdict
from analytics.experiments.effects import Effect
from analytics.experiments.statistics import Adjusted, CannotTell, Statistic
from brain.cli.experiment_analysis import (
    AnalyzeIn,
    AnalyzeOut,
    CheckOut,
    ComparisonOut,
    RatioOut,
    ReadingOut,
    read_rules,
    read_statistic,
)
from brain.cli.machine import ReasonOut
from brain.decisions.reasons import InputError

_NO_READING = ReadingOut(*(None,) * 9)

def read_metric(given: AnalyzeIn) -> AnalyzeOut:
    """Health, effects and verdict of one metric.

    Raises InputError for variants that repeat, lack the control or their statistics.
    """
    control = _find_control(given)
    rules = read_rules(given)
    ratio = _check_ratio(given)
    checks = [health.judge_ratio(ratio, rules.method != "fixed")] if ratio is not None else []
    units = sum(each.n for each in given.variants)
    if given.crossed_units is not None:
        checks.append(health.judge_crossed(given.crossed_units, units))
    if given.unexposed_units is not None:
        checks.append(health.judge_unexposed(given.unexposed_units, units))
    comparisons: tuple[analysis.Comparison, ...] = ()
    best = None
    if given.kind != "units":
        statistics = {each.key: read_statistic(each, given.kind, given.quantile,
                                               f"variants[{place}]")
                      for place, each in enumerate(given.variants)}
        checks += _check_history(statistics, control)
        metric = analysis.Metric(given.metric, statistics, better=given.better,
                                 smallest_effect=given.smallest_effect)
        (result,) = analysis.analyze((metric,), control, rules, checks)
        comparisons, best = result.comparisons, result.chance_to_be_best
    overall, winner = _summarize(given, comparisons, checks)
    return AnalyzeOut(
        given.metric, given.method, given.effect, given.alpha, control, overall.name, winner,
        [_show_comparison(each, rules.method) for each in comparisons],
        None if best is None else dict(best),
        RatioOut(ratio.p_value, ratio.anytime_p_value, ratio.observed, ratio.planned)
        if isinstance(ratio, srm.RatioCheck) else None,
        [CheckOut(each.code, each.status, each.text) for each in checks],
        _reasons(given, overall, winner))


def _find_control(given: AnalyzeIn) -> str:
    keys = [each.key for each in given.variants]
    for place, key in enumerate(keys):
        if keys.index(key) != place:
            raise InputError("repeated_variant", f"two variants are called {key!r:.80}",
                             f"variants[{place}].key")
    control = given.control if given.control is not None else keys[0]
    if control not in keys:
        raise InputError("unknown_variant", f"there is no variant {control!r:.80}", "control")
    return control


def _check_ratio(given: AnalyzeIn) -> srm.RatioCheck | CannotTell | None:
    """None where no share was planned: equal shares are never assumed."""
    weights = [each.weight for each in given.variants]
    known = [each for each in weights if each is not None]
    if not known:
        return srm.NO_SHARES if given.kind == "units" else None
    if len(known) < len(weights):
        raise InputError("missing_field", "every variant needs its weight, or none",
                         f"variants[{weights.index(None)}].weight")
    return srm.check_ratio([each.n for each in given.variants], known)


def _check_history(statistics: dict[str, Statistic], control: str) -> list[health.HealthCheck]:
    adjusted = {key: each for key, each in statistics.items() if isinstance(each, Adjusted)}
    if not adjusted:
        return []
    if len(adjusted) < len(statistics):
        raise InputError("missing_field", "every variant needs its values from before, or none",
                         "variants")
    return [health.judge_before(adjusted, control)]


def _summarize(given: AnalyzeIn, comparisons: tuple[analysis.Comparison, ...],
               checks: list[health.HealthCheck]) -> tuple[verdict.Verdict, str | None]:
    if given.kind == "units":
        withheld = verdict.withhold_verdict(checks)
        return withheld or verdict.Verdict("cannot_tell", "no_metric",
                                           "Units alone say nothing about an effect."), None
    sign = 1 if given.better == "higher" else -1
    return verdict.summarize_verdicts([
        (each.variant, sign * each.effect.estimate if isinstance(each.effect, Effect) else 0.0,
         each.verdict) for each in comparisons])


def _reasons(given: AnalyzeIn, overall: verdict.Verdict, winner: str | None) -> list[ReasonOut]:
    text = f"{winner}: {overall.text}" if winner is not None else overall.text
    found = [ReasonOut(overall.code, text)]
    if given.method == "sequential" and given.kind != "units" and given.planned_units is None:
        found.append(ReasonOut("default_tuning", "Without planned_units the sequence is tuned to "
                               f"{analysis.DEFAULT_PLANNED_UNITS:,} units."))
    return found


def _show_comparison(found: analysis.Comparison, method: analysis.Method) -> ComparisonOut:
    effect = found.effect
    if isinstance(effect, CannotTell):
        return ComparisonOut(found.variant, *(None,) * 13, found.verdict.name,
                             ReasonOut(effect.code, effect.text), {})
    readings: dict[str, ReadingOut] = {name: _show_reading(each)
                                       for name, each in found.readings.items()}
    lead = readings.get(method, _NO_READING)
    # A posterior under a proper prior has an estimate of its own.
    estimate = effect.estimate if lead.estimate is None else lead.estimate
    return ComparisonOut(
        found.variant, estimate, lead.lower, lead.upper, lead.p_value, lead.p_adjusted,
        lead.chance_to_win, effect.standard_error, effect.degrees_of_freedom,
        effect.control_mean, effect.treatment_mean, effect.theta,
        effect.variance_reduction_ratio, found.units_to_decide, found.verdict.name,
        ReasonOut(found.verdict.code, found.verdict.text) if lead is _NO_READING else None,
        readings)


def _show_reading(found: analysis.Reading) -> ReadingOut:
    return ReadingOut(found.lower, found.upper, found.p_value, found.p_adjusted, found.estimate,
                      found.chance_to_win, found.control_loss, found.treatment_loss,
                      found.critical_z)
