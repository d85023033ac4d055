"""The statistical methods: each takes many windows of equal length and gives their forecasts."""

from collections.abc import Callable
from functools import partial

import numpy as np

from analytics.forecasting.answers import Floats
from analytics.forecasting.shapes import remove_season
from analytics.forecasting.smoothing import forecast_holt_winters, forecast_theta, smooth_level

Method = Callable[[Floats, int], Floats]
"""Windows × length without gaps, and the horizon, to windows × horizon."""

SEASONAL_NAIVE = "seasonal_naive"
MOST_HOLT_WINTERS_STEPS = 320
_MEMORY = 0.7
_SEASONS_AVERAGED = 4


def list_methods(seasons: tuple[int, ...], is_positive: bool) -> dict[str, Method]:
    """The methods by name for these seasons; seasonal naive, the yardstick, comes first.

    ``is_positive`` allows seasons that multiply.
    """
    if not seasons:
        return {SEASONAL_NAIVE: partial(repeat_season, season=1),
                "level": forecast_level, "theta": forecast_theta,
                "holt_winters": _holt_winters(1)}
    first, last = seasons[0], seasons[-1]
    found: dict[str, Method] = {
        SEASONAL_NAIVE: partial(repeat_season, season=first),
        "seasonal_mean": partial(_average_seasons, season=last if len(seasons) > 1 else first),
        "theta": partial(_theta, season=first, multiplies=is_positive),
        "holt_winters": _holt_winters(first),
        "profile": partial(_profile, season=first, multiplies=is_positive)}
    if len(seasons) > 1:
        found |= {"seasonal_naive_long": partial(repeat_season, season=last),
                  "profile_long": partial(_profile, season=last, multiplies=is_positive),
                  "theta_long": partial(_theta, season=last, multiplies=is_positive)}
    return found


def repeat_season(windows: Floats, horizon: int, season: int) -> Floats:
    """The last season, again and again; the last value for season 1."""
    season = min(season, windows.shape[1])
    return np.asarray(windows[:, windows.shape[1] - season + np.arange(horizon) % season])


def forecast_level(windows: Floats, horizon: int) -> Floats:
    """The smoothed level, held."""
    return np.repeat(smooth_level(windows)[0][:, None], horizon, axis=1)


def _average_seasons(windows: Floats, horizon: int, season: int) -> Floats:
    count = min(_SEASONS_AVERAGED, windows.shape[1] // season)
    if count < 1:
        return repeat_season(windows, horizon, season)
    recent = windows[:, -count * season:].reshape(len(windows), count, season)
    weights = _MEMORY ** np.arange(count - 1, -1, -1)
    mean = np.einsum("wcs,c->ws", recent, weights / weights.sum())
    return np.asarray(mean[:, np.arange(horizon) % season])


def _theta(windows: Floats, horizon: int, season: int, multiplies: bool) -> Floats:
    shaped = remove_season(windows, horizon, season, 1.0, multiplies)
    return shaped.restore(forecast_theta(shaped.flat, horizon))


def _profile(windows: Floats, horizon: int, season: int, multiplies: bool) -> Floats:
    shaped = remove_season(windows, horizon, season, _MEMORY, multiplies)
    return shaped.restore(forecast_level(shaped.flat, horizon))


def _holt_winters(season: int) -> Method:
    def forecast(windows: Floats, horizon: int) -> Floats:
        recent = windows[:, -max(MOST_HOLT_WINTERS_STEPS, 4 * season):]
        return forecast_holt_winters(recent, horizon, season)
    return forecast
