"""Streaming detection: a score, a band and the reason for each point, from the past alone."""

import math
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from analytics.anomalies.forecast import Forecast
from analytics.anomalies.records import Record
from analytics.anomalies.tail import Tail
from analytics.anomalies.words import Seen, explain

ALARM = 0.5
"""The score from which a point is an anomaly: about one false alarm in four weeks and series
once 28 days are known, whatever the step; a third stands for about one a week. See
``docs/decisions/anomalies.md``."""
TRAITS = ("high", "low", "error", "season", "level", "swing", "away")
"""What is watched: above and below the usual level, the forecast's error, the distance to the
usual for the hour, the short mean beside the longer one, how much the series swings, and the
short mean of the distance to the usual for the hour, or to the usual level."""

_LEARNING, _LEARNING_COARSE = 100, 35
_MEMORY = 6_000
_LEVEL_MEMORY = 2_000
_CHANGE_MEMORY = 2_000
_HORIZON_S = 28 * 86_400.0
_HORIZON_POINTS = 2_000
_MARGIN = 1.03
_RAREST = 30.0
_POWER = 0.35
_HALF = 2.0
_CALM = 0.98
_YOUNG_S, _YOUNG_POINTS = 86_400.0, 500
_INCIDENT_POINTS = 72
_AGAIN = 1.0
_AGAIN_MORE = 1.0
_SHORT, _LONG, _SWING = 1 / 20, 1 / 144, 1 / 20
_CLIP = 6.0
_WARM = 20
_HELD_S, _HELD_POINTS, _HELD_FAR = 86_400.0, 150, 1.5
_BAND_RARITY, _BAND_MEMORY = 2.3, 2_000
_ALARMS_KEPT = 8
_FIRST_S, _LAST_S = -6e10, 2.2e11


@dataclass(frozen=True, slots=True)
class Point:
    """What is to be said about one value. ``score`` is 0 to 1, an alarm from `ALARM` on.

    ``state`` is "learning", "watching" or "missing"; ``trait`` the one of TRAITS that says most
    and ``reason`` what it says, both empty below an alarm. ``expected``, ``low`` and ``high`` are
    None while they cannot be known; 995 of 1,000 usual values lie within.
    """

    score: float
    expected: float | None
    low: float | None
    high: float | None
    trait: str
    reason: str
    state: str

    @property
    def is_alarm(self) -> bool:
        """Whether this is an anomaly to tell of."""
        return self.score >= ALARM


