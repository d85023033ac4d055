"""Experiments brought from elsewhere with their cumulative statistics: imported, read, counted."""

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from analytics.experiments import series
from analytics.experiments.analysis import Metric, MetricResult, analyze
from analytics.experiments.health import HealthCheck
from analytics.experiments.statistics import Mean, Statistic
from brain.decisions.experiment import Experiment, MetricDefinition, Role, Variant
from brain.experiments import over_time
from brain.experiments.records import ExperimentRecords
from brain.experiments.results import SERIES, ImportedSeries, Results
from brain.sources.importers.asos import read_experiment_series
from brain.sources.state import StateStore

SOURCE = "import:asos"
CONTROL = "control"
NO_DATES = ("Imported with its cumulative statistics. The file has no dates: the last look is "
            "dated to the import.")
NO_WEIGHTS = HealthCheck("sample_ratio", "unknown", "The file does not say the planned shares.")
_IDS = ["experiment_id", "variant_id", "metric_id"]


def import_series(path: Path, state: StateStore, records: ExperimentRecords, now: dt.datetime,
                  person: str) -> ImportedSeries:
    """What was brought: every experiment of the file whose key is not there yet.

    Raises InputError as `read_experiment_series` does, having changed nothing.
    """
    rows = read_experiment_series(path)
    there = {each.key for each in records.all()}
    known, added, looks, kept = [], 0, 0, 0
    for number, own in rows.groupby("experiment_id", sort=True):
        key = f"asos-{number}"[:128]
        if key in there:
            known.append(key)
            continue
        state.delete("experiment_series", experiment_key=key)  # of an import that was cut off
        state.insert("experiment_series", *_series_rows(key, own))
        records.add(_describe(key, own, now), person, f"from {path.name}"[:300], "imported")
        added, looks = added + 1, looks + len(own)
        kept += own.groupby(_IDS).ngroups
    return ImportedSeries(added, kept, looks, tuple(known))


def read_imported(given: Experiment, state: StateStore, now: dt.datetime,
                  metrics: Sequence[tuple[Role, MetricDefinition]]) -> Results:
    """Results of an imported experiment by its looks up to ``now``."""
    from brain.experiments.reading import combine, days_to_decide, rules_of
    start, looks = given.started_at_utc, _looks(state, given.key)
    if start is not None:
        looks = looks[looks["at_days"] <= (now - start) / over_time.DAY]
    rules, checks = rules_of(given), (NO_WEIGHTS,)
    last = looks.groupby(["metric", "variant"]).tail(1)
    pairs: list[Metric] = []
    for role, metric in metrics:
        for row in last[last["metric"] == metric.key].to_dict("records"):
            # Each treatment is held against the control as its own row has it.
            pairs.append(Metric(f"{metric.key}\0{row['variant']}", {
                CONTROL: _mean(row, "c"), row["variant"]: _mean(row, "t")}, role, metric.better,
                metric.smallest_effect))
    found = {each.metric: each for each in analyze(pairs, CONTROL, rules, checks)}
    shown = []
    for role, metric in metrics:
        own = [each for each in pairs if each.key.split("\0")[0] == metric.key]
        statistics: dict[str, Statistic] = {}
        for each in own:
            statistics = {**each.variants, **statistics}
        shown.append(combine(role, metric, statistics, MetricResult(
            metric.key, tuple(one for each in own for one in found[each.key].comparisons), None)))
    units = {key: each.n for key, each in shown[0].statistics.items()} if shown else {}
    days = float(looks["at_days"].max()) if len(looks) else 0.0
    per_day = sum(units.values()) / days if days else None
    return Results(
        given, now, start, rules, units, 0, checks, shown[0].verdict, shown[0].winner,
        tuple(shown), _read_looks(given, looks, metrics[0][1]), per_day,
        days_to_decide(shown[0].comparisons, units, CONTROL, per_day), {}, None,
        pd.DataFrame(columns=["at_utc", "variant", "cost_usd"]), {}, {})


def count_imported_calls(state: StateStore) -> series.Calls:
    """What each way of looking calls a difference, over every imported series.

    Differences are plain ones; each sequence is tuned to the units that its series came to.
    """
    looks = _looks(state)
    if looks.empty:
        return series.Calls(0, 0, 0, 0)
    names = looks["experiment_key"] + "\0" + looks["variant"] + "\0" + looks["metric"]
    planned = (looks["count_c"] + looks["count_t"]).groupby(names).transform("max")
    return series.count_calls(
        series.read_series(looks, planned.to_numpy(), is_relative=False), names,
        looks["at_days"])


def _describe(key: str, rows: pd.DataFrame, now: dt.datetime) -> Experiment:
    metrics = [MetricDefinition(f"metric-{each}") for each in sorted(rows["metric_id"].unique())]
    length = dt.timedelta(days=float(rows["time_since_start"].max()))
    first = rows[rows["metric_id"] == rows["metric_id"].min()]
    return Experiment(
        key, f"ASOS experiment {key.removeprefix('asos-')}",
        (Variant(CONTROL, "Control"), *(Variant(f"variant-{each}") for each in
                                        sorted(rows["variant_id"].unique()))),
        metrics[0], NO_DATES, secondary=tuple(metrics[1:]), state="stopped", source=SOURCE,
        planned_units=max(2, int((first["count_c"] + first["count_t"]).max())),
        created_at_utc=now, started_at_utc=now - length, stopped_at_utc=now)


def _series_rows(key: str, rows: pd.DataFrame) -> list[dict[str, Any]]:
    return [{"experiment_key": key, "metric": f"metric-{row['metric_id']}",
             "variant": f"variant-{row['variant_id']}", "at_days": row["time_since_start"],
             **{name: None if pd.isna(row[name]) else row[name] for name in series.CUMULATIVE}}
            for row in rows.to_dict("records")]


def _looks(state: StateStore, key: str = "") -> pd.DataFrame:
    """Looks by series and time; a missing mean or variance is NaN, which `read_series` knows."""
    column = state.tables["experiment_series"].c.experiment_key
    rows = state.rows("experiment_series", *((column == key,) if key else ()))
    names = ["experiment_key", "metric", "variant", "at_days", *series.CUMULATIVE]
    found = pd.DataFrame(rows, columns=names).astype(dict.fromkeys(names[3:], float))
    return found.sort_values(names[:4], ignore_index=True)


def _mean(row: Mapping[Any, Any], side: str) -> Mean:
    n, mean, variance = (float(row[f"{name}_{side}"]) for name in ("count", "mean", "variance"))
    return Mean(int(n), n * mean, variance * (n - 1) + n * mean * mean)


def _read_looks(given: Experiment, looks: pd.DataFrame, metric: MetricDefinition) -> pd.DataFrame:
    own = looks[looks["metric"] == metric.key].reset_index(drop=True)
    if own.empty or given.started_at_utc is None:
        return over_time.no_series()
    read = series.read_series(own, given.planned_units, given.alpha)
    at_utc = pd.Timestamp(given.started_at_utc) + pd.to_timedelta(own["at_days"], unit="D")
    shown = pd.concat([at_utc.rename("at_utc"), own["variant"],
                       (own["count_c"] + own["count_t"]).rename("units"), read], axis=1)
    return shown[list(SERIES)]
