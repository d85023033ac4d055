"""Which of several arms is the largest: chances from their posteriors, also for few units."""

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]
_REACH = 9.0
_NODES = np.concatenate([np.linspace(-_REACH, -4, 9)[:-1], np.linspace(-4, 4, 65),
                         np.linspace(4, _REACH, 9)[1:]])


def chance_of_largest(successes: Floats, failures: Floats) -> Floats:
    """Chance of each proportion to be the largest, from Beta(1 + successes, 1 + failures).

    Shape (arms,); the chances add up to 1. To 2e-4, see `_chances`.
    """
    a, b = 1.0 + successes, 1.0 + failures
    mean = a / (a + b)
    deviation = np.sqrt(mean * (1 - mean) / (a + b + 1))
    places = np.clip(mean[:, None] + deviation[:, None] * _NODES, 0.0, 1.0)
    grid = np.unique(places)
    return _chances(special.betainc(a[:, None], b[:, None], grid[None, :]))


def chance_of_largest_normal(means: Floats, errors: Floats) -> Floats:
    """Chance of each normal posterior to be the largest; shape (arms,), they add up to 1."""
    scale = float(errors.max())
    z, spread = (means - means.max()) / scale, errors / scale
    grid = np.unique(z[:, None] + spread[:, None] * _NODES)
    return _chances(special.ndtr((grid[None, :] - z[:, None]) / spread[:, None]))


def _chances(under: Floats) -> Floats:
    """The integral of the other distribution functions' product by each one's own.

    ``under`` (arms, grid) are all distribution functions at all arms' nodes together, so that the
    steps of a narrow one are seen by a wide one. The product between two
    nodes is that at their ends, averaged.
    """
    if len(under) == 1:
        return np.ones(1)
    rising = np.diff(under, axis=1)
    before = np.cumprod(np.vstack([np.ones_like(under[:1]), under[:-1]]), axis=0)
    after = np.cumprod(np.vstack([np.ones_like(under[:1]), under[:0:-1]]), axis=0)[::-1]
    others = before * after
    chances = (rising * (others[:, 1:] + others[:, :-1]) / 2).sum(axis=1)
    return np.asarray(chances / chances.sum())
