"""Reading what a month cost: exact sums of the stores, nothing rounded."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pandas as pd

from analytics import spans, usage
from analytics.spans import Span
from brain.budgets.spending import NO_FILTERS
from brain.decisions.budget_claims import LedgerUnavailable
from brain.decisions.budgets import Budget, BudgetStatus, window_at
from brain.decisions.months import days_of, month_span, shift_month
from brain.decisions.reasons import Reason
from brain.engine import Engine
from brain.reports.reading import report_zone

MOST_WORKSPACES = 10
MOST_MODELS = 200
QUARTER_S = 900
"""Every zone's days begin at whole quarters of an hour of UTC."""
REST = "All others"


@dataclass(frozen=True, slots=True)
class CostRow:
    """What one model or workspace cost; ``share_pct`` is null where nothing was spent."""

    name: str
    provider: str
    requests: int
    tokens: int
    cost_usd: Decimal
    share_pct: float | None
    unpriced_requests: int

    @property
    def is_unpriced(self) -> bool:
        """Whether it cost nothing only because it has no price: that is unpriced, not free."""
        return self.unpriced_requests > 0 and not self.cost_usd


@dataclass(frozen=True, slots=True)
class DayCost:
    """What a calendar day of the zone cost."""

    day: dt.date
    start_utc: dt.datetime
    end_utc: dt.datetime
    requests: int
    cost_usd: Decimal


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """A budget in its last window of the month; null where its spend cannot be told."""

    budget_id: str
    label: str
    window: str
    hard: bool
    window_start_utc: dt.datetime
    window_end_utc: dt.datetime
    amount_usd: Decimal
    spent_usd: Decimal | None
    used_pct: float | None
    verdict: str
    alerts: int


@dataclass(frozen=True, slots=True)
class UnpricedRow:
    """A model whose requests have no price: they are in no cost."""

    provider: str
    model: str
    requests: int
    tokens: int


@dataclass(frozen=True, slots=True)
class MonthForecast:
    """What the running month is expected to come to; null where it cannot be told."""

    month: str
    spent_usd: Decimal
    projected_usd: Decimal | None
    lower_usd: Decimal | None
    upper_usd: Decimal | None
    run_rate_usd: Decimal | None
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class MonthlyReport:
    """What a whole month cost, in the zone of reports; ``previous_usd`` is the month before."""

    month: str
    zone: str
    at_utc: dt.datetime
    start_utc: dt.datetime
    end_utc: dt.datetime
    total_usd: Decimal
    previous_usd: Decimal
    previous_requests: int
    requests: int
    tokens: int
    unpriced_requests: int
    unpriced_tokens: int
    models: tuple[CostRow, ...]
    workspaces: tuple[CostRow, ...]
    workspace_count: int
    days: tuple[DayCost, ...]
    budgets: tuple[BudgetRow, ...]
    forecast: MonthForecast
    unpriced: tuple[UnpricedRow, ...]
    has_demo: bool

    @property
    def is_complete(self) -> bool:
        """Whether the month was over when the report was made."""
        return self.at_utc >= self.end_utc


def read_month(engine: Engine, month: str) -> MonthlyReport:
    """The report of a month such as "2026-10", first to last day of the zone of reports.

    Raises InputError for a text that is no month.
    """
    zone, now = report_zone(engine), engine.clock()
    span = month_span(month, zone)
    params = {**spans.query_params(span), **NO_FILTERS}
    total = usage.summarize(engine.query("usage/totals", **params))
    before = usage.summarize(engine.query("usage/totals", **{
        **spans.query_params(month_span(shift_month(month, -1), zone)), **NO_FILTERS}))
    models = _rows(engine.query("usage/breakdown", dimension="model", **params), total,
                   MOST_MODELS, "cost_usd", _providers(engine, params))
    workspaces = engine.query("usage/breakdown", dimension="workspace_id", **params)
    return MonthlyReport(
        month, zone, now, span.start, span.end, total.cost_usd, before.cost_usd, before.requests,
        total.requests, total.tokens, total.unpriced_requests, total.unpriced_tokens, models,
        _rows(workspaces, total, MOST_WORKSPACES, "cost_usd", {}), len(workspaces),
        _days(engine, month, zone, span), _budgets(engine, span, now),
        _forecast(engine, shift_month(month, 1), zone, now), _unpriced(engine, span),
        engine.has_demo())


