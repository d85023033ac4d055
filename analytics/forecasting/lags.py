"""What gradient boosting sees of a window: lags by season, recent changes, noise, calendar."""

from dataclasses import dataclass

import numpy as np

from analytics.forecasting.answers import Floats

_OCCURRENCES = 7
_LONG_OCCURRENCES = 3
_LEAST_SCALE_RATIO = 1e-3


@dataclass(frozen=True, slots=True)
class Frame:
    """Windows made comparable: (value - level) / scale, with what is to be learnt from them.

    ``features`` is windows × horizon × columns; ``base`` (windows × horizon) is the simple
    forecast that the model corrects. ``level`` and ``scale`` have one value per window.
    """

    level: Floats
    scale: Floats
    base: Floats
    features: Floats
    weights: Floats

    def flat(self) -> Floats:
        """One row per window and step."""
        return self.features.reshape(-1, self.features.shape[2])

    def restore(self, scaled: Floats) -> Floats:
        """Scaled windows × horizon in the unit of the series."""
        return scaled * self.scale[:, None] + self.level[:, None]

    def compare(self, actual: Floats) -> Floats:
        """Values in the unit of the series, scaled."""
        return (actual - self.level[:, None]) / self.scale[:, None]


def window_length(seasons: tuple[int, ...]) -> int:
    """Steps of history that a window needs."""
    longest = seasons[-1]
    return max((_LONG_OCCURRENCES if len(seasons) > 1 else 1) * longest,
               _OCCURRENCES * seasons[0]) + seasons[0] + 1


def build_frame(windows: Floats, horizon: int, seasons: tuple[int, ...],
                calendar: Floats | None = None) -> Frame:
    """Features of windows × `window_length`; ``calendar`` is windows × horizon × columns."""
    short, longest = seasons[0], seasons[-1]
    level = windows[:, -longest:].mean(axis=1)
    spread = np.abs(windows[:, -2 * longest:] - level[:, None]).mean(axis=1)
    scale = np.maximum(spread, _LEAST_SCALE_RATIO * np.abs(level))
    scale = np.where(scale > 0, scale, 1.0)
    scaled = (windows - level[:, None]) / scale[:, None]
    columns = _seasonal(scaled, horizon, short, longest)
    noise_short = _change(scaled, short)
    noise_long = _change(scaled, longest)
    trust = noise_long / np.maximum(noise_short + noise_long, 1e-9)
    trust = np.where(noise_short + noise_long > 0, trust, 0.5)[:, None]
    recent, before = columns[0], columns[_OCCURRENCES]
    base = trust * recent + (1 - trust) * before
    columns.append(base)
    columns += [np.broadcast_to(each[:, None], recent.shape)
                for each in (*_recent(scaled, short, longest), noise_short, noise_long,
                             noise_short / (noise_long + 1e-6), _change(scaled, 1))]
    columns.append(np.broadcast_to(np.arange(float(horizon)), recent.shape))
    features = np.stack(columns, axis=2)
    if calendar is not None:
        features = np.concatenate([features, calendar], axis=2)
    return Frame(level, scale, base, features, _weigh(windows, level, scale, short))


def _seasonal(scaled: Floats, horizon: int, short: int, longest: int) -> list[Floats]:
    """Values of the same phase: the last seven short seasons, the last three long ones, and
    what surrounds them; the long season's last comes eighth.
    """
    length = scaled.shape[1]
    ahead = np.arange(horizon)
    at_short, at_long = length + ahead % short, length + ahead % longest
    found = [scaled[:, at_short - each * short] for each in range(1, _OCCURRENCES + 1)]
    occurrences = _LONG_OCCURRENCES if longest > short else 1
    found += [scaled[:, at_long - each * longest] for each in range(1, occurrences + 1)]
    found += [scaled[:, at_long - longest - 1],
              scaled[:, np.minimum(at_long - longest + 1, length - 1)]]
    found.append(np.mean(found[:_OCCURRENCES - 1], axis=0))
    if longest > short:  # what the long season before did to the short season seen last
        found.append(scaled[:, at_short - short - longest])
    return found


def _recent(scaled: Floats, short: int, longest: int) -> tuple[Floats, ...]:
    """How the last values, hours and seasons lie beside those before."""
    length = scaled.shape[1]
    quarter, eighth = max(1, short // 4), max(1, short // 8)

    def mean(steps: int, back: int = 0) -> Floats:
        return np.asarray(scaled[:, length - back - steps:length - back].mean(axis=1))
    last = scaled[:, -1]
    return (last, last - scaled[:, -1 - short], last - scaled[:, -1 - longest],
            mean(eighth) - mean(eighth, short), mean(quarter) - mean(quarter, longest),
            mean(short), mean(short, longest), mean(short) - mean(short, short),
            scaled[:, -short:].std(axis=1), scaled[:, -2 * short:-short].std(axis=1))


def _change(scaled: Floats, lag: int) -> Floats:
    return np.asarray(np.abs(scaled[:, lag:] - scaled[:, :-lag]).mean(axis=1))


def _weigh(windows: Floats, level: Floats, scale: Floats, short: int) -> Floats:
    """Weights that make a scaled error count as it does in MASE and in sMAPE."""
    by_change = scale / np.maximum(_change(windows, short), 1e-9 * scale)
    by_level = scale / np.maximum(np.abs(level), 1e-9 * scale)
    return np.asarray(np.clip(by_change / np.median(by_change), 0.05, 8)
                      + np.clip(by_level / np.median(by_level), 0.05, 8))
