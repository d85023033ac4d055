"""One gradient boosting model over many series: what they share is learnt from all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analytics.forecasting.answers import CannotForecast, Floats
from analytics.forecasting.lags import Frame, build_frame, window_length
from analytics.forecasting.series import Series

ORIGINS = 14
NEWEST_ORIGINS = 4
LEAST_WINDOWS = 60
MOST_ROWS = 400_000
ROUNDS = 180
EARLY_RATIO = 0.55
_CLIP = 4.0
_LEAST_ERROR = 1e-3

TOO_FEW_SERIES = CannotForecast(
    "too_few_series", "There are too few or too short series to learn from all of them.")
MIXED_STEPS = CannotForecast("mixed_steps", "The series have steps of different lengths.")


@dataclass(frozen=True, slots=True)
class Pieces:
    """Windows of many series with what came after them; ``owner`` is the series' index."""

    past: Floats
    actual: Floats
    owner: Floats
    calendar: Floats | None


@dataclass(frozen=True, slots=True)
class Learned:
    """A trained model for one step length, horizon and seasons.

    ``early`` has not seen the newest windows, so its errors on them are honest; ``spreads`` are
    two models of the size of an error, each trained on every second series.
    """

    step_s: int
    horizon: int
    seasons: tuple[int, ...]
    uses_calendar: bool
    mean: Any
    early: Any
    spreads: tuple[Any, Any]

    @property
    def length(self) -> int:
        """Steps of history that a window needs."""
        return window_length(self.seasons)

    def frame(self, pieces: Pieces) -> Frame:
        """What the model sees of these windows."""
        return build_frame(pieces.past, self.horizon, self.seasons, pieces.calendar)


def learn(histories: Sequence[Series], horizon: int, seasons: tuple[int, ...], seed: int,
          uses_calendar: bool, rounds: int = ROUNDS) -> Learned | CannotForecast:
    """A model of all these histories (without gaps), or why none can be learnt.

    Absolute errors are minimized, each counted as in MASE and sMAPE. The same seed and
    histories give the same model.
    """
    shift = seasons[0]
    older = NEWEST_ORIGINS - 1 + -(-horizon // shift)
    old = cut_pieces(histories, horizon, seasons, range(older, ORIGINS), uses_calendar)
    new = cut_pieces(histories, horizon, seasons, range(NEWEST_ORIGINS), uses_calendar)
    if min(len(old.past), len(new.past)) < LEAST_WINDOWS:
        return TOO_FEW_SERIES
    rng = np.random.default_rng(seed)
    old, new = _thin(old, rng), _thin(new, rng)
    early = _fit_mean(build_frame(old.past, horizon, seasons, old.calendar), old, seed,
                      max(1, round(rounds * EARLY_RATIO)))
    spreads = _fit_spreads(early, build_frame(new.past, horizon, seasons, new.calendar), new,
                           seed)
    every = _thin(cut_pieces(histories, horizon, seasons, range(ORIGINS), uses_calendar), rng)
    mean = _fit_mean(build_frame(every.past, horizon, seasons, every.calendar), every, seed,
                     rounds)
    return Learned(histories[0].step_s, horizon, seasons, uses_calendar, mean, early, spreads)


def predict(model: Any, frame: Frame) -> Floats:
    """Windows × horizon, scaled."""
    return np.asarray(frame.base + model.predict(frame.flat()).reshape(frame.base.shape))


def predict_spread(models: tuple[Any, ...], frame: Frame, scaled: Floats) -> Floats:
    """Size of the error of a scaled forecast, windows × horizon."""
    seen = _with_forecast(frame, scaled)
    logs = [model.predict(seen).reshape(scaled.shape) for model in models]
    return np.asarray(np.exp(np.mean(logs, axis=0)))


def cut_pieces(histories: Sequence[Series], horizon: int, seasons: tuple[int, ...],
               origins: range, uses_calendar: bool) -> Pieces:
    """Windows that end a horizon and ``origins`` short seasons before each history's end.

    Origin -1 stands for the very end, after which nothing is known.
    """
    length = window_length(seasons)
    past, actual, owner, ends = [], [], [], []
    for index, series in enumerate(histories):
        history = series.values
        for origin in origins:
            end = len(history) if origin < 0 else len(history) - horizon - origin * seasons[0]
            if end >= length:
                past.append(history[end - length:end])
                actual.append(history[end:end + horizon] if origin >= 0
                              else np.full(horizon, np.nan))
                owner.append(index)
                ends.append(end)
    owners = np.array(owner, dtype=np.float64)
    calendar = _read_calendar(histories, owner, ends, horizon) if uses_calendar and past else None
    return Pieces(np.array(past).reshape(-1, length), np.array(actual).reshape(-1, horizon),
                  owners, calendar)


def _read_calendar(histories: Sequence[Series], owner: list[int], ends: list[int],
                   horizon: int) -> Floats:
    """Part of the day (0..1) and weekday (Monday 0) of each step ahead, UTC."""
    step_s = histories[0].step_s
    begins_s = np.array([histories[each].start_utc.timestamp() for each in owner])
    at_s = begins_s[:, None] + step_s * (np.array(ends)[:, None] + np.arange(horizon))
    return np.stack([at_s % 86_400 / 86_400, (at_s // 86_400 + 3) % 7], axis=2)


def _thin(pieces: Pieces, rng: np.random.Generator) -> Pieces:
    most = max(1, MOST_ROWS // pieces.actual.shape[1])
    if len(pieces.past) <= most:
        return pieces
    kept = np.sort(rng.choice(len(pieces.past), most, replace=False))
    return Pieces(pieces.past[kept], pieces.actual[kept], pieces.owner[kept],
                  None if pieces.calendar is None else pieces.calendar[kept])


def _fit_mean(frame: Frame, pieces: Pieces, seed: int, rounds: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor
    model = HistGradientBoostingRegressor(
        loss="absolute_error", learning_rate=0.1, max_iter=rounds, max_leaf_nodes=31,
        min_samples_leaf=60, l2_regularization=1.0, max_features=0.5, early_stopping=False,
        random_state=seed)
    missed = (frame.compare(pieces.actual) - frame.base).ravel()
    weights = np.repeat(frame.weights, frame.base.shape[1])
    return model.fit(frame.flat(), np.clip(missed, -_CLIP, _CLIP), sample_weight=weights)


def _fit_spreads(early: Any, frame: Frame, pieces: Pieces, seed: int) -> tuple[Any, Any]:
    """A model of log |error| for the series of even number, and one for those of odd."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    scaled = predict(early, frame)
    seen = _with_forecast(frame, scaled)
    sizes = np.log(np.abs(frame.compare(pieces.actual) - scaled) + _LEAST_ERROR).ravel()
    odd = np.repeat(pieces.owner % 2 == 1, scaled.shape[1])
    made = []
    for rows in (~odd, odd):
        model = HistGradientBoostingRegressor(
            learning_rate=0.1, max_iter=60, max_leaf_nodes=15, min_samples_leaf=200,
            early_stopping=False, random_state=seed)
        made.append(model.fit(seen[rows], sizes[rows]))
    return made[0], made[1]


def _with_forecast(frame: Frame, scaled: Floats) -> Floats:
    return np.concatenate([frame.flat(), scaled.reshape(-1, 1),
                           np.abs(scaled - frame.base).reshape(-1, 1)], axis=1)