def _rows(found: pd.DataFrame, total: usage.Usage, most: int, by: str,
          providers: Mapping[str, str]) -> tuple[CostRow, ...]:
    """The dearest rows, then one for all others, so that they add up to the total."""
    dearest = found.sort_values([by, "requests"], ascending=False, kind="stable")
    rows = usage.with_rest(dearest.reset_index(drop=True), total, most)
    return tuple(CostRow(
        REST if row["is_rest"] else str(row["name"]),
        "" if row["is_rest"] else providers.get(str(row["name"]), ""),
        int(row["requests"]), int(row["tokens"]), Decimal(row["cost_usd"]),
        None if pd.isna(row["cost_ratio"]) else 100 * float(row["cost_ratio"]),
        int(row["unpriced_requests"])) for row in rows.to_dict("records"))


def _providers(engine: Engine, params: Mapping[str, Any]) -> dict[str, str]:
    """The providers of each model that was used."""
    found: dict[str, set[str]] = {}
    rows = engine.query("costs/models_used", **{each: params[each] for each in (
        "start", "hour_start", "hour_end", "end")})
    for row in rows.to_dict("records"):
        found.setdefault(str(row["model"]), set()).add(str(row["provider"]))
    return {model: ", ".join(sorted(names - {""})) for model, names in found.items()}


def _days(engine: Engine, month: str, zone: str, span: Span) -> tuple[DayCost, ...]:
    days = days_of(month, zone)
    params = usage.minutes_params({**spans.query_params(span), **NO_FILTERS}, QUARTER_S)
    rows = engine.query("usage/minutes", **(params or {}))
    starts = pd.DatetimeIndex([each.start for _, each in days])
    places = starts.searchsorted(rows["bucket_start_utc"], side="right") - 1
    costs = [Decimal(0)] * len(days)
    requests = [0] * len(days)
    for place, cost, count in zip(places, rows["cost_usd"], rows["requests"], strict=True):
        costs[place] += Decimal(cost)
        requests[place] += int(count)
    return tuple(DayCost(day, each.start, each.end, requests[place], costs[place])
                 for place, (day, each) in enumerate(days))


def _budgets(engine: Engine, span: Span, now: dt.datetime) -> tuple[BudgetRow, ...]:
    """Every budget in the window that holds the month's last moment, or now if earlier."""
    at = min(span.end - dt.timedelta(microseconds=1), now)
    told: dict[str, int] = {}
    for alert in engine.budgets.alerts(span.start, span.end):
        told[alert["budget_id"]] = told.get(alert["budget_id"], 0) + 1
    return tuple(_budget(engine, each, at, now, told.get(each.budget_id, 0))
                 for each in engine.budgets.list())


def _budget(engine: Engine, budget: Budget, at: dt.datetime, now: dt.datetime,
            alerts: int) -> BudgetRow:
    window = window_at(budget, at)
    try:
        spent: Decimal | None = engine.budgets.spent(budget, window, min(now, window.end))
    except LedgerUnavailable:
        spent = None
    verdict = "unknown" if spent is None else "exceeded" if spent > budget.amount_usd else \
        "kept" if window.end <= now else "running"
    return BudgetRow(
        budget.budget_id, budget.label, budget.window, budget.hard, window.start, window.end,
        budget.amount_usd, spent,
        None if spent is None else float(100 * spent / budget.amount_usd), verdict, alerts)


def _forecast(engine: Engine, month: str, zone: str, now: dt.datetime) -> MonthForecast:
    """The month after the report's, as it stands now; only if it is running."""
    budget = Budget("forecast", Decimal(10) ** 9, time_zone=zone)
    span = month_span(month, zone)
    if not span.start <= now < span.end:
        return MonthForecast(month, Decimal(0), None, None, None, None, (Reason(
            "not_running", f"{month} was not the running month when this report was made."),))
    status: BudgetStatus = engine.budgets.status(budget)
    reasons = tuple(each for each in status.reasons
                    if each.code not in {"used", "on_track", "unknown", "at_risk", "over"})
    return MonthForecast(month, status.spent_usd, status.projected_usd, status.lower_usd,
                         status.upper_usd, status.run_rate_usd, reasons)


def _unpriced(engine: Engine, span: Span) -> tuple[UnpricedRow, ...]:
    params = spans.query_params(span)
    rows = engine.query("costs/unpriced", **{each: params[each] for each in (
        "start", "hour_start", "hour_end", "end")}, **NO_FILTERS)
    return tuple(UnpricedRow(str(row["provider"]), str(row["model"]),
                             int(row["unpriced_requests"]), int(row["unpriced_tokens"]))
                 for row in rows.to_dict("records"))
