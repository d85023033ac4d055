"""Bandits: how the shares of the choices moved, why, and what each arm has earned."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from analytics.experiments.off_policy import Value
from analytics.experiments.statistics import CannotTell, Moments
from brain.decisions.experiment import Experiment
from brain.experiments.records import AllocationRow
from brain.experiments.results import Results
from pages.ui import cards, charts, data, experiment_charts, experiment_result, format, tables
from pages.ui import experiment_reading as reading

_POLICIES = {"thompson": "Thompson sampling: shares are the chances to be best",
             "epsilon_greedy": "Epsilon-greedy: the best arm gets all but epsilon",
             "ucb": "Upper confidence bound: the most promising arm gets all but the floor"}
_Z = 1.959963984540054  # of a two-sided 95 % interval
_MOST_ROWS = 500
_NAIVE = ("Plain means of a bandit's arms are too low, since an unlucky arm is no longer chosen: "
          "compare arms by the differences, whose intervals hold although shares followed rewards.")


def choose(experiments: Sequence[Experiment]) -> Experiment:
    """The bandit chosen; the choice stands in the address bar."""
    return experiment_result.choose_one(experiments, "Bandit", "bandit")


def head(given: Experiment, rows: Sequence[AllocationRow], zone: str) -> None:
    """Policy and present shares of a bandit."""
    policy = given.bandit
    st.header(given.name)
    st.caption(f"{_POLICIES[policy.name]}. Every arm that is not harmed keeps at least "
               f"{format.share(policy.floor_ratio)} of the choices.")
    if not rows:
        st.info("No shares were decided yet: they are from its start on, anew at every turn of "
                "the job.", icon=":material/hourglass_empty:")
        return
    last = rows[-1]
    before = rows[-2].shares if len(rows) > 1 else {}
    cards.row([cards.Card(
        reading.variant_name(given, key), format.share(share),
        "Share of the choices from now on, which is the propensity of each choice.",
        change=format.difference(share * 100, before[key] * 100, "points")
        if key in before else "", note="harmed: chosen no more" if not share else "")
        for key, share in last.shares.items()], min_width_px=190)
    st.caption(f"Decided {format.moment(last.at_utc, zone)}: "
               f"{' '.join(each.text for each in last.reasons)}")


def draw_history(given: Experiment, rows: Sequence[AllocationRow], zone: str) -> None:
    """Shares over time, and every decision with its reasons and propensities."""
    with cards.guarded("Allocation over time", "The shares hold from one decision to the next; "
                       "each choice is a draw from them, so its propensity is known exactly."):
        if not rows:
            st.caption("No decision yet.")
            return
        end = min(data.now(), given.stopped_at_utc or data.now())
        steps = [(each.at_utc, each.shares) for each in rows] + [(end, rows[-1].shares)]
        charts.show(experiment_charts.shares_over_time(pd.DataFrame([
            {"at_utc": pd.Timestamp(at), "arm": reading.variant_name(given, key),
             "share_pct": shares.get(key, 0.0) * 100}
            for at, shares in steps for key in given.shares]), zone), "bandit_shares")
    with cards.guarded("Decisions and propensities", "Newest first."):
        names = reading.variant_names(given)
        columns = {f"share_{place}": key for place, key in enumerate(names)}
        tables.show(pd.DataFrame([{
            "at_utc": each.at_utc, "number": each.number, "traffic": each.traffic_ratio,
            **{column: each.shares.get(key, 0.0) * 100 for column, key in columns.items()},
            "reasons": " ".join(reason.text for reason in each.reasons)}
            for each in rows[::-1][:_MOST_ROWS]]), f"allocations {given.key}", {
                "at_utc": "At", "number": "No.", "traffic": "Traffic",
                **{column: f"{names[key]} (%)" for column, key in columns.items()},
                "reasons": "Why"},
            {"at_utc": "time", "number": "count", "traffic": "share",
             **dict.fromkeys(columns, "pct")}, key="allocations",
            helps={"traffic": "Share of the units that take part",
                   **dict.fromkeys(columns, "Propensity of the arm until the next decision")})


def draw_ramp(given: Experiment, rows: Sequence[AllocationRow]) -> None:
    """The steps of a canary's ramp, newest first, each with its reasons."""
    with cards.guarded("Ramp", f"Steps: {', '.join(f'{each:g} %' for each in given.ramp.steps_pct)}"
                               "; a harmed guardrail halts it and takes the variant back."):
        if not rows:
            st.caption("The ramp begins with the experiment.")
            return
        tables.show(pd.DataFrame([{
            "at_utc": each.at_utc, "traffic": each.traffic_ratio,
            "reasons": " ".join(reason.text for reason in each.reasons)}
            for each in rows[::-1][:_MOST_ROWS]]), f"ramp {given.key}", {
                "at_utc": "At", "traffic": "Traffic", "reasons": "Why"},
            {"at_utc": "time", "traffic": "share"}, key="ramp",
            helps={"traffic": "Share of the units that take part"})


