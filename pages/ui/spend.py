"""Spend of what the reader looks at: the queries behind the Costs page."""

import datetime as dt
from collections.abc import Sequence

import pandas as pd

from analytics import spans, spend, usage
from analytics.cost_drivers import Change
from analytics.forecasting.answers import Forecast
from analytics.spans import Span
from analytics.spend import Spend
from pages.ui import data
from pages.ui.filters import View

GOOD_FROM = dt.timedelta(days=7)
HISTORY_STEPS = {usage.DAY_S: 90, usage.HOUR_S: 21 * 24}
STEPS_AHEAD = {usage.DAY_S: 7, usage.HOUR_S: 24}


def rows(view: View, by: Sequence[str] = (), span: Span | None = None,
         limit: int = spend.MOST_CELLS) -> pd.DataFrame:
    """Spend by up to two dimensions of `analytics.spend`, dearest first."""
    return data.query("costs/breakdown", **spend.breakdown_params(view.params(span), by, limit))


def total(view: View, span: Span | None = None) -> Spend:
    """Spend of the view's span, or of another one."""
    return spend.total(rows(view, span=span))


def breakdown(view: View, by: Sequence[str]) -> pd.DataFrame:
    """`rows` with a row of all others, shares and unit costs; the rows add up to the total."""
    found = spend.with_rest(rows(view, by, limit=spend.MOST_ROWS), rows(view), spend.MOST_ROWS)
    dimension = spend.DIMENSIONS.get(by[0], "") if len(by) == 1 else ""
    answers = {} if not dimension or view.regions or view.devices else {
        str(row["name"]): int(row["answers"])
        for row in good_answers(view, dimension).to_dict("records")}
    return spend.with_units(found, answers)


def good_answers(view: View, dimension: str = "", span: Span | None = None) -> pd.DataFrame:
    """Answers with 4 or 5 stars, and rated ones, by a column of their requests."""
    wanted = span or view.span
    return data.query("costs/positive_answers", dimension=dimension, start=wanted.start,
                      end=wanted.end, request_start=wanted.start - GOOD_FROM,
                      workspaces=view.workspaces, models=view.models, agents=view.agents)


def drivers(view: View, span: Span | None = None, before: Span | None = None) -> Change:
    """What drove the change of cost of the view's span, or of another one, against one before."""
    span = span or view.span
    by = ("Model", "Price context")
    return spend.explain(rows(view, by, before or spans.previous(span)), rows(view, by, span))


def compared_with(view: View, day: pd.Timestamp, width_s: int) -> tuple[Span, Span]:
    """A bucket that stands out, and the one to hold it against: a week before, else a day or step.

    A week before only where data reach back as far.
    """
    start = day.to_pydatetime()
    step = dt.timedelta(seconds=width_s)
    began = data.query("usage/first_hour", workspaces=view.workspaces)["first_hour_utc"].iloc[0]
    for back in (dt.timedelta(days=7), dt.timedelta(days=1)):
        if back >= step and not pd.isna(began) and began <= start - back:
            return Span(start, start + step), Span(start - back, start - back + step)
    return Span(start, start + step), Span(start - step, start)


def outlook(view: View, width_s: int) -> Forecast | None:
    """Spend of the steps after the last whole one; None where the past does not tell.

    Steps are days or hours of UTC; only for spans that reach the present.
    """
    now = data.shared_now()
    if width_s not in STEPS_AHEAD or view.span.end < now:
        return None
    step = dt.timedelta(seconds=width_s)
    end = now - (now - spans.EARLIEST) % step
    span = Span(end - HISTORY_STEPS[width_s] * step, end)
    by = "Day" if width_s == usage.DAY_S else "Hour"
    found = rows(view, (by,), span)
    if found.empty:
        return None
    first = found["bucket_start_utc"].min().to_pydatetime()
    values = [0.0] * round((end - first) / step)
    for at, amount in zip(found["bucket_start_utc"], found["cost_usd"], strict=True):
        values[round((at.to_pydatetime() - first) / step)] = float(amount)
    return data.outlook(tuple(values), first, width_s, STEPS_AHEAD[width_s])

