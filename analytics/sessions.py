"""Sessions: what a query may read, mean durations, bounce rate and retention of its rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

HIGH_BOUNCE_RATIO = 0.5
FEW_USERS = 20
"""Cohorts below this size are marked: one user more or less moves their share by 5 points."""

SUMS = ("sessions", "bounces", "duration_s_sum", "engaged_sessions", "engaged_duration_s_sum",
        "page_views")


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sessions that start in a span. Means are None where there is nothing to take them over."""

    sessions: int
    bounces: int
    engaged_sessions: int
    page_views: int
    mean_duration_s: float | None
    mean_engaged_duration_s: float | None
    bounce_ratio: float | None

    @property
    def is_bounce_high(self) -> bool:
        """Whether more than half of the sessions are bounces."""
        return self.bounce_ratio is not None and self.bounce_ratio > HIGH_BOUNCE_RATIO


def breakdown_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """``params`` of a view for ``sessions/breakdown``, which has no hour pieces."""
    return {name: value for name, value in params.items()
            if name not in {"hour_start", "hour_end"}}


def pages_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """``params`` of a view for page views, which know neither models nor agents."""
    return {name: value for name, value in params.items() if name not in {"models", "agents"}}


def summarize(rows: pd.DataFrame) -> Sessions:
    """All rows of a sessions query together."""
    total = {name: float(rows[name].sum()) for name in SUMS}
    count = {name: int(total[name]) for name in ("sessions", "bounces", "engaged_sessions",
                                                 "page_views")}
    return Sessions(
        **count, mean_duration_s=_ratio(total["duration_s_sum"], count["sessions"]),
        mean_engaged_duration_s=_ratio(total["engaged_duration_s_sum"],
                                       count["engaged_sessions"]),
        bounce_ratio=_ratio(count["bounces"], count["sessions"]))


def with_means(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with ``mean_duration_s``, ``mean_engaged_duration_s`` and ``bounce_ratio``, null
    where there is nothing to take them over."""
    return rows.assign(
        mean_duration_s=_ratios(rows["duration_s_sum"], rows["sessions"]),
        mean_engaged_duration_s=_ratios(rows["engaged_duration_s_sum"], rows["engaged_sessions"]),
        bounce_ratio=_ratios(rows["bounces"], rows["sessions"]))


def with_time_on_page(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of ``traffic/page_times`` with ``mean_time_s``, null without a timed view, and
    ``view_ratio``, the share of the views listed."""
    whole = pd.Series([int(rows["views"].sum())] * len(rows), index=rows.index)
    return rows.assign(mean_time_s=_ratios(rows["time_s_sum"], rows["timed_views"]),
                       view_ratio=_ratios(rows["views"], whole))


def retention(rows: pd.DataFrame, weeks: int) -> pd.DataFrame:
    """Weekly cohorts: cohort_week_utc, users (size), is_few, then a column 0..weeks-1 each with
    the share of the cohort active that many weeks after.

    A week without a row is 0 if the rows of any cohort reach as far in time, else null: it has
    not come yet.
    """
    week = pd.Timedelta(weeks=1)
    kept: list[dict[Any, Any]] = []
    found = rows.set_index(["cohort_week_utc", "weeks_after"])["users"]
    latest = (rows["cohort_week_utc"] + rows["weeks_after"] * week).max() if len(rows) else None
    for cohort in sorted(rows["cohort_week_utc"].unique()):
        size = int(found.get((cohort, 0), 0))
        row: dict[Any, Any] = {"cohort_week_utc": cohort, "users": size,
                               "is_few": size < FEW_USERS}
        for after in range(weeks):
            is_past = size and cohort + after * week <= latest
            row[after] = float(found.get((cohort, after), 0)) / size if is_past else None
        kept.append(row)
    return pd.DataFrame(kept, columns=["cohort_week_utc", "users", "is_few", *range(weeks)])


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _ratios(parts: pd.Series, wholes: pd.Series) -> pd.Series:
    return pd.Series([_ratio(float(part), float(whole))
                      for part, whole in zip(parts, wholes, strict=True)],
                     index=parts.index, dtype="float64")
