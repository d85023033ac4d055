"""Rolling origins of one history: what would have been forecast, and what the best blend was."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analytics.forecasting.answers import Floats
from analytics.forecasting.methods import SEASONAL_NAIVE, Method

MOST_ORIGINS = 40
LEAST_ORIGINS = 3
LAST_WINDOWS_RATIO = 0.5
NEAR_BEST = 1.5
FADING = 1.5
NEAR_TRUSTED = 1.3
TRUST = 3.0


@dataclass(frozen=True, slots=True)
class Windows:
    """Pieces of one history, oldest first: ``past`` without gaps, ``actual`` right after it.

    ``past`` is windows × length, ``actual`` windows × horizon; windows start ``stride`` steps
    apart.
    """

    past: Floats
    actual: Floats
    stride: int

    @property
    def last(self) -> int:
        """How many of the newest windows decide whether the yardstick was beaten."""
        return max(1, round(len(self.past) * LAST_WINDOWS_RATIO))


@dataclass(frozen=True, slots=True)
class Choice:
    """What is shown: its parts with their weights, and its forecasts of all windows.

    ``beaten_by`` names what was best before and then failed on the last windows; empty if the
    best is shown.
    """

    weights: tuple[tuple[str, float], ...]
    forecasts: Floats
    beaten_by: str = ""

    @property
    def method(self) -> str:
        """The method's name, or "blend"."""
        return self.weights[0][0] if len(self.weights) == 1 else "blend"


def cut_windows(filled: Floats, observed: Floats, horizon: int, least_length: int,
                most_length: int) -> Windows | None:
    """At most 40 windows over the newer half of a history; None if not even 3 fit.

    Each past has at least ``least_length`` steps. Where the history is short the windows look
    less far ahead than ``horizon``.
    """
    count = len(filled)
    room = min(count - least_length, max(count // 2, min(3 * horizon, count - least_length)))
    if room < LEAST_ORIGINS:
        return None
    ahead = min(horizon, max(1, room // 2))
    spare = room - ahead
    origins = min(MOST_ORIGINS, spare + 1)
    if origins < LEAST_ORIGINS:
        return None
    stride = max(1, spare // (origins - 1))
    ends = count - ahead - stride * np.arange(origins - 1, -1, -1)
    length = min(int(ends[0]), most_length)
    past = np.lib.stride_tricks.sliding_window_view(filled, length)[ends - length]
    actual = np.lib.stride_tricks.sliding_window_view(observed, ahead)[ends]
    seen = np.isfinite(actual).any(axis=1)
    if int(seen.sum()) < LEAST_ORIGINS:
        return None
    return Windows(past[seen], actual[seen], stride)


def forecast_windows(windows: Windows, methods: Mapping[str, Method]) -> dict[str, Floats]:
    """Each method's forecasts of all windows."""
    horizon = windows.actual.shape[1]
    return {name: method(windows.past, horizon) for name, method in methods.items()}


def mean_errors(actual: Floats, forecasts: Floats) -> Floats:
    """Mean absolute error of each window; gaps do not count."""
    return np.asarray(np.nanmean(np.abs(actual - forecasts), axis=1))


def choose_blend(forecasts: Mapping[str, Floats], actual: Floats, last: int) -> Choice:
    """The blend of the best methods, if it beats the yardstick on the ``last`` newest windows;
    else the yardstick.

    Every method that errs at most 1.5 times as much as the best takes part by 1 / error³; newer
    windows count more, the oldest 1 / e^1.5 of the newest. A method without error stands alone.
    """
    errors = {name: mean_errors(actual, each) for name, each in forecasts.items()}
    age = np.arange(len(actual) - 1, -1, -1) / len(actual)
    counted = np.exp(-FADING * age)
    totals = {name: float(each @ counted / counted.sum()) for name, each in errors.items()}
    ranked = sorted(totals, key=lambda name: (totals[name], name != SEASONAL_NAIVE))
    least = totals[ranked[0]]
    near = [name for name in ranked if totals[name] <= NEAR_BEST * least] if least > 0 \
        else ranked[:1]
    raw = np.array([(least / totals[name]) ** 3 if least > 0 else 1.0 for name in near])
    weights = tuple(zip(near, (raw / raw.sum()).tolist(), strict=True))
    chosen = Choice(weights, blend(weights, forecasts))
    if chosen.method == SEASONAL_NAIVE:
        return chosen
    naive = errors[SEASONAL_NAIVE]
    if mean_errors(actual, chosen.forecasts)[-last:].mean() < naive[-last:].mean():
        return chosen
    return Choice(((SEASONAL_NAIVE, 1.0),), forecasts[SEASONAL_NAIVE], chosen.method)


def blend_around(trusted: str, forecasts: Mapping[str, Floats], actual: Floats) -> Choice:
    """A blend around one trusted method, if it beats the yardstick on these windows; else that.

    Every method that errs at most 1.3 times as much as the trusted one takes part by
    1 / error², the trusted one three times as much: few windows tell little about a series.
    """
    totals = {name: float(mean_errors(actual, each).mean()) for name, each in forecasts.items()}
    floor = 1e-12 * max(totals.values())
    near = [name for name in sorted(totals, key=lambda name: (totals[name], name != trusted))
            if name == trusted or totals[name] <= NEAR_TRUSTED * totals[trusted]]
    raw = np.array([(TRUST if name == trusted else 1.0) / max(totals[name], floor) ** 2
                    for name in near]) if floor > 0 else np.ones(len(near))
    weights = tuple(zip(near, (raw / raw.sum()).tolist(), strict=True))
    shown = blend(weights, forecasts)
    if mean_errors(actual, shown).mean() < totals[SEASONAL_NAIVE]:
        return Choice(weights, shown)
    return Choice(((SEASONAL_NAIVE, 1.0),), forecasts[SEASONAL_NAIVE],
                  weights[0][0] if len(weights) == 1 else "blend")


def blend(weights: tuple[tuple[str, float], ...], forecasts: Mapping[str, Floats]) -> Floats:
    """The weighted mean of forecasts by name."""
    return np.asarray(sum(weight * forecasts[name] for name, weight in weights))
