"""Sample ratio mismatch: do the units fall on the variants in the shares that were planned?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from analytics.experiments.statistics import EMPTY, CannotTell

DEFAULT_CONCENTRATION = 500.0
"""Units' worth of trust in the plan: alarms come soonest at a few thousand units."""
NO_SHARES = CannotTell("no_planned_shares", "Fewer than two variants have a planned share.")


@dataclass(frozen=True, slots=True)
class RatioCheck:
    """How well units fit the planned shares, read once and read at every look.

    ``p_value`` is that of the chi-square test, ``anytime_p_value`` holds at every look.
    ``observed`` and ``planned`` are shares (0..1).
    """

    p_value: float
    anytime_p_value: float
    observed: tuple[float, ...]
    planned: tuple[float, ...]


def check_ratio(units: Sequence[float], weights: Sequence[float],
                concentration: float = DEFAULT_CONCENTRATION) -> RatioCheck | CannotTell:
    """Units per variant against planned weights; variants without weight count only if seen.

    A unit in a variant of weight 0 has probability 0 under the plan. The anytime p-value is the
    inverse of the Dirichlet-multinomial Bayes factor around the planned shares. Source: Lindon
    and Malek, "Anytime-Valid Inference for Multinomial Count Data", NeurIPS 2022.
    """
    counts, shares = np.asarray(units, float), np.asarray(weights, float)
    if counts.shape != shares.shape or np.any(counts < 0) or np.any(shares < 0) \
            or not (np.isfinite(counts).all() and np.isfinite(shares).all()):
        return CannotTell("impossible_statistics", "Units and weights must be as many, finite and "
                                                   "not negative.")
    if np.count_nonzero(shares) < 2:
        return NO_SHARES
    total = counts.sum()
    if total == 0:
        return EMPTY
    shares = shares / shares.sum()
    observed = tuple((counts / total).tolist())
    planned = tuple(shares.tolist())
    if np.any(counts[shares == 0] > 0):
        return RatioCheck(0.0, 0.0, observed, planned)
    counts, shares = counts[shares > 0], shares[shares > 0]
    expected = shares * total
    p_value = special.chdtrc(len(shares) - 1, float(((counts - expected) ** 2 / expected).sum()))
    prior = concentration * shares
    log_factor = (special.gammaln(concentration) - special.gammaln(concentration + total)
                  + (special.gammaln(prior + counts) - special.gammaln(prior)
                     - counts * np.log(shares)).sum())
    return RatioCheck(float(p_value), float(np.exp(min(0.0, -float(log_factor)))), observed,
                      planned)
