"""What a learned router is worth: its versions with their gates, and cost-quality curves."""

import tempfile
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from analytics.routing.evaluation import Evaluated, evaluate, summarize
from brain.decisions.reasons import InputError
from brain.models.desk import Models
from brain.models.files import Columns, read_routing_data
from brain.models.gate import NotEnoughScores
from pages.ui import charts, filters, format, tables
from pages.ui.experiment_charts import COLOURS, DASHES

_NAMES = {"router": "Router", "logistic": "Logistic on TF-IDF",
          "nearest_neighbours": "Nearest neighbours", "single_models": "Single models",
          "random": "Random", "oracle": "Oracle"}
_MOST_MB = 50


def draw_versions(models: Models) -> None:
    """Every version with the errors it was judged by; the one in force can be changed."""
    versions = models.routers.versions()
    zone = filters.time_zone()
    if versions:
        tables.show(pd.DataFrame([{
            "version": each.version, "status": each.status, "at": each.created_at_utc,
            "prompts": each.trained_on, "models": ", ".join(each.models),
            "router": each.gate.router_error, "means": each.gate.means_error,
            "gain": each.gate.gain, "least": each.gate.least_gain,
            "why": " ".join(reason.text for reason in each.gate.reasons), "person": each.person}
            for each in versions]), "router_versions", {
                "version": "Version", "status": "Status", "at": "Trained", "prompts": "Prompts",
                "models": "Models", "router": "Squared error", "means": "Of plain means",
                "gain": "Better by", "least": "At least (95 %)", "why": "Gate", "person": "By"},
            {"version": "count", "at": "time", "prompts": "count", "router": "usd_unit",
             "means": "usd_unit", "gain": "usd_unit", "least": "usd_unit"}, key="router_versions")
    else:
        st.caption("No router yet: choices go by declared and measured quality. One is trained "
                   "every day from prompts whose wording is kept and whose answers were judged.")
    active = next((each for each in versions if each.status == "active"), None)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Train a router now", icon=":material/model_training:"):
            with st.spinner("Training, and judging on prompts held back"):
                found = models.train()
            if isinstance(found, NotEnoughScores):
                st.info(found.text, icon=":material/hourglass_empty:")
            else:
                st.rerun()
        usable = [each.version for each in versions if each.status == "retired"]
        if active is not None:
            st.caption(f"Version {active.version} is in force since "
                       f"{format.moment(active.created_at_utc, zone)}.")
            if st.button("Take it out of force", icon=":material/undo:"):
                models.activate(0)
                st.rerun()
        elif usable and st.button(f"Put version {usable[0]} in force", icon=":material/check:"):
            models.activate(usable[0])
            st.rerun()


def draw() -> None:
    """Curves from a file of evaluations: prompts with the score of each model on them."""
    given = st.file_uploader("Evaluations (Parquet or CSV)", ["parquet", "csv"],
                             max_upload_size=_MOST_MB, key="routing_file",
                             help="Columns: prompt, for each model a score of 0 to 1 "
                                  "(model_correct or model_score) and, where known, model_cost.")
    if given is None:
        st.info("Not enough data: a judged answer of this platform comes from one model only, and "
                "a curve needs the scores of several models on the same prompts. Give a file of "
                "evaluations; its prompts are read here and not stored.",
                icon=":material/hourglass_empty:")
        return
    try:
        with st.spinner("Training on 70 % of the prompts, testing on the rest"):
            reasons, found = _evaluate(given.getvalue(), Path(given.name).suffix)
    except InputError as error:
        st.error(f"{error.message}.", icon=":material/block:")
        return
    charts.show(_figure(found), "cost_quality")
    tables.show(pd.DataFrame([{
        "policy": _NAMES[each.policy], "aiq": each.aiq,
        "saving": None if each.saving is None else 100 * each.saving, "gain": each.gain}
        for each in summarize([found])]), "cost_quality", {
            "policy": "Way of choosing", "aiq": "AIQ", "saving": "Saved at 95 % (%)",
            "gain": "AIQ beside logistic"},
        {"aiq": "usd_unit", "saving": "pct", "gain": "usd_unit"}, key="cost_quality_table",
        helps={"aiq": "Mean quality over the range of the models' costs",
               "saving": "Of the best model's cost, at 95 % of its quality"})
    st.caption(f"Trained on {found.trained:,} prompts, tested on {found.tested:,}. "
               + " ".join(reasons))


@st.cache_data(max_entries=2, ttl=3_600, show_spinner=False)
def _evaluate(body: bytes, suffix: str) -> tuple[list[str], Evaluated]:
    with tempfile.NamedTemporaryFile(suffix=suffix) as kept:
        kept.write(body)
        kept.flush()
        read, reasons = read_routing_data(Path(kept.name), Columns())
    return [each.text for each in reasons], next(iter(evaluate(read, ("prompt",), (0,))))


def _figure(found: Evaluated) -> go.Figure:
    figure = go.Figure()
    highest = max(each.hull_costs[-1] for each in found.curves)
    for place, curve in enumerate(found.curves):
        figure.add_trace(go.Scatter(
            x=[*curve.hull_costs, max(highest, curve.hull_costs[-1])],
            y=[*curve.hull_qualities, curve.hull_qualities[-1]], name=_NAMES[curve.name],
            mode="lines", line={"width": 2, "color": "#6b7a77", "dash": "longdashdot"}
            if curve.name == "oracle" else {"width": 2, "color": COLOURS[place % len(COLOURS)],
                                            "dash": DASHES[place % len(DASHES)]},
            hovertemplate="%{y:.1%} at %{x:.4~g} USD"))
    figure.update_layout(height=360, margin={"l": 0, "r": 0, "t": 8, "b": 0},
                         legend={"orientation": "h", "y": 1.08, "x": 0},
                         hovermode="closest", paper_bgcolor="rgba(0,0,0,0)",
                         plot_bgcolor="rgba(0,0,0,0)")
    figure.update_xaxes(title="Mean cost per prompt (USD)", tickformat=".3~g",
                        gridcolor="rgba(128, 140, 138, 0.22)")
    figure.update_yaxes(title="Mean quality", tickformat=".0%",
                        gridcolor="rgba(128, 140, 138, 0.22)")
    return figure
