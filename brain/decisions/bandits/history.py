"""What arms have earned, from choices in order of time: drift, late and missing rewards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from brain.decisions.bandits.arms import LARGEST, Arm, LinearArm
from brain.decisions.reasons import InputError, Reason

Floats = npt.NDArray[np.float64]
LEAST_ANSWERS = 20


@dataclass(frozen=True, slots=True)
class Chosen:
    """One choice, and its reward once there is one."""

    arm: str
    reward: float | None = None
    context: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Memory:
    """How much the past counts.

    Each later choice makes one count ``discount`` times as much; only the last ``window`` choices
    count, 0 for all. A choice without reward is pending for the ``wait`` choices after it (None:
    for ever), then it is missing: worth ``missing_reward``, or left out where that is None.
    """

    discount: float = 1.0
    window: int = 0
    wait: int | None = None
    missing_reward: float | None = None


@dataclass(frozen=True, slots=True)
class Remembered:
    """Arms as they stand after a history, and what there is to say about it."""

    arms: tuple[Arm | LinearArm, ...]
    reasons: tuple[Reason, ...]


def remember(arms: Sequence[Arm | LinearArm], history: Sequence[Chosen],
             memory: Memory) -> Remembered:
    """Arms with what the history, oldest choice first, adds to them.

    Plain arms stay rewards of 0 and 1 (no ``sum_squares``) while nothing else is added. Raises
    InputError for an unknown arm, a number that is none or a context that does not fit. Sources:
    Garivier and Moulines, "On Upper-Confidence Bound Policies for Switching Bandit Problems",
    2011; Joulani, György and Szepesvári, "Online Learning under Delayed Feedback", 2013.
    """
    if not 0 < memory.discount <= 1:
        raise InputError("out_of_range", "discount must be above 0 and at most 1", "discount")
    places = {arm.key: place for place, arm in enumerate(arms)}
    chosen, rewards, waiting = _read(places, history, memory)
    n = len(history)
    ages = np.arange(n - 1, -1, -1)
    weights = np.power(memory.discount, ages)
    if memory.window:
        weights = np.where(ages < memory.window, weights, 0.0)
    known = ~np.isnan(rewards)
    found = tuple(
        _add_linear(arm, history, rewards, np.where(known & (chosen == place), weights, 0.0), place)
        if isinstance(arm, LinearArm) else
        _add(arm, rewards, np.where(known & (chosen == place), weights, 0.0),
             float((waiting & (chosen == place)).sum()))
        for place, arm in enumerate(arms))
    return Remembered(found, tuple(_tell(arms, chosen, known, waiting, memory)))


def _read(places: Mapping[str, int], history: Sequence[Chosen], memory: Memory
          ) -> tuple[npt.NDArray[np.int64], Floats, npt.NDArray[np.bool_]]:
    """Arm and reward (NaN for none) of each choice, and whether the reward may still come."""
    n = len(history)
    chosen = np.zeros(n, np.int64)
    rewards = np.full(n, np.nan)
    waiting = np.zeros(n, bool)
    for row, each in enumerate(history):
        if each.arm not in places:
            raise InputError("unknown_arm", f"there is no arm {each.arm!r:.80}",
                             f"history[{row}].arm")
        chosen[row] = places[each.arm]
        if each.reward is None:
            waiting[row] = memory.wait is None or n - 1 - row < memory.wait
            if not waiting[row] and memory.missing_reward is not None:
                rewards[row] = memory.missing_reward
        elif not abs(each.reward) <= LARGEST:
            raise InputError("not_finite", "a reward must be a finite number",
                             f"history[{row}].reward")
        else:
            rewards[row] = each.reward
    return chosen, rewards, waiting


def _add(arm: Arm, rewards: Floats, weights: Floats, pending: float) -> Arm:
    values = np.where(weights > 0, rewards, 0.0)
    binary = arm.sum_squares is None and bool(((values == 0) | (values == 1)).all())
    before = arm.sum if arm.sum_squares is None else arm.sum_squares
    squares = None if binary else before + float((weights * values**2).sum())
    return Arm(arm.key, arm.n + float(weights.sum()), arm.sum + float((weights * values).sum()),
               squares, arm.cost_usd, arm.is_harmed, arm.latency_s, arm.pending + pending)


def _add_linear(arm: LinearArm, history: Sequence[Chosen], rewards: Floats, weights: Floats,
                place: int) -> LinearArm:
    used = np.flatnonzero(weights)
    if not len(used):
        return arm
    size = len(arm.moment)
    for row in used.tolist():
        if len(history[row].context) != size:
            raise InputError("wrong_size", f"the context must have {size} numbers",
                             f"history[{row}].context")
    x = np.array([history[row].context for row in used.tolist()], float)
    if not (np.abs(x) <= LARGEST).all():
        raise InputError("not_finite", "contexts must be finite numbers", "history")
    weighted = x * weights[used, None]
    gram = np.asarray(arm.gram, float) + weighted.T @ x
    moment = np.asarray(arm.moment, float) + weighted.T @ rewards[used]
    gram = (gram + gram.T) / 2
    return LinearArm(arm.key, tuple(map(tuple, gram.tolist())), tuple(moment.tolist()),
                     arm.spread, arm.cost_usd, arm.is_harmed, arm.latency_s)


def _tell(arms: Sequence[Arm | LinearArm], chosen: npt.NDArray[np.int64],
          known: npt.NDArray[np.bool_], waiting: npt.NDArray[np.bool_],
          memory: Memory) -> list[Reason]:
    reasons = []
    if pending := int(waiting.sum()):
        reasons.append(Reason("pending", f"{pending:,} choices wait for their reward."))
    missing = ~known & ~waiting
    if gone := int(missing.sum()):
        reasons.append(Reason("missing", f"{gone:,} rewards never came and are left out."))
        due = np.bincount(chosen[~waiting], minlength=len(arms))
        told = np.bincount(chosen[~waiting & known], minlength=len(arms))
        ratios = told[due >= LEAST_ANSWERS] / due[due >= LEAST_ANSWERS]
        if len(ratios) > 1 and float(ratios.max()) > 1.5 * float(ratios.min()):
            reasons.append(Reason("uneven_answers", "Some arms get rewards far more often than "
                                  "others: those that came may not speak for those that did not."))
    if memory.discount < 1:
        reasons.append(Reason("discounted", f"A choice counts {memory.discount:g} times as much "
                                            "with each later one."))
    if memory.window:
        reasons.append(Reason("window", f"Only the last {memory.window:,} choices count."))
    return reasons