def draw_arms(given: Experiment, results: Results) -> None:
    """What each arm has earned, with intervals, and the differences that hold."""
    metric = reading.metric_name(results.primary.definition)
    left, right = st.columns(2)
    with left, cards.guarded(f"Mean {metric} by arm", f"With 95 % intervals. {_NAIVE}"):
        arms = pd.DataFrame([_arm_row(given, results, key) for key in given.shares])
        if arms["estimate"].notna().any():
            charts.show(experiment_charts.intervals(arms, metric, zero=False), "bandit_arms")
        tables.show(arms, f"arms {given.key}", {
            "name": "Arm", "units": "Units", "estimate": "Mean", "lower": "From", "upper": "To",
            "chance": "Chance to be best", "why": "Why unknown"},
            {"units": "count", "estimate": "usd_unit", "lower": "usd_unit", "upper": "usd_unit",
             "chance": "share"}, key="arms",
            helps={"chance": "By independent normal posteriors of the means"})
        st.caption(_NAIVE)
    control = reading.variant_name(given, given.control)
    with right, cards.guarded(f"Difference to {control}", "By adaptively weighted scores (Hadad "
                              "et al., 2021): the interval holds under changing shares."):
        rows = pd.DataFrame([_difference_row(given, key, value)
                             for key, value in results.bandit.items()])
        if rows.empty:
            st.caption("No reward of an exposed unit so far.")
            return
        if rows["estimate"].notna().any():
            charts.show(experiment_charts.intervals(rows, metric), "bandit_differences")
        tables.show(rows, f"differences {given.key}", {
            "name": "Arm", "estimate": "Difference", "lower": "From", "upper": "To",
            "why": "Why unknown"}, {"estimate": "usd_unit", "lower": "usd_unit",
                                    "upper": "usd_unit"}, key="differences")


def _arm_row(given: Experiment, results: Results, key: str) -> dict[str, Any]:
    found = results.primary.means.get(key)
    best = results.primary.chance_to_be_best
    row: dict[str, Any] = {
        "name": reading.variant_name(given, key), "units": results.units.get(key, 0),
        "estimate": None, "lower": None, "upper": None, "why": "",
        "chance": None if best is None else best.get(key)}
    if isinstance(found, Moments):
        reach = _Z * (found.variance / found.n) ** 0.5
        return row | {"estimate": found.mean, "lower": found.mean - reach,
                      "upper": found.mean + reach}
    return row | {"why": found.text if isinstance(found, CannotTell) else "No units yet."}


def _difference_row(given: Experiment, key: str, value: Value | CannotTell) -> dict[str, Any]:
    name = reading.variant_name(given, key)
    if isinstance(value, CannotTell):
        return {"name": name, "estimate": None, "lower": None, "upper": None, "why": value.text}
    return {"name": name, "estimate": value.estimate, "lower": value.lower,
            "upper": value.upper, "why": ""}
