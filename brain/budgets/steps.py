"""What coming and recent changes of the price book do to a budget's spend."""

import datetime as dt
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from analytics.spans import Span
from brain.budgets.spending import HISTORY, Query
from brain.decisions.budgets import Budget
from brain.decisions.price_steps import UsualUse, find_price_steps
from brain.decisions.prices import Price, PriceRange

if TYPE_CHECKING:
    from analytics.forecasting.blocks import Change

USUAL = dt.timedelta(days=28)
_FILTERED = {"workspace": "workspaces", "model": "models", "agent": "agents"}
_READABLE = ("platform", "provider", *_FILTERED)
Begun = Callable[[dt.datetime, dt.datetime, Iterable[Any]], list[Price]]
Resolve = Callable[[Iterable[Any]], tuple[PriceRange, ...]]


def read_steps(query: Query, begun: Begun, resolve: Resolve, budget: Budget, window: Span,
               now: dt.datetime) -> tuple["Change", ...]:
    """Price changes from the history's start to the window's end, by the last 28 days' use.

    None for a user, an API key, an experiment or a region: their use by model is not read.
    """
    if budget.scope not in _READABLE:
        return ()
    uses = _read_uses(query, budget, now)
    start = window.start - HISTORY
    carried = {(each.provider, each.model, each.price_context) for each in uses}
    if not carried or not begun(start, window.end, carried):
        return ()
    return find_price_steps(uses, resolve(carried), start, window.end)


def _read_uses(query: Query, budget: Budget, now: dt.datetime) -> list[UsualUse]:
    end = now.replace(minute=0, second=0, microsecond=0)
    filtered = _FILTERED.get(budget.scope)
    params = {name: [budget.name] if name == filtered else [] for name in _FILTERED.values()}
    found = []
    rows = query("costs/usual_use", start=end - USUAL, end=end, **params)
    for row in rows.to_dict("records"):
        if budget.scope == "provider" and row["provider"] != budget.name:
            continue
        found.append(UsualUse(
            str(row["provider"]), str(row["model"]), int(row["requests"]),
            (int(row["input_tokens"]), int(row["cache_read_tokens"]),
             int(row["cache_write_tokens"]), int(row["output_tokens"])),
            str(row["price_context"])))
    return found
