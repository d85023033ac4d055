"""One request as a story: its waterfall, and for each step what was decided and why."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from streamlit.elements.lib.streamlit_plotly_theme import GRAY_90

from brain.gateway.question import Answer
from pages.ui import cards, charts, format, tables

_INK = GRAY_90  # stands for a colour of the theme that the browser puts in its place
_GRID = "rgba(128, 140, 138, 0.22)"
_COLOURS = {"good": "#22847d", "bad": "#c2621b"}
_BAD = ("refused", "failed", "error", "cut", "blocked", "timeout", "unavailable", "rate_limited",
        "bad_answer")
_ROW_PX = 30
OUTCOMES = {"ok": ("Answered", "ok"), "refused": ("Refused", "warning"),
            "error": ("Failed", "critical")}
TIERS = {"": "made for this question", "exact": "answer cache, same question",
         "similar": "answer cache, similar question"}


def steps_of(answer: Answer) -> list[dict[str, Any]]:
    """An answer's steps in the form that the store has them."""
    return [{"name": each.name, "started_ms": each.started_ms, "took_ms": each.took_ms,
             "decision": each.decision, "facts": dict(each.facts),
             "reasons": [(reason.code, reason.text) for reason in each.reasons]}
            for each in answer.steps]


def waterfall(steps: Sequence[Mapping[str, Any]]) -> go.Figure:
    """A bar for each step, from when it began to when it ended, first step on top."""
    labels = [f"{number} {each['name']}" for number, each in enumerate(steps, 1)]
    took = [float(each["took_ms"]) for each in steps]
    end = max((float(each["started_ms"]) + float(each["took_ms"]) for each in steps), default=1.0)
    least = end / 250  # a step of no time is still seen
    figure = go.Figure(go.Bar(
        base=[float(each["started_ms"]) for each in steps], x=[max(each, least) for each in took],
        y=labels, orientation="h", text=[format.ms(each) for each in took],
        textposition="outside", textfont_color=_INK, cliponaxis=False,
        marker={"color": [_COLOURS["bad" if _went_wrong(each) else "good"] for each in steps],
                "pattern": {"shape": ["/" if _went_wrong(each) else "" for each in steps],
                            "solidity": 0.4}},
        customdata=[[each["decision"]] for each in steps],
        hovertemplate="%{y}: %{text}, %{customdata[0]}<extra></extra>"))
    figure.layout = {
        "height": max(130, _ROW_PX * len(steps) + 60), "dragmode": False, "hovermode": "closest",
        "margin": {"l": 8, "r": 64, "t": 8, "b": 8}, "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)", "showlegend": False, "bargap": 0.3,
        "xaxis": {"title": {"text": "Time since the question came, ms", "font": {"color": _INK}},
                  "tickfont": {"color": _INK}, "gridcolor": _GRID, "range": [0, end * 1.02],
                  "nticks": 6, "automargin": True},
        "yaxis": {"autorange": "reversed", "type": "category", "tickfont": {"color": _INK},
                  "automargin": True, "showgrid": False}}
    return figure


def draw(steps: Sequence[Mapping[str, Any]], key: str) -> None:
    """The waterfall, then the story in words, then the rows to take away."""
    if not steps:
        st.caption("No steps are kept of this request: it was recorded by a program, not answered "
                   "by the query engine.")
        return
    charts.show(waterfall(steps), f"waterfall_{key}")
    st.markdown("\n".join(f"{number}. {_sentence(each)}" for number, each in enumerate(steps, 1)))
    with st.expander("Steps as a table"):
        tables.show(table(steps), f"steps {key}", {
            "name": "Step", "started_ms": "Began (ms)", "took_ms": "Took (ms)",
            "decision": "Decision", "codes": "Reason codes", "reasons": "Reasons",
            "facts": "Facts"}, {"started_ms": "number", "took_ms": "number"}, key=f"steps_{key}")


def table(steps: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The steps as rows."""
    return pd.DataFrame([{
        "name": each["name"], "started_ms": round(float(each["started_ms"]), 3),
        "took_ms": round(float(each["took_ms"]), 3), "decision": each["decision"],
        "codes": ", ".join(code for code, _ in each["reasons"]),
        "reasons": " ".join(text for _, text in each["reasons"]),
        "facts": ", ".join(f"{name} {value}" for name, value in each.get("facts", {}).items())}
        for each in steps])


def outcome(status: str, *, simulated: bool, cached: bool) -> None:
    """How the request ended, as words and icons."""
    word, look = OUTCOMES.get(status, (status, "unknown"))
    with st.container(horizontal=True, gap="small"):
        st.badge(word, icon=cards.LOOKS[look][1], color=cards.LOOKS[look][2])
        if simulated:
            st.badge("Simulated", icon=":material/science:", color="orange",
                     help="A simulated provider answered. No real model was asked.")
        if cached:
            st.badge("From the cache", icon=":material/cached:", color="green")


def plain(text: str, most: int = 400) -> str:
    """A text as it is: no Markdown in it is read."""
    short = text if len(text) <= most else f"{text[:most - 1]}…"
    return "".join(f"\\{each}" if each in r"\`*_{}[]()<>#+-.!|~$:" else each
                   for each in short.replace("\n", " "))


def _sentence(step: Mapping[str, Any]) -> str:
    told = " ".join(plain(text) for _, text in step["reasons"])
    return (f"**{plain(str(step['name']))}**, {plain(format.ms(float(step['took_ms'])))}: "
            f"{plain(str(step['decision']))}. {told}").rstrip()


def _went_wrong(step: Mapping[str, Any]) -> bool:
    return any(word in str(step["decision"]) for word in _BAD)
