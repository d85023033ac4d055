"""Budgets: what one is, the window it counts in, and how it stands."""

import datetime as dt
import math
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from analytics.spans import Span
from brain.decisions.reasons import InputError, Reason

if TYPE_CHECKING:
    from analytics.forecasting.answers import CannotForecast
    from analytics.spend_forecast import SpendForecast

SCOPES = ("platform", "workspace", "model", "provider", "agent", "user", "api_key", "experiment",
          "region", "infrastructure")
WINDOWS = ("hour", "day", "week", "month")
CAP_ACTIONS = ("block", "cheaper_model", "throttle")
ALERT_PCTS = (80, 90, 100)
EARLY_ALERT_PCTS = (50, 80, 90, 100)
"""Of regional and infrastructure budgets, which take longest to change."""
EARLY_SCOPES = ("region", "infrastructure")
MOST_USD = Decimal(10) ** 9
NANO = Decimal("0.000000001")
LEAST_TIME = dt.datetime(1970, 1, 2, tzinfo=dt.UTC)
MOST_TIME = dt.datetime(2200, 1, 1, tzinfo=dt.UTC)
_HOUR = dt.timedelta(hours=1)
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Budget:
    """An amount for what a scope may cost in each window; a hard one also acts at its cap.

    ``name`` is which workspace, model and so on; the platform has none. A day, week or month
    begins at midnight in ``time_zone``; ``reset_day`` is 1 to 7 from Monday for a week and 1 to
    31 for a month, whose last day stands in where it is shorter. Hours are those of UTC.
    Raises InputError naming the field that cannot be used.
    """

    budget_id: str
    amount_usd: Decimal
    scope: str = "platform"
    name: str = ""
    window: str = "month"
    time_zone: str = "UTC"
    reset_day: int = 1
    hard: bool = False
    at_cap: str = "block"
    fallback_model: str = ""
    throttle_s: int = 60
    alert_pcts: tuple[int, ...] = ()
    """Percent of the amount at which to alert; those of the scope where empty."""

    def __post_init__(self) -> None:
        if not self.alert_pcts:
            object.__setattr__(self, "alert_pcts", EARLY_ALERT_PCTS if self.scope in EARLY_SCOPES
                               else ALERT_PCTS)
        check_budget(self)

    @property
    def label(self) -> str:
        """The budget in words, such as "month budget of workspace acme"."""
        who = f"{self.scope.replace('_', ' ')} {self.name}".strip()
        return f"{self.window} budget of {'the platform' if self.scope == 'platform' else who}"


def check_budget(budget: Budget) -> None:
    """Raise InputError naming the first field that cannot be used."""
    for field, choices in (("scope", SCOPES), ("window", WINDOWS), ("at_cap", CAP_ACTIONS)):
        if getattr(budget, field) not in choices:
            raise InputError("invalid_value", f"{field} must be one of {', '.join(choices)}", field)
    check_amount(budget.amount_usd, "amount_usd")
    if (budget.scope == "platform") == bool(budget.name):
        raise InputError("invalid_value", "the platform has no name, every other scope needs one",
                         "name")
    most = {"week": 7, "month": 31}.get(budget.window, 1)
    if not 1 <= budget.reset_day <= most:
        raise InputError("out_of_range", f"reset_day of a {budget.window} must be 1 to {most}",
                         "reset_day")
    zone(budget.time_zone)
    if budget.at_cap == "cheaper_model" and not budget.fallback_model:
        raise InputError("missing_field", "cheaper_model needs the model to fall back to",
                         "fallback_model")
    if not 1 <= budget.throttle_s <= 86_400:
        raise InputError("out_of_range", "throttle_s must be 1 to 86,400", "throttle_s")
    if list(budget.alert_pcts) != sorted(set(budget.alert_pcts)) or \
            not all(1 <= each <= 1_000 for each in budget.alert_pcts):
        raise InputError("invalid_value", "alert_pcts must rise within 1 to 1,000", "alert_pcts")


def check_amount(amount_usd: Decimal, field: str) -> None:
    """Raise InputError unless the amount is above 0, at most a billion, and whole nano-USD."""
    if not amount_usd.is_finite() or not 0 < amount_usd <= MOST_USD:
        raise InputError("out_of_range", f"{field} must be above 0 and at most {MOST_USD:,} USD",
                         field)
    if amount_usd != amount_usd.quantize(NANO):
        raise InputError("too_fine", f"{field} may have nine digits after the point", field)


