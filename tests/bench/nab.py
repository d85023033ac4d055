"""The scoring rules of the Numenta Anomaly Benchmark, standard profile, and event F1."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

_FALSE_ALARM = 0.11
_PROBATION = 0.15
_MOST_PROBATION_ROWS = 750

Scores = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Series:
    """One file: seconds since 1970, values, and the rows of its labelled windows, ends included."""

    name: str
    times_s: np.ndarray
    values: np.ndarray
    windows: tuple[tuple[int, int], ...]

    @property
    def family(self) -> str:
        """The folder it lies in."""
        return self.name.split("/")[0]

    @property
    def first_row(self) -> int:
        """The first row that counts; those before it are for learning."""
        return int(min(_PROBATION * len(self.values), _MOST_PROBATION_ROWS))

    @cached_property
    def worth(self) -> np.ndarray:
        """What an alarm in each row is worth: up to 1 early in a window, down to -1 far after."""
        worth = np.full(len(self.values), -1.0)
        for place, (first, last) in enumerate(self.windows):
            width = last - first + 1
            worth[first:last + 1] = (_sigmoid(-(last - np.arange(first, last + 1) + 1) / width)
                                     / _sigmoid(np.array(-1.0)))
            until = (self.windows[place + 1][0] if place + 1 < len(self.windows)
                     else len(self.values))
            after = np.arange(last + 1, until)
            worth[after] = _sigmoid((after - last) / (width - 1.0))
        return worth

    @cached_property
    def window_of(self) -> np.ndarray:
        """The number of each row's window, -1 outside of all."""
        numbers = np.full(len(self.values), -1)
        for place, (first, last) in enumerate(self.windows):
            numbers[first:last + 1] = place
        return numbers


def read_corpus(root: Path) -> tuple[Series, ...]:
    """Every series that the labels name, in order of name."""
    labels = json.loads((root / "labels" / "combined_windows.json").read_text())
    found = []
    for name in sorted(labels):
        rows = pd.read_csv(root / "data" / name, parse_dates=["timestamp"])
        times = rows["timestamp"].to_numpy("datetime64[us]")
        windows = tuple((int(np.searchsorted(times, np.datetime64(start, "us"))),
                         int(np.searchsorted(times, np.datetime64(end, "us"), "right")) - 1)
                        for start, end in labels[name])
        found.append(Series(name, times.astype("int64") / 1e6, rows["value"].to_numpy("float64"),
                            windows))
    return tuple(found)


def score_at(corpus: Sequence[Series], scores: Scores, threshold: float) -> float:
    """Points won, 2 for each window found at once; nothing found is 0."""
    return sum(_points(series, scores[series.name] >= threshold) for series in corpus)


def standard_score(corpus: Sequence[Series], scores: Scores) -> tuple[float, float]:
    """The score, 100 at most, and the one threshold for all series that gives it."""
    windows = sum(len(series.windows) for series in corpus)
    every = np.concatenate([np.asarray(scores[series.name])[series.first_row:]
                            for series in corpus])
    levels = np.unique(every[every > 0])
    tried = np.unique(np.quantile(levels, np.linspace(0, 1, 400))) if len(levels) else levels
    best = max(((score_at(corpus, scores, level), level) for level in tried),
               default=(0.0, 1.1))
    return 100 * max(best[0], 0.0) / (2 * windows), float(best[1])


def event_f1(corpus: Sequence[Series], scores: Scores, threshold: float) -> float:
    """Windows are events, alarms outside of them are false, each for itself."""
    found = windows = false = 0
    for series in corpus:
        alarms = scores[series.name] >= threshold
        alarms[:series.first_row] = False
        found += len(np.unique(series.window_of[alarms & (series.window_of >= 0)]))
        false += int((alarms & (series.window_of < 0)).sum())
        windows += len(series.windows)
    return 2 * found / (found + false + windows)


def _points(series: Series, alarms: np.ndarray) -> float:
    alarms = alarms.copy()
    alarms[:series.first_row] = False
    won = float(_FALSE_ALARM * series.worth[alarms & (series.window_of < 0)].sum())
    for place in range(len(series.windows)):
        worth = series.worth[alarms & (series.window_of == place)]
        won += 1 + float(worth.max()) if len(worth) else 0.0
    return won


def _sigmoid(distance: np.ndarray) -> np.ndarray:
    return np.where(distance > 3, -1.0, 2 / (1 + np.exp(np.minimum(5 * distance, 500))) - 1)
