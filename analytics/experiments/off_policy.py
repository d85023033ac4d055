"""What another policy would have earned, from decisions logged with their propensities."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.experiments.intervals import Z_95, Interval, interval_of_mean, interval_of_total
from analytics.experiments.reward_model import guess_rewards
from analytics.experiments.statistics import NOT_FINITE, CannotTell

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
NO_LOG = CannotTell("no_decisions", "The log holds fewer than two decisions.")
NO_OVERLAP = CannotTell("no_overlap", "The policy chooses nothing that was logged.")
LEAST_EFFECTIVE_N = 15.0
"""Decisions of the policy itself that a log must be worth before an interval is honest."""
MOST_DOMINANCE = 0.2
"""Most that one decision may make up of all squared weights."""
LEAST_PER_ARM, MOST_UNSEEN = 5, 0.05
"""An arm logged less often is unseen; the policy may spend this share on unseen arms."""


@dataclass(frozen=True, slots=True)
class Value:
    """Mean reward of a policy with its 95 % interval: by the normal law, unless both ends are
    given."""

    estimate: float
    standard_error: float
    low: float | None = None
    high: float | None = None

    @property
    def lower(self) -> float:
        """Lower end of the interval."""
        return self.estimate - Z_95 * self.standard_error if self.low is None else self.low

    @property
    def upper(self) -> float:
        """Upper end of the interval."""
        return self.estimate + Z_95 * self.standard_error if self.high is None else self.high


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A policy's value by three estimators, beside what the logging policy earned.

    ``effective_n`` is how many decisions of the policy itself the log is worth, ``n`` how many
    it has; ``clipped`` weights were cut, which biases the estimates towards the log. Where
    ``fault`` says that the overlap is too small, the estimates stand and the intervals do not.
    """

    ips: Value
    snips: Value
    dr: Value
    logged: Value
    n: int
    effective_n: float
    largest_weight: float
    clipped: int
    fault: CannotTell | None = None


def evaluate_policy(arms: Ints, rewards: Floats, propensities: Floats, target: Floats,
                    predictions: Floats | None = None, most_weight: float | None = None,
                    contexts: Floats | None = None) -> Evaluation | CannotTell:
    """Value of a policy from ``n`` logged decisions.

    ``arms`` (n,) are indices of the arms chosen, ``propensities`` (n,) their probabilities at
    that time, ``target`` (n, arms) the policy's probabilities. ``predictions`` (n, arms) is the
    reward model of the doubly robust estimator; without it one is fitted on the other folds of
    the log (`guess_rewards`), on ``contexts`` (n, numbers) where there are any. Sources: Horvitz
    and Thompson 1952; Swaminathan and Joachims, "The Self-Normalized Estimator", 2015; Dudík,
    Langford and Li, "Doubly Robust Policy Evaluation and Learning", 2011; cross-fitting:
    Chernozhukov and others, "Double/debiased machine learning", 2018. Intervals:
    `interval_of_mean`.
    """
    n = len(rewards)
    if n < 2:
        return NO_LOG
    rows = np.arange(n)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        weights = target[rows, arms] / propensities
        clipped = 0
        if most_weight is not None:
            clipped = int((weights > most_weight).sum())
            weights = np.minimum(weights, most_weight)
        total, squares = float(weights.sum()), float((weights**2).sum())
        if total <= 0:
            return NO_OVERLAP
        guess = guess_rewards(arms, rewards, target.shape[1], contexts) \
            if predictions is None else predictions
        robust = (target * guess).sum(axis=1) + weights * (rewards - guess[rows, arms])
        effective = total * total / squares if squares > 0 else 0.0
        found = Evaluation(
            _value(float((weights * rewards).mean()),
                   interval_of_total(weights, rewards, effective)),
            _self_normalized(weights, rewards, total, effective),
            _mean(robust, effective, rewards), _mean(rewards, float(n), rewards), n, effective,
            float(weights.max()), clipped,
            _find_fault(arms, weights, target, effective, squares))
    numbers = [number for each in (found.ips, found.snips, found.dr, found.logged)
               for number in (each.estimate, each.standard_error, each.lower, each.upper)]
    return found if np.isfinite(numbers).all() and np.isfinite(effective) else NOT_FINITE


def _find_fault(arms: Ints, weights: Floats, target: Floats, effective: float,
                squares: float) -> CannotTell | None:
    """Why no interval would be honest, or None. It looks at weights alone, never at rewards, so
    that what is told is not chosen by what it says."""
    if effective < LEAST_EFFECTIVE_N:
        return CannotTell("not_enough_overlap", f"The log is worth {effective:,.1f} of the "
                          f"policy's own decisions; an interval needs {LEAST_EFFECTIVE_N:,.0f}.")
    dominance = float(weights.max()) ** 2 / squares
    if dominance > MOST_DOMINANCE:
        return CannotTell("not_enough_overlap", f"One decision makes up {dominance:.0%} of all "
                          f"squared weights; an interval allows {MOST_DOMINANCE:.0%}.")
    seen = np.bincount(arms, minlength=target.shape[1]) >= LEAST_PER_ARM
    unseen = float(target[:, ~seen].sum(axis=1).mean()) if not seen.all() else 0.0
    if unseen > MOST_UNSEEN:
        return CannotTell("not_enough_overlap", f"The policy gives {unseen:.0%} of its choices to "
                          f"arms that were logged fewer than {LEAST_PER_ARM} times.")
    return None


def _mean(terms: Floats, effective: float, rewards: Floats) -> Value:
    estimate = float(terms.mean())
    return _value(estimate, interval_of_mean(estimate, terms, effective, rewards))


def _value(estimate: float, found: Interval) -> Value:
    return Value(estimate, found.standard_error, found.lower, found.upper)


def _self_normalized(weights: Floats, rewards: Floats, total: float, effective: float) -> Value:
    """The weighted mean with the jackknife's interval around it."""
    n = len(rewards)
    sums = float((weights * rewards).sum())
    estimate = sums / total
    left = total - weights
    # A decision that carries all the weight leaves nothing to compare with.
    without = np.where(left > 1e-12 * total, (sums - weights * rewards) /
                       np.where(left > 1e-12 * total, left, 1.0), estimate)
    return _value(estimate, interval_of_mean(estimate, n * estimate - (n - 1) * without, effective,
                                             rewards))
