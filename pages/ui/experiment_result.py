"""One experiment: the verdict, its health, the effect over time, every metric, what it costs."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from analytics.experiments.analysis import Comparison
from analytics.experiments.effects import Effect
from analytics.experiments.statistics import CannotTell, Moments
from analytics.experiments.worth import VariantCost
from brain.decisions.experiment import Experiment, MetricDefinition
from brain.experiments import export
from brain.experiments.results import MetricResults, Results
from brain.experiments.statement import to_results_pdf
from pages.ui import cards, charts, experiment_charts, format, tables
from pages.ui import experiment_reading as reading

_BOXES = {"better": (st.success, ":material/trophy:"), "worse": (st.error, ":material/thumb_down:"),
          "invalid": (st.error, ":material/health_and_safety:"),
          "no_difference": (st.info, ":material/equal:"),
          "not_worse": (st.success, ":material/check:")}
_UNKNOWN_BOX = (st.info, ":material/hourglass_empty:")
_FAMILIES = {"primary": "Primary metric: Holm over its variants",
             "secondary": "Secondary metrics: Benjamini–Hochberg over all of them",
             "guardrail": "Guardrails: each by itself, so that no harm is missed"}
_READING_HELPS = {
    "role": "Primary: Holm over its variants. Secondary: Benjamini–Hochberg. Guardrail: each by "
            "itself, since a missed harm is worse than a false alarm.",
    "effect": "Treatment minus control, in percent of the size of the control's mean",
    "sequential": reading.MEANINGS["sequential"], "fixed": reading.MEANINGS["fixed"],
    "bayesian": reading.MEANINGS["bayesian"],
    "p_value": "Of the sequential reading, corrected for the family of tests",
    "chance": "Chance that the variant is better than the control, under a flat prior",
    "verdict": "By the reading that leads", "saved": "Variance taken off by what units did before "
                                                     "the experiment (CUPED)"}


def choose(experiments: Sequence[Experiment]) -> Experiment:
    """The experiment chosen; the choice stands in the address bar."""
    return choose_one(experiments, "Experiment", "experiment")


def choose_one(experiments: Sequence[Experiment], label: str, param: str) -> Experiment:
    """The experiment chosen in a list; ``param`` of the address always names it.

    Without a default of its own the list writes even its first entry into the address, so that
    a link means the same when other experiments have begun.
    """
    by_key = {each.key: each for each in sorted(experiments, key=reading.rank)}
    if st.session_state.get(param, st.query_params.get(param)) not in by_key:
        st.session_state[param] = next(iter(by_key))
    key = st.selectbox(label, list(by_key), index=None, key=param, bind="query-params", width=360,
                       required=True)
    return by_key[key or next(iter(by_key))]


def head(given: Experiment, results: Results, zone: str) -> None:
    """State, origin and facts of an experiment."""
    st.header(given.name)
    icon, colour = reading.STATES[given.state]
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.badge(given.state.capitalize(), icon=icon, color=colour)
        if origin := reading.origin(given):
            st.badge(origin, icon=":material/science:", color="blue")
        if given.kind != "ab":
            st.badge(given.kind.capitalize(), color="gray")
    if given.hypothesis:
        st.text(f"Hypothesis: {given.hypothesis}")
    if given.state == "decided":
        st.text(f"Decided for {reading.variant_name(given, given.decided_variant)}: "
                f"{given.decision_reason}")
    days = reading.days(results)
    shown = [
        cards.Card("Exposed units", format.compact(sum(results.units.values())),
                   f"{given.unit.capitalize()}s that saw exactly one variant.",
                   note="" if results.units_per_day is None
                   else f"{format.compact(results.units_per_day)} a day"),
        cards.Card("Days", format.UNKNOWN if days is None else f"{days:,.1f}",
                   "Since the start, until stopped.",
                   note="not begun" if results.start_utc is None
                   else f"since {format.moment(results.start_utc, zone)}"),
        cards.Card("Traffic", format.share(given.traffic_ratio),
                   "Share of the units that take part."),
        cards.Card("LLM cost so far", format.UNKNOWN if results.cost_usd is None
                   else format.usd(results.cost_usd),
                   "Of the requests of exposed units since their exposure, by the price book.",
                   note="" if given.cost_cap_usd is None
                   else f"cap {format.usd(given.cost_cap_usd)}")]
    cards.row(shown[:2] if given.is_imported else shown, min_width_px=190)


def draw_health(results: Results) -> None:
    """The checks that must hold before the result may be believed."""
    worst = reading.worst_check(results.checks)
    failed = [each for each in results.checks if each.status == "failed"]
    with cards.guarded("Health", "Checked before the result is read: a failed check takes the "
                                 "verdict away."):
        for each in failed:
            st.error(f"**{reading.check_name(each)} failed.** {each.text} There is no verdict "
                     "until the cause is found.", icon=":material/error:")
        count = f"{len(results.checks)} check{'s' if len(results.checks) != 1 else ''}"
        with st.expander(f"{count}, worst: {cards.LOOKS[worst][0]}",
                         expanded=worst in ("critical", "warning"),
                         icon=cards.LOOKS[worst][1]):
            tables.show(pd.DataFrame([{
                "check": reading.check_name(each),
                "status": cards.LOOKS[reading.check_status(each)][0], "text": each.text}
                for each in results.checks], columns=["check", "status", "text"]),
                f"health {results.experiment.key}",
                {"check": "Check", "status": "Status", "text": "What was found"}, key="checks")


def draw_verdict(results: Results) -> None:
    """The verdict in one sentence."""
    box, icon = _BOXES.get(results.verdict.name, _UNKNOWN_BOX)
    if results.experiment.state == "draft":
        box, icon = _UNKNOWN_BOX
    box(reading.sentence(results), icon=icon)


def draw_effect(results: Results, zone: str) -> None:
    """The effect in the primary metric with its sequential interval over time."""
    definition = results.primary.definition
    with cards.guarded(f"Effect in {reading.metric_name(definition)} over time",
                       f"{reading.MEANINGS['sequential']} The line at zero is no effect; "
                       f"{reading.better_text(definition)}."):
        known = results.series.dropna(subset=["estimate"])
        if len(known) < 2:
            st.caption("The first looks are still to come: an effect needs some units in every "
                       "variant.")
            return
        relative = _is_relative(results.primary)
        charts.show(experiment_charts.effect_band(
            known, reading.variant_names(results.experiment),
            "% of the control's mean" if relative else definition.key, zone,
            100.0 if relative else 1.0, definition.smallest_effect * (100 if relative else 1)),
            "effect_over_time")
        dotted = " Dotted: the smallest effect of interest." if definition.smallest_effect else ""
        st.caption("Band: the 95 % sequential interval, right at every look." + dotted)
        if results.experiment.kind == "bandit":
            st.caption("Shares followed the rewards, which plain effects do not know: the verdict "
                       "takes the differences of the Bandits page.")
        with st.expander("As a table"):
            tables.show(known.assign(
                variant=[reading.variant_name(results.experiment, each)
                         for each in known["variant"]],
                **{name: known[name] * 100 if relative else known[name] for name in (
                    "estimate", "lower", "upper", "fixed_lower", "fixed_upper")}),
                f"effect {results.experiment.key}", {
                    "at_utc": "Up to", "variant": "Variant", "units": "Units",
                    "estimate": "Effect (%)", "lower": "Sequential from (%)",
                    "upper": "Sequential to (%)", "fixed_lower": "Fixed from (%)",
                    "fixed_upper": "Fixed to (%)", "p_value": "p, sequential"}
                | ({} if relative else {"estimate": "Effect", "lower": "Sequential from",
                                        "upper": "Sequential to", "fixed_lower": "Fixed from",
                                        "fixed_upper": "Fixed to"}),
                {"at_utc": "time", "units": "count", "estimate": "pct", "lower": "pct",
                 "upper": "pct", "fixed_lower": "pct", "fixed_upper": "pct",
                 "p_value": "usd_unit"}, key="effect_series")


def draw_metrics(results: Results) -> None:
    """Every metric and variant with its three readings."""
    led = reading.METHODS[reading.led_by(results)]
    with cards.guarded("Every metric, read three ways",
                       f"The {led.lower()} reading leads. {'. '.join(_FAMILIES.values())}."):
        rows = [_reading_row(results, metric, each) for metric in results.metrics
                for each in metric.comparisons]
        tables.show(pd.DataFrame(rows), f"readings {results.experiment.key}", {
            "metric": "Metric", "variant": "Variant", "verdict": "Verdict", "effect": "Effect (%)",
            "sequential": f"Sequential{_leads(results, 'sequential')}",
            "fixed": f"Fixed horizon{_leads(results, 'fixed')}",
            "bayesian": f"Bayesian{_leads(results, 'bayesian')}", "chance": "Chance to be better",
            "p_value": "p, sequential", "control_mean": "Control's mean",
            "mean": "Variant's mean", "saved": "CUPED gain (%)", "role": "Role",
            "why": "Why"}, {
                "control_mean": "usd_unit", "mean": "usd_unit", "effect": "pct",
                "p_value": "usd_unit", "chance": "share", "saved": "pct"},
            helps=_READING_HELPS, key="readings", most_rows=20)
        st.caption(f"The {led.lower()} reading decides the verdicts. The fixed one holds for a "
                   "single look at a moment planned beforehand: looked at daily it is wrong far "
                   "more often than 1 time in 20. " + _better_ways(results))


def draw_cost(results: Results, zone: str) -> None:
    """What the variants cost so far, and what a rollout would cost and gain a month."""
    names = reading.variant_names(results.experiment)
    with cards.guarded("Cumulative LLM cost", "Of exposed units' requests since their exposure, by "
                                              "the price book."):
        line = results.cost_series
        if line.empty or not line["cost_usd"].astype("float64").sum():
            st.caption("No priced request of an exposed unit so far.")
        else:
            charts.show(charts.time_series(
                line.assign(variant=[names.get(each, each) for each in line["variant"]]),
                "at_utc", "cost_usd", "variant", unit="USD", zone=zone), "experiment_cost")
    with cards.guarded("Cost and worth", "Money per month if all units got the variant, "
                              "from the absolute effect per unit and the units of a day."):
        tables.show(pd.DataFrame([_money_row(results, key) for key in names]),
                    f"cost {results.experiment.key}", {
                        "variant": "Variant", "units": "Units", "cost": "Cost (USD)",
                        "per_unit": "USD per unit", "cost_month": "Cost saved (USD a month)",
                        "gain_month": "Gain (USD a month)", "net_month": "Net (USD a month)"},
                    {"units": "count", "cost": "usd", "per_unit": "usd_unit"}, key="money",
                    helps={"cost_month": "Against the control, at full rollout; negative costs "
                                         "more. Adjusted for what units cost before the "
                                         "experiment, where that is known (CUPED), so it can "
                                         "differ from the plain sums beside it",
                           "gain_month": "Needs a worth per unit of the primary metric "
                                         "(usd_per_value of the definition)",
                           "net_month": "Gain and cost together; its interval adds the ends"})


def offer_report(results: Results) -> None:
    """Buttons that take the results away, as one page of HTML, as PDF and as CSV."""
    key = results.experiment.key
    with st.container(horizontal=True):
        st.download_button(
            "Report (HTML)", data=lambda: export.to_html(results).encode(), mime="text/html",
            file_name=f"experiment_{key}_{results.at_utc:%Y%m%dT%H%MZ}.html", key="report_html",
            icon=":material/download:", on_click="ignore",
            help="Verdict, health, effects with intervals and costs on one page that prints well")
        st.download_button(
            "Report (PDF)", data=lambda: to_results_pdf(results), mime="application/pdf",
            file_name=f"experiment_{key}_{results.at_utc:%Y%m%dT%H%MZ}.pdf", key="report_pdf",
            icon=":material/download:", on_click="ignore",
            help="The same on A4 pages")
        st.download_button(
            "Results (CSV)", data=lambda: export.to_results_csv(results), mime="text/csv",
            file_name=f"experiment_{key}_{results.at_utc:%Y%m%dT%H%MZ}.csv", key="report_csv",
            icon=":material/download:", on_click="ignore",
            help="One row per metric, variant and reading, exact values")


def _reading_row(results: Results, metric: MetricResults, found: Comparison) -> dict[str, Any]:
    given = results.experiment
    row: dict[str, Any] = {
        "metric": reading.metric_name(metric.definition), "role": metric.role.capitalize(),
        "variant": reading.variant_name(given, found.variant),
        "verdict": reading.verdict_text(found.verdict),
        "control_mean": _mean(metric, given.control), "mean": _mean(metric, found.variant),
        "effect": None, "p_value": None, "chance": None, "saved": None,
        "sequential": "", "fixed": "", "bayesian": "", "why": found.verdict.text}
    if isinstance(found.effect, CannotTell):
        return row | {"why": found.effect.text}
    relative = found.effect.is_relative
    sequence, posterior = found.readings.get("sequential"), found.readings.get("bayesian")
    saved = found.effect.variance_reduction_ratio
    return row | {
        "effect": found.effect.estimate * (100 if relative else 1),
        "p_value": None if sequence is None else sequence.p_adjusted,
        "chance": None if posterior is None else posterior.chance_to_win,
        "saved": None if saved is None else saved * 100,
        **{name: reading.interval_text(found.readings.get(name), relative)
           for name in ("sequential", "fixed", "bayesian")}}


def _money_row(results: Results, key: str) -> dict[str, Any]:
    cost, worth = results.costs.get(key), results.worth.get(key)
    known = cost if isinstance(cost, VariantCost) else None
    control = key == results.experiment.control
    return {"variant": reading.variant_name(results.experiment, key),
            "units": results.units.get(key, 0),
            "cost": None if known is None else known.cost_usd,
            "per_unit": None if known is None else known.usd_per_unit,
            **{f"{name}_month": "control" if control else reading.money_text(
                getattr(worth, name, None)) for name in ("cost", "gain", "net")}}


def _mean(metric: MetricResults, variant: str) -> float | None:
    found = metric.means.get(variant)
    return found.mean if isinstance(found, Moments) else None


def _is_relative(metric: MetricResults) -> bool:
    known = [each.effect for each in metric.comparisons if isinstance(each.effect, Effect)]
    return known[0].is_relative if known else True


def _better_ways(results: Results) -> str:
    def ways(wanted: str) -> list[str]:
        return [reading.metric_name(each.definition) for each in results.metrics
                if each.definition.better == wanted]
    told = [f"{way.capitalize()} is better: {', '.join(names)}."
            for way in ("higher", "lower") if (names := ways(way))]
    return " ".join(told)


def _leads(results: Results, method: str) -> str:
    return " (leads)" if reading.led_by(results) == method else ""


def primary_choice(given: Experiment) -> str | None:
    """The metric that is looked at as the primary one; None for the experiment's own."""
    metrics: dict[str, MetricDefinition] = {each.key: each for _, each in given.metrics}
    if len(metrics) < 2:
        return None
    key = st.selectbox("Metric looked at", list(metrics), width=260,
                       format_func=lambda each: reading.metric_name(metrics[each]),
                       key=f"metric_of_{given.key}",
                       help="Whose effect is drawn; the verdict is that of the primary metric.")
    return None if key == given.primary.key else key
