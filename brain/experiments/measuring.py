"""Sums per variant from the event store, as the statistics that the analysis takes."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from analytics.experiments.statistics import (
    Adjusted,
    Clusters,
    Mean,
    Proportion,
    Quantile,
    Ratio,
    Statistic,
)
from brain.decisions.experiment import Experiment, MetricDefinition

Query = Callable[..., pd.DataFrame]
How = Literal["any", "total", "mean"]
BEFORE = dt.timedelta(days=28)
"""How far back a unit's history before its exposure is read."""
UNCAPPED = 1e300
EARLIEST, LATEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC), dt.datetime(2200, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """Which experiment is read, and what counts: exposures and outcomes in [start, end)."""

    experiment: str
    unit: str
    start: dt.datetime
    end: dt.datetime

    @property
    def before_start(self) -> dt.datetime:
        """From when on a unit's history is read."""
        return self.start - BEFORE

    def params(self, *metrics: str, history: bool = False) -> dict[str, Any]:
        """Parameters of the queries over values of these metrics."""
        return {"experiment": self.experiment, "unit": self.unit, "start": self.start,
                "end": self.end, "metrics": list(metrics),
                "before_start": self.before_start if history else self.start}


@dataclass(frozen=True, slots=True)
class Units:
    """Units by variant, those in several variants, and when they were first and last seen."""

    by_variant: Mapping[str, int]
    crossed: int
    first_seen_utc: dt.datetime | None
    last_seen_utc: dt.datetime | None

    @property
    def total(self) -> int:
        """Units of all variants, without crossed ones."""
        return sum(self.by_variant.values())


def window_of(given: Experiment, now: dt.datetime) -> Window | None:
    """What of the events counts up to ``now``, None while it has not begun."""
    start = given.started_at_utc
    ends = [each for each in (given.stopped_at_utc, given.end_utc, now) if each is not None]
    if start is None or min(ends) <= start:
        return None
    return Window(given.key, given.unit, start, min(ends))


def how_of(metric: MetricDefinition) -> How:
    """What a unit's values become: whether there is one above 0, their sum, or their mean."""
    if metric.kind == "proportion":
        return "any"
    return "mean" if metric.kind == "mean" else "total"


def cap_of(metric: MetricDefinition) -> float:
    """The most that one unit counts."""
    return UNCAPPED if metric.cap is None else metric.cap


def count_exposures(query: Query, key: str) -> int:
    """Units that were ever exposed to an experiment."""
    found = query("experiments/units", experiment=key, start=EARLIEST, end=LATEST)
    return int(found["units"].sum())


def read_units(query: Query, window: Window, variants: Iterable[str]) -> Units:
    """Units by variant; variants of the definition come first, with 0 where none was seen."""
    found = query("experiments/units", experiment=window.experiment, start=window.start,
                  end=window.end)
    seen = dict(zip(found["variant"], (int(each) for each in found["units"]), strict=True))
    crossed = seen.pop("", 0)
    first, last = found["first_seen_utc"].min(), found["last_seen_utc"].max()
    return Units({**dict.fromkeys(variants, 0), **seen}, crossed,
                 None if pd.isna(first) else first.to_pydatetime(),
                 None if pd.isna(last) else last.to_pydatetime())


def read_statistics(query: Query, window: Window, metrics: Sequence[MetricDefinition],
                    units: Mapping[str, int]) -> dict[str, dict[str, Statistic]]:
    """Statistics by metric and variant; a variant without units has those of none."""
    found: dict[str, dict[str, Statistic]] = {}
    plain: dict[float, list[MetricDefinition]] = {}
    for metric in metrics:
        if metric.kind == "ratio":
            found[metric.key] = _read_ratio(query, window, metric, units)
        elif metric.kind == "quantile":
            found[metric.key] = _read_quantile(query, window, metric, units)
        else:
            plain.setdefault(cap_of(metric), []).append(metric)
    for cap, same in plain.items():
        rows = query("experiments/metric_sums", cap=cap,
                     **window.params(*(each.key for each in same), history=True))
        by_place = {(row["metric"], row["variant"]): row for row in rows.to_dict("records")}
        for metric in same:
            found[metric.key] = _from_sums(metric, by_place, units)
    return found


def statistic_of(how: How, row: Mapping[Any, Any] | None, units: int) -> Mean | Proportion:
    """The statistic of one row of sums (any, total, mean) for so many units."""
    if row is None:
        return Proportion(units, 0.0) if how == "any" else Mean(
            0 if how == "mean" else units, 0.0, 0.0)
    if how == "any":
        return Proportion(units, float(row["any_sum"]))
    n = int(row["mean_units"]) if how == "mean" else units
    return Mean(n, float(row[f"{how}_sum"]), float(row[f"{how}_sum_squares"]))


def _from_sums(metric: MetricDefinition, rows: Mapping[tuple[str, str], Mapping[Any, Any]],
               units: Mapping[str, int]) -> dict[str, Statistic]:
    how = how_of(metric)
    post = {key: statistic_of(how, rows.get((metric.key, key)), n) for key, n in units.items()}
    # Without any history in a variant there is nothing to adjust by.
    known = {key: rows.get((metric.key, key)) for key in units}
    if not all(row is not None and row[f"{how}_before_sum"] > 0 for row in known.values()):
        return dict(post)
    found: dict[str, Statistic] = {}
    for key, row in known.items():
        if row is None:
            continue
        before = float(row[f"{how}_before_sum"])
        pre = Proportion(post[key].n, before) if how == "any" else Mean(
            post[key].n, before, float(row[f"{how}_before_sum_squares"]))
        found[key] = Adjusted(post[key], pre, float(row[f"{how}_product_sum"]))
    return found


def _read_ratio(query: Query, window: Window, metric: MetricDefinition,
                units: Mapping[str, int]) -> dict[str, Statistic]:
    rows = query("experiments/ratio_sums", metric=metric.key, denominator=metric.denominator,
                 cap=cap_of(metric), **window.params(metric.key, metric.denominator))
    by_variant = {row["variant"]: row for row in rows.to_dict("records")}
    names = ("value_sum", "value_sum_squares", "denominator_sum", "denominator_sum_squares",
             "product_sum")
    return {key: Ratio(n, *(float(by_variant[key][name]) if key in by_variant else 0.0
                            for name in names)) for key, n in units.items()}


def _read_quantile(query: Query, window: Window, metric: MetricDefinition,
                   units: Mapping[str, int]) -> dict[str, Statistic]:
    rows = query("experiments/quantile_sums", quantile=metric.quantile,
                 **window.params(metric.key))
    by_variant = {row["variant"]: row for row in rows.to_dict("records")}
    found: dict[str, Statistic] = {}
    for key in units:
        row = by_variant.get(key)
        if row is None:
            found[key] = Quantile(0, metric.quantile, 0.0, 0.0, 0.0)
            continue
        value = float(row["value"])
        lower, upper = (value if pd.isna(row[name]) else float(row[name])
                        for name in ("lower", "upper"))  # null where there are too few to bound it
        found[key] = Quantile(
            int(row["values"]), metric.quantile, value, lower, upper, 0,
            Clusters(int(row["clusters"]), float(row["under_sum"]),
                     float(row["under_sum_squares"]), float(row["events_sum"]),
                     float(row["events_sum_squares"]), float(row["events_product_sum"])))
    return found
