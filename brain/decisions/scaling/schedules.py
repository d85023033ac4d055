"""Floors and ceilings by the clock: cron lines in a time zone, right over changes of the clock."""

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from brain.decisions.reasons import InputError, Reason

LONGEST_LOOK_DAYS = 8 * 366 + 2
"""A 29th of February comes back within eight years."""

_FIELDS = (("minute", 0, 59, ()), ("hour", 0, 23, ()), ("day of month", 1, 31, ()),
           ("month", 1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct",
                             "nov", "dec")),
           ("day of week", 0, 7, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")))
_PART = re.compile(r"(\*|[0-9a-z]{1,3})(?:-([0-9a-z]{1,3}))?(?:/([0-9]{1,2}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cron:
    """The minutes, hours and days at which a cron line fires."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool

    def fires_on(self, day: dt.date) -> bool:
        """Whether the line fires on this date; with both day fields set, either one will do."""
        if day.month not in self.months:
            return False
        in_month, in_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return in_month or in_week if self.either_day else in_month and in_week


@dataclass(frozen=True, slots=True)
class ScheduledBound:
    """From each firing on, a workload's floor and ceiling, until its next firing of any line."""

    workload: str
    cron: str
    zone: str
    min_replicas: int | None = None
    max_replicas: int | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """The floor and ceiling in force, since when, and why."""

    min_replicas: int | None
    max_replicas: int | None
    since_utc: dt.datetime | None
    reasons: tuple[Reason, ...]


@lru_cache(maxsize=256)
def parse_cron(line: str) -> Cron:
    """The five fields of a cron line; raises InputError naming the one that cannot be read."""
    words = line.lower().split()
    if len(words) != len(_FIELDS):
        raise InputError("invalid_cron", f"{line[:80]!r} needs five fields: minute, hour, day of "
                         "month, month, day of week", "cron")
    minutes, hours, days, months, weekdays = (
        _parse_field(word, *field) for word, field in zip(words, _FIELDS, strict=True))
    return Cron(tuple(sorted(minutes)), tuple(sorted(hours)), days, months,
                frozenset(day % 7 for day in weekdays),
                not words[2].startswith("*") and not words[4].startswith("*"))


def _parse_field(word: str, name: str, least: int, most: int,
                 names: Sequence[str]) -> frozenset[int]:
    def number(text: str) -> int:
        if text in names:
            return names.index(text) + least
        if text.isdecimal() and least <= int(text) <= most:
            return int(text)
        raise InputError("invalid_cron", f"{text!r} is no {name} ({least} to {most})", "cron")
    found: set[int] = set()
    for part in word.split(","):
        match = _PART.fullmatch(part)
        if match is None or (match[3] is not None and int(match[3]) == 0):
            raise InputError("invalid_cron", f"{part[:40]!r} is no {name}", "cron")
        start, end, step = match.groups()
        first = least if start == "*" else number(start)
        last = (number(end) if end else most if start == "*" or step else first)
        if last < first or (start == "*" and end):
            raise InputError("invalid_cron", f"{part!r} runs backwards", "cron")
        found.update(range(first, last + 1, int(step or 1)))
    return frozenset(found)


@lru_cache(maxsize=64)
def read_zone(name: str) -> ZoneInfo:
    """The time zone; raises InputError for an unknown one."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError("unknown_zone", f"{name[:80]!r} is no time zone such as Europe/Berlin",
                         "zone") from error


def last_firing(cron: Cron, zone: ZoneInfo, now_utc: dt.datetime) -> dt.datetime | None:
    """The last firing at or before now in UTC, or None for a line that never fires.

    A time that the clock skips fires at the jump; a time that it shows twice fires once, at first.
    """
    today = now_utc.astimezone(zone).date()
    for back in range(-1, LONGEST_LOOK_DAYS):
        for at_utc in _firings(cron, zone, today - dt.timedelta(days=back), latest_first=True):
            if at_utc <= now_utc:
                return at_utc
    return None


def next_firing(cron: Cron, zone: ZoneInfo, now_utc: dt.datetime) -> dt.datetime | None:
    """The first firing after now in UTC, or None for a line that never fires."""
    today = now_utc.astimezone(zone).date()
    for ahead in range(-1, LONGEST_LOOK_DAYS):
        for at_utc in _firings(cron, zone, today + dt.timedelta(days=ahead), latest_first=False):
            if at_utc > now_utc:
                return at_utc
    return None


def _firings(cron: Cron, zone: ZoneInfo, day: dt.date, *,
             latest_first: bool) -> Iterator[dt.datetime]:
    if cron.fires_on(day):
        order = -1 if latest_first else 1
        for hour in cron.hours[::order]:
            for minute in cron.minutes[::order]:
                yield _to_utc(dt.datetime.combine(day, dt.time(hour, minute)), zone)


def _to_utc(local: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    at_utc = local.replace(tzinfo=zone).astimezone(dt.UTC)
    if at_utc.astimezone(zone).replace(tzinfo=None) == local:
        return at_utc
    early = local.replace(tzinfo=zone, fold=1).astimezone(dt.UTC)
    before = early.astimezone(zone).utcoffset()
    while (late := at_utc - early) > dt.timedelta(seconds=1):  # the jump lies between the two
        middle = early + late / 2
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            at_utc = middle
    return at_utc.replace(microsecond=0)


def decide_bounds(schedules: Sequence[ScheduledBound], workload: str,
                  now_utc: dt.datetime) -> Bounds:
    """The bounds of the line that fired last for the workload; the later of two in the list wins.

    Raises InputError for a line or zone that cannot be read.
    """
    latest: tuple[dt.datetime, ScheduledBound] | None = None
    for each in schedules:
        if each.workload == workload:
            fired = last_firing(parse_cron(each.cron), read_zone(each.zone), now_utc)
            if fired is not None and (latest is None or fired >= latest[0]):
                latest = (fired, each)
    if latest is None:
        return Bounds(None, None, None, (Reason("NoSchedule", f"No schedule for {workload}."),))
    fired, bound = latest
    shown = fired.astimezone(read_zone(bound.zone)).strftime("%Y-%m-%d %H:%M")
    return Bounds(bound.min_replicas, bound.max_replicas, fired, (Reason(
        "Scheduled", f"{workload}: at least {bound.min_replicas}, at most {bound.max_replicas} "
        f"since {shown} {bound.zone}."),))


def apply_bounds(wanted: int, needed: int, bounds: Bounds) -> tuple[int, tuple[Reason, ...]]:
    """Replicas within the scheduled bounds, but never fewer than the load needs now.

    ``wanted`` is what the autoscaler would have, ``needed`` what its metrics ask for.
    """
    replicas, reasons = wanted, list(bounds.reasons)
    if bounds.min_replicas is not None and replicas < bounds.min_replicas:
        replicas = bounds.min_replicas
        reasons.append(Reason("ScheduledFloor", f"Raised from {wanted} to the floor {replicas}."))
    if bounds.max_replicas is not None and replicas > bounds.max_replicas:
        replicas = min(replicas, max(bounds.max_replicas, needed))
        reasons.append(Reason("ScheduledCeiling", f"Lowered to the ceiling {replicas}.")
                       if replicas == bounds.max_replicas else
                       Reason("ScheduleYieldsToLoad", f"The load needs {needed}: a schedule does "
                              f"not scale into it below {replicas}."))
    return replicas, tuple(reasons)
