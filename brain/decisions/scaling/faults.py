"""Faults of the metrics, to be put into a replay: how a policy stands what it is told wrongly."""

import math
from typing import Literal, get_args

import numpy as np

from brain.decisions.reasons import InputError
from brain.decisions.scaling.service import Floats

Fault = Literal["gap", "zero", "spike"]
FACTORS: dict[Fault, float] = {"gap": math.nan, "zero": 0.0, "spike": 10.0}
"""What a reading is multiplied with; NaN is a metric API that fails."""


def inject_fault(kind: str, steps: int, step_s: float, *, first_s: float = 43_200.0,
                 lasts_s: float = 600.0, every_s: float = 86_400.0) -> Floats:
    """Factors on the readings by step: by default ten minutes from noon on, every day.

    Raises InputError for a fault other than gap, zero and spike.
    """
    if kind not in get_args(Fault):
        raise InputError("unknown_fault", "a fault is gap, zero or spike", "fault")
    at_s = np.arange(steps) * step_s - first_s
    is_faulty = (at_s >= 0) & (at_s % every_s < lasts_s)
    return np.where(is_faulty, FACTORS[kind], 1.0)  # type: ignore[index]
