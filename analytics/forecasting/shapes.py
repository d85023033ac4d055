"""The seasonal shape of windows, and windows without it; all windows of a batch at once."""

from dataclasses import dataclass

import numpy as np

from analytics.forecasting.answers import Floats


@dataclass(frozen=True, slots=True)
class Shaped:
    """Windows without their season, and the season of the coming steps to put back.

    ``flat`` is windows × length, ``ahead`` windows × horizon; both factors where
    ``multiplies``, else summands.
    """

    flat: Floats
    ahead: Floats
    multiplies: bool

    def restore(self, flat_ahead: Floats) -> Floats:
        """A forecast of the flat windows with the season put back."""
        return flat_ahead * self.ahead if self.multiplies else flat_ahead + self.ahead


def remove_season(windows: Floats, horizon: int, season: int, memory: float = 1.0,
                  multiplies: bool = False) -> Shaped:
    """The windows without the season of that length; ``memory`` weighs each older season less.

    Classical decomposition: distance (or ratio) from the centred moving average, averaged by
    phase. A factor is only taken where all values of a window are positive.
    """
    count, length = windows.shape
    if season < 2 or length < 2 * season:
        return Shaped(windows, np.full((count, horizon), float(multiplies)), multiplies)
    trend = _moving_average(windows, season)
    first = season // 2
    inner = windows[:, first:first + trend.shape[1]]
    apart = inner / trend if multiplies else inner - trend
    shape = _average_by_phase(apart, season, memory)
    shape = shape / shape.mean(axis=1, keepdims=True) if multiplies else \
        shape - shape.mean(axis=1, keepdims=True)
    # The last column of `apart` is `after` steps before the end: turn phase 0 to the first ahead.
    after = length - first - trend.shape[1]
    shape = np.roll(shape, -after, axis=1)
    ahead = shape[:, np.arange(horizon) % season]
    past = shape[:, np.arange(-length, 0) % season]
    return Shaped(windows / past if multiplies else windows - past, ahead, multiplies)


def _moving_average(windows: Floats, season: int) -> Floats:
    """Means over one season around each inner point; even seasons weigh both ends by half."""
    sums = np.cumsum(windows, axis=1)
    sums = np.concatenate([np.zeros((len(windows), 1)), sums], axis=1)
    plain = (sums[:, season:] - sums[:, :-season]) / season
    return plain if season % 2 else (plain[:, 1:] + plain[:, :-1]) / 2


def _average_by_phase(apart: Floats, season: int, memory: float) -> Floats:
    """Weighted means by phase; phase 0 is that of the column after the last."""
    count, length = apart.shape
    seasons = -(-length // season)
    padded = np.full((count, seasons * season), np.nan)
    padded[:, -length:] = apart
    stacked = padded.reshape(count, seasons, season)
    known = np.isfinite(stacked)
    weights = known * memory ** np.arange(seasons - 1, -1, -1)[None, :, None]
    total = weights.sum(axis=1)
    sums = (np.where(known, stacked, 0.0) * weights).sum(axis=1)
    return np.asarray(sums / np.where(total > 0, total, 1.0))
