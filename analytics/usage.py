"""Usage of a span: which pieces a query may read; totals, shares and series of its rows."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pandas as pd

from analytics.spans import Span

MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400
MINUTE = dt.timedelta(seconds=MINUTE_S)
COUNTS = ("requests", "errors", "cached", "latency_count", "input_tokens", "cache_read_tokens",
          "cache_write_tokens", "output_tokens", "reasoning_tokens", "unpriced_requests",
          "unpriced_tokens")
SUMS = (*COUNTS, "latency_ms_sum", "cost_usd")
REST = "All others"
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

Params = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Usage:
    """What happened in a span. ``cost_usd`` is exact and leaves unpriced requests out."""

    requests: int
    errors: int
    cached: int
    input_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cost_usd: Decimal
    unpriced_requests: int
    unpriced_tokens: int
    mean_latency_ms: float | None

    @property
    def tokens(self) -> int:
        """Tokens of all four disjoint classes; reasoning is a part of output."""
        return (self.input_tokens + self.cache_read_tokens + self.cache_write_tokens
                + self.output_tokens)

    @property
    def error_ratio(self) -> float | None:
        """Failed requests per request; None without requests."""
        return self.errors / self.requests if self.requests else None


# which pieces a query may read


def from_events(params: Mapping[str, Any]) -> Params:
    """``params`` of a view for a query that has to read the events alone."""
    end = params["end"]
    return {**params, "hour_start": end, "day_start": end, "day_end": end, "hour_end": end}


def from_hours(params: Mapping[str, Any]) -> Params:
    """``params`` of a view for a query that must not read whole days."""
    return {**params, "day_start": params["hour_end"], "day_end": params["hour_end"]}


def series_params(params: Mapping[str, Any], width_s: int) -> Params:
    """``params`` and ``width_s`` for a usage series: no piece is wider than a point."""
    fits = (dict(params) if width_s % DAY_S == 0 else from_hours(params) if width_s % HOUR_S == 0
            else from_events(params))
    return {**fits, "width_s": width_s}


def minutes_params(params: Mapping[str, Any], width_s: int) -> Params | None:
    """Parameters of ``usage/minutes``; None where only other data can answer.

    Whole minutes know workspaces only, and serve points narrower than a day: there are fewer of
    them than of hours by workspace, model, agent, region and device.
    """
    narrowed = any(params[name] for name in ("models", "agents", "regions", "devices"))
    if narrowed or width_s >= DAY_S or width_s % MINUTE_S:
        return None
    start, end = params["start"], params["end"]
    first, last = start + (_EPOCH - start) % MINUTE, end - (end - _EPOCH) % MINUTE
    if first > last:
        first = last = end
    return {"start": start, "minute_start": first, "minute_end": last, "end": end,
            "workspaces": params["workspaces"], "width_s": width_s}


def latency_params(params: Mapping[str, Any]) -> Params:
    """``params`` for latency: its rollups know workspaces and agents only."""
    narrowed = params["models"] or params["regions"] or params["devices"]
    return from_events(params) if narrowed else dict(params)


def users_params(params: Mapping[str, Any], dimension: str = "") -> Params:
    """``params`` for distinct users: their rollups know workspaces only."""
    narrowed = latency_params(params) if not params["agents"] else from_events(params)
    return dict(narrowed) if dimension in {"", "workspace_id"} else from_events(params)


# what came back


def summarize(rows: pd.DataFrame) -> Usage:
    """Usage of all rows of a usage query together."""
    count = {name: int(rows[name].sum()) for name in COUNTS}
    timed = count.pop("latency_count")
    return Usage(**count, cost_usd=sum(rows["cost_usd"], Decimal(0)),
                 mean_latency_ms=float(rows["latency_ms_sum"].sum()) / timed if timed else None)


def with_rest(rows: pd.DataFrame, total: Usage, most: int = 1_000) -> pd.DataFrame:
    """The first ``most`` rows of a breakdown, then one for what is left of the total, if any.

    Added: ``request_ratio`` and ``cost_ratio`` (shares of the total), ``error_pct``,
    ``mean_latency_ms``, ``tokens`` and ``is_rest``. A ratio without a whole is null.
    """
    shown = rows.head(most).assign(is_rest=False)
    known = summarize(shown)
    if (left := total.requests - known.requests) > 0:
        rest = {name: getattr(total, name) - getattr(known, name) for name in COUNTS
                if name != "latency_count"}
        rest |= {"cost_usd": total.cost_usd - known.cost_usd, "requests": left, "name": REST,
                 "latency_count": 0, "latency_ms_sum": 0.0, "is_rest": True}
        shown = pd.concat([shown, pd.DataFrame([rest])], ignore_index=True)
    return shown.assign(
        request_ratio=_ratios(shown["requests"], total.requests),
        cost_ratio=_ratios(shown["cost_usd"], total.cost_usd),
        error_pct=_ratios(shown["errors"], shown["requests"]) * 100,
        mean_latency_ms=_ratios(shown["latency_ms_sum"], shown["latency_count"]),
        tokens=shown["input_tokens"] + shown["cache_read_tokens"] + shown["cache_write_tokens"]
        + shown["output_tokens"])


def fill_gaps(rows: pd.DataFrame, span: Span, width_s: int,
              columns: Sequence[str]) -> pd.DataFrame:
    """``columns`` for every bucket of the span and every name: 0 where no row was.

    Rows come with ``bucket_start_utc`` and, for several lines, ``name``; both are kept.
    """
    moments = pd.Index(bucket_starts(span, width_s), name="bucket_start_utc")
    if "name" not in rows.columns:
        filled = rows.set_index("bucket_start_utc")[list(columns)].reindex(moments, fill_value=0)
        return filled.reset_index()
    names = list(dict.fromkeys(rows["name"]))
    grid = pd.MultiIndex.from_product([moments, names], names=["bucket_start_utc", "name"])
    filled = rows.set_index(["bucket_start_utc", "name"])[list(columns)].reindex(
        grid, fill_value=0)
    return filled.reset_index()


def bucket_starts(span: Span, width_s: int) -> pd.DatetimeIndex:
    """Starts of every bucket that touches the span; buckets are counted from 1970."""
    width = pd.Timedelta(seconds=width_s)
    first = pd.Timestamp(span.start).floor(width, nonexistent="raise")
    return pd.date_range(first, span.end, freq=width, inclusive="left", unit="us")


def top_and_rest(rows: pd.DataFrame, value: str, most: int) -> pd.DataFrame:
    """A series whose names outside the ``most`` biggest by ``value`` are one line, `REST`.

    Columns bucket_start_utc, name, ``value``; names come biggest first, the rest last.
    """
    sums = rows.groupby("name")[value].sum().sort_values(ascending=False, kind="stable")
    order = {str(name): place for place, name in enumerate(sums.index[:most])}
    named = rows.assign(name=[each if each in order else REST for each in rows["name"]])
    added = named.groupby(["bucket_start_utc", "name"], as_index=False)[value].sum()
    places = [order.get(each, len(order)) for each in added["name"]]
    return added.assign(place=places).sort_values(
        ["place", "bucket_start_utc"], ignore_index=True).drop(columns="place")


def whole_buckets(rows: pd.DataFrame, span: Span, width_s: int, now: dt.datetime) -> pd.DataFrame:
    """A series without the points at its edges that the span, or time so far, covers in part.

    All rows come back where fewer than three points would be left.
    """
    ends = rows["bucket_start_utc"] + pd.Timedelta(seconds=width_s)
    whole = (rows["bucket_start_utc"] >= span.start) & (ends <= min(span.end, now))
    enough = rows.loc[whole, "bucket_start_utc"].nunique() >= 3
    return rows[whole].reset_index(drop=True) if enough else rows


def _ratios(parts: pd.Series, whole: Any) -> pd.Series:
    wholes = whole if isinstance(whole, pd.Series) else [whole] * len(parts)
    return pd.Series([float(part) / float(each) if each else None
                      for part, each in zip(parts, wholes, strict=True)],
                     index=parts.index, dtype="float64")
