"""What a window of spend comes to: billed so far plus forecast, and when a budget runs out."""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pandas as pd
from scipy import special

from analytics.forecasting.answers import CannotForecast, Floats, Note
from analytics.forecasting.blocks import (
    DAY_S,
    Blocks,
    Change,
    change_coming,
    change_past,
    cut_blocks,
)
from analytics.forecasting.series import NOT_FINITE, Series, fill_gaps, trim
from analytics.forecasting.weekly_level import WeeklyLevel, fit_level
from analytics.spans import Span

LEAST_BLOCKS = 3
BY_DAY_FROM_S = 2 * DAY_S
MOST_BLOCKS_USED = 750
MOST_BLOCKS_AHEAD = 2_500
_MOST_ORIGINS = 20
_LEAST_ORIGINS = 3
_LEAST_LEARNT = 7
_PRIOR_ORIGINS = 4.0
_DOUBT = 0.5

TOO_SHORT = CannotForecast("too_short", f"A forecast of spend needs {LEAST_BLOCKS} whole days of "
                                        "history (or hours, for the rest of a day).")
NEGATIVE = CannotForecast("negative_spend", "The history has negative amounts: book credits apart.")
TOO_FAR = CannotForecast("too_far", f"The window ends more than {MOST_BLOCKS_AHEAD:,} steps ahead.")


@dataclass(frozen=True, slots=True)
class Planned:
    """A known extra amount, spread evenly over [start, end)."""

    span: Span
    amount_usd: Decimal


@dataclass(frozen=True, slots=True)
class SpendBacktest:
    """Mean absolute error of past sums over ``blocks`` days (or steps), in percent of the sum.

    ``run_rate_error_pct`` is that of going on as in the time before. None where the history is
    too short to test.
    """

    origins: int
    blocks: int
    error_pct: float | None
    run_rate_error_pct: float | None


@dataclass(frozen=True, slots=True)
class SpendForecast:
    """A window's total with the interval that holds ``interval_pct`` of what can come.

    ``path`` has bucket_start_utc, spend_usd and the running totals cumulative_usd, lower_usd,
    upper_usd, from now to the window's end. ``runs_out_utc`` is when the budget does, None if
    not in this window; ``earliest`` and ``latest`` are so for the interval's two sides.
    ``verdict`` is on_track, at_risk (the interval passes the budget), over, spent or no_budget.
    """

    spent_usd: Decimal
    total_usd: Decimal
    lower_usd: Decimal
    upper_usd: Decimal
    interval_pct: float
    run_rate_usd: Decimal | None
    path: pd.DataFrame
    runs_out_utc: dt.datetime | None
    runs_out_earliest_utc: dt.datetime | None
    runs_out_latest_utc: dt.datetime | None
    verdict: str
    method: str
    backtest: SpendBacktest
    notes: tuple[Note, ...]


def run_rate_usd(spent_usd: Decimal, span: Span, now: dt.datetime) -> Decimal | None:
    """Spent / elapsed × window, elapsed in time; None before the window has begun."""
    elapsed_us = (min(now, span.end) - span.start) // dt.timedelta(microseconds=1)
    window_us = span.length // dt.timedelta(microseconds=1)
    return spent_usd * window_us / elapsed_us if elapsed_us > 0 else None


def spent_in(history: Series, span: Span, now: dt.datetime) -> Decimal:
    """What the history holds of the window until ``now``; a step at its edge counts by time."""
    known = np.nan_to_num(np.maximum(history.values, 0.0), posinf=0.0)
    starts_s = history.start_utc.timestamp() + history.step_s * np.arange(len(known))
    last_s = min(now, span.end).timestamp()
    inside = np.clip(np.minimum(starts_s + history.step_s, last_s)
                     - np.maximum(starts_s, span.start.timestamp()), 0.0, history.step_s)
    return Decimal(f"{float(known @ inside) / history.step_s:.6f}")


