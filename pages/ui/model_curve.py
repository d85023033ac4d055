"""Cost-quality curves: of this platform's own evaluations, and of a file of them."""

import tempfile
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from analytics.routing.evaluation import FEWEST, Evaluated, RoutingData, evaluate, summarize
from brain.decisions.reasons import InputError
from brain.models.desk import Models
from brain.models.files import Columns, read_routing_data
from pages.ui import charts, tables
from pages.ui.experiment_charts import COLOURS, DASHES

_NAMES = {"router": "Router", "logistic": "Logistic on TF-IDF",
          "nearest_neighbours": "Nearest neighbours", "single_models": "Single models",
          "random": "Random", "oracle": "Oracle"}
_MOST_MB = 50


def draw_own(models: Models) -> None:
    """Curves from graded answers of several models to the same prompts of this platform."""
    judged = models.judged()
    data = judged.comparable()
    if data is None:
        told = ", ".join(f"{count:,} by {source}" for source, count
                         in sorted(judged.sources.items())) or "none"
        st.info(f"Not enough data: {FEWEST} prompts are needed on which the same two models were "
                f"both judged at a known cost; there are {len(judged.prompts):,} judged prompts of "
                f"{len(judged.models)} models (scores: {told}). Evaluate two routes on one golden "
                "set (Prompts & evaluation), each named by its model.",
                icon=":material/hourglass_empty:")
        return
    with st.spinner("Training on 70 % of the prompts, testing on the rest"):
        found = _evaluate_own(data)
    _show(found, "own", f"{len(data.prompts):,} prompts of this platform, each answered and judged "
                        f"for {', '.join(data.models)}.")


def draw() -> None:
    """Curves from a file of evaluations: prompts with the score of each model on them."""
    given = st.file_uploader("Evaluations (Parquet or CSV)", ["parquet", "csv"],
                             max_upload_size=_MOST_MB, key="routing_file",
                             help="Columns: prompt, for each model a score of 0 to 1 "
                                  "(model_correct or model_score) and, where known, model_cost.")
    if given is None:
        st.caption("Its prompts are read here and not stored.")
        return
    try:
        with st.spinner("Training on 70 % of the prompts, testing on the rest"):
            reasons, found = _evaluate(given.getvalue(), Path(given.name).suffix)
    except InputError as error:
        st.error(f"{error.message}.", icon=":material/block:")
        return
    _show(found, "file", " ".join(reasons))


def _show(found: Evaluated, key: str, about: str) -> None:
    charts.show(_figure(found), f"cost_quality_{key}")
    tables.show(pd.DataFrame([{
        "policy": _NAMES[each.policy], "aiq": each.aiq,
        "saving": None if each.saving is None else 100 * each.saving,
        "flat": None if each.saving_flat is None else 100 * each.saving_flat, "gain": each.gain}
        for each in summarize([found])]), "cost_quality", {
            "policy": "Way of choosing", "aiq": "AIQ", "saving": "Saved at 95 % (%)",
            "flat": "At one point (%)", "gain": "AIQ beside logistic"},
        {"aiq": "usd_unit", "saving": "pct", "flat": "pct", "gain": "usd_unit"},
        key=f"cost_quality_table_{key}",
        helps={"aiq": "Mean quality over the range of the models' costs",
               "saving": "Of the best model's cost, at 95 % of its quality, on the hull: two "
                         "points mixed by chance",
               "flat": "The same at the cheapest single point, without mixing"})
    st.caption(f"Trained on {found.trained:,} prompts, tested on {found.tested:,}. {about}")


@st.cache_data(max_entries=2, ttl=3_600, show_spinner=False,
               hash_funcs={RoutingData: lambda data: (data.prompts, data.models,
                                                      data.scores.tobytes(), data.costs.tobytes())})
def _evaluate_own(data: RoutingData) -> Evaluated:
    return next(iter(evaluate(data, ("prompt",), (0,))))


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
