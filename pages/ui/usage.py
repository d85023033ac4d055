"""Usage of what the reader looks at: the queries behind Traffic and Costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analytics import traffic, usage
from analytics.spans import Span
from analytics.usage import Usage
from pages.ui import data
from pages.ui.filters import View

FEW_HOURS_S = 3 * usage.HOUR_S
MOST_REQUESTS_TO_COUNT_USERS_IN = 2_000_000
BREAKDOWNS = ["agent_id", "device", "region", "workspace_id"]
"""What the Traffic page breaks its requests down by, in one query."""
NO_DATA_BEFORE = "There is no data for the whole period before, so nothing is compared."


@dataclass(frozen=True, slots=True)
class Reading:
    """Usage of a span: its sum, and its buckets of ``width_s`` seconds, 0 where nothing was."""

    total: Usage
    line: pd.DataFrame
    width_s: int


def width_s(view: View) -> int:
    """Seconds between points: at least an hour where finer ones would mean reading every event."""
    narrowed = view.models or view.agents or view.regions or view.devices
    return max(view.width_s, usage.HOUR_S) if narrowed and view.span.length_s > FEW_HOURS_S \
        else view.width_s


def read(view: View, span: Span | None = None) -> Reading:
    """Usage of the view's span, or of another span under the view's filters."""
    span, width = span or view.span, width_s(view)
    params = view.params(span)
    if minutes := usage.minutes_params(params, width):
        rows = data.query("usage/minutes", **minutes)
    else:
        rows = data.query("usage/series", dimension="", **usage.series_params(params, width))
        rows = rows.drop(columns="name")
    return Reading(usage.summarize(rows), usage.fill_gaps(rows, span, width, usage.SUMS), width)


def read_before(view: View) -> Reading | None:
    """Usage of the period before; None if the reader does not compare, or data began later."""
    if view.previous is None:
        return None
    first = data.query("usage/first_hour", workspaces=view.workspaces)["first_hour_utc"].iloc[0]
    if pd.isna(first) or first > view.previous.start + view.previous.length / 20:
        return None
    return read(view, view.previous)


def by_name(view: View, dimension: str, width: int) -> pd.DataFrame:
    """Usage over time with a row for each bucket and name, 0 where nothing was."""
    rows = data.query("usage/series", dimension=dimension,
                      **usage.series_params(view.params(), width))
    return usage.fill_gaps(rows, view.span, width, usage.SUMS)


def whole(view: View, rows: pd.DataFrame, width: int) -> pd.DataFrame:
    """A series without the points that the span, or time so far, covers only in part."""
    return usage.whole_buckets(rows, view.span, width, data.now())


def users(view: View, span: Span | None = None) -> traffic.ActiveUsers:
    """Distinct users of the view's span, or of another one."""
    size = data.settings().rollup.sketch_size
    rows = data.query("usage/active_users", dimension="", sketch_size=size,
                      **usage.users_params(view.params(span)))
    return traffic.count_users(rows, size)


def users_width_s(view: View) -> int:
    """Seconds between points of `users_line`: as rollups count users, but for short spans."""
    if view.span.length_s <= FEW_HOURS_S:
        return view.width_s
    return max(view.width_s, usage.HOUR_S if view.width_s <= usage.HOUR_S else usage.DAY_S)


def users_line(view: View, span: Span | None = None) -> pd.DataFrame:
    """Distinct users of each bucket of the view's span, or of another, 0 where there were none."""
    width = users_width_s(view)
    params = usage.users_params(usage.series_params(view.params(span), width))
    rows = data.query("usage/active_users_series",
                      sketch_size=data.settings().rollup.sketch_size, **params)
    return usage.fill_gaps(rows, span or view.span, width, ["users"])


def latency(view: View, span: Span | None = None) -> Mapping[str, Any]:
    """Requests with a latency and p50_ms, p95_ms, p99_ms, each None without one."""
    rows = data.query("usage/latency", **usage.latency_params(view.params(span)))
    return {str(name): None if pd.isna(value) else value
            for name, value in rows.iloc[0].items()}


def breakdown(view: View, dimension: str, total: Usage) -> pd.DataFrame:
    """Rows of a dimension with their shares; what is not listed is the last row."""
    if dimension in BREAKDOWNS:
        every = data.query("usage/breakdowns", dimensions=BREAKDOWNS, **view.params())
        rows = every.loc[every["dimension"] == dimension].drop(columns="dimension")
        return usage.with_rest(rows.reset_index(drop=True), total)
    return usage.with_rest(data.query("usage/breakdown", dimension=dimension, **view.params()),
                           total)


def breakdown_with_users(view: View, dimension: str, total: Usage) -> pd.DataFrame:
    """`breakdown` with distinct ``users``, where rollups or few enough events can tell them."""
    rows = breakdown(view, dimension, total)
    if dimension != "workspace_id" and total.requests > MOST_REQUESTS_TO_COUNT_USERS_IN:
        return rows
    return traffic.with_users(rows, data.query(
        "usage/active_users", dimension=dimension,
        sketch_size=data.settings().rollup.sketch_size,
        **usage.users_params(view.params(), dimension)))


def unpriced(view: View) -> pd.DataFrame:
    """Models whose requests have no price, most tokens first."""
    params = {name: value for name, value in view.params().items()
              if name not in {"day_start", "day_end"}}
    return data.query("costs/unpriced", **params)