def forecast_spend(history: Series, span: Span, now: dt.datetime, spent_usd: Decimal, *,
                   budget_usd: Decimal | None = None, cap_usd: Decimal | None = None,
                   changes: Sequence[Change] = (), planned: Sequence[Planned] = (),
                   interval_pct: float = 80.0) -> SpendForecast | CannotForecast:
    """The window's total at its end, or why it cannot be told.

    ``history`` holds complete hours or days of spend in USD (NaN for a gap) up to about now and
    may begin before the window; ``spent_usd`` is what is billed in the window so far. Changes
    scale all spend from their moment on: the history before a past one, the forecast after a
    coming one. Nothing passes ``cap_usd``. Raises ValueError for a naive ``now``, a change
    that is no positive factor, or an interval outside 0 to 100.
    """
    _check(now, changes, interval_pct)
    if np.isinf(history.values).any():
        return NOT_FINITE
    if not np.isfinite(history.values).any():
        return TOO_SHORT
    known = trim(history)
    if float(np.nanmin(known.values)) < 0:
        return NEGATIVE
    now_s, end_s = now.timestamp(), span.end.timestamp()
    from_s = max(now_s, span.start.timestamp())
    by_day = end_s - from_s >= BY_DAY_FROM_S
    blocks = cut_blocks(known, fill_gaps(known.values), by_day, span.start.timestamp())
    if len(blocks.values) < LEAST_BLOCKS:
        return TOO_SHORT
    if (end_s - from_s) / blocks.width_s > MOST_BLOCKS_AHEAD:
        return TOO_FAR
    past = blocks.past_starts_s()
    values = (blocks.values * change_past(past, blocks.width_s, changes, from_s))[
        -MOST_BLOCKS_USED:]
    phases = blocks.phases(past)[-MOST_BLOCKS_USED:]
    ahead = _coming_starts(blocks, from_s, end_s)
    elapsed = max(1, round((from_s - span.start.timestamp()) / blocks.width_s))
    backtest, size = _test(values, phases, blocks.period, max(len(ahead), 1), elapsed)
    level, notes = _choose(values, phases, blocks.period, elapsed, backtest)
    weights = (level.profile[blocks.phases(ahead)] * blocks.share_between(ahead, from_s, end_s)
               * change_coming(ahead, blocks.width_s, changes, from_s, end_s))
    reach = float(special.ndtri(0.5 + interval_pct / 200)) * size
    spend = level.level * weights + _planned(planned, ahead, blocks.width_s, from_s, end_s)
    sums = _sum_up(float(spent_usd), spend, level.deviate(weights) * reach, cap_usd)
    if cap_usd is not None and len(ahead) and sums[0, -1] >= float(cap_usd):
        notes.append(Note("cap_reached", "The forecast reaches the cap, and nothing passes that."))
    edges = np.append(np.maximum(ahead, from_s), end_s)
    total, lower, upper = (_usd(each[-1], spent_usd) if len(each) else spent_usd for each in sums)
    runs_out = [_crossing(edges, float(spent_usd), each, budget_usd) for each in sums]
    return SpendForecast(
        spent_usd, total, lower, upper, interval_pct, run_rate_usd(spent_usd, span, now),
        _path(edges, float(spent_usd), sums), runs_out[0], runs_out[2], runs_out[1],
        _judge(spent_usd, total, upper, budget_usd),
        "run_rate" if notes[0].code == "run_rate_shown" else "weekday_profile", backtest,
        tuple(notes))


def _check(now: dt.datetime, changes: Sequence[Change], interval_pct: float) -> None:
    if now.tzinfo is None:
        raise ValueError("now needs a zone")
    if not 0 < interval_pct < 100:
        raise ValueError("interval_pct must lie between 0 and 100")
    if any(not (math.isfinite(each.factor) and each.factor > 0) for each in changes):
        raise ValueError("a change's factor must be a positive number")


def _coming_starts(blocks: Blocks, from_s: float, end_s: float) -> Floats:
    """Starts of the blocks that reach into [from, end), on the grid of the past ones."""
    first = blocks.end_s + math.floor((from_s - blocks.end_s) / blocks.width_s) * blocks.width_s
    count = max(0, math.ceil((end_s - first) / blocks.width_s)) if end_s > from_s else 0
    return first + blocks.width_s * np.arange(float(count))


def _planned(planned: Sequence[Planned], starts_s: Floats, width_s: int, from_s: float,
             end_s: float) -> Floats:
    """Planned amounts that fall into what is left of each block."""
    total = np.zeros(len(starts_s))
    for each in planned:
        first, last = each.span.start.timestamp(), each.span.end.timestamp()
        inside = (np.minimum(np.minimum(starts_s + width_s, last), end_s)
                  - np.maximum(np.maximum(starts_s, first), from_s))
        total += float(each.amount_usd) * np.maximum(inside, 0.0) / (last - first)
    return total


