"""Verdicts on noise and on true changes, and what follows from them."""

from typing import Any

import numpy as np
import pytest

from brain.decisions.optimization.configuration import Configuration
from brain.decisions.optimization.judging import Judgement, judge_run
from tests.decisions.optimization.simulating import P95, autocorrelated, share_of

RULES = Configuration()


def judge(before: Any, after: Any, look: int = 1, goal: str = P95, **more: Any) -> Judgement:
    return judge_run({goal: list(before)}, {goal: list(after), **more}, goal, RULES,
                     np.random.default_rng(1), look)


def test_an_unchanged_system_is_seldom_called_improved() -> None:
    # 2,000 runs, half of them with each correlation, default windows of 60 samples each
    assert share_of("improved", 1.0, runs=1_000, correlation=0.4, spread=0.2, seed=1) <= 0.05
    assert share_of("improved", 1.0, runs=1_000, correlation=0.7, spread=0.2, seed=2) <= 0.05


def test_a_true_fifth_is_found() -> None:
    assert share_of("improved", 0.8, runs=500, correlation=0.4, spread=0.2, seed=3) >= 0.90


def test_a_lone_spike_does_not_hide_a_fifth() -> None:
    # three samples of a hundred take four times as long: by plain means 0.75 would be found
    assert share_of("improved", 0.8, runs=300, correlation=0.4, spread=0.2, seed=3,
                    spiky=True) >= 0.90
    assert share_of("improved", 1.0, runs=600, correlation=0.4, spread=0.2, seed=4,
                    spiky=True) <= 0.05


def test_means_of_response_times_are_geometric() -> None:
    found = judge([100.0, 400.0] * 30, [50.0, 200.0] * 30)
    assert found.change is not None
    assert (found.change.before, found.change.after) == (pytest.approx(200), pytest.approx(100))
    assert found.change.gain == pytest.approx(0.5)


def test_a_plain_gain_has_its_interval() -> None:
    rng = np.random.default_rng(5)
    before, after = rng.normal(1000, 50, 60), rng.normal(500, 50, 60)
    found = judge(before, after)
    assert (found.verdict, found.act) == ("improved", "keep")
    assert found.change is not None
    assert found.change.gain == pytest.approx(0.5, abs=0.02)
    assert found.change.low < 0.5 < found.change.high
    assert found.change.high - found.change.low < 0.08


def test_worse_by_more_than_a_tenth_goes_back() -> None:
    rng = np.random.default_rng(6)
    before = rng.normal(1000, 50, 60)
    assert judge(before, rng.normal(1200, 50, 60)).act == "roll_back"
    assert judge(before, rng.normal(1200, 50, 60)).verdict == "worse"
    assert judge(before, rng.normal(1050, 50, 60)).act == "keep"  # a twentieth is inside


def test_what_cannot_be_told_is_watched_once_more() -> None:
    rng = np.random.default_rng(7)
    before, after = rng.normal(100, 60, 10), rng.normal(105, 60, 10)
    assert (judge(before, after).verdict, judge(before, after).act) == ("unclear", "watch")
    assert judge(before, after, look=2).act == "keep"
    assert judge(before, after * 1.3, look=2).act == "roll_back"
    few = judge(before[:3], after)
    assert few.act == "watch" and few.reasons[0].code == "not_enough_data"
    assert judge(before, after[:3], look=2).act == "roll_back"  # nothing speaks for it


def test_answers_that_are_still_waited_for_count() -> None:
    rng = np.random.default_rng(4)

    def window(per_s: float, queue: float) -> dict[str, Any]:
        return {"error_pct": [0.0] * 60,
                "throughput_per_s": list(rng.normal(per_s, 0.3, 60)), "queue_depth": [queue] * 60}
    goal = "cpu_pct"
    busy = judge_run(window(7, 0), window(3, 40), goal, RULES, rng)
    assert (busy.verdict, busy.reasons[0].text[:10]) == ("worse", "Throughput")
    assert judge_run(window(7, 0), window(3, 0), goal, RULES, rng).act != "roll_back"


def test_no_success_pays_for_errors() -> None:
    rng = np.random.default_rng(8)
    found = judge_run(
        {P95: list(rng.normal(1000, 50, 60)), "error_pct": list(rng.normal(1, 0.1, 60))},
        {P95: list(rng.normal(500, 50, 60)), "error_pct": list(rng.normal(9, 0.5, 60))},
        P95, RULES, rng)
    assert (found.verdict, found.act) == ("worse", "roll_back")


def test_samples_that_are_missing_are_left_out() -> None:
    rng = np.random.default_rng(9)
    gaps = [None if place % 3 == 0 else float(value)
            for place, value in enumerate(rng.normal(500, 20, 60))]
    found = judge(rng.normal(1000, 20, 60), gaps)
    assert found.verdict == "improved" and found.change is not None
    assert found.change.samples_after == 40
    assert autocorrelated(rng, 5, 0.5, 0.1, 2).shape == (2, 5)
