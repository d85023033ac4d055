"""Satisfaction: the mean of stars, with an interval that stays honest for a handful of ratings."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

LEAST_RATINGS = 2
STARS = ("one_star", "two_stars", "three_stars", "four_stars", "five_stars")
NOT_ENOUGH = "not enough"
_ADDED = 2  # ratings added at either end of the scale


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """Mean stars, 1 to 5, and their interval; all None under ``LEAST_RATINGS`` ratings."""

    ratings: int
    mean_stars: float | None = None
    low_stars: float | None = None
    high_stars: float | None = None


def estimate_satisfaction(counts: Sequence[int], level: float = 0.95) -> Satisfaction:
    """Mean and interval of ratings given as how many there are of 1, 2, 3, 4 and 5 stars.

    Two ratings of 1 and two of 5 are added, then Student's interval is taken and cut at 1 and 5.
    For thumbs, which count as 5 and 1, this is the adjusted Wald interval with Student's quantile;
    for anything between, the variance is smaller. So ten times five stars is not "exactly 5".
    In simulation it holds the true mean at least 94 times in 100 (`tests/analytics`).
    Source: Agresti and Coull, "Approximate is better than 'exact' for interval estimation of
    binomial proportions" (1998).
    """
    ratings = sum(counts)
    if ratings < LEAST_RATINGS:
        return Satisfaction(ratings)
    from scipy.special import stdtrit  # heavy, and pages without ratings need none of it
    mean = sum(stars * count for stars, count in enumerate(counts, 1)) / ratings
    padded = [counts[0] + _ADDED, *counts[1:4], counts[4] + _ADDED]
    size = sum(padded)
    centre = sum(stars * count for stars, count in enumerate(padded, 1)) / size
    spread = sum(count * (stars - centre) ** 2 for stars, count in enumerate(padded, 1))
    quantile = float(stdtrit(size - 1, 0.5 + level / 2))
    margin = quantile * math.sqrt(spread / (size - 1) / size)
    return Satisfaction(ratings, mean, max(1.0, centre - margin), min(5.0, centre + margin))


def with_satisfaction(agents: pd.DataFrame, ratings: pd.DataFrame) -> pd.DataFrame:
    """Agents by ``name`` with ``ratings``, ``mean_stars``, ``low_stars``, ``high_stars`` and all of
    it in words as ``satisfaction``; ``ratings`` are the rows of ``agents/satisfaction``."""
    found = {str(row["name"]): estimate_satisfaction([int(row[each]) for each in STARS])
             for row in ratings.to_dict("records")}
    told = [found.get(str(name), Satisfaction(0)) for name in agents["name"]]
    return agents.assign(
        ratings=[each.ratings for each in told],
        mean_stars=pd.array([each.mean_stars for each in told], dtype="Float64"),
        low_stars=pd.array([each.low_stars for each in told], dtype="Float64"),
        high_stars=pd.array([each.high_stars for each in told], dtype="Float64"),
        satisfaction=[in_words(each) for each in told])


def in_words(found: Satisfaction) -> str:
    """"4.2 (3.9 to 4.4)", or that there are not enough ratings."""
    if found.mean_stars is None:
        return NOT_ENOUGH
    return f"{found.mean_stars:.1f} ({found.low_stars:.1f} to {found.high_stars:.1f})"
