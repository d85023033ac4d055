"""Scores as outcomes: learners of classes take 0 and 1, a score in between is a bit of both."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float64]


def as_outcomes(rows: Any, scores: Floats) -> tuple[Any, npt.NDArray[np.int64], Floats | None]:
    """Rows, outcomes of 0 or 1, and weights: a score in between counts as both by its share."""
    if np.isin(scores, (0.0, 1.0)).all():
        return rows, scores.astype(np.int64), None
    outcome = np.repeat(np.array([1, 0], dtype=np.int64), len(scores))
    both = sparse.vstack([rows, rows]).tocsr() if sparse.issparse(rows) else np.vstack([rows, rows])
    return both, outcome, np.concatenate([scores, 1 - scores])
