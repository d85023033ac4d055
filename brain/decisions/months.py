"""Calendar months in a time zone, and which of them a report is due for."""

import datetime as dt
import re
import zoneinfo

from analytics.spans import Span
from brain.decisions.budgets import zone
from brain.decisions.reasons import InputError

FIRST_YEAR, LAST_YEAR = 2000, 2099
MOST_CAUGHT_UP = 12
"""Months that are caught up after a long time without a server."""
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)


def read_month(text: str) -> tuple[int, int]:
    """Year and month of "2026-10". Raises InputError for another form or year."""
    found = _MONTH.fullmatch(text.strip())
    if found is None or not FIRST_YEAR <= int(found[1]) <= LAST_YEAR:
        raise InputError("not_a_month", f"a month is written such as 2026-10, between {FIRST_YEAR} "
                                        f"and {LAST_YEAR}, not {text[:40]!r}", "month")
    return int(found[1]), int(found[2])


def shift_month(text: str, by: int) -> str:
    """The month that many months later (or earlier)."""
    year, month = read_month(text)
    index = year * 12 + month - 1 + by
    return f"{index // 12:04}-{index % 12 + 1:02}"


def month_of(at: dt.datetime, zone_name: str) -> str:
    """The month that holds a moment, by the calendar of the zone."""
    return f"{at.astimezone(zone(zone_name)):%Y-%m}"


def month_span(text: str, zone_name: str) -> Span:
    """The whole month: from the first midnight up to that of the next month, last day included.

    A midnight that the clocks skip is the moment at which they do.
    """
    here = zone(zone_name)
    return Span(_first_midnight(read_month(text), here),
                _first_midnight(read_month(shift_month(text, 1)), here))


def days_of(text: str, zone_name: str) -> tuple[tuple[dt.date, Span], ...]:
    """Every day of the month with its span: of 23 or 25 hours where the clocks change."""
    year, month = read_month(text)
    here, day = zone(zone_name), dt.date(year, month, 1)
    found = []
    while day.month == month:
        after = day + dt.timedelta(days=1)
        found.append((day, Span(_midnight(day, here), _midnight(after, here))))
        day = after
    return tuple(found)


def due_months(now: dt.datetime, zone_name: str, hour: int, last_made: str | None) \
        -> tuple[str, ...]:
    """Months whose report should be there by now and is not, oldest first.

    A month's report is due at ``hour`` o'clock of the first day of the next one. Where none was
    ever made only the month before now is due; else all since the last one, at most 12.
    """
    here = now.astimezone(zone(zone_name))
    newest = shift_month(f"{here:%Y-%m}", -1)
    if here.day == 1 and here.hour < hour:
        newest = shift_month(newest, -1)
    if last_made is None:
        return (newest,)
    oldest = max(shift_month(last_made, 1), shift_month(newest, 1 - MOST_CAUGHT_UP))
    found = []
    while oldest <= newest:
        found.append(oldest)
        oldest = shift_month(oldest, 1)
    return tuple(found)


def _first_midnight(month: tuple[int, int], here: zoneinfo.ZoneInfo) -> dt.datetime:
    return _midnight(dt.date(*month, 1), here)


def _midnight(day: dt.date, here: zoneinfo.ZoneInfo) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), here).astimezone(dt.UTC)
