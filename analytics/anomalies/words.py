"""Why a point is an anomaly, in words."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """What the detector saw: the value, what it expected, the value before, and its means.

    ``habit`` is the usual value for the hour and whether for that weekday, where a season helps.
    """

    value: float
    expected: float
    habit: tuple[float, bool] | None
    before: float
    level: float
    short: float
    long: float
    away: float


_MOST_TIMES = 100.0
"""From here on a multiple says nothing: the usual is next to nothing."""


def explain(trait: str, seen: Seen, local: datetime) -> str:
    """What was seen beside the usual, such as "3.1× the usual for a Tuesday 14:00".

    ``local`` is the moment in the zone of the reader.
    """
    if seen.habit is not None and trait in ("high", "low", "error", "season"):
        usual, of_weekday = seen.habit
        when = f"a {local:%A %H:%M}" if of_weekday else f"{local:%H:%M}"
        return f"{_beside(seen.value, usual)} the usual for {when}"
    if trait == "level":
        return f"moved from about {_number(seen.long)} to {_number(seen.short)}"
    if trait == "away":
        return f"for a while {_beside(seen.short, seen.short - seen.away)} the usual"
    if trait == "swing":
        return "swings more from point to point than before"
    if trait == "error":
        return (f"{_number(seen.value)} right after {_number(seen.before)}, where "
                f"{_number(seen.expected)} was expected")
    return f"{_beside(seen.value, seen.level)} the usual level"


def _beside(value: float, usual: float) -> str:
    if usual > 0 and value >= 0:
        times = value / usual
        if 1.5 <= times < _MOST_TIMES or 0.01 <= times <= 0.67:
            return f"{_number(times, 2)}×"
    word = "above" if value > usual else "below"
    return f"{_number(value)}, {_number(abs(value - usual))} {word}"


def _number(value: float, digits: int = 3) -> str:
    if abs(value) >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"
