"""Satisfaction: arithmetic of small cases, and how often the interval holds the true mean."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.satisfaction import (
    NOT_ENOUGH,
    STARS,
    Satisfaction,
    estimate_satisfaction,
    in_words,
    with_satisfaction,
)

# Chances of 1, 2, 3, 4 and 5 stars: thumbs, poles, usual ratings, and nearly all alike.
SHAPES = {"thumbs, half": (.5, 0, 0, 0, .5), "thumbs, 70 %": (.3, 0, 0, 0, .7),
          "thumbs, 95 %": (.05, 0, 0, 0, .95), "thumbs, 99 %": (.01, 0, 0, 0, .99),
          "usual": (.04, .06, .15, .35, .4), "middling": (.1, .2, .4, .2, .1),
          "angry": (.6, .2, .1, .05, .05), "nearly all fives": (0, 0, 0, .01, .99),
          "always four": (0, 0, 0, 1, 0)}


def test_fewer_than_two_ratings_are_not_enough() -> None:
    assert estimate_satisfaction([0, 0, 0, 0, 0]) == Satisfaction(0)
    assert estimate_satisfaction([0, 0, 0, 0, 1]) == Satisfaction(1)
    assert in_words(Satisfaction(1)) == NOT_ENOUGH


def test_arithmetic_of_three_ratings() -> None:
    found = estimate_satisfaction([0, 0, 1, 1, 1])  # 3, 4, 5
    assert found.mean_stars == 4.0
    # With two 1s and two 5s: 1 1 3 4 5 5 5, mean 24/7, squares 1+1+9+16+75 = 102,
    # 102 - 24²/7 = 138/7; standard error sqrt(138/7/6/7) = 0.68512; t(6, 0.975) = 2.446912.
    margin = 2.446912 * math.sqrt(138 / 7 / 6 / 7)
    assert found.low_stars == pytest.approx(24 / 7 - margin, abs=1e-5)
    assert found.high_stars == 5.0  # 3.42857 + 1.67643 = 5.10500, cut
    assert in_words(found) == "4.0 (1.8 to 5.0)"


def test_all_alike_is_no_certainty() -> None:
    ten = estimate_satisfaction([0, 0, 0, 0, 10])
    assert ten.mean_stars == 5.0 and ten.high_stars == 5.0
    assert ten.low_stars is not None and 3.0 < ten.low_stars < 4.0
    thousand = estimate_satisfaction([0, 0, 0, 0, 1000])
    assert thousand.low_stars is not None and 4.95 < thousand.low_stars < 5.0


@given(st.lists(st.integers(0, 10_000), min_size=5, max_size=5).filter(lambda each: sum(each) > 1))
def test_interval_holds_the_mean_and_stays_on_the_scale(counts: list[int]) -> None:
    found = estimate_satisfaction(counts)
    assert None not in (found.mean_stars, found.low_stars, found.high_stars)
    assert 1 <= found.low_stars <= found.mean_stars + 1e-9  # type: ignore[operator]
    assert found.mean_stars - 1e-9 <= found.high_stars <= 5  # type: ignore[operator]
    mirrored = estimate_satisfaction(counts[::-1])
    assert mirrored.low_stars == pytest.approx(6 - found.high_stars)  # type: ignore[operator]


@pytest.mark.parametrize("ratings", [2, 5, 10, 20, 50, 200, 1000])
@pytest.mark.parametrize("shape", SHAPES)
def test_interval_holds_the_truth_as_often_as_it_says(shape: str, ratings: int) -> None:
    chances = np.array(SHAPES[shape])
    truth = float(chances @ np.arange(1, 6))
    rng = np.random.default_rng([ratings, list(SHAPES).index(shape)])
    drawn, times = np.unique(rng.multinomial(ratings, chances, 4_000), axis=0, return_counts=True)
    held = sum(int(count) for row, count in zip(drawn.tolist(), times, strict=True)
               if (found := estimate_satisfaction(row)).low_stars is not None
               and found.low_stars - 1e-9 <= truth <= (found.high_stars or 0) + 1e-9)
    # 4,000 draws err by 0.0034 (one standard error at 0.95); the worst true coverage is 0.942.
    assert held / 4_000 > 0.942 - 4 * 0.0034


def test_agents_have_their_satisfaction_beside() -> None:
    agents = pd.DataFrame({"name": ["helper", "coder", "new"]})
    ratings = pd.DataFrame([{"name": "helper", "ratings": 3, **dict.fromkeys(STARS, 0),
                             "three_stars": 1, "four_stars": 1, "five_stars": 1},
                            {"name": "coder", "ratings": 1, **dict.fromkeys(STARS, 0),
                             "five_stars": 1}])
    found = with_satisfaction(agents, ratings)
    assert list(found["satisfaction"]) == ["4.0 (1.8 to 5.0)", NOT_ENOUGH, NOT_ENOUGH]
    assert list(found["ratings"]) == [3, 1, 0]
    assert found["mean_stars"].isna().tolist() == [False, True, True]
