"""Did it help? The change of each metric with an interval, and what follows from it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from brain.decisions.optimization.configuration import Configuration
from brain.decisions.optimization.metrics import (
    BETTER,
    LATENCIES,
    TITLES,
    WEIGHTS,
    score_performance,
)
from brain.decisions.reasons import Reason
from brain.decisions.targets import TARGETS, Target

Floats = np.ndarray
Window = Mapping[str, Sequence[float | None]]
"""Samples of each metric at equal steps, oldest first; None where there was none."""
Verdict = Literal["improved", "no_change", "worse", "unclear"]
SCORE = "score"
LEAST_SAMPLES = 8
RESAMPLES = 1_000
LEVEL = 0.98
"""Of an interval; two looks at this level are wrong together as often as one at 95 %."""
LOOKS = 2
FLOORS: Mapping[str, float] = {"error_pct": 0.5, SCORE: 0.25}
"""Changes of values smaller than these are relative to these: a step from 0 has no ratio."""
GUARDS = ("error_pct", "success_pct", *LATENCIES)
"""Metrics that no success of another may pay for."""


@dataclass(frozen=True, slots=True)
class Change:
    """The relative improvement of a metric's mean, positive for better, with its interval.

    Means of response times are geometric.
    """

    metric: str
    before: float
    after: float
    gain: float
    low: float
    high: float
    samples_before: int
    samples_after: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a run did. ``act`` is keep, roll_back, or watch (one more window)."""

    verdict: Verdict
    act: Literal["keep", "roll_back", "watch"]
    goal: str
    changes: tuple[Change, ...]
    reasons: tuple[Reason, ...]

    @property
    def change(self) -> Change | None:
        """That of the goal, None where it could not be measured."""
        return next((each for each in self.changes if each.metric == self.goal), None)


def judge_run(before: Window, after: Window, goal: str, rules: Configuration,
              rng: np.random.Generator, look: int = 1,
              targets: Mapping[str, Target] = TARGETS, demand_unmet: bool = False) -> Judgement:
    """The verdict on a change by its goal, the score, and the metrics that must not suffer.

    Better means that the goal's whole interval lies above 0. Worse means that the goal, the
    score or a guarded metric past its target got worse by more than the rollback threshold, with
    the whole interval below 0. An interval inside both thresholds is no change. Everything else
    cannot be told: the first ``look`` then asks for one more window, and the last rolls back
    what looks worse by more than the threshold or has too few samples, and keeps the rest,
    unproven. While requests wait, fewer answers count as worse too.
    """
    windows = [dict(each) | {SCORE: _score_series(each, targets, demand_unmet)}
               for each in (before, after)]
    names = [name for name in (SCORE, *BETTER) if all(name in each for each in windows)]
    found = {change.metric: change for name in names
             if (change := estimate_change(name, windows[0][name], windows[1][name], rng))}
    goal = goal if goal in found else SCORE
    changes = tuple(found.values())
    limit = rules.rollback_threshold
    # Answers that are still waited for are in no latency: while a queue stands, fewer answers
    # tell of them.
    waiting = _mean(after.get("queue_depth", ())) >= 1
    for name in dict.fromkeys((goal, SCORE, *GUARDS, *(("throughput_per_s",) if waiting else ()))):
        change = found.get(name)
        if change and change.gain < -limit and change.high < 0 and (
                name in (goal, SCORE, "throughput_per_s")
                or _misses(targets.get(name), change.after)):
            return Judgement("worse", "roll_back", goal, changes, (Reason(
                "worse", f"{TITLES[name]} got worse by {_tell(change)}: more than "
                         f"{limit:.0%}."),))
    change = found.get(goal)
    if change is None:
        return _unclear(goal, changes, look, Reason(
            "not_enough_data", f"Fewer than {LEAST_SAMPLES} samples before or after: the effect "
                               "cannot be told."), None, limit)
    if change.low > 0:
        return Judgement("improved", "keep", goal, changes, (Reason(
            "improved", f"{TITLES[goal]} improved by {_tell(change)}."),))
    if change.low > -limit and change.high < rules.improvement_threshold:
        return Judgement("no_change", "keep", goal, changes, (Reason(
            "no_change", f"{TITLES[goal]} changed by {_tell(change)}: nothing that matters."),))
    return _unclear(goal, changes, look, Reason(
        "cannot_tell", f"{TITLES[goal]} changed by {_tell(change)}: that may be noise."), change,
        limit)


