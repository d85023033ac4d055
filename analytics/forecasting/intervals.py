"""Quantiles around a forecast, calibrated on the errors of past forecasts (split conformal).

Source: Angelopoulos and Bates, "A Gentle Introduction to Conformal Prediction and
Distribution-Free Uncertainty Quantification" (2021), sections 1 and 2.3.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from analytics.forecasting.answers import Floats

_PRIOR_WINDOWS = 6.0
_SIGNED_FROM = 200.0
"""From so many independent errors on, lower and upper side are calibrated apart."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Typical size of an error by step, and errors over that size, ascending.

    ``independent`` is how many independent errors they are worth.
    """

    size: Floats
    relative: Floats
    independent: float

    def offsets(self, levels: tuple[float, ...]) -> Floats:
        """Levels × steps to add to a forecast for its quantiles."""
        factors = np.array([self._factor(level) for level in levels])
        return factors[:, None] * self.size

    def _factor(self, level: float) -> float:
        if self.independent >= _SIGNED_FROM:
            return _conformal_quantile(self.relative, level, self.independent)
        if level == 0.5:
            return 0.0
        side = 1.0 if level > 0.5 else -1.0
        inside = abs(2 * level - 1)
        size = np.sort(np.abs(self.relative))
        freedom = max(self.independent - 1, 1.5)
        tail = (1 + inside) / 2
        widening = special.stdtrit(freedom, tail) / special.ndtri(tail)
        return side * widening * float(np.quantile(size, inside, method="higher"))


def calibrate(errors: Floats, stride: int, horizon: int) -> Spread:
    """The spread of windows × steps errors (actual - forecast, NaN for gaps), out to ``horizon``.

    The size by step is the mean absolute error, drawn towards its fit on the root of the step
    where windows are few; beyond the tested steps it grows like that root.
    """
    tested = errors.shape[1]
    known = np.isfinite(errors)
    counts = known.sum(axis=0)
    absolute = np.where(known, np.abs(errors), 0.0)
    overall = float(absolute.sum() / max(int(counts.sum()), 1))
    by_step = np.where(counts > 0, absolute.sum(axis=0) / np.maximum(counts, 1), overall)
    root = np.sqrt(np.arange(1, tested + 1))
    fitted = _fit_line(root, by_step)
    apart = (len(errors) - 1) * stride / tested + 1
    trust = apart / (apart + _PRIOR_WINDOWS)
    size = np.maximum(trust * by_step + (1 - trust) * fitted, 0.1 * overall)
    relative = errors / np.where(size > 0, size, 1.0)
    if horizon > tested:
        grown = np.sqrt(np.arange(tested + 1, horizon + 1) / tested)
        level = max(float(size[-max(1, tested // 4):].mean()), float(fitted[-1]))
        size = np.concatenate([size, level * grown])
    return Spread(size[:horizon], np.sort(relative[known]),
                  apart * _independent_steps(relative))


def _fit_line(at: Floats, values: Floats) -> Floats:
    """Least squares line that never falls."""
    centered = at - at.mean()
    slope = max(float(centered @ values) / max(float(centered @ centered), 1e-300), 0.0) \
        if len(at) > 1 else 0.0
    return np.asarray(np.maximum(values.mean() + slope * centered, 0.0))


def _independent_steps(errors: Floats) -> float:
    """How many independent errors a window is worth, by the correlation of neighbours."""
    steps = errors.shape[1]
    if steps < 2:
        return 1.0
    pairs = np.isfinite(errors[:, 1:]) & np.isfinite(errors[:, :-1])
    first, second = errors[:, :-1][pairs], errors[:, 1:][pairs]
    power = float(np.sqrt((first @ first) * (second @ second)))
    likeness = max(float(first @ second) / power, 0.0) if power > 0 else 1.0
    return max(1.0, steps * (1 - likeness) / (1 + likeness))


def _conformal_quantile(ordered: Floats, level: float, independent: float) -> float:
    """Quantile at the rank that covers ``level`` of coming values, not only of these."""
    reach = (independent + 1) / independent
    if level == 0.5:
        return float(np.median(ordered))
    share = level * reach if level > 0.5 else 1 - (1 - level) * reach
    place = min(max(share, 0.0), 1.0) * (len(ordered) - 1)
    rank = math.ceil(place) if level > 0.5 else math.floor(place)
    return float(ordered[rank])
