"""Paired comparison: known intervals, typed ignorance, and the promise of the interval."""

import numpy as np
import pytest
from scipy.stats import binomtest
from statsmodels.stats.proportion import proportion_confint

from analytics.evaluation import (
    Difference,
    WinRate,
    compare_scores,
    items_to_decide,
    win_rate,
)
from analytics.experiments.statistics import CannotTell


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def pairing(wins: int, losses: int, ties: int = 0, margin: float = 0.05):
    return compare_scores([1.0] * wins + [0.0] * losses + [0.5] * ties,
                          [0.0] * wins + [1.0] * losses + [0.5] * ties, rng(), margin)


@pytest.mark.parametrize(("wins", "losses"), [(9, 1), (3, 7), (50, 50), (12, 0)])
def test_win_rate_agrees_with_statsmodels_and_scipy(wins: int, losses: int) -> None:
    found = win_rate(wins, losses)
    assert isinstance(found, WinRate)
    lower, upper = proportion_confint(wins, wins + losses, method="wilson")
    assert (found.lower_ratio, found.upper_ratio) == pytest.approx((lower, upper))
    assert found.p == pytest.approx(binomtest(wins, wins + losses).pvalue)


@pytest.mark.parametrize(("wins", "losses", "ties", "verdict"), [
    (9, 1, 0, "better"), (1, 9, 20, "worse"), (5, 5, 0, "cannot_tell"),
    (0, 0, 30, "not_worse"), (2, 1, 400, "not_worse"), (4, 0, 0, "cannot_tell")])
def test_verdicts(wins: int, losses: int, ties: int, verdict: str) -> None:
    found = pairing(wins, losses, ties)
    assert found.verdict == verdict
    assert (found.n, found.ties) == (wins + losses + ties, ties)


def test_what_cannot_be_told_is_typed() -> None:
    nothing = compare_scores([None, 1.0], [1.0, None], rng())
    assert isinstance(nothing.win_rate, CannotTell) and nothing.win_rate.code == "no_pairs"
    few = pairing(4, 0)
    assert isinstance(few.win_rate, CannotTell) and few.win_rate.code == "too_few_pairs"
    tied = pairing(0, 0, 6)
    assert isinstance(tied.win_rate, CannotTell) and tied.win_rate.code == "all_tied"


def test_how_many_items_would_tell() -> None:
    # Wilson's interval of 60 % leaves one half from n = 3.84 / 0.2**2 = 96.04 on.
    rate = win_rate(6, 4)
    assert isinstance(rate, WinRate)
    needed = items_to_decide(rate)
    assert needed == 97
    assert proportion_confint(60, 100, method="wilson")[0] > 0.5
    assert proportion_confint(57, 95, method="wilson")[0] < 0.5


def test_the_bootstrap_covers_the_true_difference() -> None:
    draw, covered = np.random.default_rng(3), 0
    for _ in range(200):
        gap = draw.normal(0.1, 0.3, 60)
        difference = compare_scores(list(0.5 + gap / 2), list(0.5 - gap / 2), draw).difference
        assert isinstance(difference, Difference)
        covered += difference.lower <= 0.1 <= difference.upper
    assert covered >= 180  # 95 % of 200 is 190; 3 standard errors of it are 9


def test_equal_candidates_are_seldom_called_different() -> None:
    draw = np.random.default_rng(11)
    called = sum(compare_scores(list(draw.integers(0, 2, 80).astype(float)),
                                list(draw.integers(0, 2, 80).astype(float)), draw).verdict
                 in ("better", "worse") for _ in range(200))
    assert called <= 20  # 5 % of 200 is 10, and 3 standard errors
