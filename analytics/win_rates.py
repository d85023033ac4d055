"""How often one route does better than another on the same question, with its interval."""

import itertools
import math
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from analytics.experiments.intervals import Z_95

LEAST_PAIRS = 10
Call = Literal["wins", "loses", "cannot_tell"]


@dataclass(frozen=True, slots=True)
class WinRate:
    """Of ``pairs`` questions that both answered, the share the first one won; a tie is half.

    ``lower`` and ``upper`` are Wilson's 95 % interval of it. ``call`` is "cannot_tell" where it
    holds a half or there are fewer than LEAST_PAIRS.
    """

    pairs: int
    wins: int
    ties: int
    rate: float | None
    lower: float
    upper: float
    call: Call


def rate_wins(choices: pd.DataFrame) -> dict[tuple[str, str], WinRate]:
    """Win rate of every ordered pair of routes with a question in common.

    ``choices`` has route, query_hash and quality; a question counts once for each pair, with each
    route's mean quality on it.
    """
    asked = choices[choices["query_hash"] != ""]
    means = asked.groupby(["query_hash", "route"])["quality"].mean().unstack()
    found = {}
    for first, second in itertools.permutations(means.columns, 2):
        both = means[[first, second]].dropna()
        if len(both):
            gap = (both[first] - both[second]).to_numpy()
            found[str(first), str(second)] = judge_wins(
                int((gap > 1e-9).sum()), int((gap < -1e-9).sum()), int((abs(gap) <= 1e-9).sum()))
    return found


def judge_wins(wins: int, losses: int, ties: int) -> WinRate:
    """The win rate of counts, and whether it can be told from a half.

    Source: Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927.
    """
    pairs = wins + losses + ties
    if not pairs:
        return WinRate(0, 0, 0, None, 0.0, 1.0, "cannot_tell")
    rate = (wins + ties / 2) / pairs
    lower, upper = wilson(rate, pairs)
    call: Call = "cannot_tell"
    if pairs >= LEAST_PAIRS:
        call = "wins" if lower > 0.5 else "loses" if upper < 0.5 else "cannot_tell"
    return WinRate(pairs, wins, ties, rate, lower, upper, call)


def wilson(rate: float, n: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a share."""
    square = Z_95 * Z_95
    center = (rate + square / (2 * n)) / (1 + square / n)
    reach = Z_95 * math.sqrt(rate * (1 - rate) / n + square / (4 * n * n)) / (1 + square / n)
    return max(0.0, center - reach), min(1.0, center + reach)
