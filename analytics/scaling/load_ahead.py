"""The highest load over a pod's start-up time, forecast at every step from what was known then."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_DAY_S = 86_400
_MEMORIES_S = (30.0, 120.0, 480.0, 1_920.0)
_AROUND_S = 300.0
_RECENT_S = 6 * 3_600.0
_REFIT_S = 6 * 3_600.0
_RESIDUAL_DAYS = 7
_RIDGE = 1e-3
_SURE_REQUESTS = 15.0
"""Where so many requests a step are usual, a step without any is an outage of the metric."""
_HIGHEST_RATIO = 3.0
"""A reading above this many times the last hour's highest is taken for so many times."""


@dataclass(frozen=True, slots=True)
class PeakForecast:
    """By step: the load that a share of the coming peaks stay under, NaN where reactive is better.

    ``outage`` marks readings that are none. ``error_ratio`` is the recent mean absolute error over
    that of persistence, NaN before the first forecasts could be judged.
    """

    upper: Floats
    outage: Flags
    error_ratio: Floats


def forecast_peaks(load: Floats, step_s: float, ahead_s: float, level: float) -> PeakForecast:
    """The ``level`` quantile of the highest load until ``ahead_s`` later, for every step.

    ``load`` is requests per second as read, NaN for a failed reading. Roots of the load, which
    level its noise, are regressed on several memories, on yesterday and on last week around the
    same time; solved anew every 6 h on what lay behind, quantiles from the forecasts of the last
    seven days. Where the last 6 h erred at least as much as persistence there is no forecast.
    Raises ValueError for a step or distance that is not positive or a level outside 0 to 1.
    """
    if step_s <= 0 or ahead_s <= 0 or not 0 < level < 1:
        raise ValueError("step_s and ahead_s must be positive, level between 0 and 1")
    ahead = max(1, math.ceil(ahead_s / step_s))
    outage, held = find_outages(load, step_s)
    features = _features(held, step_s, ahead)
    target = np.sqrt(_peak_after(held, ahead))
    steps = len(load)
    median = _refit(features, target, ahead, max(1, round(_REFIT_S / step_s)))
    error = np.abs(target - median)
    naive = np.abs(target - np.sqrt(held))
    ratio = _recent(error, ahead, step_s) / np.maximum(_recent(naive, ahead, step_s), 1e-12)
    upper = np.full(steps, np.nan)
    every = max(1, round(_REFIT_S / step_s))
    keep = round(_RESIDUAL_DAYS * _DAY_S / step_s)
    for start in range(0, steps, every):
        past = (target - median)[max(0, start - keep):max(0, start - ahead)]
        past = past[np.isfinite(past)]
        if len(past) * step_s >= _RECENT_S:
            reach = float(np.quantile(past, level))
            upper[start:start + every] = median[start:start + every] + reach
    upper = np.where(ratio < 1, np.maximum(upper, 0.0) ** 2, np.nan)
    return PeakForecast(upper, outage, ratio)


def find_outages(load: Floats, step_s: float) -> tuple[Flags, Floats]:
    """Which readings are none, and the load with the last sound one in their place.

    A failed reading, and a zero where at least 15 requests a step were usual over the last hour.
    """
    hour = max(4, round(3_600 / step_s))
    sound = np.where(np.isfinite(load), load, 0.0)
    sums = np.concatenate([np.zeros(1), np.cumsum(sound)])
    known = np.concatenate([np.zeros(1), np.cumsum(np.isfinite(load) & (load > 0))])
    at = np.arange(len(load))
    first = np.maximum(at - hour, 0)
    usual = (sums[at] - sums[first]) / np.maximum(known[at] - known[first], 1)
    outage = ~np.isfinite(load) | ((load == 0) & (usual * step_s >= _SURE_REQUESTS))
    last = np.maximum.accumulate(np.where(outage, -1, at))
    held = np.where(last < 0, 0.0, sound[np.maximum(last, 0)])
    highest = _peak_before(held, hour)
    limited = np.where((highest > 0) & (at >= hour), np.minimum(held, _HIGHEST_RATIO * highest),
                       held)
    return outage, limited


