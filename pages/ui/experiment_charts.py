"""Charts of experiments: effects with their intervals, what could be found, shares over time."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from streamlit.elements.lib.streamlit_plotly_theme import GRAY_90

from pages.ui import charts

COLOURS = ("#22847d", "#c2621b", "#4a6fb3", "#a0568f", "#8a7a1f")
"""Line colours of treatments; dashes and the legend tell them apart without colour."""
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
_FILLS = ("rgba(34,132,125,0.18)", "rgba(194,98,27,0.18)", "rgba(74,111,179,0.18)",
          "rgba(160,86,143,0.18)", "rgba(138,122,31,0.18)")
_INK = GRAY_90  # stands for a colour of the theme that the browser puts in its place
_GRID = "rgba(128, 140, 138, 0.22)"
_ZERO = "rgba(128, 140, 138, 0.95)"
_ROOM = 3.0
_ROW_PX = 32


def effect_band(series: pd.DataFrame, names: Mapping[str, str], unit: str, zone: str,
                factor: float = 1.0, margin: float = 0.0) -> go.Figure:
    """The effect of each treatment over time, its sequential interval as a band, and zero.

    ``series`` is that of an experiment's results. ``factor`` turns estimates into ``unit``;
    ``margin``, the smallest effect of interest, is drawn on both sides of zero.
    """
    figure = go.Figure()
    for place, (variant, rows) in enumerate(series.groupby("variant", sort=False)):
        look = place % len(COLOURS)
        name = names.get(str(variant), str(variant))
        times = rows["at_utc"].dt.tz_convert(zone).dt.tz_localize(None)
        low, middle, high = (np.round(rows[column].astype("float64").to_numpy() * factor, 6)
                             for column in ("lower", "estimate", "upper"))
        shared: dict[str, Any] = {"x": times, "mode": "lines", "legendgroup": name}
        figure.add_trace(go.Scatter(y=low, line={"width": 0}, showlegend=False,
                                    hoverinfo="skip", **shared))
        figure.add_trace(go.Scatter(
            y=high, line={"width": 0}, fill="tonexty", fillcolor=_FILLS[look],
            name=f"{name}, 95 % interval", hoverinfo="skip", **shared))
        figure.add_trace(go.Scatter(
            y=middle, name=name, line={"width": 2, "color": COLOURS[look], "dash": DASHES[look]},
            customdata=np.column_stack([low, high]), **shared,
            hovertemplate=f"%{{y:+,.4~g}} {unit} (%{{customdata[0]:+,.3~g}} to "
                          "%{customdata[1]:+,.3~g})"))
    _lay_out(figure, unit, f"Time, {zone}", legend=True)
    figure.update_yaxes(range=_reach(series, factor))
    figure.add_hline(y=0, line={"color": _ZERO, "width": 1.5})
    for level in (-margin, margin) if margin > 0 else ():
        figure.add_hline(y=level, line={"color": _ZERO, "width": 1, "dash": "dot"})
    return figure


def smallest_effects(frame: pd.DataFrame, wanted: float, unit: str) -> go.Figure:
    """The smallest effect to be found after each day; columns day and effect.

    ``wanted`` is the effect looked for, a dashed level.
    """
    figure = go.Figure()
    figure.add_trace(go.Scatter(
        x=frame["day"], y=np.round(frame["effect"].astype("float64"), 6), mode="lines",
        name="smallest effect to be found", line={"width": 2, "color": COLOURS[0]},
        hovertemplate=f"day %{{x}}: %{{y:,.3~g}} {unit}<extra></extra>"))
    figure.add_trace(go.Scatter(
        x=[frame["day"].iloc[0], frame["day"].iloc[-1]], y=[wanted, wanted], mode="lines",
        name=f"effect looked for, {wanted:,.4g} {unit}", hoverinfo="skip",
        line={"width": 1.4, "color": _ZERO, "dash": "dash"}))
    _lay_out(figure, unit, "Days after the start", legend=True)
    highest = float(np.nanquantile(frame["effect"].astype("float64"), 0.9))
    figure.update_yaxes(range=[0, max(highest, 1.3 * wanted) * 1.1])
    figure.update_layout(hovermode="closest")
    return figure


def shares_over_time(rows: pd.DataFrame, zone: str) -> go.Figure:
    """Shares of the choices per arm as steps that fill 100 %; columns at_utc, arm, share_pct."""
    figure = go.Figure()
    for place, (arm, part) in enumerate(rows.groupby("arm", sort=False)):
        look = place % len(COLOURS)
        figure.add_trace(go.Scatter(
            x=part["at_utc"].dt.tz_convert(zone).dt.tz_localize(None), y=part["share_pct"],
            name=str(arm), mode="lines", stackgroup="all", hovertemplate="%{y:.1f} %",
            line={"shape": "hv", "width": 1.2, "color": COLOURS[look], "dash": DASHES[look]}))
    _lay_out(figure, "% of the choices", f"Time, {zone}", legend=True)
    figure.update_yaxes(range=[0, 100])
    return figure


def intervals(rows: pd.DataFrame, unit: str, zero: bool = True) -> go.Figure:
    """A dot with its interval for each row, the first on top; name, estimate, lower, upper.

    An infinite bound runs out of the chart.
    """
    known = rows.dropna(subset=["estimate"])
    low, high = _span(known)
    lower = known["lower"].astype("float64").clip(lower=low - (high - low))
    upper = known["upper"].astype("float64").clip(upper=high + (high - low))
    figure = go.Figure(go.Scatter(
        x=known["estimate"], y=known["name"].astype(str), mode="markers",
        marker={"size": 10, "symbol": "diamond", "color": COLOURS[0]},
        customdata=np.column_stack([known["lower"], known["upper"]]),
        error_x={"type": "data", "symmetric": False, "array": upper - known["estimate"],
                 "arrayminus": known["estimate"] - lower, "color": COLOURS[0], "thickness": 2,
                 "width": 6},
        hovertemplate=f"%{{y}}: %{{x:,.4~g}} {unit} (%{{customdata[0]:,.4~g}} to "
                      "%{customdata[1]:,.4~g})<extra></extra>"))
    _lay_out(figure, "", unit, legend=False)
    figure.update_layout(height=max(150, _ROW_PX * len(known) + 80), hovermode="closest")
    pad = (high - low) * 0.06 or 1.0
    bounds = [min(low, 0.0) - pad, max(high, 0.0) + pad] if zero else [low - pad, high + pad]
    figure.update_xaxes(range=bounds, gridcolor=_GRID, showgrid=True)
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category", dtick=1)
    if zero:
        figure.add_vline(x=0, line={"color": _ZERO, "width": 1.5})
    return figure


def _reach(series: pd.DataFrame, factor: float) -> list[float]:
    """Where the axis ends: the first looks' wide intervals may run out of the chart."""
    ends = series.groupby("variant", sort=False).tail(max(2, len(series) // 2))
    known = np.concatenate([ends[["lower", "upper"]].to_numpy("float64").ravel(),
                            series["estimate"].to_numpy("float64")]) * factor
    last = series.groupby("variant", sort=False).tail(1)
    now = last[["lower", "upper"]].to_numpy("float64") * factor
    finite, latest = known[np.isfinite(known)], now[np.isfinite(now)]
    if not len(finite):
        return [-1.0, 1.0]
    most = float(np.abs(latest).max()) * _ROOM if len(latest) else math.inf
    low, high = min(0.0, float(finite.min())), max(0.0, float(finite.max()))
    pad = (min(high, most) - max(low, -most)) * 0.08 or 1.0
    return [max(low, -most) - pad, min(high, most) + pad]


def _span(rows: pd.DataFrame) -> tuple[float, float]:
    values = rows[["lower", "upper", "estimate"]].to_numpy("float64")
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)


def _lay_out(figure: go.Figure, unit: str, x_title: str, *, legend: bool) -> None:
    ink: dict[str, Any] = {"tickfont": {"color": _INK}, "automargin": True}
    figure.layout = {
        "height": charts.HEIGHT, "margin": {"l": 8, "r": 12, "t": 44 if legend else 10, "b": 8},
        "hovermode": "x unified", "showlegend": legend, "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)", "dragmode": False,
        "legend": {"orientation": "h", "y": 1.02, "x": 0, "yanchor": "bottom", "title": None},
        "xaxis": ink | {"showgrid": False, "title": {"text": x_title, "font": {"color": _INK}}},
        "yaxis": ink | {"gridcolor": _GRID, "zeroline": False, "nticks": 6,
                        "separatethousands": True,
                        "title": {"text": unit, "font": {"color": _INK}}}}
