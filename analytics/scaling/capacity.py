"""What one pod can serve, fitted from the platform's own request rates and latencies."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LEAST_POINTS = 30
BINS = 12
LEAST_BINS = 4
MOST_BEYOND_RATIO = 1.25
"""Capacity is told at most this far above the highest rate that was seen."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """``pod_rps`` at which the objective is just met, ``saturation_rps`` at which a pod is full.

    ``service_s`` is the latency of an idle pod, ``error_ratio`` the median error of the fitted
    latency over the latency seen. ``is_limited`` says that pod_rps is not the fit's but 1.25 times
    the highest rate seen.
    """

    pod_rps: float
    saturation_rps: float
    service_s: float
    error_ratio: float
    is_limited: bool


@dataclass(frozen=True, slots=True)
class CannotFit:
    """Why there is no capacity: ``code`` for machines, ``text`` for people."""

    code: str
    text: str


def fit_capacity(pod_rps: Floats, latency_s: Floats,
                 objective_s: float) -> Capacity | CannotFit:
    """Capacity of a pod from its rates and mean latencies, one pair per minute or so.

    latency = service / (1 - rate / saturation), so 1 / latency is a line over the rate; it goes
    through the medians of 12 bins of equal counts, by Theil and Sen. Raises ValueError for arrays
    of unequal length or an objective that is not positive.
    Source: M/M/1 queue; Sen, "Estimates of the Regression Coefficient" (1968).
    """
    if len(pod_rps) != len(latency_s) or not objective_s > 0:
        raise ValueError("rates and latencies come in pairs, and the objective is positive")
    sound = np.isfinite(pod_rps) & np.isfinite(latency_s) & (pod_rps > 0) & (latency_s > 0)
    rates, latencies = pod_rps[sound], latency_s[sound]
    if len(rates) < LEAST_POINTS:
        return CannotFit("too_few", f"{len(rates)} points; a fit needs {LEAST_POINTS}.")
    order = np.argsort(rates, kind="stable")
    parts = [part for part in np.array_split(order, BINS) if len(part)]
    x = np.array([float(np.median(rates[part])) for part in parts])
    y = 1 / np.array([float(np.median(latencies[part])) for part in parts])
    first, second = np.triu_indices(len(x), 1)
    apart = x[second] - x[first] > 1e-9 * x[-1]
    if len(np.unique(x)) < LEAST_BINS or not apart.any():
        return CannotFit("one_rate", "The rate hardly changed, so nothing can be said about more.")
    slope = float(np.median((y[second] - y[first])[apart] / (x[second] - x[first])[apart]))
    level = float(np.median(y - slope * x))
    if slope >= -1e-3 * abs(level) / float(x[-1]) or level <= 0:
        return CannotFit("never_loaded", "Latency did not rise with the rate: the pods were never "
                         "loaded enough to show what they can serve.")
    service_s, saturation = 1 / level, -level / slope
    if service_s >= objective_s:
        return CannotFit("objective_below_service", f"An idle pod takes {service_s:.3g} s, more "
                         f"than the objective of {objective_s:.3g} s.")
    fitted = service_s / np.maximum(1 - x / saturation, 1e-3)
    wanted = saturation * (1 - service_s / objective_s)
    most = MOST_BEYOND_RATIO * float(rates.max())
    return Capacity(min(wanted, most), saturation, service_s,
                    float(np.median(np.abs(fitted * y - 1))), wanted > most)
