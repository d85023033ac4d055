"""Numbers of system health from query rows: availability, rates, machines; never a rule."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from analytics.spans import EARLIEST, HOUR, MINUTE, Span
from analytics.thinning import covered_s, fill_buckets

LEAST_STALE_AFTER = dt.timedelta(minutes=1)
MOST_STALE_AFTER = dt.timedelta(minutes=45)
CADENCES = 3
GAUGES = ("cpu_pct", "memory_pct", "disk_pct")
CLOSE_UP = dt.timedelta(minutes=15)
CLOSE_UP_WIDTH_S = 10


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine whose load is known; ``stale_after`` is when its last value counts no more.

    ``origin`` says who measured: "samples" in the event store, or "Prometheus".
    """

    instance: str
    is_demo: bool
    is_host: bool
    last_at_utc: dt.datetime
    stale_after: dt.timedelta
    origin: Literal["samples", "Prometheus"] = "samples"

    @property
    def title(self) -> str:
        """Its name as people read it; those of the demonstration or of Prometheus say so."""
        kind = "Demo" if self.is_demo else "Prometheus" if self.origin == "Prometheus" else ""
        return f"{self.instance} ({kind})" if kind else self.instance


@dataclass(frozen=True, slots=True)
class Gauge:
    """A measured metric: its last value and when that was true, and its mean over the span.

    ``is_stale`` says that the last value is too old to stand for the end of the span.
    """

    metric: str
    last: float | None
    last_at_utc: dt.datetime | None
    mean: float | None
    highest: float | None
    is_stale: bool

    @property
    def current(self) -> float | None:
        """The last value if it still counts."""
        return None if self.is_stale else self.last


def list_machines(rows: pd.DataFrame) -> tuple[Machine, ...]:
    """Machines of ``health/instances``, in its order.

    A machine's values count for three of its mean gaps, at least 1 and at most 45 minutes.
    """
    found = []
    for row in rows.to_dict("records"):
        gaps = max(int(row["samples"]) - 1, 1)
        cadence = (row["last_at_utc"] - row["first_at_utc"]) / gaps
        after = min(max(CADENCES * cadence, LEAST_STALE_AFTER), MOST_STALE_AFTER)
        found.append(Machine(str(row["instance"]), bool(row["is_demo"]), bool(row["is_host"]),
                             row["last_at_utc"].to_pydatetime(),
                             pd.Timedelta(after).to_pytimedelta()))
    return tuple(found)


def choose_machine(machines: tuple[Machine, ...], wanted: str,
                   prefers_demo: bool) -> Machine | None:
    """The machine of that title, else the first demonstration or real one, else any, else None."""
    by_title = {machine.title: machine for machine in machines}
    if wanted in by_title:
        return by_title[wanted]
    fitting = [machine for machine in machines if machine.is_demo == prefers_demo]
    return next(iter(fitting or machines), None)


def read_gauges(rows: pd.DataFrame, span: Span, now: dt.datetime,
                stale_after: dt.timedelta) -> dict[str, Gauge]:
    """Metrics of ``health/machine_summary`` by name."""
    due = min(now, span.end) - stale_after
    return {str(row["metric"]): Gauge(
        str(row["metric"]), float(row["last_value"]), row["last_at_utc"].to_pydatetime(),
        float(row["mean_value"]), float(row["highest_value"]), bool(row["last_at_utc"] < due))
        for row in rows.to_dict("records")}


def missing_gauge(metric: str) -> Gauge:
    """A metric that nobody sent."""
    return Gauge(metric, None, None, None, None, True)


