"""An experiment's results as a statement on paper: verdict, health, effects, money."""

import math

import pandas as pd

from analytics.experiments.effects import Effect
from analytics.experiments.worth import VariantCost
from brain.experiments.export import WORDS, money_text, number_text, percent_text, tell
from brain.experiments.results import Results
from brain.reports.drawing import Drawing, draw_intervals
from brain.reports.pdf import to_pdf
from brain.reports.statement import Figure, Grid, Section, Statement

MOST_LOOKS = 60
"""Looks that a chart shows; with more, evenly spaced ones and the last."""
_EFFECTS = ("Metric", "Role", "Variant", "Control", "Variant's", "Effect", "Interval", "Verdict")
_MONEY = ("Variant", "Units", "Cost (USD)", "USD per unit", "Net a month at full rollout")


def to_results_pdf(results: Results) -> bytes:
    """The results as a PDF of A4 pages."""
    return to_pdf(read_statement(results), results.at_utc)


def read_statement(results: Results) -> Statement:
    """The results as a statement that paper and screen can show."""
    given = results.experiment
    about = f"{given.key} · {given.state} · up to {results.at_utc:%Y-%m-%d %H:%M} UTC"
    return Statement(
        given.name or given.key, about + (f" · {given.owner}" if given.owner else ""),
        ("Demo: made by a stated model, not by your traffic.",) if given.is_demo else (),
        _figures(results),
        (Section("Verdict", (tell(results), *((given.hypothesis,) if given.hypothesis else ()))),
         _health(results), _effects(results), *_over_time(results), _money(results)))


def _figures(results: Results) -> tuple[Figure, ...]:
    units = sum(results.units.values())
    return (
        Figure("Verdict", WORDS[results.verdict.name], f"by {results.primary.definition.key}"),
        Figure("Units", f"{units:,}",
               ", ".join(f"{key} {count:,}" for key, count in results.units.items())),
        Figure("Cost of its requests", "unknown" if results.cost_usd is None
               else f"{results.cost_usd:,.2f} USD", "all variants, from start on"))


def _health(results: Results) -> Section:
    found = tuple(f"{check.status}: {check.text}" for check in results.checks)
    return Section("Health", found or ("Nothing to check yet.",))


def _effects(results: Results) -> Section:
    rows = []
    for metric in results.metrics:
        control = metric.means.get(results.experiment.control)
        for each in metric.comparisons:
            read = each.readings.get(results.rules.method)
            effect = each.effect if isinstance(each.effect, Effect) else None
            rows.append((
                metric.definition.name or metric.definition.key, metric.role, each.variant,
                number_text(control), number_text(metric.means.get(each.variant)),
                percent_text(effect.estimate) if effect and read else "unknown",
                f"{percent_text(read.lower)} to {percent_text(read.upper)}" if read else "–",
                WORDS[each.verdict.name]))
    said = (f"Relative effects against {results.experiment.control} with "
            f"{(1 - results.rules.alpha) * 100:g} % intervals, {results.rules.method} reading.")
    unknown = tuple(dict.fromkeys(
        f"{metric.definition.key}, {each.variant}: {each.verdict.text}"
        for metric in results.metrics for each in metric.comparisons
        if not each.readings.get(results.rules.method)))
    return Section("Metrics", (said, *unknown),
                   grid=Grid(_EFFECTS, tuple(rows), (False,) * 3 + (True,) * 4 + (False,)))


def _over_time(results: Results) -> tuple[Section, ...]:
    found = []
    for variant, looks in results.series.groupby("variant", sort=False):
        drawing = draw_looks(str(variant), looks)
        if drawing is not None:
            found.append(Section(f"{variant} over time", chart=drawing))
    return tuple(found)


def draw_looks(variant: str, series: pd.DataFrame) -> Drawing | None:
    """The interval at each look of a variant; None with fewer than two that have an interval.

    Early intervals are so wide that they would flatten all others: the last one sets the scale.
    """
    known = series[series[["lower", "upper", "estimate"]].map(math.isfinite).all(axis=1)]
    if len(known) < 2:
        return None
    shown = known.iloc[sorted({round(place * (len(known) - 1) / (MOST_LOOKS - 1))
                               for place in range(MOST_LOOKS)})]
    last = shown.iloc[-1]
    spare = max(last["upper"] - last["lower"], abs(last["estimate"]) / 2)
    intervals = list(shown[["lower", "estimate", "upper"]].itertuples(index=False, name=None))
    days = [f"{moment:%d %b}" for moment in shown["at_utc"]]
    return draw_intervals(
        f"Effect of {variant} with its interval, {days[0]} to {days[-1]}", days, intervals,
        min(last["lower"], 0.0) - spare / 2, max(last["upper"], 0.0) + spare / 2,
        [f"{percent_text(estimate)} ({percent_text(lower)} to {percent_text(upper)})"
         for lower, estimate, upper in intervals])


def _money(results: Results) -> Section:
    rows = []
    for key in results.experiment.shares:
        found, worth = results.costs.get(key), results.worth.get(key)
        cost = found if isinstance(found, VariantCost) else None
        rows.append((key, f"{results.units.get(key, 0):,}",
                     f"{cost.cost_usd:,.2f}" if cost else "unknown",
                     f"{cost.usd_per_unit:,.6f}" if cost and cost.usd_per_unit is not None
                     else "unknown",
                     "–" if key == results.experiment.control
                     else money_text(worth.net if worth else None)))
    return Section("Cost and worth", grid=Grid(_MONEY, tuple(rows), (False,) + (True,) * 4))
