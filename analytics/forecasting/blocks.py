"""History added up to blocks (days, or its own steps), and what share of a block a time is."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.forecasting.answers import Floats
from analytics.forecasting.series import Series
from analytics.forecasting.weekly_level import WEEK, Ints

DAY_S = 86_400
_HOUR_S = 3_600
_MONDAY_S = 4 * DAY_S  # 5 January 1970 was a Monday
_WEEKS_FOR_HOURS = 3


@dataclass(frozen=True, slots=True)
class Change:
    """From ``at_utc`` on, spend is ``factor`` times what it would have been (a new price)."""

    at_utc: dt.datetime
    factor: float


@dataclass(frozen=True, slots=True)
class Blocks:
    """Complete blocks of ``width_s`` that end at ``end_s`` (seconds since 1970).

    ``within`` is the usual share of a block by its equal parts, summing to 1.
    """

    values: Floats
    width_s: int
    end_s: float
    within: Floats

    @property
    def period(self) -> int:
        """Blocks after which the profile repeats itself, 1 for none."""
        if self.width_s == DAY_S:
            return WEEK
        per_day, left = divmod(DAY_S, self.width_s)
        if left:
            return 1
        enough = len(self.values) >= _WEEKS_FOR_HOURS * WEEK * per_day
        return per_day * WEEK if enough and self.width_s == _HOUR_S else per_day

    def phases(self, starts_s: Floats) -> Ints:
        """Place of blocks in their week or day; Monday is 0 where the blocks are days."""
        return np.asarray((starts_s - _MONDAY_S) // self.width_s % self.period, dtype=np.int64)

    def past_starts_s(self) -> Floats:
        """When each of the complete blocks starts."""
        return self.end_s + self.width_s * np.arange(-len(self.values), 0.0)

    def share_between(self, starts_s: Floats, from_s: float, to_s: float) -> Floats:
        """Usual share of each block that lies in [from, to)."""
        edges = np.concatenate([[0.0], np.cumsum(self.within)])
        at = np.linspace(0.0, self.width_s, len(edges))
        return np.asarray(np.interp(to_s - starts_s, at, edges)
                          - np.interp(from_s - starts_s, at, edges))


def cut_blocks(history: Series, filled: Floats, by_day: bool, anchor_s: float) -> Blocks:
    """Days that begin at ``anchor_s`` modulo a day, or the history's own steps.

    Days need steps that divide a day; a part of a day at either end is left out.
    """
    step_s, end_s = history.step_s, history.end_utc.timestamp()
    if not by_day or step_s >= DAY_S or DAY_S % step_s:
        return Blocks(filled, step_s, end_s, np.ones(1))
    over = int((end_s - anchor_s) % DAY_S // step_s)
    whole = filled[:len(filled) - over] if over else filled
    per_day = DAY_S // step_s
    days = len(whole) // per_day
    table = whole[len(whole) - days * per_day:].reshape(days, per_day)
    by_part = table.sum(axis=0)
    total = float(by_part.sum())
    within = by_part / total if total > 0 else np.full(per_day, 1 / per_day)
    return Blocks(table.sum(axis=1), DAY_S, end_s - over * step_s, within)


def change_past(starts_s: Floats, width_s: float, changes: Sequence[Change],
                now_s: float) -> Floats:
    """What past blocks are to be multiplied by to be at today's prices."""
    factors = np.ones(len(starts_s))
    for change in changes:
        at_s = change.at_utc.timestamp()
        if at_s <= now_s:
            before = np.clip((at_s - starts_s) / width_s, 0.0, 1.0)
            factors *= 1 + (change.factor - 1) * before
    return factors


def change_coming(starts_s: Floats, width_s: float, changes: Sequence[Change], from_s: float,
                  to_s: float) -> Floats:
    """What the part in [from, to) of coming blocks at today's prices is to be multiplied by."""
    factors = np.ones(len(starts_s))
    first, last = np.maximum(starts_s, from_s), np.minimum(starts_s + width_s, to_s)
    for change in changes:
        at_s = change.at_utc.timestamp()
        if at_s > from_s:
            after = np.clip((last - at_s) / np.maximum(last - first, 1e-9), 0.0, 1.0)
            factors *= 1 + (change.factor - 1) * after
    return factors
