"""Several tests at once: p-values adjusted so that the whole family keeps its level."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def adjust_holm(p_values: Floats) -> Floats:
    """Holm's adjusted p-values: at or under alpha, the chance of any false positive is alpha.

    Shape (m,). Source: Holm, "A Simple Sequentially Rejective Multiple Test Procedure", 1979.
    """
    m = len(p_values)
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty(m)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(
        p_values[order] * np.arange(m, 0, -1)))
    return adjusted


def adjust_benjamini_hochberg(p_values: Floats) -> Floats:
    """Adjusted p-values: at or under q, at most q of the findings are false on average.

    Shape (m,). Source: Benjamini and Hochberg, "Controlling the False Discovery Rate", 1995.
    """
    m = len(p_values)
    order = np.argsort(p_values, kind="stable")
    stepped = p_values[order] * m / np.arange(1, m + 1)
    adjusted = np.empty(m)
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate(stepped[::-1])[::-1])
    return adjusted
