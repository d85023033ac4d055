"""Anomaly scores: right on the Numenta benchmark, by the event, and microseconds per point."""

import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd

from analytics.anomalies.detector import ALARM, Detector
from tests.bench.measuring import Figure, Plan
from tests.bench.nab import Series, event_f1, read_corpus, score_at, standard_score
from tests.datasets import dataset_path

ROOT_VARIABLE = "NAB_ROOT"
TIMED_POINTS = 50_000
MOST_US = 100.0


def measure(_plan: Plan) -> Iterator[Figure]:
    """The detector as delivered, beside a plain EWMA and a windowed Gaussian in the same run."""
    yield from _measure_speed()
    root = dataset_path(ROOT_VARIABLE)
    if not root.exists():
        return
    corpus = read_corpus(root)
    ours = {series.name: _detect(series) for series in corpus}
    plain = {series.name: _ewma(series.values) for series in corpus}
    windowed = {series.name: _windowed_gaussian(series.values) for series in corpus}
    size = f"{len(corpus)} series"
    for name, scores in (("ours", ours), ("EWMA", plain), ("windowed Gaussian", windowed)):
        best, threshold = standard_score(corpus, scores)
        yield Figure(f"NAB standard, {name}", size, "points", (best,),
                     note=f"threshold {threshold:.3g} chosen on these series, as NAB does")
        yield Figure(f"NAB, families left out, {name}", size, "points",
                     (_leave_families_out(corpus, scores),),
                     note="threshold of each family from the others")
    yield Figure("event F1, ours", size, "F1", (event_f1(corpus, ours, ALARM),),
                 note=f"at the score {ALARM} of an alarm")
    yield Figure("event F1, EWMA at 10 sd", size, "F1", (event_f1(corpus, plain, 10.0),))
    yield Figure("event F1, windowed Gaussian", size, "F1",
                 (max(event_f1(corpus, windowed, level) for level in np.arange(2.0, 20.0)),),
                 note="at its best threshold")


def _measure_speed() -> Iterator[Figure]:
    rng = np.random.default_rng(1)
    values = pd.Series(20 + 5 * np.sin(np.arange(TIMED_POINTS) / 45.8)
                       + rng.normal(size=TIMED_POINTS))

    def detect() -> None:
        detector = Detector()
        for number, value in enumerate(values):
            detector.update(1.7e9 + 300.0 * number, value)

    def roll() -> None:
        for end in range(1_000, 1_200):  # a new point each time, as in a stream
            seen = values.iloc[:end]
            window = seen.rolling(288)
            ((seen - window.mean()) / window.std()).iloc[-1]
    times = tuple(_seconds(detect) / TIMED_POINTS * 1e6 for _ in range(5))
    yield Figure("anomaly score of a point", f"{TIMED_POINTS:,}", "us", times,
                 "pandas rolling z of 1,000 points", _seconds(roll) / 200 * 1e6, most=MOST_US)


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _leave_families_out(corpus: Sequence[Series], scores: dict[str, np.ndarray]) -> float:
    won = 0.0
    for family in {series.family for series in corpus}:
        rest = [series for series in corpus if series.family != family]
        left_out = [series for series in corpus if series.family == family]
        won += score_at(left_out, scores, standard_score(rest, scores)[1])
    return 100 * won / (2 * sum(len(series.windows) for series in corpus))


def _detect(series: Series) -> np.ndarray:
    detector = Detector()
    return np.array([detector.update(float(at_s), float(value)).score
                     for at_s, value in zip(series.times_s, series.values, strict=True)])


def _ewma(values: np.ndarray, share: float = 0.02) -> np.ndarray:
    """Standard deviations from a running mean."""
    mean, variance, found = float(values[0]), 0.0, []
    for value in map(float, values):
        away = value - mean
        found.append(abs(away) / np.sqrt(variance) if variance > 0 else 0.0)
        mean += share * away
        variance = (1 - share) * (variance + share * away * away)
    return np.array(found)


def _windowed_gaussian(values: np.ndarray, width: int = 6_400) -> np.ndarray:
    """Standard deviations from the mean of what came before, 6,400 rows at most."""
    before = pd.Series(values).shift(1).rolling(width, min_periods=30)
    z = (pd.Series(values) - before.mean()).abs() / before.std()
    return z.replace([np.inf, -np.inf], np.nan).fillna(0.0).to_numpy()
