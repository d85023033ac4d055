"""Rolling origins and the choice they lead to."""

import math

import numpy as np
import pytest

from analytics.forecasting.backtest import (
    blend_around,
    choose_blend,
    cut_windows,
    mean_errors,
)


def test_windows_are_pieces_of_the_history_in_order() -> None:
    values = np.arange(100.0)
    found = cut_windows(values, values, 5, 10, 30)
    assert found is not None
    assert found.past.shape[0] == found.actual.shape[0] <= 40
    for past, actual in zip(found.past, found.actual, strict=True):
        whole = np.concatenate([past, actual])
        np.testing.assert_array_equal(np.diff(whole), 1)
    assert found.actual[-1, -1] == 99  # the newest value is tested
    np.testing.assert_array_equal(np.diff(found.past[:, -1]), found.stride)


def test_short_histories_look_less_far_or_cannot_be_cut() -> None:
    values = np.arange(12.0)
    found = cut_windows(values, values, 10, 4, 100)
    assert found is not None
    assert found.actual.shape == (5, 4)  # 8 steps of room: 4 ahead, 4 + 1 origins
    assert cut_windows(values, values, 10, 10, 100) is None


def test_windows_without_an_actual_value_are_left_out() -> None:
    observed = np.arange(60.0)
    observed[50:] = math.nan
    found = cut_windows(np.arange(60.0), observed, 3, 8, 100)
    assert found is not None
    assert np.isfinite(found.actual).any(axis=1).all()


def test_best_method_is_shown_if_it_beats_the_yardstick_to_the_end() -> None:
    actual = np.zeros((12, 2))
    naive, good = np.full((12, 2), 2.0), np.full((12, 2), 1.0)
    found = choose_blend({"seasonal_naive": naive, "good": good}, actual, last=3)
    assert (found.method, found.beaten_by) == ("good", "")  # 2 is more than 1.5 times 1
    worse_lately = np.zeros((12, 2))
    worse_lately[-3:] = 2.0  # as bad as the yardstick is not better
    found = choose_blend({"seasonal_naive": naive, "good": worse_lately}, actual, last=3)
    assert (found.method, found.beaten_by) == ("seasonal_naive", "good")


def test_opposite_errors_are_blended() -> None:
    actual = np.zeros((12, 1))
    found = choose_blend({"seasonal_naive": np.full((12, 1), 3.0), "high": np.full((12, 1), 1.0),
                          "low": np.full((12, 1), -1.0)}, actual, last=3)
    assert found.method == "blend"
    assert dict(found.weights) == {"high": 0.5, "low": 0.5}  # 1 / 1³ each; 3.0 is not near 1.0
    assert mean_errors(actual, found.forecasts).max() == 0


def test_blend_weighs_by_one_over_cubed_error() -> None:
    actual = np.zeros((12, 1))
    found = choose_blend({"seasonal_naive": np.full((12, 1), 9.0), "a": np.full((12, 1), 1.0),
                          "b": np.full((12, 1), -1.25)}, actual, last=3)
    # 1 and (1 / 1.25)³ = 0.512 of 1.512
    assert dict(found.weights) == pytest.approx({"a": 1 / 1.512, "b": 0.512 / 1.512})


def test_newer_windows_count_more() -> None:
    actual = np.zeros((10, 1))
    early, late = np.full((10, 1), 1.0), np.full((10, 1), 1.0)
    early[:5], late[5:] = 1.2, 1.2  # each errs more in one half
    found = dict(choose_blend({"seasonal_naive": np.full((10, 1), 9.0), "early": early,
                               "late": late}, actual, last=5).weights)
    assert found["early"] > found["late"]


def test_exact_forecasts_need_no_blend() -> None:
    actual = np.ones((6, 2))
    found = choose_blend({"seasonal_naive": actual, "other": actual}, actual, last=1)
    assert found.weights == (("seasonal_naive", 1.0),)


def test_trusted_method_counts_three_times() -> None:
    actual = np.zeros((4, 2))
    found = blend_around("boosting", {
        "seasonal_naive": np.full((4, 2), 9.0), "theta": np.full((4, 2), 1.0),
        "boosting": np.full((4, 2), -1.0)}, actual)
    assert dict(found.weights) == {"boosting": 0.75, "theta": 0.25}
    far = blend_around("boosting", {
        "seasonal_naive": np.full((4, 2), 9.0), "theta": np.full((4, 2), 1.4),
        "boosting": np.full((4, 2), -1.0)}, actual)
    assert dict(far.weights) == {"boosting": 1.0}  # 1.4 is more than 1.3 times 1.0


def test_yardstick_is_shown_where_the_blend_does_not_beat_it() -> None:
    actual = np.zeros((4, 2))
    found = blend_around("boosting", {"seasonal_naive": np.zeros((4, 2)),
                                      "boosting": np.ones((4, 2))}, actual)
    assert (found.method, found.beaten_by) == ("seasonal_naive", "blend")
    exact = blend_around("boosting", {"seasonal_naive": actual, "boosting": actual}, actual)
    assert exact.method == "seasonal_naive"
