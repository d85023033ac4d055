"""Form of ``brain costs budget``: how a budget stands and what to tell of it."""

import datetime as dt
import re
from argparse import Namespace
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any

import msgspec

from brain.cli.forecast_reading import Moment, StepS, bounded, to_array, to_utc
from brain.cli.machine import ReasonOut
from brain.decisions.budget_alerts import AlertMemory, BudgetAlert, decide_alerts
from brain.decisions.budgets import Budget, BudgetStatus, judge_budget, sum_spend, window_at
from brain.decisions.reasons import InputError

_LATEST = dt.datetime(2300, 1, 1, tzinfo=dt.UTC)
_CROSSING = re.compile(r"projected|[1-9]\d{0,3}")


class BudgetIn(msgspec.Struct, forbid_unknown_fields=True):
    """An amount for what a scope may cost in each window; ``reset_day`` is 1 to 7 or 1 to 31."""

    amount_usd: Decimal
    budget_id: str = "budget"
    scope: str = "platform"
    name: str = ""
    window: str = "month"
    time_zone: str = "UTC"
    reset_day: int = 1
    hard: bool = False
    at_cap: str = "block"
    fallback_model: str = ""
    throttle_s: int = 60
    alert_pcts: list[int] = msgspec.field(default_factory=list)


class MemoryIn(msgspec.Struct, forbid_unknown_fields=True):
    """The ``memory`` of the answer before this one."""

    window_start_utc: Moment
    amount_usd: Decimal
    told: Annotated[list[str], msgspec.Meta(max_length=100)] = msgspec.field(default_factory=list)


class BudgetStatusIn(msgspec.Struct, forbid_unknown_fields=True):
    """Spend per step in USD (null for a gap), the budget and now.

    The history may begin before the window; a forecast needs three whole days of it (hours,
    for less than two days ahead). Without ``spent_usd`` it is what the history holds of the
    window; ``reserved_usd`` is held for calls under way.
    """

    budget: BudgetIn
    now_utc: Moment
    values_usd: Annotated[list[Decimal | None], msgspec.Meta(max_length=200_000)]
    start_utc: Moment
    step_s: StepS = 86_400
    spent_usd: Decimal | None = None
    reserved_usd: Decimal = Decimal(0)
    memory: MemoryIn | None = None


class AlertOut(msgspec.Struct, frozen=True):
    """A crossing not told before: a percent such as "80", or "projected"."""

    crossing: str
    severity: str
    code: str
    text: str


class MemoryOut(msgspec.Struct, frozen=True):
    """What the next line has to give as ``memory``, so that nothing is told twice."""

    window_start_utc: dt.datetime
    amount_usd: str
    told: list[str]


class BudgetStatusOut(msgspec.Struct, frozen=True):
    """The status in the window of now; amounts are decimal text, null where unknown.

    ``verdict`` is on_track, at_risk, over, spent or unknown.
    """

    budget_id: str
    window_start_utc: dt.datetime
    window_end_utc: dt.datetime
    amount_usd: str
    spent_usd: str
    reserved_usd: str
    remaining_usd: str
    used_pct: float
    elapsed_pct: float
    run_rate_usd: str | None
    projected_usd: str | None
    lower_usd: str | None
    upper_usd: str | None
    on_track: bool | None
    verdict: str
    runs_out_utc: dt.datetime | None
    runs_out_earliest_utc: dt.datetime | None
    runs_out_latest_utc: dt.datetime | None
    alerts: list[AlertOut]
    memory: MemoryOut
    reasons: list[ReasonOut]


def prepare_budget(_: Namespace) -> Callable[[Any], BudgetStatusOut]:
    """The function that tells how one budget stands."""
    from analytics.forecasting.series import Series
    from analytics.spend_forecast import forecast_spend

    def answer(given: Any) -> BudgetStatusOut:
        budget = _to_budget(given.budget)
        now, start = to_utc(given.now_utc, "now_utc"), to_utc(given.start_utc, "start_utc")
        window = window_at(budget, now)
        for place, value in enumerate(given.values_usd):
            bounded(value, f"values_usd[{place}]")
        if given.step_s * len(given.values_usd) > (_LATEST - start).total_seconds():
            raise InputError("out_of_range", "the history ends after 2300", "values_usd")
        reserved = bounded(given.reserved_usd, "reserved_usd")
        spent = bounded(given.spent_usd, "spent_usd")
        if spent is None:
            spent = sum_spend(given.values_usd, start, given.step_s, window, now)
        memory = _to_memory(given.memory)
        history = Series(start, given.step_s, to_array(
            [None if each is None else float(each) for each in given.values_usd], "values_usd"))
        status = judge_budget(budget, now, spent, reserved, forecast_spend(
            history, window, now, spent, budget_usd=budget.amount_usd))
        return _to_status(status, *decide_alerts(status, memory))
    return answer


def _to_budget(given: BudgetIn) -> Budget:
    try:
        return Budget(**{**msgspec.structs.asdict(given), "alert_pcts": tuple(given.alert_pcts)})
    except InputError as error:
        raise InputError(error.code, f"budget: {error.message}", f"budget.{error.field}") from error


def _to_memory(given: MemoryIn | None) -> AlertMemory | None:
    if given is None:
        return None
    if unknown := [each for each in given.told if not _CROSSING.fullmatch(each)]:
        raise InputError("invalid_value", f"memory.told: {unknown[0]!r:.40} is no crossing",
                         "memory.told")
    return AlertMemory(to_utc(given.window_start_utc, "memory.window_start_utc"),
                       bounded(given.amount_usd, "memory.amount_usd"), tuple(given.told))


def _to_status(status: BudgetStatus, alerts: tuple[BudgetAlert, ...],
               memory: AlertMemory) -> BudgetStatusOut:
    return BudgetStatusOut(
        status.budget.budget_id, status.window.start, status.window.end,
        f"{status.budget.amount_usd:f}", f"{status.spent_usd:f}", f"{status.reserved_usd:f}",
        f"{status.remaining_usd:f}", status.used_pct, status.elapsed_pct,
        _to_text(status.run_rate_usd), _to_text(status.projected_usd),
        _to_text(status.lower_usd), _to_text(status.upper_usd),
        status.is_on_track, status.verdict, status.runs_out_utc, status.runs_out_earliest_utc,
        status.runs_out_latest_utc,
        [AlertOut(each.crossing, each.severity, each.reason.code, each.reason.text)
         for each in alerts],
        MemoryOut(memory.window_start_utc, f"{memory.amount_usd:f}", list(memory.told)),
        [ReasonOut(reason.code, reason.text) for reason in status.reasons])


def _to_text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"
