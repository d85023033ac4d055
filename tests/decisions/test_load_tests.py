"""Load tests: arrivals that follow their profile, reports with their arithmetic."""

from dataclasses import replace

import numpy as np
import pytest

from brain.decisions.load_tests import (
    PROFILES,
    Asked,
    compare_load,
    plan_arrivals,
    summarize_load,
)
from brain.decisions.reasons import InputError
from brain.load_driving import check_address

BY_NAME = {each.name: each for each in PROFILES}


def test_arrivals_follow_the_shape() -> None:
    rng = np.random.default_rng(1)
    flat = plan_arrivals(replace(BY_NAME["load"], rate_per_s=50), rng)
    assert len(flat) == pytest.approx(3_000, abs=4 * 3_000 ** 0.5)
    spike = plan_arrivals(replace(BY_NAME["spike"], rate_per_s=50), rng)
    inside = ((spike >= 24) & (spike < 36)).sum()  # the middle fifth of 60 s at 250 a second
    assert inside == pytest.approx(3_000, abs=4 * 3_000 ** 0.5)
    ramp = plan_arrivals(BY_NAME["stress"], rng)
    assert (ramp >= 60).sum() > 1.7 * (ramp < 60).sum()  # 3.25 to 1.75 times the rate
    assert (np.diff(flat) >= 0).all()


@pytest.mark.parametrize(("change", "field"), [
    ({"rate_per_s": 501.0, "peak": 2.0}, "rate_per_s"), ({"rate_per_s": 0.0}, "rate_per_s"),
    ({"length_s": 3_601.0}, "length_s"), ({"length_s": float("nan")}, "length_s")])
def test_rate_and_time_are_bounded(change: dict[str, float], field: str) -> None:
    with pytest.raises(InputError) as caught:
        plan_arrivals(replace(BY_NAME["smoke"], **change),  # type: ignore[arg-type]
                      np.random.default_rng(1))
    assert caught.value.field == field


@pytest.mark.parametrize(("took_s", "errors", "grade"), [
    (0.4, 0, "A"), (0.9, 0, "B"), (1.5, 0, "C"), (2.5, 0, "F"), (0.4, 5, "B"), (0.4, 8, "C"),
    (0.4, 50, "F")])
def test_grades(took_s: float, errors: int, grade: str) -> None:
    asked = [Asked(float(n), n + took_s, "http_500" if n < errors else "") for n in range(100)]
    found = summarize_load("load", asked)
    assert (found.grade, found.passed) == (grade, grade in "AB")
    assert found.p95_ms == pytest.approx(1000 * took_s)
    assert found.throughput_per_s == pytest.approx((100 - errors) / (99 + took_s))


def test_nothing_answered_is_no_zero() -> None:
    found = summarize_load("smoke", [Asked(0, 1, "timeout")])
    assert (found.mean_ms, found.grade, found.passed) == (None, "F", False)
    assert summarize_load("smoke", []).reasons[0].code == "nothing_answered"


def test_a_slower_p95_is_a_regression_with_its_interval() -> None:
    rng = np.random.default_rng(3)
    before = rng.lognormal(6, 0.3, 400)
    found = compare_load(before.tolist(), (1.5 * rng.lognormal(6, 0.3, 400)).tolist(), rng)
    assert found is not None and found.is_slower and found.low < 0.5 < found.high
    same = compare_load(before.tolist(), rng.lognormal(6, 0.3, 400).tolist(), rng)
    assert same is not None and not same.is_slower
    assert compare_load([1.0] * 19, before.tolist(), rng) is None


def test_load_stays_on_this_machine_unless_allowed_by_name() -> None:
    check_address("http://127.0.0.1:8501", [])
    check_address("https://api.example.org", ["api.example.org"])
    with pytest.raises(InputError, match="--allow api"):
        check_address("https://api.example.org", [])
    with pytest.raises(InputError, match="no http address"):
        check_address("ftp://127.0.0.1", [])