class Detector:
    """One series. Feed it with `update`, in order of time; `state` and `restore` carry it over.

    A point counts for as much as it breaks records of the last 28 days (at least 2,000 points)
    in several traits at once, each weighed by how rare such a size is in the series.
    """

    def __init__(self, zone: str = "UTC") -> None:
        self._zone = zone
        self._zone_info = zoneinfo.ZoneInfo(zone)
        self._offset_s = 0.0
        self._offset_hour = -1.0
        self._points = 0
        self._at_s = 0.0
        self._step_s = 0.0
        self._before = 0.0
        self._level = self._spread = self._change = self._swing = 0.0
        self._short = self._long = self._away = 0.0
        self._since_alarm = 0
        self._held_points = 0
        self._held_since_s = 0.0
        self._lowest = 0.0
        self._calm = 0.0
        self._forecast = Forecast()
        self._errors = Tail(_BAND_MEMORY)
        self._tails = [Tail(_MEMORY) for _ in TRAITS]
        self._records = [Record() for _ in TRAITS]
        self._alarms: list[tuple[float, list[float]]] = []

    def update(self, at_s: float, value: float | None) -> Point:
        """What this value means. ``at_s`` is seconds since 1970; None, NaN or infinite is missing.

        A second value at the same time counts as a further sample. Raises ValueError, and learns
        nothing, for a time before that of the value before.
        """
        if not _FIRST_S <= at_s <= _LAST_S:
            raise ValueError("the time lies outside the years 70 to 9000")
        if self._points and at_s < self._at_s:
            raise ValueError("the time lies before that of the point before")
        if value is None or not math.isfinite(value):
            return Point(0.0, None, None, None, "", "", "missing")
        value = max(min(float(value), 1e150), -1e150)
        if not self._points:
            return self._begin(at_s, value)
        self._pace(at_s)
        local_s = at_s + self._offset(at_s)
        forecast = self._forecast
        expected = forecast.predict(local_s, self._step_s)
        least = max(1e-12, 1e-4 * abs(self._level))
        spread = max(self._spread, least)
        sizes = self._measure(value, expected, least)
        total, parts = self._weigh(sizes, spread, at_s)
        low, high = self._band(value, expected, least)
        state = "watching" if self._knows_enough() else "learning"
        score, trait, reason = 0.0, "", ""
        if state == "watching" and total > self._calm * _AGAIN + _AGAIN_MORE:
            score = total / (total + _HALF)
            if score >= ALARM:
                trait = TRAITS[parts.index(max(parts))]
                reason = explain(trait, Seen(
                    value, expected, forecast.habit(local_s, self._step_s), self._before,
                    self._level, self._short, self._long, self._away),
                    datetime.fromtimestamp(at_s, self._zone_info))
                self._alarms = [*self._alarms[1 - _ALARMS_KEPT:], (at_s, sizes)]
                self._since_alarm = 0
        if self._since_alarm < _INCIDENT_POINTS and self._alarms:
            self._since_alarm += 1
            moment, reached = self._alarms[-1]
            self._alarms[-1] = (moment, list(map(max, reached, sizes)))
        self._calm = max(self._calm * _CALM, total)
        forecast.learn(local_s, value, expected, self._points)
        self._learn(at_s, value, spread, least)
        return Point(score, expected, low, high, trait, reason, state)

    def accept(self, at_s: float) -> bool:
        """Whether the alarm of that time was found and will not be given for its like again.

        What its incident measured, and a quarter more, is allowed to this series for good. The
        last eight alarms are known.
        """
        found = [sizes for moment, sizes in self._alarms if moment == at_s]
        for sizes in found:
            for record, size in zip(self._records, sizes, strict=True):
                record.allow(1.25 * size)
        return bool(found)

    def _begin(self, at_s: float, value: float) -> Point:
        self._at_s = at_s
        self._points = 1
        self._before = self._level = self._short = self._long = self._lowest = value
        self._spread = self._change = self._swing = abs(value) * 0.01 + 1e-9
        self._forecast.begin(value)
        return Point(0.0, None, None, None, "", "", "learning")

    def _knows_enough(self) -> bool:
        """100 points, or fewer that span four weeks."""
        return self._points >= _LEARNING or (
            self._points >= _LEARNING_COARSE
            and self._points * self._step_s >= _HORIZON_S)

    def _pace(self, at_s: float) -> None:
        gap_s = at_s - self._at_s
        self._at_s = at_s
        if gap_s > 0:
            if not self._step_s:
                self._step_s = gap_s
            gap_s = min(max(gap_s, self._step_s / 2), 2 * self._step_s)
            self._step_s += max(0.02, 1 / self._points) * (gap_s - self._step_s)

    def _offset(self, at_s: float) -> float:
        hour = at_s // 900
        if hour != self._offset_hour:
            self._offset_hour = hour
            offset = datetime.fromtimestamp(at_s, self._zone_info).utcoffset()
            self._offset_s = offset.total_seconds() if offset is not None else 0.0
        return self._offset_s

    def _measure(self, value: float, expected: float, least: float) -> list[float]:
        """Sizes of the traits, in the order of TRAITS and the unit of the series."""
        change = max(self._change, least)
        self._short += _SHORT * (value - self._short)
        self._long += _LONG * (value - self._long)
        self._swing += _SWING * (min(abs(value - self._before), 30 * change) - self._swing)
        above = value - self._level
        usual = self._forecast.usual_today
        self._away += _SHORT * ((above if usual is None else value - usual) - self._away)
        return [max(above, 0.0), max(-above, 0.0), abs(value - expected),
                0.0 if usual is None else abs(value - usual),
                abs(self._short - self._long), self._swing, abs(self._away)]

    def _weigh(self, sizes: list[float], spread: float, at_s: float) -> tuple[float, list[float]]:
        """The sum over traits that break their record, and each one's part of it.

        A record of a short past says little: after a day, or 500 points, the sum counts half.
        """
        horizon_s = max(_HORIZON_S, _HORIZON_POINTS * self._step_s)
        parts = []
        for size, tail, record in zip(sizes, self._tails, self._records, strict=True):
            relative = size / spread
            part = 0.0
            if size > _MARGIN * record.size:
                part = min(tail.rarity(relative), _RAREST) ** _POWER
            parts.append(part)
            tail.learn(relative)
            record.learn(at_s, size, horizon_s)
        age_s = self._points * self._step_s
        known = max(age_s / (age_s + _YOUNG_S), self._points / (self._points + _YOUNG_POINTS))
        return sum(parts) * known, parts

    def _band(self, value: float, expected: float,
              least: float) -> tuple[float | None, float | None]:
        """In terms of the mean error, so that a better way of foreseeing narrows it at once."""
        error = max(self._forecast.usual_error, least)
        half = self._errors.size_at(_BAND_RARITY)
        self._errors.learn(abs(value - expected) / error)
        if half is None:
            return None, None
        low = expected - half * error
        return (max(low, 0.0) if self._lowest >= 0 else low), expected + half * error

    def _learn(self, at_s: float, value: float, spread: float, least: float) -> None:
        self._points += 1
        warm = self._points > _WARM
        change, limit = abs(value - self._before), 10 * max(self._change, least)
        self._change += max(1 / self._points, 1 / _CHANGE_MEMORY) * (
            (min(change, limit) if warm else change) - self._change)
        above = value - self._level
        if warm:
            above = max(-_CLIP * spread, min(_CLIP * spread, above))
        rate = max(1 / self._points, 1 / _LEVEL_MEMORY)
        self._level += rate * above
        self._spread += rate * (abs(above) - self._spread)
        self._before = value
        self._lowest = min(self._lowest, value)
        self._hold(at_s, above, spread)

    def _hold(self, at_s: float, above: float, spread: float) -> None:
        """Take a level that has held for a day, and 150 points, as the usual one."""
        side = 1 if above > _HELD_FAR * spread else -1 if above < -_HELD_FAR * spread else 0
        if side == 0 or side * self._held_points < 0:
            self._held_points, self._held_since_s = side, at_s
            return
        self._held_points += side
        if abs(self._held_points) >= _HELD_POINTS and at_s - self._held_since_s >= _HELD_S:
            by = self._long - self._level
            self._level += by
            self._forecast.shift(by)
            self._held_points = 0

    def state(self) -> dict[str, Any]:
        """Everything it knows, as JSON can hold it; about 8 kB of text."""
        plain = {name[1:]: getattr(self, name) for name in _PLAIN}
        return {**plain, "forecast": self._forecast.state(), "errors": self._errors.state(),
                "tails": [each.state() for each in self._tails],
                "records": [each.state() for each in self._records],
                "alarms": [[moment, list(sizes)] for moment, sizes in self._alarms]}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> "Detector":
        """The detector that ``state`` came from; it goes on bit for bit as that one would."""
        detector = cls(state["zone"])
        for name in _PLAIN:
            setattr(detector, name, state[name[1:]])
        detector._forecast = Forecast.restore(state["forecast"])
        detector._errors = Tail.restore(state["errors"])
        detector._tails = [Tail.restore(each) for each in state["tails"]]
        detector._records = [Record.restore(each) for each in state["records"]]
        detector._alarms = [(moment, list(sizes)) for moment, sizes in state["alarms"]]
        return detector


_PLAIN = ("_zone", "_offset_s", "_offset_hour", "_points", "_at_s", "_step_s", "_before",
          "_level", "_spread", "_change", "_swing", "_short", "_long", "_away", "_held_points",
          "_held_since_s", "_since_alarm", "_lowest", "_calm")
