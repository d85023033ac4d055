"""Whole millicores and bytes of the vertical pod autoscaler.

Source: kubernetes/autoscaler, vertical-pod-autoscaler/pkg/recommender/model, types.
"""

import math

from brain.decisions.reasons import InputError

MAX_AMOUNT = 10**14
_UNITS = ((2**40, "Ti"), (2**30, "Gi"), (2**20, "Mi"), (2**10, "Ki"))


def to_amount(value: float) -> int:
    """The value cut to a whole number from 0 to 10^14."""
    if math.isnan(value) or value < 0:
        return 0
    return MAX_AMOUNT if value > MAX_AMOUNT else int(value)


def to_millicores(cores: float) -> int:
    """Whole millicores."""
    return to_amount(cores * 1000.0)


def to_cores(millicores: int) -> float:
    """Cores."""
    return millicores / 1000.0


def scale_amount(amount: int, factor: float) -> int:
    """The amount times the factor, cut to a whole number."""
    return to_amount(float(amount) * factor)


def round_up(value: int, scale: int) -> int:
    """The next multiple of the scale; raises InputError for a scale below 1."""
    if scale <= 0:
        raise InputError("not_positive", "the scale must be above 0", "scale")
    return math.ceil(float(value) / float(scale)) * scale


def humanize_bytes(amount: int) -> str:
    """The bytes in the largest binary unit, with two decimals."""
    for size, unit in _UNITS:
        if amount >= size:
            return f"{float(amount) / float(size):.2f}{unit}"
    return str(amount)