def availability_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of ``health/availability``: minutes from the rollup unless filters go deeper."""
    filters = {name: params[name]
               for name in ("workspaces", "models", "agents", "regions", "devices")}
    deeper = any(filters[name] for name in filters if name != "workspaces")
    start, end = params["start"], params["end"]
    return {**filters, "minute_start": end if deeper else start, "minute_end": end,
            "event_start": start if deeper else end, "event_end": end}


def availability_pct(rows: pd.DataFrame) -> float | None:
    """Minutes that were not down per 100 minutes with requests; None without requests."""
    minutes, down = int(rows["minutes"].iloc[0]), int(rows["down_minutes"].iloc[0])
    return 100.0 * (minutes - down) / minutes if minutes else None


def error_pct(errors: int, requests: int) -> float | None:
    """Failed requests per 100; None without requests."""
    return 100.0 * errors / requests if requests else None


def rate_per_s(requests: int, span: Span, now: dt.datetime) -> float | None:
    """Mean requests per second over the part of the span that has passed; None if none has."""
    passed_s = (min(span.end, now) - span.start).total_seconds()
    return requests / passed_s if passed_s > 0 else None


def request_lines(rows: pd.DataFrame, span: Span, width_s: int, now: dt.datetime) -> pd.DataFrame:
    """Columns bucket_start_utc, rate_per_s and error_pct (gap without requests) of a usage series.

    Each bucket's rate is over the seconds of it that lie in the span and have passed; buckets
    of which less than half has passed are left out.
    """
    filled = fill_buckets(rows[["bucket_start_utc", "requests", "errors"]], "bucket_start_utc",
                          span, width_s, zeros=("requests", "errors"))
    passed = Span(span.start, max(min(span.end, now), span.start + MINUTE))
    seconds = covered_s(filled["bucket_start_utc"], width_s, passed)
    seen = seconds >= width_s / 2
    filled, seconds = filled[seen].reset_index(drop=True), seconds[seen]
    requests = filled["requests"].astype("float64")
    return pd.DataFrame({
        "bucket_start_utc": filled["bucket_start_utc"], "rate_per_s": requests / seconds,
        "error_pct": (100.0 * filled["errors"].astype("float64")).div(requests.where(
            requests > 0))})


def machine_lines(rows: pd.DataFrame, metrics: tuple[str, ...], span: Span,
                  width_s: int) -> pd.DataFrame:
    """One column per metric with its mean in each bucket of the span, gaps where none was sent.

    Where points are as narrow as samples are apart, a value holds for the two points after it.
    """
    grid = pd.DataFrame({"bucket_start_utc": pd.Series([], dtype="datetime64[us, UTC]")})
    filled = fill_buckets(grid, "bucket_start_utc", span, width_s)
    wide = rows.pivot(index="bucket_start_utc", columns="metric", values="mean_value")
    wide.index = wide.index.astype("datetime64[us, UTC]")
    values = wide.reindex(index=pd.DatetimeIndex(filled["bucket_start_utc"]),
                          columns=list(metrics)).to_numpy("float64")
    for place, metric in enumerate(metrics):
        filled[metric] = values[:, place]
        if width_s <= CLOSE_UP_WIDTH_S:
            filled[metric] = filled[metric].ffill(limit=2)
    return filled


def close_up(span: Span, now: dt.datetime) -> Span:
    """The span, or for one of at most 15 minutes that reaches the present, the same length up to
    the next full ten seconds: a window that slides along point by point."""
    width = dt.timedelta(seconds=CLOSE_UP_WIDTH_S)
    if span.length > CLOSE_UP or not now <= span.end <= now + MINUTE:
        return span
    end = now + (EARLIEST - now) % width
    return Span(end - span.length, end)


def point_width_s(span: Span, width_s: int) -> int:
    """Seconds between a chart's points: ten for spans of at most 15 minutes, else ``width_s``."""
    return CLOSE_UP_WIDTH_S if span.length <= CLOSE_UP else width_s


def range_line(points: Mapping[str, Iterable[tuple[dt.datetime, float | None]]], span: Span,
               width_s: int, scale: Mapping[str, float]) -> pd.DataFrame:
    """One column per name with its values at the points of the span, gaps where there are none.

    ``points`` are those of a range query whose step is ``width_s``; each is multiplied by its
    ``scale`` (1 where none is given).
    """
    grid = pd.DataFrame({"bucket_start_utc": pd.Series([], dtype="datetime64[us, UTC]")})
    filled = fill_buckets(grid, "bucket_start_utc", span, width_s)
    starts = filled["bucket_start_utc"].astype("int64") // (1_000_000 * width_s)
    for name, values in points.items():
        known = {int(at.timestamp()) // width_s: value * scale.get(name, 1.0)
                 for at, value in values if value is not None}
        filled[name] = starts.map(known).astype("float64")
    return filled


def gauge_of_line(metric: str, line: pd.DataFrame, now: dt.datetime,
                  stale_after: dt.timedelta) -> Gauge:
    """A metric's last value, mean and highest out of a line with ``bucket_start_utc``."""
    known = line[line[metric].notna()] if metric in line else line.iloc[:0]
    if known.empty:
        return missing_gauge(metric)
    at = known["bucket_start_utc"].iloc[-1].to_pydatetime()
    return Gauge(metric, float(known[metric].iloc[-1]), at, float(known[metric].mean()),
                 float(known[metric].max()), at < now - stale_after)


def sample_width_s(span: Span, width_s: int, stale_after: dt.timedelta) -> int:
    """Width of a machine chart's points: the chart's, or wider where samples come more rarely."""
    if stale_after >= MOST_STALE_AFTER:  # rarer than every 15 minutes, who knows how rare
        return max(width_s, 3_600)
    cadence_s = stale_after.total_seconds() / CADENCES
    if cadence_s <= width_s or stale_after <= LEAST_STALE_AFTER:
        return width_s
    return next((each for each in (300, 900, 3_600) if each >= cadence_s), 3_600)


def search_span(span: Span) -> Span:
    """Where to look for machines: the span, at least its last 24 hours."""
    return Span(min(span.start, span.end - 24 * HOUR), span.end)
