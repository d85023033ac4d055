"""Two candidates graded on the same items: who wins, how surely, and whether objectives hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analytics.experiments.statistics import CannotTell
from analytics.experiments.worth import wilson_interval

LEAST_PAIRS = 5
"""Fewer graded pairs than this tell nothing: even all won, the sign test stays above 5 %."""
_Z = 1.959963984540054
_DRAWS = 2_000
_SAME = 1e-9

NO_PAIRS = CannotTell("no_pairs", "No item was graded for both.")
ALL_TIED = CannotTell("all_tied", "Every item got the same score from both.")


@dataclass(frozen=True, slots=True)
class WinRate:
    """Wins among decided items with Wilson's 95 % interval (0..1) and the sign test's p."""

    ratio: float
    lower_ratio: float
    upper_ratio: float
    wins: int
    losses: int
    p: float


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean score of the candidate minus the baseline's, with a paired bootstrap 95 % interval."""

    mean: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Pairing:
    """Candidate against baseline on ``n`` items that both have a score for."""

    n: int
    ties: int
    win_rate: WinRate | CannotTell
    difference: Difference | CannotTell
    verdict: Literal["better", "worse", "not_worse", "cannot_tell"]
    text: str


def compare_scores(candidate: Sequence[float | None], baseline: Sequence[float | None],
                   rng: np.random.Generator, margin: float = 0.05) -> Pairing:
    """The pairing of two rows of scores (0 to 1), item by item; None is an item without a grade.

    Better or worse: Wilson's interval of the win rate among decided items leaves one half.
    Not worse: the mean difference is, by its interval, above -``margin``. Else nobody can tell.
    Sources: Wilson, JASA 22 (1927); Dixon and Mood, "The statistical sign test", JASA 41 (1946);
    Efron and Tibshirani, "An introduction to the bootstrap" (1993), chapter 13.
    """
    pairs = [(one, other) for one, other in zip(candidate, baseline, strict=True)
             if one is not None and other is not None]
    if not pairs:
        return Pairing(0, 0, NO_PAIRS, NO_PAIRS, "cannot_tell", NO_PAIRS.text)
    gaps = np.array([one - other for one, other in pairs])
    wins, losses = int((gaps > _SAME).sum()), int((gaps < -_SAME).sum())
    ties = len(pairs) - wins - losses
    if len(pairs) < LEAST_PAIRS:
        few = CannotTell("too_few_pairs", f"{len(pairs)} items were graded for both; at least "
                                          f"{LEAST_PAIRS} are needed.")
        return Pairing(len(pairs), ties, few, few, "cannot_tell", few.text)
    rate = win_rate(wins, losses)
    difference = bootstrap_mean(gaps, rng)
    verdict, text = _judge(rate, difference, margin)
    return Pairing(len(pairs), ties, rate, difference, verdict, text)


def win_rate(wins: int, losses: int) -> WinRate | CannotTell:
    """Share of wins among decided items, its interval, and the two-sided exact sign test."""
    decided = wins + losses
    if not decided:
        return ALL_TIED
    from scipy.stats import binomtest
    lower, upper = wilson_interval(wins, decided)
    return WinRate(wins / decided, lower, upper, wins, losses,
                   float(binomtest(wins, decided).pvalue))


def bootstrap_mean(values: np.ndarray, rng: np.random.Generator) -> Difference:
    """A mean with the 95 % interval of means of items drawn again, pairs staying together."""
    drawn = rng.integers(0, len(values), size=(_DRAWS, len(values)))
    lower, upper = np.quantile(values[drawn].mean(axis=1), (0.025, 0.975))
    return Difference(float(values.mean()), float(lower), float(upper))


def items_to_decide(rate: WinRate) -> int | None:
    """About how many decided items would settle a win rate like this one; None where it is even.

    n at which Wilson's interval of the same share leaves one half: z² / (2p − 1)².
    """
    lean = abs(2 * rate.ratio - 1)
    return None if lean < 0.01 else max(LEAST_PAIRS, int(np.ceil(_Z**2 / lean**2)))


def quantile(values: Sequence[float], share: float) -> float | None:
    """The empirical quantile, None without values."""
    return float(np.quantile(np.array(values), share)) if len(values) else None


def _judge(rate: WinRate | CannotTell, difference: Difference, margin: float
           ) -> tuple[Literal["better", "worse", "not_worse", "cannot_tell"], str]:
    gap = (f"mean score {difference.mean:+.3f} ({difference.lower:+.3f} to "
           f"{difference.upper:+.3f})")
    if isinstance(rate, CannotTell):
        return "not_worse", f"{rate.text} The candidate is not worse on these items."
    share = (f"wins {rate.wins} of {rate.wins + rate.losses} decided items, {rate.ratio:.0%} "
             f"({rate.lower_ratio:.0%} to {rate.upper_ratio:.0%})")
    if rate.lower_ratio > 0.5:
        return "better", f"Better: {share}; {gap}."
    if rate.upper_ratio < 0.5:
        return "worse", f"Worse: {share}; {gap}."
    if difference.lower >= -margin:
        return "not_worse", f"Not worse by more than {margin:g}: {gap}; {share}."
    needed = items_to_decide(rate)
    more = f" About {needed:,} decided items like these would tell." if needed else ""
    return "cannot_tell", f"Cannot tell: {share}; {gap}.{more}"
