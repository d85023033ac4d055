"""What the forms of ``brain forecast`` read alike: moments, values, spans, amounts."""

import datetime as dt
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from brain.cli.machine import ReasonOut
from brain.decisions.reasons import InputError

if TYPE_CHECKING:
    from analytics.forecasting.answers import CannotForecast, Note

Moment = Annotated[dt.datetime, msgspec.Meta(tz=True)] | float
"""ISO 8601 with a zone, or seconds since 1970 UTC."""
Values = Annotated[list[float | None], msgspec.Meta(max_length=200_000)]
StepS = Annotated[int, msgspec.Meta(ge=1, le=31_622_400)]
MOST_USD = Decimal(10) ** 15


def to_array(values: list[float | None], field: str) -> Any:
    """The values, NaN for null. Raises InputError naming the field for infinite ones."""
    import numpy as np
    if any(each is not None and not math.isfinite(each) for each in values):
        raise InputError("not_finite", f"{field} must be finite numbers", field)
    return np.array([math.nan if each is None else each for each in values], dtype=np.float64)


def to_utc(moment: dt.datetime | float, field: str) -> dt.datetime:
    """The aware UTC moment. Raises InputError naming the field for none that can be used."""
    try:
        found = moment.astimezone(dt.UTC) if isinstance(moment, dt.datetime) else \
            dt.datetime.fromtimestamp(moment, dt.UTC)
        found.timestamp()
    except (OverflowError, OSError, ValueError) as error:
        raise InputError("out_of_range", f"{field} is no time that can be used", field) from error
    return found


def to_span(start: dt.datetime | float, end: dt.datetime | float, field: str, span: Any) -> Any:
    """The span between two moments, made by ``span``. Raises InputError for a wrong order."""
    try:
        return span(to_utc(start, field), to_utc(end, field))
    except InputError:
        raise
    except ValueError as error:
        raise InputError("wrong_order", f"{field} must be after its start", field) from error


def bounded(amount: Decimal | None, field: str) -> Any:
    """The amount, None for None. Raises InputError naming the field if out of range."""
    if amount is not None and not (amount.is_finite() and 0 <= amount <= MOST_USD):
        raise InputError("out_of_range", f"{field} must be 0 to {MOST_USD:,} USD", field)
    return amount


def reason(said: "CannotForecast | Note") -> ReasonOut:
    """A note or refusal as a reason."""
    return ReasonOut(said.code, said.text)