def estimate_change(metric: str, before: Sequence[float | None], after: Sequence[float | None],
                    rng: np.random.Generator) -> Change | None:
    """The relative improvement of the mean with its interval; None for too few samples.

    Circular block bootstrap of each window: blocks as long as the samples' correlation asks for
    (Politis and White 2004, for a first-order process), deviations widened by Student's t over
    the blocks' number, for few blocks tell little about their own spread. Response times are
    compared by their logarithms, their means are geometric ones: a lone spike would drown what
    all other samples say.
    """
    old, new = _known(before), _known(after)
    if min(len(old), len(new)) < LEAST_SAMPLES:
        return None
    by_logs = metric in LATENCIES and min(float(old.min()), float(new.min())) > 0
    if by_logs:
        old, new = np.log(old), np.log(new)
    was, now = float(old.mean()), float(new.mean())
    floor = max(FLOORS.get(metric, 0.0), 1e-300)
    if not by_logs and max(abs(was), FLOORS.get(metric, 0.0)) == 0:
        return None
    sign = 1.0 if metric == SCORE or BETTER.get(metric, "lower") == "higher" else -1.0

    def gain_of(first: Floats, second: Floats) -> Floats:
        ratio = (np.expm1(second - first) if by_logs else
                 (second - first) / np.maximum(np.abs(first), floor))
        return np.asarray(sign * ratio)
    gain = float(gain_of(np.asarray(was), np.asarray(now)))
    (old_means, old_blocks), (new_means, new_blocks) = _resample(old, rng), _resample(new, rng)
    degrees = max(1, old_blocks + new_blocks - 2)
    wide = float(special.stdtrit(degrees, 0.5 + LEVEL / 2)) / float(special.ndtri(0.5 + LEVEL / 2))
    low, high = np.quantile(gain_of(old_means, new_means), ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    most = 1.0 if sign < 0 else math.inf  # nothing gets better than to 0
    shown = (math.exp(was), math.exp(now)) if by_logs else (was, now)
    return Change(metric, *shown, gain, gain - wide * max(0.0, gain - float(low)),
                  min(max(gain, most), gain + wide * max(0.0, float(high) - gain)), len(old),
                  len(new))


def _resample(values: Floats, rng: np.random.Generator) -> tuple[Floats, int]:
    """Means of RESAMPLES circular block resamples, and how many whole blocks there are.

    Blocks cut correlation at their ends; the deviations are stretched by what that takes away
    from the variance of a first-order process.
    """
    size = len(values)
    correlation = _correlation(values)
    wanted = (2 * correlation / (1 - correlation ** 2)) ** (2 / 3) * size ** (1 / 3)
    length = int(min(max(1, math.ceil(wanted)), max(1, size // 4)))
    blocks = -(-size // length)
    sums = np.concatenate(([0.0], np.cumsum(np.concatenate((values, values[:length])))))
    starts = rng.integers(0, size, (RESAMPLES, blocks))
    means = (sums[starts + length] - sums[starts]).sum(axis=1) / (blocks * length)
    lags = np.arange(1, length)
    seen = 1 + 2 * float(((1 - lags / length) * correlation ** lags).sum())
    stretch = math.sqrt((1 + correlation) / (1 - correlation) / seen)
    middle = float(values.mean())
    return middle + stretch * (means - middle), max(2, size // length)


def _correlation(values: Floats) -> float:
    """Lag-one correlation without the bias of short series (Kendall 1954), from 0 to 0.9."""
    size = len(values)
    centred = values - values.mean()
    spread = float(centred @ centred)
    if spread <= 0:
        return 0.0
    found = float(centred[1:] @ centred[:-1]) / spread
    return min(0.9, max(0.0, found + (1 + 3 * found) / size))


def _mean(values: Sequence[float | None]) -> float:
    known = _known(values)
    return float(known.mean()) if len(known) else 0.0


def _known(values: Sequence[float | None]) -> Floats:
    found = np.array([np.nan if each is None else each for each in values], dtype=float)
    return found[np.isfinite(found)]


def _score_series(window: Window, targets: Mapping[str, Target],
                  demand_unmet: bool) -> list[float | None]:
    if not set(window) & {*WEIGHTS, *LATENCIES}:
        return []
    size = max((len(each) for each in window.values()), default=0)
    return [score_performance({name: values[place] for name, values in window.items()
                               if place < len(values)}, targets, demand_unmet).score
            for place in range(size)]


def _misses(target: Target | None, value: float) -> bool:
    if target is None or target.target is None:
        return False
    return value > target.target if target.better == "lower" else value < target.target


def _unclear(goal: str, changes: tuple[Change, ...], look: int, why: Reason,
             change: Change | None, limit: float) -> Judgement:
    if look < LOOKS:
        return Judgement("unclear", "watch", goal, changes, (why, Reason(
            "watch_on", "One more window is watched.")))
    if change is None:
        return Judgement("unclear", "roll_back", goal, changes, (why, Reason(
            "unproven", "Nothing speaks for it: taken back to be safe.")))
    if change.gain < -limit:
        return Judgement("unclear", "roll_back", goal, changes, (why, Reason(
            "looks_worse", f"It looks worse by more than {limit:.0%}: taken back to be safe.")))
    return Judgement("unclear", "keep", goal, changes, (why, Reason(
        "kept_unproven", "Kept; it counts as no success.")))


def _tell(change: Change) -> str:
    """The change with its interval; above 0 is better."""
    sign = "" if change.gain < 0 and change.high < 0 else "+"
    shown = abs(change.gain) if not sign else change.gain
    return (f"{shown:{sign}.1%} (interval {change.low:+.1%} to {change.high:+.1%}; above 0 is "
            "better)")
