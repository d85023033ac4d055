"""The effect of the primary metric over time: one cumulative look a day, all read at once."""

import datetime as dt
from collections.abc import Mapping

import pandas as pd

from analytics.experiments import series
from analytics.experiments.statistics import Moments, measure
from brain.decisions.experiment import Experiment, MetricDefinition
from brain.experiments.measuring import (
    Query,
    Units,
    Window,
    cap_of,
    how_of,
    read_statistics,
    read_units,
)
from brain.experiments.results import SERIES

DAY = dt.timedelta(days=1)
MOST_LOOKS = 14
"""Looks at a ratio or quantile, each of which reads the events anew."""


def no_series() -> pd.DataFrame:
    """A series without looks."""
    return pd.DataFrame(columns=list(SERIES))


def read_series(given: Experiment, query: Query, window: Window, metric: MetricDefinition,
                units: Units) -> pd.DataFrame:
    """Readings by day and treatment with the columns `SERIES`, not adjusted by history."""
    if not units.total:
        return no_series()
    found = _from_looks(query, window, metric, given) if metric.kind in ("ratio", "quantile") \
        else _from_days(query, window, metric, units)
    rows = []
    for variant in given.shares:
        if variant == given.control or variant not in found or given.control not in found:
            continue
        both = pd.concat([found[given.control].add_suffix("_c"),
                          found[variant].add_suffix("_t")], axis=1).sort_index()
        rows.append(both.ffill().fillna(0.0).assign(variant=variant))
    if not rows:
        return no_series()
    looks = pd.concat(rows).rename_axis("at_utc").reset_index()
    read = series.read_series(looks, given.planned_units, given.alpha)
    shown = pd.concat([looks[["at_utc", "variant"]],
                       (looks["count_c"] + looks["count_t"]).rename("units"), read], axis=1)
    return shown[list(SERIES)]


def _from_days(query: Query, window: Window, metric: MetricDefinition,
               units: Units) -> Mapping[str, pd.DataFrame]:
    """Cumulative count, mean and variance by variant, at the end of each day."""
    how = how_of(metric)
    days = query("experiments/daily_sums", how=how, cap=cap_of(metric),
                 **window.params(metric.key))
    every = sorted(days["day_utc"].unique())
    found = {}
    for variant in units.by_variant:
        own = days[days["variant"] == variant].set_index("day_utc").drop(columns="variant")
        total = own.reindex(every, fill_value=0).astype(float).cumsum()
        n = total["new_measured" if how == "mean" else "new_units"]
        mean = total["value_sum"] / n
        variance = mean * (1 - mean) if how == "any" else \
            (total["value_sum_squares"] - total["value_sum"] * mean) / (n - 1)
        frame = pd.DataFrame({"count": n, "mean": mean, "variance": variance.clip(lower=0)})
        frame.index = pd.DatetimeIndex([min(each + DAY, pd.Timestamp(window.end))
                                        for each in every])
        found[variant] = frame
    return found


def _from_looks(query: Query, window: Window, metric: MetricDefinition,
                given: Experiment) -> Mapping[str, pd.DataFrame]:
    """The same from statistics read up to evenly spaced moments."""
    days = max(1, -(-(window.end - window.start) // DAY))
    looks = min(days, MOST_LOOKS)
    rows: dict[str, dict[pd.Timestamp, tuple[float, float, float]]] = {}
    for number in range(1, looks + 1):
        end = window.start + (window.end - window.start) * number / looks
        part = Window(window.experiment, window.unit, window.start, end)
        counted = read_units(query, part, given.shares).by_variant
        for variant, each in read_statistics(query, part, [metric], counted)[metric.key].items():
            moments = measure(each)
            if isinstance(moments, Moments):
                rows.setdefault(variant, {})[pd.Timestamp(end)] = (
                    float(moments.n), moments.mean, moments.variance)
    return {variant: pd.DataFrame.from_dict(each, orient="index",
                                            columns=["count", "mean", "variance"])
            for variant, each in rows.items()}
