"""The notes of a forecast, in sentences for people."""

import numpy as np

from analytics.forecasting.answers import Backtest, Note
from analytics.forecasting.backtest import Choice
from analytics.forecasting.methods import SEASONAL_NAIVE
from analytics.forecasting.series import Series

_TITLES = {
    SEASONAL_NAIVE: "Repeating the last season", "seasonal_mean": "The mean of the last seasons",
    "seasonal_naive_long": "Repeating the last long season", "level": "The smoothed level",
    "theta": "The theta method", "theta_long": "The theta method over the long season",
    "holt_winters": "Exponential smoothing (Holt-Winters)",
    "profile": "The season's profile times the smoothed level",
    "profile_long": "The long season's profile times the smoothed level",
    "boosting": "Gradient boosting over all series", "blend": "A blend of methods"}
_SPANS = ((604_800, "week"), (86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def describe_choice(choice: Choice, backtest: Backtest, last: int) -> tuple[Note, ...]:
    """Why this method is shown, beside seasonal naive."""
    windows = "the last window" if last == 1 else f"the last {last} windows"
    if choice.beaten_by:
        return (Note("seasonal_naive_shown", f"{_TITLES[choice.beaten_by]} was best before but "
                     f"did not beat repeating the last season on {windows}, so the last season "
                     "is repeated."),)
    if choice.method == SEASONAL_NAIVE:
        return (Note("seasonal_naive_best", "No method errs less than repeating the last "
                                            "season, so that is what is shown."),)
    return (Note("beats_seasonal_naive",
                 f"{_TITLES[choice.method]} errs by {_saving(backtest):.0f} % less than repeating "
                 f"the last season on {windows}."),)


def describe_history(series: Series, seasons: tuple[int, ...], horizon: int,
                     backtest: Backtest) -> tuple[Note, ...]:
    """What of the history shaped the forecast: seasons, gaps, how far the proof reaches."""
    named = " and ".join(f"a {_span(each * series.step_s)}" for each in seasons)
    notes = [Note("season_found", f"The history repeats itself after {named}.") if seasons else
             Note("no_season", "No season was found, so the last value is what is repeated as "
                               "the yardstick.")]
    gaps = int(np.isnan(series.values).sum())
    if gaps:
        notes.append(Note("gaps_filled", f"{gaps:,} steps without a value were filled from "
                                         "their neighbours and the season."))
    if horizon > backtest.horizon:
        notes.append(Note("beyond_backtest", f"The history is only long enough to test "
                          f"{backtest.horizon:,} of {horizon:,} steps ahead; beyond that the "
                          "interval grows with the root of the distance."))
    if backtest.mase is None:
        notes.append(Note("never_changes", "The history repeats itself exactly, so there is no "
                                           "scaled error and no interval to learn from it."))
    return tuple(notes)


def _saving(backtest: Backtest) -> float:
    if not backtest.last_mase or not backtest.last_naive_mase:
        return 100.0
    return 100 * (1 - backtest.last_mase / backtest.last_naive_mase)


def _span(length_s: int) -> str:
    for unit_s, name in _SPANS:
        if length_s % unit_s == 0:
            count = length_s // unit_s
            return name if count == 1 else f"span of {count} {name}s"
    return f"span of {length_s} seconds"
