"""Group sequential tests: a planned number of looks, the level spent over them."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]
Spending = Literal["obrien_fleming", "pocock"]
_FAR = 9.0
"""Standard deviations beyond which nothing is integrated; the mass there is 2e-19."""
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(256)
_LEAST_SPENT = 1e-14


@dataclass(frozen=True, slots=True)
class Boundary:
    """Per look: the information fraction, the level spent by then, and the critical z.

    An infinite ``critical`` means that the look comes too early to stop at.
    """

    fractions: tuple[float, ...]
    spent: tuple[float, ...]
    critical: tuple[float, ...]


def spend(fraction: float, alpha: float, spending: Spending, is_two_sided: bool) -> float:
    """Level spent when this fraction of the information is in.

    "obrien_fleming" and "pocock" are the spending functions of Lan and DeMets, "Discrete
    Sequential Boundaries for Clinical Trials", Biometrika 1983; two-sided levels are spent in
    halves on both sides.
    """
    if fraction >= 1:
        return alpha
    if fraction <= 0:
        return 0.0
    sides = 2 if is_two_sided else 1
    if spending == "pocock":
        return alpha * math.log1p((math.e - 1) * fraction)
    z = special.ndtri(alpha / sides / 2)
    return float(2 * sides * special.ndtr(z / math.sqrt(fraction)))


@lru_cache(maxsize=256)
def find_boundary(fractions: tuple[float, ...], alpha: float,
                  spending: Spending = "obrien_fleming",
                  is_two_sided: bool = True) -> Boundary:
    """Critical z of each look, by recursive numerical integration.

    ``fractions`` rise and are above 0 and at most 1. Raises ValueError where they do not.
    Source: Armitage, McPherson and Rowe 1969; Jennison and Turnbull, "Group Sequential Methods".
    """
    _check(fractions)
    spent = tuple(spend(each, alpha, spending, is_two_sided) for each in fractions)
    critical: list[float] = []
    walk = _Walk(is_two_sided)
    before = 0.0
    for fraction, total in zip(fractions, spent, strict=True):
        due = total - before
        if due < _LEAST_SPENT:
            critical.append(math.inf)
        else:
            critical.append(walk.solve(fraction, due))
            before = total
        walk.step(fraction, critical[-1])
    return Boundary(fractions, spent, tuple(critical))


def crossing_probability(boundary: Boundary, drift: float, is_two_sided: bool = True) -> float:
    """Chance of crossing at any look if z has mean ``drift`` × sqrt(fraction): the power."""
    walk = _Walk(is_two_sided, drift)
    crossed = 0.0
    for fraction, critical in zip(boundary.fractions, boundary.critical, strict=True):
        crossed += walk.beyond(fraction, critical)
        walk.step(fraction, critical)
    return min(1.0, crossed)


class _Walk:
    """Density of z over the looks, as long as no boundary was crossed."""

    def __init__(self, is_two_sided: bool, drift: float = 0.0) -> None:
        self.is_two_sided, self.drift = is_two_sided, drift
        self.at = 0.0
        self.places: Floats = np.zeros(1)  # of the running sum z x sqrt(fraction)
        self.mass: Floats = np.ones(1)

    def beyond(self, fraction: float, critical: float) -> float:
        """Mass that crosses at this look."""
        if math.isinf(critical):
            return 0.0
        deviation = math.sqrt(fraction - self.at)
        centre = self.places + self.drift * (fraction - self.at)
        edge = critical * math.sqrt(fraction)
        over = special.ndtr((centre - edge) / deviation)
        if self.is_two_sided:
            over = over + special.ndtr((-edge - centre) / deviation)
        return float(self.mass @ over)

    def solve(self, fraction: float, due: float) -> float:
        """The critical z at which the mass that crosses is ``due``, by bisection."""
        low, high = -_FAR, _FAR
        for _ in range(60):
            middle = (low + high) / 2
            if self.beyond(fraction, middle) > due:
                low = middle
            else:
                high = middle
        return (low + high) / 2

    def step(self, fraction: float, critical: float) -> None:
        """Go on to this look with what has not crossed."""
        deviation = math.sqrt(fraction - self.at)
        root = math.sqrt(fraction)
        highest = min(critical, _FAR + max(0.0, self.drift * root)) * root
        lowest = -(critical if self.is_two_sided else math.inf) * root
        lowest = max(lowest, (-_FAR + min(0.0, self.drift * root)) * root)
        half = (highest - lowest) / 2
        places = (highest + lowest) / 2 + half * _NODES
        centre = self.places + self.drift * (fraction - self.at)
        z = (places[:, None] - centre[None, :]) / deviation
        kernel = np.exp(-0.5 * z * z) / (deviation * math.sqrt(2 * math.pi))
        self.mass = half * _WEIGHTS * (kernel @ self.mass)
        self.places, self.at = places, fraction


def _check(fractions: tuple[float, ...]) -> None:
    rising = all(low < high for low, high in zip((0.0, *fractions), fractions, strict=False))
    if not fractions or not rising or not fractions[-1] <= 1 + 1e-12:
        raise ValueError("looks must have rising fractions above 0 and at most 1")
