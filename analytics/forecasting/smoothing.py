"""Exponential smoothing of many windows at once, its parameters chosen by one-step errors."""

from itertools import product

import numpy as np

from analytics.forecasting.answers import Floats

LEVEL_RATES = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 1.0)
DAMPING = 0.95
_TREND_RATE = 0.1
_WARM_SEASONS = 2


def smooth_level(windows: Floats) -> tuple[Floats, Floats]:
    """Level after the last step and the rate that got there, of each window.

    level += rate × (value - level), from the mean of the first values; the rate of
    LEVEL_RATES with the smallest sum of squared one-step errors.
    """
    from scipy.signal import lfilter
    count, length = windows.shape
    start = windows[:, :max(1, min(length // 4, 8))].mean(axis=1, keepdims=True)
    warm = min(length // 4, 8)
    best_error = np.full(count, np.inf)
    level, chosen = windows[:, -1].copy(), np.ones(count)
    for rate in LEVEL_RATES:
        levels, _ = lfilter([rate], [1.0, rate - 1.0], windows, axis=1, zi=(1 - rate) * start)
        error = np.square(windows[:, warm + 1:] - levels[:, warm:-1]).sum(axis=1)
        better = error < best_error * (1 - 1e-9)
        best_error = np.where(better, error, best_error)
        level = np.where(better, levels[:, -1], level)
        chosen = np.where(better, rate, chosen)
    return level, chosen


def forecast_theta(windows: Floats, horizon: int) -> Floats:
    """Windows × horizon by the theta method with lines 0 and 2, for windows without season.

    Half the regression line, half simple exponential smoothing of 2 × value - line. Source:
    Assimakopoulos and Nikolopoulos, "The theta model", Int. J. of Forecasting 16 (2000).
    """
    length = windows.shape[1]
    at = np.arange(length) - (length - 1) / 2
    slope = windows @ at / max(float(at @ at), 1.0)
    mean = windows.mean(axis=1)
    line = mean[:, None] + slope[:, None] * at
    level, _ = smooth_level(2 * windows - line)
    ahead = (length - 1) / 2 + 1 + np.arange(horizon)
    return np.asarray((level[:, None] + mean[:, None] + slope[:, None] * ahead) / 2)


def forecast_holt_winters(windows: Floats, horizon: int, season: int) -> Floats:
    """Windows × horizon by additive Holt-Winters with a damped trend, or none where that fits.

    Level, trend (damped by 0.95 a step) and season are smoothed; the rates are those of a grid
    with the smallest squared one-step errors of each window. ``season`` 1 means no season.
    """
    seasonal = season > 1 and windows.shape[1] >= 2 * season
    season = season if seasonal else 1
    grid = np.array(list(product((0.05, 0.15, 0.4, 0.8), (0.0, _TREND_RATE),
                                 (0.05, 0.25) if seasonal else (0.0,))))
    level_rate, trend_rate, shape_rate = grid.T
    count, length = windows.shape
    level, shape = _start(windows, season, len(grid))
    trend = np.zeros((count, len(grid)))
    damping = np.where(trend_rate > 0, DAMPING, 0.0)
    warm = min(_WARM_SEASONS * season, length // 2)
    error = np.zeros((count, len(grid)))
    kept, slow = 1 - level_rate, level_rate * trend_rate
    for step in range(length):
        place = step % season
        ahead = level + damping * trend
        miss = windows[:, step, None] - ahead - shape[place]
        if step >= warm:
            error += miss * miss
        level = ahead + level_rate * miss
        trend = damping * trend + slow * miss
        if seasonal:
            shape[place] += shape_rate * kept * miss
    best = np.argmin(error, axis=1)
    rows = np.arange(count)
    steps = np.cumsum(DAMPING ** np.arange(1, horizon + 1))
    drift = np.where(damping[best] > 0, trend[rows, best], 0.0)[:, None] * steps
    places = (length + np.arange(horizon)) % season
    return np.asarray(level[rows, best][:, None] + drift + shape[places][:, rows, best].T)


def _start(windows: Floats, season: int, width: int) -> tuple[Floats, Floats]:
    """Level and shape before the first step, from the first two seasons."""
    count, length = windows.shape
    if season < 2:
        first = windows[:, :max(1, min(length // 4, 8))].mean(axis=1)
        return np.repeat(first[:, None], width, axis=1), np.zeros((1, count, width))
    two = windows[:, :2 * season].reshape(count, 2, season)
    means = two.mean(axis=2)
    shape = (two - means[:, :, None]).mean(axis=1)
    return (np.repeat(means[:, :1], width, axis=1),
            np.repeat(shape.T[:, :, None], width, axis=2))
