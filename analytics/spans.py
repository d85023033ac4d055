"""Spans of time as people type them, and the pieces that rollups answer them from."""

import datetime as dt
import re
import zoneinfo
from dataclasses import dataclass

MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
EARLIEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
LATEST = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
WIDTHS_S = (60, 300, 900, 3_600, 21_600, 86_400, 604_800)
MOST_POINTS = 200
EXAMPLES = "24h, 7d, last 90 min, today, 2026-10, 2026-10-05, 2026-10-01..2026-10-15"

_UNITS = {"m": 60, "min": 60, "mins": 60, "minute": 60, "minutes": 60,
          "h": 3_600, "hour": 3_600, "hours": 3_600, "d": 86_400, "day": 86_400, "days": 86_400,
          "w": 604_800, "week": 604_800, "weeks": 604_800}


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open span [start, end) of aware UTC times.

    Raises ValueError unless both are aware and start is before end.
    """

    start: dt.datetime
    end: dt.datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a span needs times with a zone")
        object.__setattr__(self, "start", self.start.astimezone(dt.UTC))
        object.__setattr__(self, "end", self.end.astimezone(dt.UTC))
        if not self.start < self.end:
            raise ValueError("the range ends before it starts")

    @property
    def length(self) -> dt.timedelta:
        """How long the span is."""
        return self.end - self.start

    @property
    def length_s(self) -> float:
        """How many seconds the span has."""
        return self.length.total_seconds()


def parse_range(text: str, now: dt.datetime, zone: str = "UTC") -> Span:
    """The span that a text means at ``now``.

    "24h", "7d", "last 90 min": that long, up to the next full minute (up to a day) or hour.
    "today", "yesterday": the calendar day in ``zone``, today only up to the next full minute.
    "2026-10", "2026-10-05": a month or day of UTC, as the daily totals are kept.
    "a..b": from a to b; a day or month as b is included; times without offset are in ``zone``.
    Raises ValueError with a sentence for people.
    """
    wanted = " ".join(text.strip().split())
    if not wanted:
        raise ValueError(f"Type a range such as {EXAMPLES}.")
    if (back := re.fullmatch(r"(?:last )?(\d{1,5}) ?([a-z]+)", wanted.lower())) and \
            back[2] in _UNITS:
        return _back(int(back[1]) * _UNITS[back[2]], now)
    if wanted.lower() in {"today", "yesterday"}:
        return _calendar_day(wanted.lower(), now, zone)
    first, dots, last = wanted.partition("..")
    start, end = _moment(first, zone), _moment(last if dots else first, zone)
    if not dots and start[0] == end[1]:
        raise ValueError(f"{wanted} is a moment, not a range. Type two, as a..b.")
    return _checked(start[0], end[1] if dots else start[1])


def previous(span: Span) -> Span:
    """The span of the same length that ends where ``span`` starts."""
    return Span(span.start - span.length, span.start)


def bucket_width_s(span: Span) -> int:
    """Width in seconds of a chart's points, so that the span has at most 200 of them."""
    return next((width for width in WIDTHS_S if span.length_s / width <= MOST_POINTS),
                WIDTHS_S[-1])


def query_params(span: Span) -> dict[str, dt.datetime]:
    """Where a query reads events, hours and days so that the five pieces tile the span.

    Events in [start, hour_start), hours in [hour_start, day_start), days in
    [day_start, day_end), hours in [day_end, hour_end), events in [hour_end, end). Pieces that
    are empty lie at the end of the piece before them.
    """
    hour_start, hour_end = _ceil(span.start, HOUR), _floor(span.end, HOUR)
    if hour_start >= hour_end:
        hour_start = hour_end = day_start = day_end = span.end
    else:
        day_start, day_end = _ceil(span.start, DAY), _floor(span.end, DAY)
        if day_start >= day_end:
            day_start = day_end = hour_end
    return {"start": span.start, "end": span.end, "hour_start": hour_start,
            "hour_end": hour_end, "day_start": day_start, "day_end": day_end}


def _back(length_s: int, now: dt.datetime) -> Span:
    length = dt.timedelta(seconds=length_s)
    end = _ceil(now, MINUTE if length <= DAY else HOUR)
    return _checked(end - length, end)


def _calendar_day(word: str, now: dt.datetime, zone: str) -> Span:
    here = now.astimezone(zoneinfo.ZoneInfo(zone))
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
    if word == "today":
        return _checked(midnight, max(_ceil(now, MINUTE), midnight.astimezone(dt.UTC) + MINUTE))
    noon_before = midnight.replace(hour=12) - DAY
    return _checked(noon_before.replace(hour=0), midnight)


def _moment(text: str, zone: str) -> tuple[dt.datetime, dt.datetime]:
    """First moment of what ``text`` names, and the first moment after it."""
    text = text.strip()
    try:
        if month := re.fullmatch(r"(\d{4})-(\d{2})", text):
            first = dt.datetime(int(month[1]), int(month[2]), 1, tzinfo=dt.UTC)
            return first, (first + 31 * DAY).replace(day=1)
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            day = dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
            return day, day + DAY
        moment = dt.datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"“{text[:60]}” is not a range. Type one such as {EXAMPLES}.") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zoneinfo.ZoneInfo(zone))
    return moment, moment


def _checked(start: dt.datetime, end: dt.datetime) -> Span:
    if not start < end:
        raise ValueError("The range ends before it starts.")
    try:
        span = Span(start, end)
    except OverflowError as error:
        raise ValueError("The range must lie between 2000 and 2100.") from error
    if span.start < EARLIEST or span.end > LATEST:
        raise ValueError("The range must lie between 2000 and 2100.")
    return span


def _floor(moment: dt.datetime, step: dt.timedelta) -> dt.datetime:
    return moment - (moment - EARLIEST) % step


def _ceil(moment: dt.datetime, step: dt.timedelta) -> dt.datetime:
    return moment + (EARLIEST - moment) % step
