"""The statements that bring rollups up to date, in their order, for any engine."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from brain.sources import queries

Span = tuple[dt.datetime, dt.datetime]
Run = Callable[..., object]
Row = Callable[[str], Sequence[Any] | None]

TABLES = {
    "minute": ("usage_minute", "latency_minute"),
    "hour": ("usage_hour", "spend_hour", "latency_hour", "latency_hour_total", "users_hour",
             "referrers_hour", "viewers_hour", "session_pieces"),
    "day": ("usage_day", "spend_day", "latency_day", "users_day", "referrers_day", "viewers_day",
            "active_day"),
    "week": ("active_week",),
}
"""Rollups that a span is computed anew for, by the level its bounds are widened to."""

SESSION_TABLES = ("sessions", "view_links", "sessions_hour", "pages_hour", "sessions_day",
                  "origins_day", "pages_day")
"""Rollups of sessions, which reach beyond the span that changed."""

_HOUR, _DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
_SESSION_GAP = dt.timedelta(minutes=30)


def roll_up(run: Run, row: Row, spans: Sequence[Span], sketch_size: int) -> None:
    """Compute every rollup anew for spans of whole hours (UTC, half-open).

    ``run(name, names, **params)`` runs a writing query, ``row(name)`` gives the one row of a
    reading one, or None. The caller holds the transaction.
    """
    for start, end in spans:
        for level, tables in TABLES.items():
            first, last = _widened(level, start, end)
            for table in tables:
                run("rollup/delete_span", {"rollup": table}, start=first, end=last)
                _fill(run, table, start=first, end=last, sketch_size=sketch_size)
        first, last = _widened("day", start, end)
        run("rollup/delete_first_seen", {}, start=first, end=last)
        run("rollup/first_seen", {}, start=first)
        _split_sessions(run, row, start, end)
    if spans:  # first events that moved change the cohorts of all later weeks
        first, _ = _widened("week", *min(spans))
        run("rollup/delete_cohorts", {}, start=first)
        run("rollup/cohorts_week", {}, start=first)
    _add_up_sessions(run, row)


def _split_sessions(run: Run, row: Row, start: dt.datetime, end: dt.datetime) -> None:
    """Make the sessions anew that a span can have changed, and note the hours they count in."""
    run("rollup/session_windows", {}, start=start, end=end, near_start=start - _SESSION_GAP,
        near_end=end + _SESSION_GAP)
    run("rollup/mark_span_hours", {}, start=start, end=end)
    if found := row("rollup/read_session_bounds"):
        first, last = found
        bounds = {"first": first, "last": last,
                  "first_bucket": first.replace(minute=first.minute // 30 * 30, second=0,
                                                microsecond=0)}
        for name in ("mark_session_hours", "delete_sessions", "delete_view_links", "sessions",
                     "view_links", "mark_session_hours"):
            _fill(run, name, **bounds)
        run("rollup/clear_windows", {})


def _add_up_sessions(run: Run, row: Row) -> None:
    """Bring the sums of the noted hours and their days up to date."""
    found = row("rollup/read_hour_bounds")
    if not found:
        return
    first, last = found
    hours = {"first": first, "last": last, "last_end": last + _HOUR}
    first_day, last_day = _widened("day", first, last + _HOUR)
    days = {"first": first_day, "last": last_day}
    for table in SESSION_TABLES[2:]:
        is_day = table.endswith("_day")
        bounds = days if is_day else hours
        run("rollup/delete_days" if is_day else "rollup/delete_hours", {"rollup": table},
            first=bounds["first"], last=bounds["last"])
        _fill(run, table, **bounds)
    run("rollup/clear_session_hours", {})


def _fill(run: Run, name: str, **values: Any) -> None:
    """Run a query of ``sql/rollup`` with those of the values that it takes."""
    wanted = queries.load_query(f"rollup/{name}").params
    run(f"rollup/{name}", {}, **{key: value for key, value in values.items() if key in wanted})


def _widened(level: str, start: dt.datetime, end: dt.datetime) -> Span:
    """The whole days or ISO weeks around whole hours."""
    if level in {"minute", "hour"}:
        return start, end
    first = start.replace(hour=0)
    last = end.replace(hour=0) + (_DAY if end.hour else dt.timedelta())
    if level == "week":
        first -= first.weekday() * _DAY
        last += -last.weekday() % 7 * _DAY
    return first, last
