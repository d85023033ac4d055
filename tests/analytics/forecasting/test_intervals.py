"""Intervals hold what they promise, on errors of known law."""

import numpy as np
import pytest

from analytics.forecasting.intervals import calibrate

LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)


def coverage(windows: int, steps: int, make, repeats: int = 400) -> tuple[float, float]:
    """Share of new errors inside the 95 and 80 % interval."""
    rng = np.random.default_rng(7)
    wide, narrow = [], []
    for _ in range(repeats):
        errors = make(rng, windows + 1, steps)
        offsets = calibrate(errors[:-1], steps, steps).offsets(LEVELS)
        new = errors[-1]
        wide.append((new >= offsets[0]) & (new <= offsets[-1]))
        narrow.append((new >= offsets[1]) & (new <= offsets[-2]))
    return float(np.mean(wide)), float(np.mean(narrow))


def white(rng, windows, steps):
    return rng.normal(size=(windows, steps))


def heavy(rng, windows, steps):
    return rng.standard_t(4, size=(windows, steps))


def walk(rng, windows, steps):
    return np.cumsum(rng.normal(size=(windows, steps)), axis=1)


def skewed(rng, windows, steps):
    return rng.exponential(size=(windows, steps)) - 1


@pytest.mark.parametrize("make", [white, heavy, walk, skewed])
@pytest.mark.parametrize(("windows", "steps"), [(40, 1), (40, 12), (20, 24), (12, 8)])
def test_95_pct_interval_covers_93_to_97_pct(make, windows: int, steps: int) -> None:
    wide, narrow = coverage(windows, steps, make, 1_200 if steps == 1 else 400)
    # Few or single-step windows are widened on purpose: never below, at most 2 points above.
    assert 0.93 <= wide <= (0.97 if windows * steps >= 400 and make is not walk else 0.99)
    assert 0.77 <= narrow <= 0.91


def test_interval_grows_with_the_distance_of_a_walk() -> None:
    errors = walk(np.random.default_rng(1), 40, 30)
    width = np.diff(calibrate(errors, 30, 60).offsets((0.1, 0.9)), axis=0)[0]
    # The spread of a random walk at step n grows like the root of n.
    assert width[24] / width[3] == pytest.approx(np.sqrt(25 / 4), rel=0.4)
    assert width[59] / width[29] == pytest.approx(np.sqrt(2), rel=0.1)


def test_quantiles_never_cross_and_no_error_means_no_width() -> None:
    errors = heavy(np.random.default_rng(2), 25, 6)
    offsets = calibrate(errors, 6, 10).offsets(LEVELS)
    assert (np.diff(offsets, axis=0) >= 0).all()
    assert (calibrate(np.zeros((9, 4)), 4, 8).offsets(LEVELS) == 0).all()


def test_gaps_do_not_count() -> None:
    errors = white(np.random.default_rng(3), 30, 5)
    holed = errors.copy()
    holed[:, 2] = np.nan
    offsets = calibrate(holed, 5, 5).offsets(LEVELS)
    assert np.isfinite(offsets).all()
    assert 0.5 < offsets[-1, 2] / calibrate(errors, 5, 5).offsets(LEVELS)[-1, 2] < 2
