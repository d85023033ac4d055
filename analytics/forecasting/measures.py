"""Errors of forecasts as the M4 competition measures them, for one series or many.

Source: Makridakis, Spiliotis and Assimakopoulos, "The M4 Competition: 100,000 time series and
61 forecasting methods", International Journal of Forecasting 36 (2020).
"""

from collections.abc import Sequence

import numpy as np

from analytics.forecasting.answers import Floats


def measure_smape_pct(actual: Floats, forecast: Floats) -> float:
    """Mean of 200 |a - f| / (|a| + |f|), 0 where both are 0; gaps in ``actual`` do not count."""
    known = np.isfinite(actual)
    size = np.abs(actual[known]) + np.abs(forecast[known])
    distance = np.abs(actual[known] - forecast[known])
    return float(np.mean(200 * np.divide(distance, size, out=np.zeros_like(size), where=size > 0)))


def seasonal_scale(history: Floats, season: int) -> float | None:
    """Mean absolute change from one season to the next; None if nothing changes or is known."""
    if len(history) <= season:
        return None
    changes = np.abs(history[season:] - history[:-season])
    known = changes[np.isfinite(changes)]
    if not len(known):
        return None
    scale = float(known.mean())
    return scale if scale > 1e-12 * float(np.nanmax(np.abs(history))) else None


def measure_mase(actual: Floats, forecast: Floats, scale: float | None) -> float | None:
    """Mean absolute error over ``scale`` (see `seasonal_scale`); None without a scale."""
    distance = np.abs(actual - forecast)
    return None if scale is None else float(np.nanmean(distance) / scale)


def measure_msis(actual: Floats, lower: Floats, upper: Floats, scale: float,
                 alpha: float = 0.05) -> float:
    """Width of the interval plus 2 / alpha times what lies outside, mean, over ``scale``."""
    outside = np.maximum(lower - actual, 0) + np.maximum(actual - upper, 0)
    return float(np.mean(upper - lower + 2 / alpha * outside) / scale)


def forecast_naive2(history: Floats, horizon: int, season: int) -> Floats:
    """The competition's yardstick: the last value, adjusted by season where the test finds one.

    The test is |r(m)| > 1.645 sqrt((1 + 2 (r(1)² + … + r(m-1)²)) / n), the season the classical
    multiplicative one. The history is positive and has no gaps.
    """
    count = len(history)
    ahead = count + np.arange(horizon)
    if season < 2 or count < 3 * season or not _passes_test(history, season):
        return np.full(horizon, history[-1])
    weights = np.full(season, 1 / season) if season % 2 else \
        np.concatenate([[0.5], np.ones(season - 1), [0.5]]) / season
    trend = np.convolve(history, weights, "valid")
    first = (len(weights) - 1) // 2
    ratio = history[first:first + len(trend)] / trend
    phase = (np.arange(len(ratio)) + first) % season
    shape = np.bincount(phase, weights=ratio) / np.bincount(phase)
    shape /= shape.mean()
    return np.asarray(history[-1] / shape[(count - 1) % season] * shape[ahead % season])


def _passes_test(history: Floats, season: int) -> bool:
    centered = history - history.mean()
    total = float(centered @ centered)
    if total <= 0:
        return False
    r = np.array([float(centered[lag:] @ centered[:-lag]) for lag in range(1, season + 1)]) / total
    limit = 1.645 * np.sqrt((1 + 2 * float(np.sum(r[:-1] ** 2))) / len(history))
    return bool(abs(r[-1]) > limit)


def measure_owa(smape_pct: Sequence[float], mase: Sequence[float],
                naive2_smape_pct: Sequence[float], naive2_mase: Sequence[float]) -> float:
    """Mean of sMAPE and MASE, each averaged over all series and over that of Naive2."""
    return float((np.mean(smape_pct) / np.mean(naive2_smape_pct)
                  + np.mean(mase) / np.mean(naive2_mase)) / 2)
