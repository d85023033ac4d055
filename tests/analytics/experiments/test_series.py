"""Experiments over time: each look as the analysis reads it, and the calls of real series."""

import numpy as np
import pandas as pd
import pytest

from analytics.experiments.analysis import Metric, Rules, analyze
from analytics.experiments.series import CUMULATIVE, count_calls, read_series
from analytics.experiments.statistics import CannotTell, Mean
from tests.datasets import dataset


def looks_of(*rows):
    return pd.DataFrame(rows, columns=list(CUMULATIVE))


@pytest.mark.parametrize("is_relative", [True, False])
def test_a_look_is_what_the_analysis_says(is_relative):
    rows = [(50, 60, 2.0, 2.5, 1.0, 1.4), (500, 480, 2.1, 2.4, 1.1, 1.3)]
    found = read_series(looks_of(*rows), 1_000, is_relative=is_relative)
    for (n_c, n_t, mean_c, mean_t, var_c, var_t), look in zip(rows, found.itertuples(),
                                                              strict=True):
        variants = {key: Mean(n, n * mean, var * (n - 1) + n * mean * mean) for key, n, mean, var
                    in (("c", n_c, mean_c, var_c), ("t", n_t, mean_t, var_t))}
        ((same,),) = [each.comparisons for each in analyze(
            (Metric("m", variants),), "c", Rules(is_relative=is_relative, planned_units=1_000))]
        sequence, fixed = same.readings["sequential"], same.readings["fixed"]
        assert (look.estimate, look.standard_error) == pytest.approx(
            (same.effect.estimate, same.effect.standard_error))
        assert (look.lower, look.upper, look.p_value) == pytest.approx(
            (sequence.lower, sequence.upper, sequence.p_value))
        assert (look.fixed_lower, look.fixed_upper) == pytest.approx((fixed.lower, fixed.upper))
        assert (look.is_called, look.is_fixed_called) == (sequence.is_significant,
                                                          fixed.is_significant)


def test_looks_without_an_effect_are_gaps_and_never_calls():
    found = read_series(looks_of((1, 9, 1, 1, 1, 1), (9, 9, 1, 2, 0, 1), (9, 9, 0, 1, 1, 1),
                                 (9, 9, np.nan, 1, 1, 1), (9, 9, 1, 1, np.nan, 1)), 100)
    assert found["estimate"].isna().all()
    assert not found["is_called"].any()
    assert not found["is_fixed_called"].any()
    assert read_series(looks_of((9, 9, 0, 1, 1, 1)), 100, is_relative=False)[
        "estimate"].notna().all()


def test_counts_calls_by_series():
    looks = looks_of((100, 100, 1.0, 1.4, 1, 1), (400, 400, 1.0, 1.0, 1, 1),   # early luck
                     (100, 100, 1.0, 2.0, 1, 1), (400, 400, 1.0, 2.0, 1, 1),   # a real effect
                     (1, 1, 1.0, 2.0, 1, 1))                                   # too few units
    found = count_calls(read_series(looks, 800), pd.Series(["a", "a", "b", "b", "c"]),
                        pd.Series([1, 2, 1, 2, 1]))
    assert (found.series, found.naive, found.sequential, found.at_end) == (2, 2, 1, 1)


def test_real_series_are_all_read():
    data = pd.read_parquet(dataset("EXPERIMENT_SERIES"))
    series = data["experiment_id"] + "/" + data["variant_id"].astype(str) + "/" \
        + data["metric_id"].astype(str)
    planned = (data["count_c"] + data["count_t"]).groupby(series).transform("max")
    found = read_series(data, planned.to_numpy(), is_relative=False)
    assert len(found) == len(data)
    for row in found[found["estimate"].isna()].index:  # each gap has its reason
        variants = {}
        for key in "ct":
            n, mean, variance = (float(data.at[row, f"{name}_{key}"])
                                 for name in ("count", "mean", "variance"))
            variants[key] = Mean(int(n), n * mean, variance * (n - 1) + n * mean * mean)
        ((same,),) = [each.comparisons for each in analyze((Metric("m", variants),), "c",
                                                           Rules(is_relative=False))]
        assert isinstance(same.effect, CannotTell)
    calls = count_calls(found, series, data["time_since_start"])
    assert calls.series == series[found["estimate"].notna()].nunique()
    # peeking calls more than the last look, and the sequential reading is the careful one
    assert calls.naive >= calls.at_end
    assert calls.naive >= calls.sequential
