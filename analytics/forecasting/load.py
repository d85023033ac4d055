"""Load some steps ahead for control loops: fast, bounded, and honest about persistence."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.forecasting.answers import CannotForecast, Floats, Note

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

MOST_STEPS_USED = 12_000
MOST_STEPS_AHEAD = 240
LEAST_STEPS = 40
MOST_ROWS = 1_200
MOST_LEADS = 12
LEAST_ROWS = 8
_DAY_S = 86_400
_MEMORIES = (2.0, 8.0, 32.0, 128.0)
_SHAPE_MEMORY = 16.0
_HOLDOUT_RATIO = 0.3
_RIDGE = 1e-4
_STALE_RATIO = 0.5

TOO_SHORT = CannotForecast("too_short", f"A forecast of load needs {LEAST_STEPS} steps, and four "
                                        "times as many as it looks ahead.")
STALE = CannotForecast("stale_load", "The newest steps have no value: an outage of the metric is "
                                     "no load of zero.")
NEGATIVE = CannotForecast("negative_load", "Load cannot be negative.")
NOT_FINITE = CannotForecast("not_finite", "A value is infinite or too large to compute with.")
_LARGEST = 1e100


@dataclass(frozen=True, slots=True)
class LoadForecast:
    """Expected load of each coming step, and the load that ``level`` of them stay under.

    ``error_ratio`` is the mean absolute error on the newest windows over that of persistence
    (the last value goes on); ``is_persistence`` says that persistence is what is shown because
    nothing beat it: then decide by what is there now. ``coverage_ratio`` is the share of the
    newest windows' values under the upper load, calibrated on half of them and counted on the
    other.
    """

    mean: Floats
    upper: Floats
    level: float
    is_persistence: bool
    error_ratio: float
    coverage_ratio: float
    notes: tuple[Note, ...]

    @property
    def peak(self) -> float:
        """The highest expected load on the way."""
        return float(self.mean.max())

    @property
    def upper_peak(self) -> float:
        """The highest upper load on the way."""
        return float(self.upper.max())


def forecast_load(history: Floats, step_s: float, ahead_s: float,
                  level: float = 0.95) -> LoadForecast | CannotForecast:
    """Load of the steps until ``ahead_s`` from now, oldest history first, NaN for gaps.

    A ridge regression of steps ahead (at most 12, a line between them) on means of several
    memories and, with a day of history, on yesterday around the same time. The newest 30 %
    decide whether it beats persistence. Looks at the last 12,000 steps. Raises ValueError for a
    step or distance that is not positive, a level outside 0.5 to 1, or more than 240 steps ahead.
    """
    if step_s <= 0 or ahead_s <= 0 or not 0.5 <= level < 1:
        raise ValueError("step_s and ahead_s must be positive, level at least 0.5 and below 1")
    ahead = max(1, round(ahead_s / step_s))
    if ahead > MOST_STEPS_AHEAD:
        raise ValueError(f"{ahead} steps ahead; at most {MOST_STEPS_AHEAD}: use wider steps")
    load = np.asarray(history, dtype=np.float64)[-MOST_STEPS_USED:]
    if fault := _find_fault(load, ahead):
        return fault
    filled = _hold(load)
    unit = float(filled.mean()) or 1.0
    filled, load = filled / unit, load / unit
    leads = np.unique(np.linspace(1, ahead, min(ahead, MOST_LEADS)).round().astype(np.int64))
    features = _features(filled, step_s, ahead)
    origins, train, test = _split(load, features, leads)
    if min(int(train.sum()), int(test.sum())) < LEAST_ROWS:
        return TOO_SHORT
    coming = load[origins[:, None] + leads]
    now = filled[origins, None]
    weights = _solve(features[origins[train]], (coming - now)[train])
    actual, base = coming[test], np.repeat(now[test], len(leads), axis=1)
    model = np.maximum(base + features[origins[test]] @ weights, 0.0)
    own, naive = (float(np.abs(actual - each).mean()) for each in (model, base))
    is_persistence = not own < naive
    shown = base if is_persistence else model
    mean = np.full(len(leads), filled[-1])
    if not is_persistence:
        used = train | test
        weights = _solve(features[origins[used]], (coming - now)[used])
        mean = np.maximum(mean + features[-1] @ weights, 0.0)
    upper = np.maximum(mean + _reach(actual, shown, level) * _size(mean), mean)
    steps = np.arange(1, ahead + 1)
    ratio = own / naive if naive > 0 else 1.0
    return LoadForecast(np.interp(steps, leads, mean) * unit,
                        np.interp(steps, leads, upper) * unit, level, is_persistence, ratio,
                        _coverage(actual, shown, level), (_note(is_persistence, ratio),))


def _find_fault(load: Floats, ahead: int) -> CannotForecast | None:
    if len(load) < max(LEAST_STEPS, 4 * ahead):
        return TOO_SHORT
    known = np.isfinite(load)
    if np.isinf(load).any() or (known.any() and float(np.nanmax(np.abs(load))) > _LARGEST):
        return NOT_FINITE
    if not known[-max(1, min(ahead, 4)):].any() or known.mean() < _STALE_RATIO:
        return STALE
    return NEGATIVE if float(np.nanmin(load)) < 0 else None


def _hold(load: Floats) -> Floats:
    """Gaps take the last value before them, those at the start the first after them."""
    known = np.isfinite(load)
    if known.all():
        return load
    last = np.maximum.accumulate(np.where(known, np.arange(len(load)), -1))
    return load[np.where(last < 0, int(np.argmax(known)), last)]


def _features(load: Floats, step_s: float, ahead: int) -> Floats:
    """Steps × columns, all relative to the last value so that its level does not matter."""
    from scipy.signal import lfilter
    columns = [np.full(len(load), float(load.mean()))]
    for memory in _MEMORIES:
        keep = 1 - 1 / memory
        mean, _ = lfilter([1 - keep], [1.0, -keep], load, zi=[keep * load[0]])
        columns.append(mean - load)
    columns.append(load.mean() - load)
    day = round(_DAY_S / step_s)
    if len(load) >= day + max(4 * ahead, LEAST_STEPS) and day > 2 * ahead:
        width = int(max(1, min(_SHAPE_MEMORY, day // 8)))
        sums = np.concatenate([np.zeros(1), np.cumsum(load)])
        at = np.arange(len(load)) - day
        for lead in (0, ahead // 2, ahead):
            last = np.clip(at + lead + width // 2 + 1, 1, len(load))
            first = np.clip(last - width, 0, None)
            columns.append(np.where(at >= 0, (sums[last] - sums[first]) / (last - first) - load,
                                    0.0))
    return np.stack(columns, axis=1)


def _split(load: Floats, features: Floats, leads: Ints) -> tuple[Ints, Flags, Flags]:
    """Origins, which of them train, and which test: only those whose future is known."""
    last = len(load) - int(leads[-1]) - 1
    first = 0
    if features.shape[1] > 2 + len(_MEMORIES):  # rows of the first day have no yesterday
        first = min(int(np.argmax(np.any(features[:, -3:] != 0, axis=1))), last // 2)
    stride = max(1, (last - first) // MOST_ROWS)
    origins = np.arange(last, first - 1, -stride)[::-1]
    known = np.isfinite(load[origins[:, None] + leads]).all(axis=1) & np.isfinite(load[origins])
    border = last - int((last - first) * _HOLDOUT_RATIO)
    return origins, known & (origins + leads[-1] < border), known & (origins >= border)


def _solve(features: Floats, targets: Floats) -> Floats:
    square = features.T @ features
    scale = float(np.trace(square)) / len(square) or 1.0
    return np.asarray(np.linalg.solve(square + _RIDGE * scale * np.eye(len(square)),
                                      features.T @ targets))


def _size(mean: Floats) -> Floats:
    """Errors of counts grow with the root of the load, and never vanish."""
    return np.sqrt(np.maximum(mean, 0.05))


def _reach(actual: Floats, forecast: Floats, level: float) -> Floats:
    """Conformal quantile of error over size, one per step ahead."""
    relative = (actual - forecast) / _size(forecast)
    count = max(len(relative), 1)
    share = min(level * (count + 1) / count, 1.0)
    return np.asarray(np.quantile(relative, share, axis=0, method="higher"))


def _coverage(actual: Floats, forecast: Floats, level: float) -> float:
    half = len(actual) // 2
    upper = forecast[half:] + _reach(actual[:half], forecast[:half], level) * _size(
        forecast[half:])
    return float((actual[half:] <= upper).mean())


def _note(is_persistence: bool, ratio: float) -> Note:
    if is_persistence:
        return Note("worse_than_persistence", (
            f"On the newest steps the forecast erred {ratio:.2f} times as much as going on with "
            "the last value, so that is what is shown."))
    return Note("beats_persistence", (
        f"On the newest steps the forecast erred by {100 * (1 - ratio):.0f} % less than going on "
        "with the last value."))