@lru_cache(maxsize=512)
def zone(name: str) -> zoneinfo.ZoneInfo:
    """The time zone of that name. Raises InputError for none that is known."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError) as error:
        raise InputError("unknown_zone", f"there is no time zone {name!r:.80}",
                         "time_zone") from error


# windows


def window_at(budget: Budget, now: dt.datetime) -> Span:
    """The budget's window that holds ``now``; each ends where the next one begins.

    Raises ValueError for a naive ``now``, InputError for one outside 1970 to 2200.
    """
    if now.tzinfo is None:
        raise ValueError("now needs a zone")
    if not LEAST_TIME <= now < MOST_TIME:
        raise InputError("out_of_range", "now_utc must lie between 1970 and 2200", "now_utc")
    if budget.window == "hour":
        start = now.astimezone(dt.UTC).replace(minute=0, second=0, microsecond=0)
        return Span(start, start + _HOUR)
    here = zone(budget.time_zone)
    today = now.astimezone(here).date()
    first, after = _days(budget, today)
    return Span(_midnight(first, here), _midnight(after, here))


def _days(budget: Budget, today: dt.date) -> tuple[dt.date, dt.date]:
    """First day of the window that holds a day, and first day of the next one."""
    if budget.window == "day":
        return today, today + _DAY
    if budget.window == "week":
        first = today - (today.isoweekday() - budget.reset_day) % 7 * _DAY
        return first, first + 7 * _DAY
    first = _reset(today.year, today.month, budget.reset_day)
    if first > today:
        return _reset(today.year, today.month - 1, budget.reset_day), first
    return first, _reset(today.year, today.month + 1, budget.reset_day)


def _reset(year: int, month: int, reset_day: int) -> dt.date:
    """The reset day of a month, 0 and 13 being those next to the year."""
    first = dt.date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1)
    last = (first + 31 * _DAY).replace(day=1) - _DAY
    return first.replace(day=min(reset_day, last.day))


def _midnight(day: dt.date, here: zoneinfo.ZoneInfo) -> dt.datetime:
    """When a day begins. A midnight that the clocks skip is the moment at which they do."""
    return dt.datetime.combine(day, dt.time(), here).astimezone(dt.UTC)


# status


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """How a budget stands in the window that holds ``at_utc``; amounts in USD.

    ``remaining_usd`` is what neither spent nor reserved amounts leave, 0 at least.
    ``projected_``, ``lower_`` and ``upper_usd`` are the window's total and its 80 % interval,
    None where the history does not carry a forecast. ``run_rate_usd`` is spent / elapsed time ×
    window, None at the window's first moment. ``verdict`` is on_track, at_risk (the interval
    passes the budget), over, spent or unknown. ``runs_out_utc`` is when it is expected to be
    spent, None if not in this window; earliest and latest by the interval's sides.
    """

    budget: Budget
    at_utc: dt.datetime
    window: Span
    spent_usd: Decimal
    reserved_usd: Decimal
    remaining_usd: Decimal
    used_pct: float
    elapsed_pct: float
    run_rate_usd: Decimal | None
    projected_usd: Decimal | None
    lower_usd: Decimal | None
    upper_usd: Decimal | None
    verdict: str
    runs_out_utc: dt.datetime | None
    runs_out_earliest_utc: dt.datetime | None
    runs_out_latest_utc: dt.datetime | None
    reasons: tuple[Reason, ...]

    @property
    def is_on_track(self) -> bool | None:
        """Whether the expected total stays inside the budget; None where that is unknown."""
        return None if self.verdict == "unknown" else self.verdict in {"on_track", "at_risk"}


def judge_budget(budget: Budget, now: dt.datetime, spent_usd: Decimal, reserved_usd: Decimal,
                 forecast: "SpendForecast | CannotForecast") -> BudgetStatus:
    """The status, with the forecast of the same window where there is one.

    Raises ValueError for a negative or infinite amount.
    """
    from analytics.spend_forecast import SpendForecast  # numpy, for those who forecast only

    for amount in (spent_usd, reserved_usd):
        if not amount.is_finite() or amount < 0:
            raise ValueError(f"{amount} is no amount of spend")
    window = window_at(budget, now)
    reasons = [_explain(budget, window, spent_usd, reserved_usd)]
    rate = run_rate_usd(spent_usd, window, now)
    projected = lower = upper = None
    out: list[dt.datetime | None] = [None, None, None]
    verdict = "spent" if spent_usd >= budget.amount_usd else "unknown"
    if isinstance(forecast, SpendForecast):
        projected, lower, upper = forecast.total_usd, forecast.lower_usd, forecast.upper_usd
        verdict = _verdict(budget.amount_usd, spent_usd, projected, upper)
        out = [each if each is not None and each < window.end else None for each in (
            forecast.runs_out_utc, forecast.runs_out_earliest_utc, forecast.runs_out_latest_utc)]
        reasons += [Reason(note.code, note.text) for note in forecast.notes]
    else:
        reasons.append(Reason(forecast.code, forecast.text))
    reasons.append(_conclude(budget, verdict, projected, out[0]))
    return BudgetStatus(
        budget, now.astimezone(dt.UTC), window, spent_usd, reserved_usd,
        max(budget.amount_usd - spent_usd - reserved_usd, Decimal(0)),
        float(100 * spent_usd / budget.amount_usd),
        100 * ((now - window.start) / window.length), rate, projected, lower, upper, verdict,
        out[0], out[1], out[2], tuple(reasons))


def run_rate_usd(spent_usd: Decimal, window: Span, now: dt.datetime) -> Decimal | None:
    """Spent / elapsed × window, elapsed in time, in whole nano-USD; None before any elapsed."""
    elapsed_us = (min(now, window.end) - window.start) // dt.timedelta(microseconds=1)
    window_us = window.length // dt.timedelta(microseconds=1)
    if elapsed_us <= 0:
        return None
    return (spent_usd * window_us / elapsed_us).quantize(NANO, ROUND_CEILING)


def sum_spend(values_usd: Sequence[Decimal | None], start: dt.datetime, step_s: int,
              window: Span, now: dt.datetime) -> Decimal:
    """What equal steps of spend hold of the window until ``now``, exact to the nano-USD.

    A step that lies across an edge counts by time. None is a gap and counts nothing.
    """
    last = min(now, window.end)
    step = dt.timedelta(seconds=step_s)
    first_index = max(0, math.floor((window.start - start) / step))
    total = Decimal(0)
    for index in range(first_index, len(values_usd)):
        begins = start + index * step
        if begins >= last:
            break
        value = values_usd[index]
        inside = min(begins + step, last) - max(begins, window.start)
        if value and inside > dt.timedelta(0):
            total += value * (inside // dt.timedelta(microseconds=1)) / (step_s * 10**6)
    return total.quantize(NANO, ROUND_CEILING)


def _verdict(amount: Decimal, spent: Decimal, projected: Decimal, upper: Decimal) -> str:
    if spent >= amount:
        return "spent"
    if projected > amount:
        return "over"
    return "at_risk" if upper > amount else "on_track"


def _explain(budget: Budget, window: Span, spent: Decimal, reserved: Decimal) -> Reason:
    held = f", {reserved:,.2f} USD reserved" if reserved else ""
    return Reason("used", f"{spent:,.2f} of {budget.amount_usd:,.2f} USD spent{held} in the "
                          f"{budget.label}, which resets at {window.end:%Y-%m-%d %H:%M} UTC.")


def _conclude(budget: Budget, verdict: str, projected: Decimal | None,
              runs_out: dt.datetime | None) -> Reason:
    if verdict == "spent":
        return Reason("spent", "The budget is spent.")
    if projected is None:
        return Reason("unknown", "Whether the budget lasts is unknown without a forecast.")
    expected = f"{projected:,.2f} USD are expected at the end of the window"
    if verdict == "over":
        when = "" if runs_out is None else f"; it runs out at {runs_out:%Y-%m-%d %H:%M} UTC"
        return Reason("over", f"{expected}, more than {budget.amount_usd:,.2f} USD{when}.")
    if verdict == "at_risk":
        return Reason("at_risk", f"{expected}, but the upper end of the 80 % interval passes "
                                 "the budget.")
    return Reason("on_track", f"{expected}, and the whole 80 % interval stays inside the budget.")


LEAST_ELAPSED_RATIO = Decimal("0.04")
"""Share of a window that must have passed before its spend is projected: an hour of a day."""


def project_use(spent_usd: Decimal, window: Span, now: dt.datetime) -> Decimal | None:
    """What the rest of a window uses if spend goes on at the window's own pace, in USD.

    spent / time passed × time left; None where too little of the window has passed to tell.
    """
    passed, left = now - window.start, window.end - now
    whole = window.end - window.start
    if passed <= whole * float(LEAST_ELAPSED_RATIO) or left < dt.timedelta(0):
        return None
    return spent_usd * Decimal(left / passed)
