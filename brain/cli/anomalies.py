"""``brain anomalies``: scores of the points of a series, as they come."""

import datetime as dt
import math
import re
from argparse import Namespace
from collections.abc import Callable
from typing import Any

import msgspec

from brain.cli.command import Command, Option
from brain.cli.machine import Form, ReasonOut
from brain.decisions.reasons import InputError

MOST_SERIES = 20_000
_HEADER = re.compile(r'\s*"?(timestamp|time|time_s|date|datetime|at|at_s|at_utc|ds|t|t_s)"?\s*,',
                     re.IGNORECASE)
_MISSING = frozenset({"", "null", "none", "nan", "na"})
_STILL = {
    "learning": ReasonOut("learning", "Too few points yet to know what is usual."),
    "missing": ReasonOut("missing", "No value to judge."),
    "watching": ReasonOut("usual", "Nothing new for this series."),
}


class DetectIn(msgspec.Struct, forbid_unknown_fields=True):
    """One point. ``time`` is seconds since 1970 or ISO 8601, UTC unless it says otherwise.

    Points of a series come in order of time. A null value is a missing one. As CSV a point is
    ``time,value``; a line of names before them is passed over.
    """

    time: float | str
    value: float | None = None
    series: str = ""


class DetectOut(msgspec.Struct, frozen=True):
    """The score, 0 to 1, with what was expected and the band of the usual, null while unknown."""

    series: str
    time: float | str
    score: float
    is_anomaly: bool
    expected: float | None
    low: float | None
    high: float | None
    state: str
    reasons: tuple[ReasonOut, ...]


def read_row(line: str) -> DetectIn | None:
    """The point of a line of CSV, None for a line of names.

    Raises InputError for a line that is neither.
    """
    time, comma, value = line.partition(",")
    if not comma or "," in value:
        raise InputError("invalid_row", "a line must be 'time,value' or a JSON object")
    if _HEADER.match(line):
        return None
    word = value.strip().strip('"')
    try:
        return DetectIn(time.strip().strip('"'),
                        None if word.lower() in _MISSING else float(word))
    except ValueError as error:
        raise InputError("invalid_value", f"value: {word:.80} is not a number", "value") from error


def prepare_detect(arguments: Namespace) -> Callable[[Any], DetectOut]:
    """The function that scores one point after the other, each series by itself."""
    import zoneinfo

    from analytics.anomalies.detector import Detector
    zone = getattr(arguments, "zone", None) or "UTC"
    try:
        zoneinfo.ZoneInfo(zone)
    except (LookupError, OSError, ValueError) as error:
        raise InputError("unknown_zone", f"there is no time zone {zone!r:.80}", "zone") from error
    detectors: dict[str, Detector] = {}

    def detect(taken: Any) -> DetectOut:
        detector = detectors.get(taken.series)
        if detector is None:
            if len(detectors) >= MOST_SERIES:
                raise InputError("too_many_series", f"one call takes {MOST_SERIES:,} series",
                                 "series")
            detector = detectors[taken.series] = Detector(zone)
        if taken.value is not None and math.isinf(taken.value):
            raise InputError("not_finite", "value: must be finite", "value")
        try:
            point = detector.update(_seconds(taken.time), taken.value)
        except InputError:
            raise
        except ValueError as error:
            raise InputError("out_of_order" if "before" in str(error) else "out_of_range",
                             f"time: {error}", "time") from error
        reason = (ReasonOut(point.trait, point.reason) if point.is_alarm
                  else _STILL[point.state])
        return DetectOut(taken.series, taken.time, point.score, point.is_alarm, point.expected,
                         point.low, point.high, point.state, (reason,))
    return detect


def _seconds(time: float | str) -> float:
    if isinstance(time, str):
        try:
            moment = dt.datetime.fromisoformat(time)
        except ValueError:
            try:
                return float(time)
            except ValueError as error:
                raise InputError("invalid_time", f"time: {time:.80} is neither ISO 8601 nor a "
                                                 "number of seconds", "time") from error
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=dt.UTC)
        return moment.timestamp()
    return time


COMMANDS: tuple[Command, ...] = (
    Command("anomalies", "detect", "Score each point of a series (CSV or JSON lines) by what "
                                   "came before it.",
            options=(Option("--zone", "Time zone of hours and weekdays, UTC where not given.",
                            metavar="ZONE"),),
            form=Form(DetectIn, DetectOut, prepare_detect, read_row)),
)
