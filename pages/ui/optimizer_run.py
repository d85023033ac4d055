"""The optimization that is under way: its seven steps, what comes next, and the way out."""

import datetime as dt
import zoneinfo
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from brain.decisions.optimization.metrics import TITLES, UNITS
from brain.decisions.reasons import InputError
from brain.optimization.history import tell_actions, to_line
from brain.optimization.records import Run
from pages.ui import data, optimizer_plan, tables
from pages.ui.filters import View

STEPS = (("Plan", ("planned",)), ("Checkpoint", ("checkpointed",)), ("Apply", ("applying",)),
         ("Wait and measure", ("stabilizing", "measuring")), ("Judge", ("judged",)),
         ("Roll back, if need be", ("rolling_back",)), ("Learn", ("learning", "finished")))
VERDICTS = {"improved": "improved", "no_change": "no change", "worse": "worse",
            "unclear": "cannot be told", "cancelled": "cancelled", "recommended": "recommended",
            "": "under way"}


def current() -> Run | None:
    """The run under way."""
    return data.engine().optimization.current()


def tell_alerts() -> None:
    """What a person must look at."""
    for text in data.engine().optimization.alerts():
        st.error(f"{text}. Look at the platform yourself.", icon=":material/error:")


def progress(run: Run, view: View) -> None:
    """The seven steps with the one that is being done, and a button to end it."""
    at = next(place for place, (_, names) in enumerate(STEPS) if run.step in names)
    st.markdown(f"**{to_line(run).title}**: {optimizer_text(run)}")
    st.progress((at + 1) / len(STEPS), text=f"Step {at + 1} of {len(STEPS)}: {STEPS[at][0]}")
    with st.container(horizontal=True, gap="small"):
        for place, (title, _) in enumerate(STEPS):
            icon = ("check_circle" if place < at else "pending" if place == at
                    else "radio_button_unchecked")
            st.badge(title, icon=f":material/{icon}:",
                     color="green" if place < at else "blue" if place == at else "gray")
    left = (run.due_at_utc - data.now()).total_seconds()
    when = run.due_at_utc.astimezone(zoneinfo.ZoneInfo(view.zone))
    if left > 0:
        st.caption(f"Next step in {left:,.0f} s, at {when:%H:%M:%S}. If it gets worse by more "
                   f"than {run.body['rules']['rollback_threshold']:.0%}, it is taken back by "
                   "itself.")
    forbidden = data.engine().optimization.why_not("stop")
    if st.button("Stop and take it back", icon=":material/stop_circle:", disabled=bool(forbidden),
                 help=forbidden or "What was changed goes back to the checkpoint at once."):
        try:
            data.engine().optimization.stop()
        except (InputError, LookupError) as error:
            st.error(f"{error.args[0]}.", icon=":material/block:")
            return
        st.session_state["optimizer_told"] = "The run was stopped, and what it changed is back."
        st.rerun(scope="app")


def optimizer_text(run: Run) -> str:
    """What a run changes, for people."""
    told = tell_actions(run)
    for name, title in optimizer_plan.KNOBS.items():
        told = told.replace(f"{name} ", f"{title} ")
    return told


def details(run: Run, view: View) -> None:
    """One run: its measured changes with intervals, its steps, and the way back."""
    line = to_line(run)
    st.markdown(f"**{line.title}**: {optimizer_text(run)}. Begun by {run.person or 'nobody'} "
                f"({run.cause}); {VERDICTS.get(run.verdict, run.verdict)}"
                f"{', rolled back' if run.rolled_back else ''}.")
    if line.why:
        st.text(line.why)
    changes = (run.body.get("judgement") or {}).get("changes", [])
    if changes:
        tables.show(pd.DataFrame([_change_row(each) for each in changes]),
            "measured changes", {"metric": "Metric", "before": "Before", "after": "After",
                                 "gain": "Better by (%)", "low": "at least", "high": "at most"},
            dict.fromkeys(("before", "after"), "usd_unit") | dict.fromkeys(
                ("gain", "low", "high"), "pct"), key=f"changes_{run.run_id}", helps={
                "gain": "Relative change in the good direction; below 0 is worse. A step from 0 "
                        "has none.",
                "low": "Lower end of the interval.", "high": "Upper end of the interval."})
    steps = data.engine().optimization.book.steps(run.run_id)
    if steps:
        zone = zoneinfo.ZoneInfo(view.zone)
        for row in steps:
            st.caption(f"{row['at_utc'].astimezone(zone):%H:%M:%S} "
                       f"{row['step'].replace('_', ' ')}: {row['note']}")
    hour = dt.timedelta(minutes=30)
    st.page_link("pages/operations/health.py", label="Metric charts of that hour",
                 icon=":material/monitor_heart:", query_params={
                     "range": f"{run.started_at_utc - hour:%Y-%m-%dT%H:%M}Z.."
                              f"{(run.ended_at_utc or run.started_at_utc) + hour:%Y-%m-%dT%H:%M}Z"})
    _way_back(run)


def _change_row(change: Mapping[str, Any]) -> dict[str, Any]:
    metric = change["metric"]
    gains = {"gain": change["gain"], "low": change["low"], "high": change["high"]}
    return {"metric": ", ".join(filter(None, (TITLES.get(metric, metric), UNITS.get(metric)))),
            "before": change["before"], "after": change["after"],
            **{name: 100 * value if change["before"] else None for name, value in gains.items()}}


def _way_back(run: Run) -> None:
    verbs = data.engine().optimization
    why = verbs.why_not_back(run) or verbs.why_not("roll_back")
    if why:
        st.caption(f"Cannot be taken back: {why}.")
        return
    sure = st.checkbox("Take this run back to its checkpoint", key=f"sure_{run.run_id}")
    if st.button("Roll back", icon=":material/undo:", disabled=not sure,
                 key=f"back_{run.run_id}"):
        try:
            data.engine().optimization.roll_back(run.run_id)
        except (InputError, LookupError) as error:
            st.error(f"{error.args[0]}.", icon=":material/block:")
            return
        st.session_state["optimizer_told"] = "The run was taken back."
        st.rerun()
