"""Baselines and units of a plan, from what a platform's store adds up."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.experiments.baselines import (
    UnitCurve,
    effects_by_day,
    outcome_baselines,
    request_baselines,
    unit_curve,
)
from analytics.experiments.power import Plan, plan_size, smallest_effect
from analytics.experiments.statistics import CannotTell

OUTCOMES = ["metric", "units", "positive_units", "mean_sum", "mean_squares", "total_sum",
            "total_squares"]


def test_a_metric_of_zeros_and_ones_is_a_proportion() -> None:
    rows = pd.DataFrame([("solved", 100, 42, 42.0, 42.0, 42.0, 42.0)], columns=OUTCOMES)
    (found,) = outcome_baselines(rows)
    assert (found.kind, found.mean, found.units) == ("proportion", 0.42, 100)
    assert found.variance == pytest.approx(0.42 * 0.58)


def test_other_metrics_have_mean_count_and_share() -> None:
    # Units with values (2), (4), (0, 0), (1, 3): means 2, 4, 0, 2; sums 2, 4, 0, 4.
    rows = pd.DataFrame([("minutes", 4, 3, 8.0, 24.0, 10.0, 36.0)], columns=OUTCOMES)
    mean, count, share = outcome_baselines(rows)
    assert (mean.kind, mean.mean, mean.variance) == ("mean", 2.0, pytest.approx(8 / 3))
    assert (count.kind, count.mean) == ("count", 2.5)  # (36 - 4 * 6.25) / 3
    assert count.variance == pytest.approx(11 / 3)
    assert (share.kind, share.mean) == ("proportion", 0.75)


def test_what_has_no_variance_is_left_out() -> None:
    rows = pd.DataFrame([("all", 9, 9, 9.0, 9.0, 9.0, 9.0), ("one", 1, 1, 3.0, 9.0, 3.0, 9.0)],
                        columns=OUTCOMES)
    assert outcome_baselines(rows) == ()
    empty = pd.DataFrame([(0, 0.0, 0.0, 0.0, 0.0)], columns=[
        "units", "requests_sum", "requests_squares", "cost_usd_sum", "cost_usd_squares"])
    assert request_baselines(empty) == ()


def test_requests_and_cost_are_per_user() -> None:
    # Two users with 1 and 3 requests for 0.5 and 1.5 USD: variances 2 and 0.5.
    rows = pd.DataFrame([(2, 4.0, 10.0, 2.0, 2.5)], columns=[
        "units", "requests_sum", "requests_squares", "cost_usd_sum", "cost_usd_squares"])
    asked, spent = request_baselines(rows)
    assert (asked.mean, asked.variance) == (2.0, pytest.approx(2.0))
    assert (spent.mean, spent.variance) == (1.0, pytest.approx(0.5))


def test_units_come_as_they_did_and_then_as_in_the_last_week() -> None:
    curve = unit_curve([100, 60, 40, 20, 20, 20, 20, 20, 20, 20], traffic_ratio=0.5)
    assert isinstance(curve, UnitCurve)
    assert curve.units[:3] == (50, 80, 100)
    assert curve.later_per_day == 10
    assert curve.after(1.5) == 65  # 50 and half of the 30 of the second day
    assert curve.after(12) == 170 + 2 * 10
    assert curve.days_until(65) == 1.5
    assert curve.days_until(190) == 12


def test_units_that_never_come_are_an_answer() -> None:
    assert unit_curve([0, 0]) == unit_curve([]) == CannotTell(
        "no_traffic", "No units come: the experiment would never end.")
    dried = unit_curve([50, *[0] * 7])
    assert isinstance(dried, UnitCurve)
    assert isinstance(dried.days_until(51), CannotTell)
    slow = unit_curve([1])
    assert isinstance(slow, UnitCurve)
    assert slow.days_until(1_000_000) == CannotTell("too_long",
                                                    "It would take more than ten years.")


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=40).filter(any),
       st.floats(0.01, 1), st.floats(1, 50_000))
def test_days_and_units_are_each_others_way_back(new: list[int], ratio: float,
                                                 units: float) -> None:
    curve = unit_curve(new, ratio)
    assert isinstance(curve, UnitCurve)
    days = curve.days_until(units)
    if not isinstance(days, CannotTell):
        assert curve.after(days) == pytest.approx(units)


def test_the_smallest_effect_falls_to_the_planned_one_on_the_planned_day() -> None:
    plan = Plan(0.42, 0.42 * 0.58, 0.10, is_relative=True, is_proportion=False)
    size = plan_size(plan)
    curve = unit_curve([1_000] * 7)
    assert not isinstance(size, CannotTell) and isinstance(curve, UnitCurve)
    days = curve.days_until(2 * size.exact)
    assert not isinstance(days, CannotTell)
    line = effects_by_day(plan, curve, 2, 60)
    assert list(line["effect"]) == sorted(line["effect"], reverse=True)
    below = line[line["effect"] <= smallest_effect(plan, size.exact)]
    assert below["day"].iloc[0] == int(days) + (days > int(days))
