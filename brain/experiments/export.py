"""An experiment's results for elsewhere: rows for CSV, JSON-able values, one page of HTML."""

import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd

from analytics.experiments.effects import Effect
from analytics.experiments.statistics import CannotTell, Moments
from analytics.experiments.worth import MonthlyWorth, VariantCost
from analytics.exports import to_csv
from brain.experiments.results import MetricResults, Results

COLUMNS = ("experiment", "role", "metric", "kind", "better", "variant", "units", "mean",
           "relative_effect", "standard_error", "method", "lower", "upper", "p_value",
           "p_adjusted", "chance_to_win", "verdict", "verdict_code", "verdict_text",
           "cost_usd", "usd_per_unit")
"""Columns of `results_rows`: one row per metric, variant and method; the control's has no method.
``units`` are values where the metric is a quantile."""
WORDS = {"better": "better", "worse": "worse", "no_difference": "no difference",
         "not_worse": "not worse", "cannot_tell_yet": "cannot tell yet",
         "cannot_tell": "cannot tell", "invalid": "invalid"}
SIGNS = {"better": "▲", "worse": "▼", "no_difference": "=", "not_worse": "≥",
         "cannot_tell_yet": "…", "cannot_tell": "?", "invalid": "✖"}
CHECK_SIGNS = {"ok": "✓", "warning": "▲", "failed": "✖", "unknown": "?"}
_WIDTH, _HEIGHT, _EDGE = 640.0, 220.0, 34.0


def results_rows(results: Results) -> pd.DataFrame:
    """Results as rows with `COLUMNS`; what is not known is empty."""
    found = []
    for metric in results.metrics:
        compared = {each.variant: each for each in metric.comparisons}
        for variant, mean in metric.means.items():
            row = {**_place(results, metric, variant, mean)}
            each = compared.get(variant)
            if each is None:
                found.append(row)
                continue
            row |= {"verdict": each.verdict.name, "verdict_code": each.verdict.code,
                    "verdict_text": each.verdict.text}
            if not isinstance(each.effect, Effect) or not each.readings:
                found.append(row)
                continue
            row |= {"relative_effect": each.effect.estimate,
                    "standard_error": each.effect.standard_error}
            found += [{**row, "method": method, "lower": read.lower, "upper": read.upper,
                       "p_value": read.p_value, "p_adjusted": read.p_adjusted,
                       "chance_to_win": read.chance_to_win}
                      for method, read in each.readings.items()]
    return pd.DataFrame(found, columns=list(COLUMNS))


def to_results_csv(results: Results) -> bytes:
    """Results as UTF-8 CSV, safe to open in a spreadsheet."""
    return to_csv(results_rows(results))


def to_values(results: Results) -> dict[str, Any]:
    """Results as JSON-able values; a number that does not exist is null."""
    by_variant: dict[str, Any] = {
        "costs": results.costs, "worth": results.worth, "bandit": results.bandit}
    return {
        "experiment": msgspec.to_builtins(results.experiment), "at_utc": results.at_utc.isoformat(),
        "units": dict(results.units), "crossed_units": results.crossed_units,
        "units_per_day": results.units_per_day, "days_to_decide": dict(results.days_to_decide),
        "verdict": msgspec.to_builtins(results.verdict), "winner": results.winner,
        "checks": msgspec.to_builtins(results.checks),
        "cost_usd": None if results.cost_usd is None else str(results.cost_usd),
        **_finite(msgspec.to_builtins(by_variant)),
        "metrics": [_finite(msgspec.to_builtins({
            "key": each.definition.key, "role": each.role, "kind": each.definition.kind,
            "verdict": each.verdict, "winner": each.winner, "means": each.means,
            "comparisons": each.comparisons, "chance_to_be_best": each.chance_to_be_best}))
            for each in results.metrics],
        "series": [_finite(row) for row in results.series.assign(
            at_utc=results.series["at_utc"].astype(str)).to_dict("records")]}


def to_html(results: Results) -> str:
    """A report as one page that needs nothing else, for screen (light and dark) and paper."""
    return str(_template().render(
        results=results, given=results.experiment, words=WORDS, signs=SIGNS,
        check_signs=CHECK_SIGNS, sentence=tell(results), rows=[
            {"metric": metric, "comparison": each, "reading": each.readings.get(
                results.rules.method), "mean": metric.means.get(each.variant),
             "control": metric.means.get(results.experiment.control)}
            for metric in results.metrics for each in metric.comparisons],
        charts=[(variant, draw_band(results.series[results.series["variant"] == variant]))
                for variant in dict.fromkeys(results.series["variant"])],
        number=number_text, percent=percent_text, money=money_text))


