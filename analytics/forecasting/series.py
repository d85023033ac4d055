"""A history on a regular grid: from times and values, with gaps, and its gaps filled."""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.forecasting.answers import CannotForecast, Floats

MOST_POINTS = 200_000
LEAST_VALUES = 8
OFF_GRID_RATIO = 0.1
MOST_GAPS_RATIO = 0.5
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

TOO_SHORT = CannotForecast(
    "too_short", f"A forecast needs at least {LEAST_VALUES} values in its history.")
TOO_MANY_GAPS = CannotForecast(
    "too_many_gaps", "More than half of the history's steps have no value.")
TOO_LONG = CannotForecast(
    "too_long", f"The history spans more than {MOST_POINTS:,} steps: give fewer or wider ones.")
IRREGULAR = CannotForecast(
    "irregular_times", "The times do not lie on a grid of equal steps: add the values up by "
                       "hour or day first.")
TWICE = CannotForecast("time_twice", "Two values have the same time.")
NOT_FINITE = CannotForecast("not_finite", "A value is infinite.")


@dataclass(frozen=True, slots=True)
class Series:
    """Values of equal steps of ``step_s`` seconds, oldest first; NaN is a gap.

    ``start_utc`` is the beginning of the first step. Raises ValueError for a naive start, a
    step below one second or values that are no row of numbers.
    """

    start_utc: dt.datetime
    step_s: int
    values: Floats

    def __post_init__(self) -> None:
        if self.start_utc.tzinfo is None:
            raise ValueError("a series needs a start with a zone")
        if self.step_s < 1:
            raise ValueError(f"step_s is {self.step_s}; it must be a second or more")
        values = np.asarray(self.values, dtype=np.float64)
        if values.ndim != 1:
            raise ValueError("a series has one row of values")
        object.__setattr__(self, "start_utc", self.start_utc.astimezone(dt.UTC))
        object.__setattr__(self, "values", values)

    @property
    def end_utc(self) -> dt.datetime:
        """The first moment after the last step."""
        return self.start_utc + dt.timedelta(seconds=self.step_s * len(self.values))


def read_series(times: Sequence[dt.datetime], values: Sequence[float | None],
                step_s: int | None = None) -> Series | CannotForecast:
    """The series of these moments, in any order; the step is the usual gap unless given.

    None or NaN is a gap, as is a step without a moment. Times may be off the grid by a tenth of
    a step. Raises ValueError for naive times or unequal lengths.
    """
    if len(times) != len(values):
        raise ValueError("there must be as many times as values")
    if any(each.tzinfo is None for each in times):
        raise ValueError("times need a zone")
    numbers = np.array([math.nan if each is None else each for each in values], dtype=np.float64)
    if len(times) < 2:
        return TOO_SHORT
    at_s = np.array([(each - _EPOCH).total_seconds() for each in times])
    order = np.argsort(at_s, kind="stable")
    at_s, numbers = at_s[order], numbers[order]
    gaps_s = np.diff(at_s)
    if (gaps_s <= 0).any():
        return TWICE
    width_s = step_s or max(1, round(float(np.median(gaps_s))))
    if (at_s[-1] - at_s[0]) / width_s >= MOST_POINTS:
        return TOO_LONG
    place = np.rint((at_s - at_s[0]) / width_s)
    if (np.abs(at_s - at_s[0] - place * width_s) > OFF_GRID_RATIO * width_s).any() or \
            (np.diff(place) < 1).any():
        return IRREGULAR
    grid = np.full(int(place[-1]) + 1, np.nan)
    grid[place.astype(np.int64)] = numbers
    return Series(times[int(order[0])], width_s, grid)


def find_fault(series: Series) -> CannotForecast | None:
    """Why this history cannot be forecast at all, or None."""
    if len(series.values) > MOST_POINTS:
        return TOO_LONG
    if np.isinf(series.values).any():
        return NOT_FINITE
    known = int(np.isfinite(series.values).sum())
    if known < LEAST_VALUES:
        return TOO_SHORT
    first = int(np.argmax(np.isfinite(series.values)))
    if known < (1 - MOST_GAPS_RATIO) * (len(series.values) - first):
        return TOO_MANY_GAPS
    return None


def trim(series: Series) -> Series:
    """The series from its first value on."""
    first = int(np.argmax(np.isfinite(series.values)))
    return Series(series.start_utc + dt.timedelta(seconds=first * series.step_s), series.step_s,
                  series.values[first:])


def unit_of(values: Floats) -> float:
    """A power of two near the largest value, by which sums and squares stay finite."""
    largest = float(np.nanmax(np.abs(values)))
    return 2.0 ** min(math.frexp(largest)[1], 1_023) if largest > 0 else 1.0


def scale_back(values: Floats, unit: float) -> Floats:
    """Values times their unit; what is beyond all floats becomes the largest."""
    largest = float(np.finfo(np.float64).max)
    with np.errstate(over="ignore"):
        return np.asarray(np.clip(values * unit, -largest, largest))


def fill_gaps(values: Floats, season: int = 1) -> Floats:
    """The values with gaps filled: the line between their neighbours plus the season's shape."""
    known = np.isfinite(values)
    if known.all():
        return values
    phase = np.arange(len(values)) % season
    shape = np.zeros(season)
    for each in range(season):
        seen = values[known & (phase == each)]
        shape[each] = np.median(seen) if len(seen) else np.nan
    shape = np.where(np.isfinite(shape), shape, np.nanmedian(shape))
    level = values - shape[phase]
    places = np.arange(len(values))
    filled = np.interp(places, places[known], level[known]) + shape[phase]
    return np.where(known, values, filled)
