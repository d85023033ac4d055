"""Three readings of the same effects: fixed horizon, anytime-valid, Bayesian.

All take and give arrays of one shape, so that a whole experiment is read at once.
"""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import special

Floats: TypeAlias = npt.NDArray[np.float64]
Alternative = Literal["two_sided", "greater", "less"]
DEFAULT_PLANNED_UNITS = 5_000


@dataclass(frozen=True, slots=True)
class Intervals:
    """Interval and p-value per effect; a one-sided interval is infinite on its other side."""

    lower: Floats
    upper: Floats
    p_value: Floats


@dataclass(frozen=True, slots=True)
class Posteriors:
    """Normal posterior per effect. ``chance_to_win`` is that of being better than the control.

    ``control_loss`` and ``treatment_loss`` are the expected losses, in the effect's unit, of
    choosing the control or the treatment.
    """

    mean: Floats
    standard_deviation: Floats
    lower: Floats
    upper: Floats
    chance_to_win: Floats
    control_loss: Floats
    treatment_loss: Floats


def read_fixed(estimate: Floats, standard_error: Floats, degrees_of_freedom: Floats,
               alpha: float | Floats, alternative: Alternative = "two_sided") -> Intervals:
    """Welch's t: valid for one look at a moment fixed beforehand."""
    t = estimate / standard_error
    if alternative == "two_sided":
        reach = special.stdtrit(degrees_of_freedom, 1 - np.asarray(alpha) / 2) * standard_error
        p_value = 2 * special.stdtr(degrees_of_freedom, -np.abs(t))
    else:
        reach = special.stdtrit(degrees_of_freedom, 1 - np.asarray(alpha)) * standard_error
        p_value = special.stdtr(degrees_of_freedom, -t if alternative == "greater" else t)
    return _intervals(estimate, reach, p_value, alternative)


def sequence_rho(alpha: float | Floats, planned_units: float | Floats,
                 is_two_sided: bool = True) -> Floats:
    """The parameter that makes the sequence tightest at ``planned_units`` units of both variants.

    Source: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory
    and asymptotic confidence sequences", the approximation of the optimal rho.
    """
    log = -2 * np.log(np.asarray(alpha, dtype=np.float64) * (1 if is_two_sided else 2))
    return np.sqrt((log + np.log(log + 1)) / planned_units)


def read_sequence(estimate: Floats, standard_error: Floats, n: Floats, alpha: float | Floats,
                  planned_units: float | Floats = DEFAULT_PLANNED_UNITS,
                  alternative: Alternative = "two_sided") -> Intervals:
    """Asymptotic confidence sequence: valid at every look, however many there are.

    Raises ValueError for a one-sided sequence with alpha of a half or more.
    Source: as `sequence_rho`; Gaussian mixture boundary, p-values as its inverse.
    """
    if alternative == "two_sided":
        reach, p_value = _two_sided_sequence(estimate, standard_error, n, alpha, planned_units)
        return _intervals(estimate, reach, p_value, alternative)
    if np.any(np.asarray(alpha) >= 0.5):
        raise ValueError("a one-sided sequence needs alpha below 0.5")
    rho = sequence_rho(alpha, planned_units, is_two_sided=False)
    spread = n * rho * rho + 1
    widening = 2 * spread / (n * rho * rho)
    reach = standard_error * np.sqrt(widening * np.log1p(np.sqrt(spread) / (2 * np.asarray(alpha))))
    t = estimate / standard_error * (1 if alternative == "greater" else -1)
    # The alpha at which the bound meets zero; beyond a half the bound says nothing.
    exponent = np.maximum(t, 0) ** 2 / widening
    with np.errstate(over="ignore", divide="ignore"):
        p_value = np.sqrt(spread) / (2 * np.expm1(exponent))
    return _intervals(estimate, reach, np.where(p_value < 0.5, p_value, 1.0), alternative)


def _two_sided_sequence(estimate: Floats, standard_error: Floats, n: Floats,
                        alpha: float | Floats,
                        planned_units: float | Floats) -> tuple[Floats, Floats]:
    rho = sequence_rho(alpha, planned_units)
    spread = n * rho * rho + 1
    widening = 2 * spread / (n * rho * rho)
    reach = standard_error * np.sqrt(widening * (0.5 * np.log(spread) - np.log(alpha)))
    t = estimate / standard_error
    # In logarithms, so that strong effects have a small p-value and no overflow.
    return reach, np.exp(np.minimum(0.0, 0.5 * np.log(spread) - t * t / widening))


def _intervals(estimate: Floats, reach: Floats, p_value: Floats,
               alternative: Alternative) -> Intervals:
    lower = np.full_like(reach, -np.inf) if alternative == "less" else estimate - reach
    upper = np.full_like(reach, np.inf) if alternative == "greater" else estimate + reach
    return Intervals(lower, upper, p_value)


def read_posterior(estimate: Floats, standard_error: Floats, alpha: float,
                   prior_mean: Floats | float = 0.0, prior_variance: Floats | float = math.inf,
                   lower_is_better: bool | npt.NDArray[np.bool_] = False) -> Posteriors:
    """Normal posterior of each effect under a normal prior in the effect's own unit.

    An infinite prior variance is the flat prior.
    """
    weight = 1 / (1 + (standard_error / np.sqrt(prior_variance)) ** 2)  # of the data
    deviation = standard_error * np.sqrt(weight)
    mean = estimate * weight + np.asarray(prior_mean) * (1 - weight)
    reach = special.ndtri(1 - alpha / 2) * deviation
    sign = np.where(lower_is_better, -1.0, 1.0)
    z = sign * mean / deviation
    return Posteriors(mean, deviation, mean - reach, mean + reach, special.ndtr(z),
                      deviation * expected_excess(z), deviation * expected_excess(-z))


def expected_excess(z: Floats) -> Floats:
    """E[max(Z + z, 0)] for a standard normal Z, precise also far in the tail."""
    density = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    mills = math.sqrt(math.pi / 2) * special.erfcx(np.abs(z) / math.sqrt(2))
    tail = density * np.maximum(0.0, 1 - np.abs(z) * mills)
    return np.where(z > 0, z + tail, tail)


def chance_to_be_best(mean: Floats, standard_error: Floats,
                      lower_is_better: bool = False) -> Floats:
    """Chance of each variant to be the best of all, from normal posteriors under flat priors.

    Shape (variants,); the chances add up to 1. By integration over the best one's value.
    """
    z = (-mean if lower_is_better else mean) / standard_error.max()
    error = standard_error / standard_error.max()
    places = z[:, None] + error[:, None] * _GRID  # (variants, grid)
    under = special.ndtr((places[:, None, :] - z[None, :, None]) / error[None, :, None])
    own = np.eye(len(z), dtype=bool)
    chances = (np.where(own[:, :, None], 1.0, under).prod(axis=1) * _GRID_WEIGHTS).sum(axis=1)
    return np.asarray(chances / chances.sum())


_GRID = np.linspace(-6.0, 6.0, 97)
_GRID_WEIGHTS = np.exp(-0.5 * _GRID * _GRID) / np.exp(-0.5 * _GRID * _GRID).sum()