def tell(results: Results) -> str:
    """The verdict in one sentence."""
    given = results.experiment
    names = {each.key: each.name or each.key for each in given.variants}
    metric = results.metrics[0].definition.name or results.metrics[0].definition.key
    if given.decided_variant:
        return f"Decided for {names[given.decided_variant]}: {given.decision_reason}"
    if results.winner:
        best = next(each for each in results.metrics[0].comparisons
                    if each.variant == results.winner)
        read = best.readings[results.rules.method]
        size = best.effect.estimate if isinstance(best.effect, Effect) else math.nan
        return (f"{names[results.winner]} is better on {metric}: {percent_text(size)} "
                f"({percent_text(read.lower)} to {percent_text(read.upper)}).")
    days = max(results.days_to_decide.values(), default=None)
    more = f" It will likely take {math.ceil(days):,} more days." if days else ""
    return f"{metric}: {WORDS[results.verdict.name]}. {results.verdict.text}{more}"


def draw_band(series: pd.DataFrame) -> Mapping[str, Any] | None:
    """Points of an effect over time for an SVG of 640 × 220: the band, the line, zero, the ends.

    None with fewer than two looks that have an interval.
    """
    known = series[series[["lower", "upper", "estimate"]].map(math.isfinite).all(axis=1)]
    if len(known) < 2:
        return None
    at = known["at_utc"].map(pd.Timestamp.timestamp).to_list()
    # Early intervals are so wide that they would flatten all others: the last ones set the scale.
    reach = max(2 * (known["upper"] - known["lower"]).iloc[-1],
                1.2 * known["estimate"].abs().iloc[-1])
    low, high = min(known["lower"].iloc[-1], 0) - reach / 4, max(known["upper"].iloc[-1], 0) \
        + reach / 4
    width, height = _WIDTH - 2 * _EDGE, _HEIGHT - 2 * _EDGE

    def x(moment: float) -> float:
        return _EDGE + (moment - at[0]) / (at[-1] - at[0]) * width

    def y(value: float) -> float:
        return _EDGE + (high - min(max(value, low), high)) / (high - low) * height

    def points(values: list[float], moments: list[float]) -> str:
        return " ".join(f"{x(moment):.1f},{y(value):.1f}"
                        for moment, value in zip(moments, values, strict=True))
    lower, upper = known["lower"].to_list(), known["upper"].to_list()
    return {"band": points(upper, at) + " " + points(lower[::-1], at[::-1]),
            "line": points(known["estimate"].to_list(), at), "zero": f"{y(0):.1f}",
            "top": percent_text(high), "bottom": percent_text(low),
            "first": f"{known['at_utc'].iloc[0]:%Y-%m-%d}",
            "last": f"{known['at_utc'].iloc[-1]:%Y-%m-%d}"}


def _place(results: Results, metric: MetricResults, variant: str,
           mean: Moments | CannotTell) -> dict[str, Any]:
    found = results.costs.get(variant)
    cost = found if isinstance(found, VariantCost) else None
    return {"experiment": results.experiment.key, "role": metric.role,
            "metric": metric.definition.key, "kind": metric.definition.kind,
            "better": metric.definition.better, "variant": variant,
            "units": mean.n if isinstance(mean, Moments) else None,
            "mean": mean.mean if isinstance(mean, Moments) else None,
            "verdict_text": mean.text if isinstance(mean, CannotTell) else None,
            "cost_usd": cost.cost_usd if cost else None,
            "usd_per_unit": cost.usd_per_unit if cost else None}


@cache
def _template() -> Any:
    import jinja2
    text = Path(__file__).with_name("report.html.j2").read_text()
    return jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True).from_string(text)


def _finite(given: Any) -> Any:
    if isinstance(given, float):
        return given if math.isfinite(given) else None
    if isinstance(given, Mapping):
        return {str(key): _finite(value) for key, value in given.items()}
    return [_finite(each) for each in given] if isinstance(given, list | tuple) else given


def number_text(found: Any) -> str:
    """A mean as people read it."""
    return f"{found.mean:,.4g}" if isinstance(found, Moments) else "unknown"


def percent_text(value: float) -> str:
    """A relative effect as people read it."""
    if not math.isfinite(value):
        return "unbounded"
    return f"{value * 100:+,.1f} %"


def money_text(found: Any) -> str:
    """Money per month with its interval, as people read it."""
    if isinstance(found, MonthlyWorth):
        return f"{found.usd:+,.0f} USD ({found.lower_usd:+,.0f} to {found.upper_usd:+,.0f})"
    return "unknown"