def _test(values: Floats, phases: np.ndarray, period: int, ahead: int,
          elapsed: int) -> tuple[SpendBacktest, float]:
    """Errors of past sums, and how many times wider than computed the spread turned out."""
    count = len(values)
    ahead = min(ahead, max(1, (count - _LEAST_LEARNT) // 2))
    last = count - ahead
    first = max(_LEAST_LEARNT, last - 3 * ahead, last - 4 * _MOST_ORIGINS)
    if last - first + 1 < _LEAST_ORIGINS:
        return SpendBacktest(0, ahead, None, None), 1.0
    origins = np.unique(np.linspace(first, last, min(_MOST_ORIGINS, last - first + 1)).astype(int))
    own, naive, squares = [], [], []
    for origin in origins.tolist():
        actual = float(values[origin:origin + ahead].sum())
        if actual <= 0:
            continue
        level = fit_level(values[:origin], phases[:origin], period)
        shares = level.profile[phases[origin:origin + ahead]]
        miss = actual - level.level * float(shares.sum())
        spread = float(level.deviate(shares)[-1])
        own.append(abs(miss) / actual)
        before = values[max(0, origin - elapsed):origin]
        naive.append(abs(float(before.mean()) * ahead - actual) / actual)
        if spread > 0:
            squares.append((miss / spread) ** 2)
    if len(own) < _LEAST_ORIGINS:
        return SpendBacktest(0, ahead, None, None), 1.0
    apart = (float(origins[-1]) - float(origins[0])) / ahead + 1
    found = float(np.mean(squares)) if squares else 1.0
    wider = math.sqrt((apart * found + _PRIOR_ORIGINS) / (apart + _PRIOR_ORIGINS))
    return SpendBacktest(len(own), ahead, 100 * float(np.mean(own)),
                         100 * float(np.mean(naive))), wider


def _choose(values: Floats, phases: np.ndarray, period: int, elapsed: int,
            backtest: SpendBacktest) -> tuple[WeeklyLevel, list[Note]]:
    """The weekly level, or going on as so far where that erred less."""
    level = fit_level(values, phases, period)
    if backtest.error_pct is None or backtest.run_rate_error_pct is None:
        return level, [Note("untested", "The history is too short to test the forecast on it; "
                                        "its interval rests on the spread of single steps.")]
    beside = (f"Over {backtest.blocks} steps the weekday profile erred by "
              f"{backtest.error_pct:.1f} %, going on as before by "
              f"{backtest.run_rate_error_pct:.1f} %")
    if backtest.error_pct < backtest.run_rate_error_pct:
        return level, [Note("beats_run_rate", f"{beside}.")]
    windows = (len(values) - _LEAST_LEARNT) / backtest.blocks
    if backtest.error_pct < backtest.run_rate_error_pct * (1 + _DOUBT / windows):
        return level, [Note("too_close_to_tell", f"{beside}: too close to tell on so little "
                                                 "history.")]
    flat = WeeklyLevel(float(values[-elapsed:].mean()), np.ones(period), level.rate,
                       level.variance, len(values))
    return flat, [Note("run_rate_shown", f"{beside}, so that is what is shown.")]


def _sum_up(spent: float, spend: Floats, reach: Floats, cap_usd: Decimal | None) -> Floats:
    """Running totals at the end of each block: expected, lower, upper; none falls or passes the
    cap.
    """
    expected = spent + np.cumsum(spend)
    lower = np.maximum.accumulate(np.maximum(expected - reach, spent))
    upper = np.maximum.accumulate(expected + reach)
    most = math.inf if cap_usd is None else max(float(cap_usd), spent)
    return np.minimum(np.stack([expected, lower, upper]), most)


def _crossing(edges_s: Floats, spent: float, totals: Floats,
              budget_usd: Decimal | None) -> dt.datetime | None:
    """When the running total reaches the budget, between two blocks by a straight line."""
    if budget_usd is None or spent >= float(budget_usd):
        return None
    budget = float(budget_usd)
    if not len(totals) or totals[-1] < budget:
        return None
    block = int(np.argmax(totals >= budget))
    before = float(totals[block - 1]) if block else spent
    part = (budget - before) / max(float(totals[block]) - before, 1e-300)
    at_s = edges_s[block] + min(part, 1.0) * (edges_s[block + 1] - edges_s[block])
    return dt.datetime.fromtimestamp(round(float(at_s)), dt.UTC)


def _path(edges_s: Floats, spent: float, sums: Floats) -> pd.DataFrame:
    starts = [dt.datetime.fromtimestamp(float(each), dt.UTC) for each in edges_s[:-1]]
    return pd.DataFrame({
        "bucket_start_utc": pd.to_datetime(starts, utc=True),
        "spend_usd": np.diff(sums[0], prepend=spent), "cumulative_usd": sums[0],
        "lower_usd": sums[1], "upper_usd": sums[2]})


def _judge(spent: Decimal, total: Decimal, upper: Decimal, budget: Decimal | None) -> str:
    if budget is None:
        return "no_budget"
    if spent >= budget:
        return "spent"
    if total > budget:
        return "over"
    return "at_risk" if upper > budget else "on_track"


def _usd(amount: float, least: Decimal) -> Decimal:
    """A forecast amount to the millionth of a dollar, never below what is billed."""
    return max(Decimal(f"{amount:.6f}"), least)
