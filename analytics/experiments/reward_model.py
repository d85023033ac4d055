"""What a reward would have been, guessed from other decisions of the log: cross-fitted."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
FOLDS = 10
_RIDGE = 1.0


def guess_rewards(arms: Ints, rewards: Floats, count: int,
                  contexts: Floats | None = None) -> Floats:
    """Expected reward (n, arms) of every arm at every decision, none guessed from its own fold.

    Folds go round the log in turns. Without contexts an arm's mean in the other folds, with one
    reward of all arms' mean before it; with ``contexts`` (n, numbers) a ridge regression for each
    arm on them, standardized, around that mean.
    """
    n = len(rewards)
    folds = np.arange(n) % min(FOLDS, n)
    parts = int(folds.max()) + 1
    cells = folds * count + arms
    units = np.bincount(cells, minlength=parts * count).reshape(parts, count).astype(np.float64)
    sums = np.bincount(cells, weights=rewards, minlength=parts * count).reshape(parts, count)
    left_units, left_sums = units.sum(axis=0) - units, sums.sum(axis=0) - sums
    overall = left_sums.sum(axis=1) / np.maximum(left_units.sum(axis=1), 1.0)
    means = (left_sums + overall[:, None]) / (left_units + 1.0)  # (folds, arms)
    guess = means[folds]
    if contexts is None or contexts.shape[1] == 0:
        return guess
    scaled = _standardize(contexts)
    for fold in range(parts):
        held = folds == fold
        for arm in range(count):
            used = ~held & (arms == arm)
            if used.sum() >= 2:
                guess[held, arm] += _regress(scaled[used], rewards[used] - means[fold, arm],
                                             scaled[held])
    return guess


def _standardize(contexts: Floats) -> Floats:
    spread = contexts.std(axis=0)
    return np.asarray((contexts - contexts.mean(axis=0)) / np.where(spread > 0, spread, 1.0))


def _regress(x: Floats, y: Floats, at: Floats) -> Floats:
    """Values at ``at`` of the ridge regression of y on x and a constant."""
    size = x.shape[1] + 1
    full = np.column_stack([np.ones(len(x)), x])
    slope = np.linalg.solve(full.T @ full + _RIDGE * np.eye(size), full.T @ y)
    return np.asarray(np.column_stack([np.ones(len(at)), at]) @ slope)
