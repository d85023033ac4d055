"""Kubernetes quantities such as ``500m``, ``1Gi`` and ``1e3``, read exactly."""

import math
import re
from fractions import Fraction
from functools import lru_cache

from brain.decisions.reasons import InputError

MAX_INT32 = 2**31 - 1
MAX_INT64 = 2**63 - 1

_BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_FORM = re.compile(r"([+-]?)([0-9]{1,400}\.?[0-9]{0,400}|\.[0-9]{1,400})"
                   r"(Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?[0-9]{1,3}|[numkMGTPE]?)", re.ASCII)
_DURATION = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|ms|s|m|h)", re.ASCII)
_DURATION_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}

Quantity = str | int | float


def parse_quantity(given: Quantity, field: str = "") -> Fraction:
    """The exact value, rounded away from zero to whole nano-units, at most int64 in size.

    Raises InputError for what is not a quantity.
    Source: k8s.io/apimachinery, package resource.
    """
    if isinstance(given, str):
        found = _parse_text(given)
    elif isinstance(given, bool) or not math.isfinite(given):
        found = None
    else:
        found = _round(Fraction(str(given)) if isinstance(given, float) else Fraction(given))
    if found is None:
        raise InputError("invalid_quantity", f"{str(given)[:80]!r} is not a Kubernetes quantity "
                         "such as 500m, 2, 1.5Gi or 1e3", field)
    return found


def to_milli(given: Quantity, field: str = "") -> int:
    """Thousandths of the unit, rounded up, at most int64 in size; raises InputError."""
    if type(given) is str:
        milli = _milli_of_text(given)
        if milli is not None:
            return milli
    return _limit(math.ceil(parse_quantity(given, field) * 1000))


def to_units(given: Quantity, field: str = "") -> int:
    """Whole units, rounded up; raises InputError."""
    return math.ceil(parse_quantity(given, field))


def format_milli(milli: int) -> str:
    """The quantity as Kubernetes writes it: whole units, or thousandths with an m."""
    return f"{milli // 1000}" if milli % 1000 == 0 else f"{milli}m"


def parse_duration_s(given: str | float, field: str = "") -> float:
    """Seconds of a number or of a Go duration such as ``30s`` or ``1m0s``; raises InputError."""
    if isinstance(given, str):
        found = _seconds_of_text(given)
        if found is not None:
            return found
    elif not isinstance(given, bool) and math.isfinite(given) and given >= 0:
        return float(given)
    raise InputError("invalid_duration", f"{str(given)[:80]!r} is not a duration such as 30s",
                     field)


@lru_cache(maxsize=4096)
def _milli_of_text(text: str) -> int | None:
    found = _parse_text(text)
    return None if found is None else _limit(math.ceil(found * 1000))


@lru_cache(maxsize=4096)
def _parse_text(text: str) -> Fraction | None:
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    sign, number, suffix = match.groups()
    value = Fraction(f"{number}0" if number.endswith(".") else number)
    if suffix in _BINARY:
        value *= _BINARY[suffix]
    else:
        exponent = _DECIMAL[suffix] if suffix in _DECIMAL else int(suffix[1:])
        value *= Fraction(10) ** exponent
    return _round(-value if sign == "-" else value)


@lru_cache(maxsize=1024)
def _seconds_of_text(text: str) -> float | None:
    if text == "0":
        return 0.0
    if not text or len(text) > 80 or _DURATION.sub("", text):
        return None
    total_s = sum(float(number) * _DURATION_S[unit] for number, unit in _DURATION.findall(text))
    return total_s if math.isfinite(total_s) else None


def _round(value: Fraction) -> Fraction:
    nano = math.ceil(abs(value) * 10**9)
    size = min(Fraction(nano, 10**9), Fraction(MAX_INT64))
    return -size if value < 0 else size


def _limit(value: int) -> int:
    return max(-MAX_INT64, min(MAX_INT64, value))
