"""What a forecast answers: mean and quantiles with their method and proof, or why there is none."""

import datetime as dt
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]

DEFAULT_LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)
"""Quantiles that bound the middle 95 and 80 % of what can come, and halve it."""


@dataclass(frozen=True, slots=True)
class CannotForecast:
    """Why there is no forecast: ``code`` for machines, ``text`` for people."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """Why a forecast is as it is: ``code`` for machines, ``text`` for people."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Backtest:
    """Errors of past forecasts of ``horizon`` steps from ``origins`` rolling moments.

    ``mase`` is the mean absolute error over that of repeating the last season inside the
    history, None for a history that always repeats itself; ``smape_pct`` is 0 to 200. The
    ``naive_`` ones are those of the seasonal naive forecast of the same windows, the ``last_``
    ones those of the newest windows alone. ``coverage_ratio`` is the share of values inside the
    widest interval, calibrated without their own window; None without enough windows.
    """

    origins: int
    horizon: int
    mase: float | None
    smape_pct: float
    naive_mase: float | None
    naive_smape_pct: float
    last_mase: float | None
    last_naive_mase: float | None
    coverage_ratio: float | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """Mean and quantiles of the steps after a history.

    ``start_utc`` is that of the first step; ``mean`` has one value per step; ``quantiles`` has
    one row per level of ``levels``. ``weights`` say what ``method`` is made of.
    """

    start_utc: dt.datetime
    step_s: int
    mean: Floats
    levels: tuple[float, ...]
    quantiles: Floats
    method: str
    weights: tuple[tuple[str, float], ...]
    seasons: tuple[int, ...]
    backtest: Backtest
    notes: tuple[Note, ...]


def check_levels(levels: tuple[float, ...]) -> None:
    """Raise ValueError unless the levels rise strictly inside 0 to 1."""
    if not levels or not all(0 < level < 1 for level in levels) or \
            any(low >= high for low, high in pairwise(levels)):
        raise ValueError("levels must rise strictly between 0 and 1")
