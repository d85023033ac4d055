"""What the scope of a budget has spent: exact in its window, and its hours before."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from analytics import spans, usage
from analytics.forecasting.series import Series
from analytics.spans import Span
from brain.decisions.budgets import Budget

Query = Callable[..., pd.DataFrame]
HISTORY = dt.timedelta(days=60)
HOUR_S = 3_600
_BY_DIMENSION = {"platform": ("", ""), "workspace": ("workspace_id", "workspaces"),
                 "provider": ("provider", ""), "model": ("model", "models"),
                 "agent": ("agent_id", "agents"), "region": ("region", "regions")}
_BY_OWNER = {"user": "user_id", "api_key": "api_key_id", "experiment": "experiment"}
NO_FILTERS: dict[str, list[str]] = {"workspaces": [], "models": [], "agents": [], "regions": [],
                                     "devices": []}


def read_spent(query: Query, budget: Budget, window: Span, now: dt.datetime,
               unit: str = "user") -> Decimal:
    """What was billed in the window until ``now``, exact; unpriced requests are in no sum."""
    if now <= window.start:
        return Decimal(0)
    rows = _read(query, budget, Span(window.start, min(now, window.end)), usage.DAY_S, unit)
    return sum((Decimal(each) for each in rows["cost_usd"]), Decimal(0))


def read_history(query: Query, budget: Budget, window: Span, now: dt.datetime,
                 unit: str = "user") -> Series:
    """Spend of each complete hour of the last 60 days and the window, from the first one on."""
    end = now.astimezone(dt.UTC).replace(minute=0, second=0, microsecond=0)
    start = (window.start - HISTORY).replace(minute=0, second=0, microsecond=0)
    rows = _read(query, budget, Span(start, end), HOUR_S, unit)
    if rows.empty:
        return Series(end, HOUR_S, np.empty(0))
    first = rows["bucket_start_utc"].min().to_pydatetime()
    values = np.zeros(round((end - first).total_seconds() / HOUR_S))
    places = ((rows["bucket_start_utc"] - first).dt.total_seconds() / HOUR_S).round().astype(int)
    np.add.at(values, places.to_numpy(), rows["cost_usd"].astype(float).to_numpy())
    return Series(first, HOUR_S, values)


def _read(query: Query, budget: Budget, span: Span, width_s: int, unit: str) -> pd.DataFrame:
    """Rows with bucket_start_utc and cost_usd of the budget's scope."""
    if budget.scope in _BY_OWNER:
        return query("costs/owner_series", dimension=_BY_OWNER[budget.scope], owner=budget.name,
                     unit=unit, width_s=width_s, start=span.start, end=span.end)
    dimension, filtered = _BY_DIMENSION[budget.scope]
    filters: dict[str, Any] = {**NO_FILTERS, **({filtered: [budget.name]} if filtered else {})}
    params = usage.series_params({**spans.query_params(span), **filters}, width_s)
    rows = query("usage/series", dimension=dimension, **params)
    return rows[rows["name"] == budget.name]
