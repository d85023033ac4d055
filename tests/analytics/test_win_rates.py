"""Win rates: counted by question, told only where the interval allows."""

import pandas as pd
import pytest

from analytics.win_rates import judge_wins, rate_wins, wilson


def test_wilson_by_hand():
    # 8 of 10: (0.8 + 0.19207) / 1.38415 = 0.71674, and 1.96 sqrt(0.016 + 0.009604) / 1.38415
    assert wilson(0.8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)


def test_calls():
    assert judge_wins(0, 0, 0).call == "cannot_tell"
    assert judge_wins(9, 0, 0).call == "cannot_tell"  # fewer than ten questions
    assert judge_wins(30, 10, 0).call == "wins"
    assert judge_wins(10, 30, 2).call == "loses"
    assert judge_wins(20, 18, 4).call == "cannot_tell"


def test_a_question_counts_once_for_each_pair():
    rows = [("q1", "a", 1.0), ("q1", "a", 0.0), ("q1", "b", 0.25), ("q2", "a", 0.5),
            ("q2", "b", 0.5), ("q3", "a", 1.0), ("", "b", 0.0), ("q3", "c", 0.0)]
    found = rate_wins(pd.DataFrame(rows, columns=["query_hash", "route", "quality"]))
    # q1: 0.5 against 0.25, q2: a tie
    assert (found["a", "b"].pairs, found["a", "b"].wins, found["a", "b"].ties) == (2, 1, 1)
    assert found["a", "b"].rate == 0.75
    assert found["b", "a"].rate == 0.25
    assert found["a", "c"].rate == 1.0
    assert ("b", "c") not in found
