"""Weekday profile times exponentially weighted level: for sums over days, with their spread."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.forecasting.answers import Floats
from analytics.forecasting.series import unit_of

Ints = npt.NDArray[np.int64]

RATES = (0.04, 0.07, 0.12, 0.2, 0.35)
LEAST_SHARE = 0.05
LEAST_DRIFT = 0.08
WEEK = 7
WORKING_DAYS = 5
_OUTLIER = 1.6
_SPIKE = 3.0
_NEIGHBOURS = 5


@dataclass(frozen=True, slots=True)
class WeeklyLevel:
    """A level and its share by phase (mean 1), with the variance of one step's error.

    ``rate`` is how fast the level forgets; ``variance`` is relative to the squared level;
    ``steps`` is how many values it comes from.
    """

    level: float
    profile: Floats
    rate: float
    variance: float
    steps: int

    def expect(self, phases: Ints) -> Floats:
        """What the steps of these phases come to."""
        return np.asarray(self.level * self.profile[phases])

    def deviate(self, weights: Floats) -> Floats:
        """Standard deviation of the running sums of the coming steps, in the level's unit.

        ``weights`` is what each step counts (its share of the profile and of the time left).
        The error of step j is its own plus ``rate`` times all before it, as simple exponential
        smoothing has it, so that the sum of n steps errs by
        variance × sum over i of (w_i + rate × (w_i+1 + … + w_n))². The rate is at least that of
        a mean of so few steps, and never below 0.08: that nothing drifted so far is no proof.
        """
        rate = max(self.rate, LEAST_DRIFT, 2 / (self.steps + 1))
        after = np.cumsum(weights)[:, None] - np.cumsum(weights)[None, :]
        counted = np.where(np.tri(len(weights), dtype=bool),
                           weights[None, :] + rate * np.maximum(after, 0.0), 0.0)
        return np.asarray(self.level * np.sqrt(self.variance * np.square(counted).sum(axis=1)))


def fit_level(values: Floats, phases: Ints, period: int) -> WeeklyLevel:
    """The level after these values (no gaps, none negative), the newest last.

    A value 1.6 times off the median of the last five, or more, counts as that, until the median
    follows: one day's spike is not next week's level. The rate of RATES with the smallest
    squared errors is taken.
    """
    unit = unit_of(values)
    values = values / unit
    profile = _fit_profile(values, phases, period)
    shares = np.maximum(profile[phases], LEAST_SHARE)
    tame = _tame(values, shares)
    level, rate, variance = 0.0, RATES[-1], np.inf
    for each in RATES:
        levels, errors = _run(tame, profile[phases], each)
        middle = float(np.mean(levels)) or 1.0
        own = float(np.mean(np.square(errors / shares[1:] / middle))) if len(errors) else 0.0
        if own < variance * (1 - 1e-9):
            level, rate, variance = float(levels[-1]), each, own
    return WeeklyLevel(level * unit, profile, rate, variance if np.isfinite(variance) else 0.0,
                       len(values))


def _run(values: Floats, profile: Floats, rate: float) -> tuple[Floats, Floats]:
    """Levels after each step, sum of weighted values over sum of weighted shares, and the
    errors of the forecasts of each next step.
    """
    keep = 1 - rate
    over, under = 0.0, 0.0
    levels = np.empty(len(values))
    for step, (value, share) in enumerate(zip(values.tolist(), profile.tolist(), strict=True)):
        over, under = keep * over + value, keep * under + share
        levels[step] = over / under if under > 0 else 0.0
    return levels, values[1:] - levels[:-1] * profile[1:]


def _fit_profile(values: Floats, phases: Ints, period: int) -> Floats:
    """Share of each phase, mean 1, drawn towards that of the phases like it."""
    if period < 2 or len(values) < period + period // 2:
        return np.ones(period)
    kept = _cut_spikes(values, phases, period)
    local = _local_mean(kept, period)
    ratio = np.divide(kept, local, out=np.ones_like(values), where=local > 0)
    groups = _group(np.arange(period), period)
    own_groups = groups[phases]
    towards = {each: _draw(ratio[own_groups == each], 1.0) for each in set(groups.tolist())}
    group = np.array([towards[each] for each in groups.tolist()])
    shares = np.array([_draw(ratio[phases == phase], group[phase]) for phase in range(period)])
    mean = float(shares.mean())
    return shares / mean if mean > 0 else np.ones(period)


def _group(phases: Ints, period: int) -> Ints:
    """What phases are alike: working days and weekend, each by hour where phases are hours."""
    if period == WEEK:
        return np.asarray(phases >= WORKING_DAYS, dtype=np.int64)
    if period == WEEK * 24:
        return np.asarray(phases % 24 + 24 * (phases >= WORKING_DAYS * 24), dtype=np.int64)
    return np.zeros(len(phases), dtype=np.int64)


def _draw(values: Floats, towards: float) -> float:
    """Mean of the values, outliers bounded, drawn towards another as by one more value."""
    if not len(values):
        return towards
    middle = float(np.median(values))
    kept = np.clip(values, middle / _OUTLIER, middle * _OUTLIER)
    return float((kept.sum() + towards) / (len(values) + 1))


def _cut_spikes(values: Floats, phases: Ints, period: int) -> Floats:
    """Values of at most three times what is usual for their phase or around them."""
    usual = np.zeros(period)
    for phase in set(phases.tolist()):
        usual[phase] = np.median(values[phases == phase])
    around = np.median(np.lib.stride_tricks.sliding_window_view(values, period), axis=1)
    near = around[np.clip(np.arange(len(values)) - period // 2, 0, len(around) - 1)]
    most = _SPIKE * np.maximum(usual[phases], near)
    return np.asarray(np.where(most > 0, np.minimum(values, most), values))


def _local_mean(values: Floats, period: int) -> Floats:
    """Mean of the period around each value, that of the nearest whole one at the ends."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    means = (sums[period:] - sums[:-period]) / period
    first = np.clip(np.arange(len(values)) - period // 2, 0, len(means) - 1)
    return np.asarray(means[first])


def _tame(values: Floats, shares: Floats) -> Floats:
    """Values with what lies 1.6 times off the median of the last five brought back to that."""
    ratio = values / shares
    padded = np.concatenate([np.full(_NEIGHBOURS - 1, np.nan), ratio])
    around = np.lib.stride_tricks.sliding_window_view(padded, _NEIGHBOURS)
    middle = np.nanmedian(around, axis=1)
    middle[:2] = np.median(ratio[:_NEIGHBOURS])
    usable = middle > 0
    bounded = np.clip(ratio, middle / _OUTLIER, middle * _OUTLIER)
    return np.asarray(np.where(usable, bounded, ratio) * shares)
