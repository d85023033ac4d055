"""An experiment over time: every look at once, and what each way of looking would have called."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics.experiments.readings import Floats, read_fixed, read_sequence

CUMULATIVE = ("count_c", "count_t", "mean_c", "mean_t", "variance_c", "variance_t")
"""Columns of cumulative statistics: units, means and variances of control and treatment."""


@dataclass(frozen=True, slots=True)
class Calls:
    """How many series would be called a difference, out of ``series`` with an effect at the end.

    ``naive`` at any look by the fixed interval, ``sequential`` at any look by the anytime-valid
    one, ``at_end`` at the last look only.
    """

    series: int
    naive: int
    sequential: int
    at_end: int


def read_series(looks: pd.DataFrame, planned_units: Floats | float, alpha: float = 0.05,
                is_relative: bool = True) -> pd.DataFrame:
    """Readings of every look (rows with the columns ``CUMULATIVE``, any order).

    Columns estimate, standard_error, lower, upper, p_value (sequential), fixed_lower,
    fixed_upper, fixed_p_value, is_called, is_fixed_called; NaN and false where a variant has
    fewer than two units, no variance, or the control's mean is 0. A call needs the plain
    difference to be as sure as the effect, as in `analytics.experiments.analysis`.
    """
    n_c, n_t, mean_c, mean_t, var_c, var_t = (looks[name].to_numpy(np.float64)
                                              for name in CUMULATIVE)
    planned = np.broadcast_to(np.asarray(planned_units, np.float64), n_c.shape)
    with np.errstate(all="ignore"):
        told = (n_c >= 2) & (n_t >= 2) & (var_c > 0) & (var_t > 0) & np.isfinite(mean_c + mean_t)
        told &= (mean_c != 0) | (not is_relative)
        one, two = var_c / n_c, var_t / n_t
        df = (one + two) ** 2 / (one * one / (n_c - 1) + two * two / (n_t - 1))
        difference, plain_error = mean_t - mean_c, np.sqrt(one + two)
        estimate, error = difference, plain_error
        if is_relative:
            growth = mean_t / mean_c
            estimate = difference / np.abs(mean_c)
            error = np.sqrt(two + growth * growth * one) / np.abs(mean_c)
        told &= np.isfinite(estimate) & (error > 0) & np.isfinite(error)
        columns = [np.where(told, each, np.nan) for each in
                   (estimate, error, difference, plain_error, df, n_c + n_t)]
        estimate, error, difference, plain_error, df, n = columns
        sequence = read_sequence(estimate, error, n, alpha, planned)
        fixed = read_fixed(estimate, error, df, alpha)
        plain = (read_sequence(difference, plain_error, n, alpha, planned).p_value,
                 read_fixed(difference, plain_error, df, alpha).p_value)
    return pd.DataFrame({
        "estimate": estimate, "standard_error": error, "lower": sequence.lower,
        "upper": sequence.upper, "p_value": sequence.p_value, "fixed_lower": fixed.lower,
        "fixed_upper": fixed.upper, "fixed_p_value": fixed.p_value,
        "is_called": np.maximum(sequence.p_value, plain[0]) <= alpha,
        "is_fixed_called": np.maximum(fixed.p_value, plain[1]) <= alpha}, index=looks.index)


def count_calls(readings: pd.DataFrame, series: pd.Series, at: pd.Series) -> Calls:
    """What each way of looking calls, over the readings of ``read_series``.

    ``series`` says which rows belong together (one metric of one variant), ``at`` orders them.
    """
    frame = readings.assign(series=series, at=at).dropna(subset=["estimate"])
    frame = frame.sort_values(["series", "at"], kind="stable")
    grouped = frame.groupby("series", sort=False)
    last = grouped.tail(1)
    return Calls(len(last), int(grouped["is_fixed_called"].any().sum()),
                 int(grouped["is_called"].any().sum()), int(last["is_fixed_called"].sum()))
