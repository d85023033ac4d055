"""Files of experiments with cumulative statistics, in the form of the ASOS data set."""

from pathlib import Path

import numpy as np
import pandas as pd

from brain.decisions.reasons import InputError

COLUMNS = ("experiment_id", "variant_id", "metric_id", "time_since_start", "count_c", "count_t",
           "mean_c", "mean_t", "variance_c", "variance_t")
"""Columns of the file: days since the start; units, means and variances of both variants so far."""
MOST_ROWS = 2_000_000


def read_experiment_series(path: Path) -> pd.DataFrame:
    """The rows of a Parquet or CSV file with `COLUMNS`, ids as text, by series and time.

    A mean or variance may be missing, nothing else. Raises InputError naming the column.
    Source: Liu, Cardoso, Couturier and McCoy, "Datasets for Online Controlled Experiments", 2021.
    """
    try:
        with path.open("rb") as file:
            is_parquet = file.read(4) == b"PAR1"
        found = pd.read_parquet(path) if is_parquet else pd.read_csv(path)
    except (OSError, ValueError, ArithmeticError) as error:
        raise InputError("unreadable", f"the file cannot be read: {error}"[:300], "path") from error
    if missing := [name for name in COLUMNS if name not in found.columns]:
        raise InputError("missing_column", f"the file has no column {missing[0]}", missing[0])
    if len(found) > MOST_ROWS:
        raise InputError("too_large", f"a file has at most {MOST_ROWS:,} rows", "path")
    found = found[list(COLUMNS)].copy()
    for name in COLUMNS[:3]:
        if found[name].isna().any():
            raise InputError("missing_value", f"{name} has empty values", name)
        found[name] = found[name].astype(str)
    for name in COLUMNS[3:]:
        numbers = pd.to_numeric(found[name], errors="coerce").astype(np.float64)
        if (numbers.isna() & found[name].notna()).any() or np.isinf(numbers).any():
            raise InputError("not_a_number", f"{name} has values that are no numbers", name)
        if name.startswith(("time", "count")) and not (numbers >= 0).all():
            raise InputError("out_of_range", f"{name} must be 0 or more everywhere", name)
        if name.startswith("variance") and (numbers < 0).any():
            raise InputError("out_of_range", f"{name} must not be negative", name)
        found[name] = numbers
    series = list(COLUMNS[:4])
    if found.duplicated(series).any():
        raise InputError("repeated_row", "a series has two rows of one time", "time_since_start")
    return found.sort_values(series, ignore_index=True)
