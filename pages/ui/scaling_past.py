"""A policy on the range's recorded load: cost against objective minutes, and pods over time."""

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from brain.decisions.reasons import InputError
from brain.scaling import words
from brain.scaling.plans import ScalingPlan
from brain.scaling.replaying import CHOSEN, FORECASTED, ORACLE, STATIC, TODAY, Past
from pages.ui import charts, data, format, scaling_now, tables
from pages.ui.filters import View

NAMES = {CHOSEN: "This policy, as edited", TODAY: "This policy, as stored",
         FORECASTED: "With a forecast of load", STATIC: "Always the most ever needed",
         ORACLE: "Oracle: knows the future"}
_SHORT = {CHOSEN: "As edited", TODAY: "As stored", FORECASTED: "With forecast", STATIC: "Static",
          ORACLE: "Oracle"}
FACTORS = ("automatic", "1", "10", "100", "1000", "10000", "100000")
_HELPS = {"objective_minutes": "Minutes in which requests waited longer than the policy's "
                               "objective, or were lost.",
          "lost": "Requests that would have waited longer than 30 s.",
          "pod_hours": "Pods times hours, starting ones included.",
          "cost_usd": "Pod-hours at the policy's price.",
          "actions": "How often the count was changed.",
          "over_pod_hours": "Pod-hours beyond what the load needed at each moment.",
          "under_pod_hours": "Pod-hours that the load needed and did not have."}


def draw(view: View, today: ScalingPlan, chosen: ScalingPlan) -> Past | None:
    """Curve, table and timeline of the range; gives what was replayed, None if nothing was."""
    factor = st.selectbox("Traffic times", FACTORS, key="traffic_times", bind="query-params",
                          width=200, help="What if there were as many times the requests? "
                          "“automatic” multiplies only traffic too small to move this policy.")
    end = scaling_now.shared_end(view)
    if end <= view.span.start:
        st.caption("This range has not begun.")
        return None
    try:
        past = data.scaling_past(today, chosen, view.span.start, end,
                                 None if factor == "automatic" else float(factor))
    except InputError as error:
        st.warning(f"{error.message[:1].upper()}{error.message[1:]}.", icon=":material/help:")
        return None
    if not past.requests:
        st.caption("No requests in this range: there is no load to replay.")
        return None
    _tell(past, chosen)
    same = today == chosen
    rows = _rows(past, same)
    left, right = st.columns([2, 3])
    with left:
        charts.show(_curve(rows), "scaling_curve")
    with right:
        lines = {"needed": "Needed by the load", "chosen": "This policy"}
        if not same:
            lines = {"needed": "Needed by the load", "today": "As stored", "chosen": "As edited"}
        charts.show(charts.time_series(
            past.line, "at_utc", lines, unit="pods", zone=view.zone, span=view.span,
            annotations=data.annotations(view.span.start, view.span.end, view.workspaces)),
            "scaling_past", explained=False)
    tables.show(rows, "scaling replay", {
        "policy": "Policy", "objective_minutes": "Outside objective (min)", "lost": "Lost requests",
        "pod_hours": "Pod-hours", "cost_usd": "Cost (USD)", "against": "Cost against stored (%)",
        "actions": "Changes", "over_pod_hours": "Too many (pod-h)",
        "under_pod_hours": "Too few (pod-h)"},
        {"objective_minutes": "pct", "lost": "count", "pod_hours": "pct", "cost_usd": "usd",
         "against": "pct", "actions": "count", "over_pod_hours": "pct", "under_pod_hours": "pct"},
        helps=_HELPS)
    return past


def _tell(past: Past, plan: ScalingPlan) -> None:
    told = [f"Load is the mean of every {format.step(past.width_s)}; a pod serves "
            f"{plan.pod_rps:g} per second and takes {plan.start_s:g} s to start."]
    if past.factor != 1:
        told.insert(0, f"Traffic is multiplied by {past.factor:,.0f}: as recorded, it would not "
                       "move this policy." if past.factor > 1 else "")
    if past.left_out:
        told.append("Left out, for a replay does not know them: "
                    f"{', '.join(map(words.name_metric, past.left_out))}.")
    st.caption(" ".join(told))


def _rows(past: Past, same: bool) -> pd.DataFrame:
    today = next(each for each in past.accounts if each.name == TODAY)
    shown = [each for each in past.accounts if not (same and each.name == CHOSEN)]
    return pd.DataFrame([{
        "kind": each.name, "policy": NAMES.get(each.name, each.name),
        "objective_minutes": each.objective_minutes, "lost": each.lost,
        "pod_hours": each.pod_hours, "cost_usd": each.cost_usd,
        "against": (each.pod_hours / today.pod_hours - 1) * 100 if today.pod_hours else None,
        "actions": each.actions, "over_pod_hours": each.over_pod_hours,
        "under_pod_hours": each.under_pod_hours} for each in shown])


def _curve(rows: pd.DataFrame) -> go.Figure:
    """Minutes outside the objective against cost: the nearer to the corner, the better."""
    looks = {TODAY: "diamond", CHOSEN: "star", FORECASTED: "triangle-up", STATIC: "square",
             ORACLE: "x"}
    plain = rows[~rows["kind"].isin(list(looks))].sort_values("cost_usd")
    lines = [("HPA, 40-90 % CPU", plain, "circle", "lines+markers")]
    lines += [(_SHORT[kind], rows[rows["kind"] == kind], symbol, "markers")
              for kind, symbol in looks.items() if (rows["kind"] == kind).any()]
    return charts.scatter([(name, part["cost_usd"].astype(float), part["objective_minutes"],
                            part["policy"], symbol, mode)
                           for name, part, symbol, mode in lines],
                          x_unit="USD in the range", y_unit="minutes outside the objective")
