"""Upper confidence bounds of arms, for one bandit or for many at once (any shape of arrays)."""

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]
_STEPS = 24


def ucb1_bounds(means: Floats, n: Floats, choices: Floats | float,
                exploration: float = 2.0) -> Floats:
    """mean + sqrt(exploration × ln(choices) / n), infinite where n is 0, for rewards in 0 to 1.

    Source: Auer, Cesa-Bianchi and Fischer, "Finite-time Analysis", 2002.
    """
    with np.errstate(divide="ignore"):
        return np.asarray(means + np.sqrt(exploration * np.log(np.maximum(choices, 1.0)) / n))


def kl_ucb_bounds(means: Floats, n: Floats, choices: Floats | float,
                  log_log: float = 0.0) -> Floats:
    """The largest q with n × d(mean, q) <= ln(choices) + log_log × ln ln(choices), 1 where n is 0.

    d is the divergence of one Bernoulli trial from another; the bound holds for any rewards in
    0 to 1. By bisection, to 2^-24 of the way from the mean to 1. Source: Garivier and Cappé,
    "The KL-UCB Algorithm for Bounded Stochastic Bandits and Beyond", 2011 (0 is their advice).
    """
    log = np.log(np.maximum(choices, 1.0))
    reach = log + log_log * np.log(np.maximum(log, 1.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        allowed = np.where(n > 0, reach / n, np.inf)
    low = np.clip(means, 0.0, 1.0)
    # Pinsker: d(p, q) >= 2 (p - q)^2 bounds the search from above.
    high = np.minimum(1.0, low + np.sqrt(np.minimum(allowed, 2.0) / 2))
    hit, miss = low, 1 - low
    spare = allowed - special.xlogy(hit, hit) - special.xlogy(miss, miss)
    for _ in range(_STEPS):
        middle = np.clip((low + high) / 2, 1e-15, 1 - 1e-15)
        inside = -hit * np.log(middle) - miss * np.log1p(-middle) <= spare
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return np.where(n > 0, high, 1.0)


def divergence(p: Floats, q: Floats) -> Floats:
    """Kullback-Leibler divergence of Bernoulli(p) from Bernoulli(q), in nats."""
    return np.asarray(special.rel_entr(p, q) + special.rel_entr(1 - p, 1 - q))


def lai_robbins_constant(rates: Floats) -> float:
    """Regret per ln(choices) that no policy which is good everywhere can go below.

    The sum of gap / d(rate, best rate) over the lesser arms. Source: Lai and Robbins,
    "Asymptotically Efficient Adaptive Allocation Rules", 1985.
    """
    best = float(rates.max())
    lesser = rates[rates < best]
    return float(((best - lesser) / divergence(lesser, np.full_like(lesser, best))).sum())
