"""Effects from a bandit's log: intervals that hold although shares followed the rewards."""

import numpy as np

from analytics.experiments.off_policy import NO_LOG, Floats, Ints, Value
from analytics.experiments.statistics import CannotTell

NEVER_CHOSEN = CannotTell("never_chosen", "An arm could not be chosen at all at some decision: its "
                                          "mean cannot be told.")
ONE_CHOICE = CannotTell("one_unit", "An arm was chosen less than twice.")


def compare_arms(arms: Ints, rewards: Floats, shares: Floats, treatment: int,
                 control: int) -> Value | CannotTell:
    """Mean reward of the treatment minus the control's, from decisions in order of time.

    ``arms`` (n,) are the arms chosen, ``shares`` (n, arms) the propensities of all arms then.
    Plain means are biased, since an unlucky arm is no longer chosen. Each decision's score takes
    the inverse propensity only of what the earlier rewards do not predict, and decisions at which
    both arms were likely weigh more. Source: Hadad, Hirshberg, Zhan, Wager and Athey, "Confidence
    Intervals for Policy Evaluation in Adaptive Experiments", PNAS 2021, its variance-stabilizing
    weights.
    """
    if len(rewards) < 2:
        return NO_LOG
    chances = shares[:, [treatment, control]]
    if not (chances > 0).all():
        return NEVER_CHOSEN
    scores = []
    for place, arm in enumerate((treatment, control)):
        chosen = arms == arm
        if chosen.sum() < 2:
            return ONE_CHOICE
        scores.append(_scores(chosen, rewards, chances[:, place]))
    gap = scores[0] - scores[1]
    weights = 1 / np.sqrt(1 / chances[:, 0] + 1 / chances[:, 1])
    estimate = float((weights * gap).sum() / weights.sum())
    error = float(np.sqrt((weights**2 * (gap - estimate) ** 2).sum()) / weights.sum())
    return Value(estimate, error)


def _scores(chosen: "np.ndarray", rewards: Floats, chance: Floats) -> Floats:
    """Doubly robust score of one arm per decision; the guess knows earlier rewards only."""
    earned = np.where(chosen, rewards, 0.0)
    before = np.cumsum(chosen) - chosen
    guess = (np.cumsum(earned) - earned) / np.maximum(before, 1)
    return np.asarray(guess + np.where(chosen, (rewards - guess) / chance, 0.0))
