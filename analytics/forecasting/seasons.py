"""Which seasons a series has: hour, day, week, as far as its step and length can show them."""

import numpy as np

from analytics.forecasting.answers import Floats

CALENDAR_S = (3_600, 86_400, 604_800)
LONGEST_SEASON = 2_016
"""A week of five-minute steps; longer seasons need wider steps."""
_TEST_QUANTILE = 1.645


def detect_seasons(values: Floats, step_s: int) -> tuple[int, ...]:
    """At most two season lengths in steps, ascending, the second a multiple of the first.

    A season counts if two and a half of it are there, its autocorrelation passes the test of
    the M4 competition (90 %), and is higher than at half the season. The longer one is looked
    for in what the shorter leaves over. Values have no gaps.
    """
    found: list[int] = []
    rest = _detrend(values)
    for length_s in CALENDAR_S:
        season, left = divmod(length_s, step_s)
        if left or not 2 <= season <= LONGEST_SEASON or len(values) < 2.5 * season:
            continue
        if not _is_seasonal(rest, season):
            continue
        found = [*found, season][-2:]
        rest = _without_shape(rest, season)
    return tuple(found)


def _is_seasonal(values: Floats, season: int) -> bool:
    correlation = _autocorrelate(values, season)
    if correlation is None:
        return False
    at = correlation[season]
    limit = _TEST_QUANTILE * np.sqrt(
        (1 + 2 * np.sum(correlation[1:season] ** 2)) / len(values))
    halves = correlation[[season // 2, season - season // 2]]
    whole = at * len(values) / (len(values) - season)  # fewer pairs at longer lags
    return bool(whole > limit and at > halves.max())


def _autocorrelate(values: Floats, most_lag: int) -> Floats | None:
    """Autocorrelation at lags 0 to ``most_lag``; None for a constant."""
    centered = values - values.mean()
    size = 1 << (len(values) + most_lag).bit_length()
    power = np.abs(np.fft.rfft(centered, size)) ** 2
    covariance = np.fft.irfft(power, size)[:most_lag + 1]
    spread = np.abs(values).max()
    if covariance[0] <= 1e-18 * len(values) * spread * spread:
        return None
    return np.asarray(covariance / covariance[0])


def _detrend(values: Floats) -> Floats:
    at = np.arange(len(values)) - (len(values) - 1) / 2
    slope = float(at @ values) / max(float(at @ at), 1.0)
    return np.asarray(values - values.mean() - slope * at)


def _without_shape(values: Floats, season: int) -> Floats:
    phase = np.arange(len(values)) % season
    shape = np.bincount(phase, weights=values) / np.bincount(phase)
    return np.asarray(values - shape[phase])