def _peak_after(load: Floats, ahead: int) -> Floats:
    """The highest of the ``ahead`` steps after each; NaN where they are not known yet."""
    found = np.full(len(load), np.nan)
    if len(load) > ahead:
        windows = np.lib.stride_tricks.sliding_window_view(load[1:], ahead)
        found[:len(windows)] = windows.max(axis=1)
    return found


def _peak_before(load: Floats, width: int) -> Floats:
    """The highest of the ``width`` steps before each; 0 before the first."""
    padded = np.concatenate([np.zeros(width), load[:-1]])
    from scipy.ndimage import maximum_filter1d
    # The filter is centred: its window is shifted to end at each step.
    return np.asarray(maximum_filter1d(padded, width, origin=(width - 1) // 2)[width - 1:][
        :len(load)])


def _features(load: Floats, step_s: float, ahead: int) -> Floats:
    """Steps × columns of roots; what lies before the first day or week is taken from now."""
    from scipy.signal import lfilter
    steps = len(load)
    columns = [np.ones(steps), np.sqrt(load)]
    for memory_s in _MEMORIES_S:
        keep = math.exp(-step_s / memory_s)
        mean, _ = lfilter([1 - keep], [1.0, -keep], load, zi=[keep * load[0]])
        columns.append(np.sqrt(np.maximum(mean, 0.0)))
    recent = columns[-2]
    columns.append(np.sqrt(_peak_before(load, max(2, round(_AROUND_S / step_s)))))
    around = max(1, round(_AROUND_S / step_s))
    sums = np.concatenate([np.zeros(1), np.cumsum(load)])
    previous = recent
    for lag_s in (_DAY_S, 7 * _DAY_S):
        at = np.arange(steps) - round(lag_s / step_s)
        first = np.clip(at + 1, 0, None)
        last = np.clip(at + 1 + max(ahead, around), 0, steps)
        width = np.maximum(last - first, 1)
        before = np.clip(at - around, 0, None)
        coming = np.sqrt(np.maximum((sums[last] - sums[first]) / width, 0.0))
        then = np.sqrt(np.maximum((sums[np.clip(at + 1, 0, None)] - sums[before])
                                  / np.maximum(np.clip(at + 1, 0, None) - before, 1), 0.0))
        for each in (coming, coming - then + recent):
            columns.append(np.where(at >= around, each, previous))
        previous = columns[-2]
    return np.stack(columns, axis=1)


def _refit(features: Floats, target: Floats, ahead: int, every: int) -> Floats:
    """Forecasts of the peak's root; NaN before there was a day's quarter to learn from."""
    found = np.full(len(target), np.nan)
    size = features.shape[1]
    square, moment = np.zeros((size, size)), np.zeros(size)
    learned = 0
    for start in range(every, len(target), every):
        until = start - ahead  # later peaks are not over yet at ``start``
        if until > learned:
            rows = features[learned:until]
            square += rows.T @ rows
            moment += rows.T @ target[learned:until]
            learned = until
        ridge = _RIDGE * float(np.trace(square)) / size * np.eye(size)
        weights = np.linalg.solve(square + ridge, moment)
        found[start:start + every] = features[start:start + every] @ weights
    return found


def _recent(error: Floats, ahead: int, step_s: float) -> Floats:
    """The mean of the errors of the last 6 h that were over at each step; NaN before."""
    width = max(1, round(_RECENT_S / step_s))
    known = np.isfinite(error)
    sums = np.concatenate([np.zeros(1), np.cumsum(np.where(known, error, 0.0))])
    counts = np.concatenate([np.zeros(1), np.cumsum(known)])
    last = np.clip(np.arange(len(error)) - ahead + 1, 0, None)
    first = np.clip(last - width, 0, None)
    count = counts[last] - counts[first]
    return np.where(count * step_s >= 3_600, (sums[last] - sums[first]) / np.maximum(count, 1),
                    np.nan)
