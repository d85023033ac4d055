"""Effects within segments of an experiment's units: exploration, never a verdict."""

import datetime as dt
from collections.abc import Mapping

import pandas as pd

from analytics.experiments.segments import check_heterogeneity, effects_by_segment
from analytics.experiments.statistics import Statistic
from brain.decisions.experiment import Experiment
from brain.decisions.reasons import InputError
from brain.experiments.measuring import Query, cap_of, how_of, statistic_of, window_of
from brain.experiments.reading import ordered_metrics
from brain.experiments.results import SegmentResults

DIMENSIONS = ("device", "region", "plan", "workspace", "model")


def read_segments(given: Experiment, query: Query, now: dt.datetime, dimension: str,
                  metric: str | None, plans: Mapping[str, str]) -> tuple[SegmentResults, ...]:
    """The relative effect by segment for every treatment, and whether segments differ.

    A unit's segment is that of its earliest request or page view around the experiment; its plan
    that of the workspace then, by ``plans``.
    """
    if dimension not in DIMENSIONS:
        raise InputError("unknown_dimension", f"dimension is one of {', '.join(DIMENSIONS)}",
                         "dimension")
    chosen = ordered_metrics(given, metric)[0][1]
    if chosen.kind in ("ratio", "quantile"):
        raise InputError("not_offered", "segments are read for numbers per unit, not for ratios "
                                        "and quantiles", "metric")
    window = None if given.is_imported else window_of(given, now)
    if window is None:
        return ()
    place = "workspace" if dimension == "plan" else dimension
    rows = query("experiments/segment_sums", dimension=place, cap=cap_of(chosen),
                 **{**window.params(chosen.key), "before_start": window.before_start})
    if dimension == "plan":
        rows = _by_plan(rows, plans)
    by_segment: dict[str, dict[str, Statistic]] = {}
    units: dict[tuple[str, str], int] = {}
    for row in rows.to_dict("records"):
        name = row["segment"] or "unknown"
        by_segment.setdefault(name, {})[row["variant"]] = statistic_of(
            how_of(chosen), row, int(row["units"]))
        units[name, row["variant"]] = int(row["units"])
    found = []
    for key in given.shares:
        if key == given.control:
            continue
        pairs = {name: (each[given.control], each[key]) for name, each in by_segment.items()
                 if given.control in each and key in each}
        effects = effects_by_segment(pairs, is_relative=True)
        found.append(SegmentResults(
            chosen.key, key, dimension, effects,
            {name: units[name, given.control] + units[name, key] for name in pairs},
            check_heterogeneity(list(effects.values()))))
    return tuple(found)


def _by_plan(rows: pd.DataFrame, plans: Mapping[str, str]) -> pd.DataFrame:
    """Sums by plan from sums by workspace: sufficient statistics add."""
    named = rows.assign(segment=[plans.get(name, "") for name in rows["segment"]])
    return named.groupby(["segment", "variant"], as_index=False).sum()
