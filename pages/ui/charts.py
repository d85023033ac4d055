"""Chart builders: one look, units on every axis, annotations on every time chart."""

import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from streamlit.elements.lib.streamlit_plotly_theme import GRAY_90

from analytics.spans import Span
from analytics.thinning import keep_spikes
from pages.ui import filters

HEIGHT = 280
WALL_RATIO = 1.2
"""How much taller charts are on a wall screen."""

MOST_NOTES = 8
_QUIET = "rgba(128, 140, 138, 0.75)"
INK = GRAY_90  # stands for a colour of the theme that the browser puts in its place
_GRID = "rgba(128, 140, 138, 0.22)"
_FILL = "rgba(33, 145, 134, 0.16)"
_LIMIT_LOOKS = ("dash", "dot", "dashdot")
_FIRST_TO_SHOW = ("incident", "scaling", "optimization", "experiment", "price", "deploy")
_CONFIG = {"displaylogo": False, "displayModeBar": False, "responsive": True}

_BAND = "rgba(128, 140, 138, 0.20)"
_UNUSUAL = "rgb(214, 93, 14)"
_BAND_ROOM = 2.0

Limits = float | Sequence[tuple[str, float]] | None


@dataclass(frozen=True, slots=True)
class Band:
    """What was to be expected: ``usual`` has at_utc, low, high; ``found``, the anomalies, has
    at_utc, value, reason. ``of`` names the line where a chart has several."""

    usual: pd.DataFrame
    found: pd.DataFrame
    of: str = ""


def time_series(frame: pd.DataFrame, x: str, y: str | Mapping[str, str], by: str | None = None,
                *, unit: str, zone: str, previous: pd.DataFrame | None = None,
                span: Span | None = None, before: Span | None = None, limit: Limits = None,
                annotations: Sequence[Mapping[str, Any]] = (), area: bool = False,
                stacked: bool = False, top: float | None = None,
                bands: Sequence[Band | None] = ()) -> go.Figure:
    """Lines over time. ``y`` is a column, or columns with their labels; ``by`` splits into lines.

    ``previous`` holds the same columns for the period ``before``, drawn quietly behind the line
    of ``span``. ``limit`` is a level, or levels with labels. ``bands`` are what was expected.
    Times are shown in ``zone``.
    """
    figure = go.Figure()
    lines = _lines(frame, y, by)
    for name, (rows, column) in lines:
        look: dict[str, Any] = {"line": {"width": 1.8}}
        if stacked:
            look = {"line": {"width": 0.8}, "stackgroup": "all"}
        elif area and len(lines) == 1:
            look |= {"fill": "tozeroy", "fillcolor": _FILL}
        _add_line(figure, rows, x, column, name, unit, zone, **look)
    if previous is not None and span is not None and before is not None and not previous.empty:
        name, values = _lines(previous, y, by)[0]
        shifted = values[0].assign(**{x: values[0][x] + (span.start - before.start)})
        _add_line(figure, shifted, x, values[1], f"{name} before", unit, zone, zorder=-1,
                  line={"color": _QUIET, "width": 1.4, "dash": "dot"})
    _draw_limits(figure, limit, unit)
    tallest = max((float(rows[column].astype("float64").max()) for _, (rows, column) in lines),
                  default=0.0)
    y_axis: dict[str, Any] = {}
    for band in bands:
        y_axis |= _draw_band(figure, band, unit, zone, max([tallest, *_levels(limit).values()]))
    lay_out(figure, unit, len(figure.data) > 1, _time_axis(span, zone),
             y_axis if top is None else {"range": [0, top]})
    _annotate(figure, annotations, zone)
    return figure


def stacked(frame: pd.DataFrame, x: str, y: str, by: str, *, unit: str, zone: str,
            width_s: int, annotations: Sequence[Mapping[str, Any]] = (),
            span: Span | None = None, band: Band | None = None) -> go.Figure:
    """Bars over time, one per bucket of ``width_s`` seconds, split by a column, largest first.

    ``band`` is what was expected of all together.
    """
    figure = go.Figure()
    sizes = frame.groupby(by, sort=False)[y].sum().astype(float).sort_values(ascending=False)
    for name in sizes.index:
        rows = frame[frame[by] == name]
        figure.add_trace(go.Bar(
            x=_times(rows[x], zone), y=rows[y].astype(float), name=str(name) or "(none)",
            width=width_s * 820, offset=0, hovertemplate=f"%{{y:,.6~g}} {unit}"))
    tallest = float(frame.groupby(x)[y].sum().astype(float).max()) if len(frame) else 0.0
    y_axis = _draw_band(figure, band, unit, zone, tallest, width_s * 0.41)
    lay_out(figure, unit, len(figure.data) > 1, _time_axis(span, zone), y_axis)
    figure.layout.barmode = "stack"
    _annotate(figure, annotations, zone)
    return figure


def bars(frame: pd.DataFrame, name: str, value: str, unit: str) -> go.Figure:
    """Level bars, the first row on top, each with its value beside it."""
    values = frame[value].astype(float)
    longest = float(values.fillna(0).max() or 1) if len(values) else 1.0
    figure = go.Figure(go.Bar(
        x=values.fillna(0), y=frame[name].astype(str).replace("", "(none)"), orientation="h",
        text=[_bar_text(each, unit == "USD") for each in values],
        textposition="outside", textfont_color=INK, cliponaxis=False,
        hovertemplate=f"%{{y}}: %{{x:,}} {unit}"))
    lay_out(figure, "", legend=False)
    figure.update_layout(height=max(140, 34 * len(frame) + 60), hovermode="closest", bargap=0.35)
    figure.update_xaxes(title_text=unit, gridcolor=_GRID, rangemode="tozero",
                        range=[0, longest * 1.15])
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category", title_text="",
                        dtick=1, nticks=0)
    return figure


def scatter(groups: Sequence[tuple[str, Any, Any, Any, str, str]], *, x_unit: str,
            y_unit: str) -> go.Figure:
    """Points of two numbers. A group is its label, x, y, names, symbol and mode (markers, lines).

    Groups differ by symbol too, not by colour alone.
    """
    figure = go.Figure()
    for name, x, y, names, symbol, mode in groups:
        figure.add_trace(go.Scatter(
            x=x, y=y, text=names, name=name, mode=mode, line={"width": 1.2}, cliponaxis=False,
            marker={"symbol": symbol, "size": 8 if "lines" in mode else 12},
            hovertemplate=f"%{{text}}: %{{x:,.4~g}} {x_unit}, %{{y:,.4~g}} {y_unit}"))
    lay_out(figure, y_unit, legend=True, x={"title": {"text": x_unit}, "nticks": 6})
    figure.layout.hovermode = "closest"
    return figure


def _bar_text(value: float, money: bool) -> str:
    if value != value:
        return "no price" if money else "unknown"
    if money and 0 < value < 0.0001:
        return "under 0.0001"
    return f"{value:,.4g}" if value < 1_000 else f"{value:,.0f}"


def sparkline(values: Sequence[float | None] | pd.Series, most: int = 48) -> list[float]:
    """At most ``most`` means for the small line on a card; gaps repeat what was before."""
    known = pd.Series(list(values), dtype="float64").ffill().bfill().dropna().to_numpy()
    pieces = np.array_split(known, min(len(known), most)) if len(known) else []
    return [float(piece.mean()) for piece in pieces]


def show(figure: go.Figure, key: str, *, explained: bool = True) -> None:
    """Draw a figure, and under it what its numbered lines mean unless the page says it once."""
    st.plotly_chart(figure, key=themed(key), config=_CONFIG,
                    height=int((figure.layout.height or HEIGHT)
                               * (WALL_RATIO if filters.on_wall() else 1)))
    if explained and figure.layout.meta:
        st.caption(str(figure.layout.meta))


def themed(key: str) -> str:
    """A chart's key under the reader's theme, so that another theme draws the chart anew."""
    return f"{key}_{st.context.theme.type or 'light'}"  # unknown in a first run: the delivered one


def explain(annotations: Sequence[Mapping[str, Any]], zone: str) -> None:
    """Say once for several charts what their numbered lines mean."""
    if annotations:
        st.caption(f"Marks: {' · '.join(notes(annotations, zone))}")


def _lines(frame: pd.DataFrame, y: str | Mapping[str, str],
           by: str | None) -> list[tuple[str, tuple[pd.DataFrame, str]]]:
    if not isinstance(y, str):
        return [(label, (frame, column)) for column, label in y.items()]
    if by is None:
        return [(y.rsplit("_", 1)[0].replace("_", " ").capitalize(), (frame, y))]
    return [(str(name) or "(none)", (rows, y)) for name, rows in frame.groupby(by, sort=False)]


def _add_line(figure: go.Figure, rows: pd.DataFrame, x: str, y: str, name: str, unit: str,
              zone: str, **look: Any) -> None:
    values = rows[y].astype("float64").to_numpy()
    kept = keep_spikes(values)
    apart = _between_gaps(values[kept])
    if apart.any():  # a line would not show them
        look |= {"marker": {"size": np.where(apart, 5, 0), "opacity": 1}}
    figure.add_trace(go.Scatter(
        x=_times(rows[x].iloc[kept], zone), y=np.round(values[kept], 6), name=name,
        mode="lines+markers" if apart.any() else "lines", connectgaps=False,
        hovertemplate=f"%{{y:,.4~g}} {unit}", **look))


def _between_gaps(values: np.ndarray) -> np.ndarray:
    """Which values are known while those beside them are not."""
    known = np.concatenate([[False], ~np.isnan(values), [False]])
    return known[1:-1] & ~known[:-2] & ~known[2:]


def _times(times: pd.Series, zone: str) -> pd.Series:
    return times.dt.tz_convert(zone).dt.tz_localize(None)


def _local(at: Any, zone: str) -> Any:
    return at.astimezone(zoneinfo.ZoneInfo(zone)).replace(tzinfo=None)


def _time_axis(span: Span | None, zone: str) -> dict[str, Any]:
    axis: dict[str, Any] = {"title": {"text": f"Time, {zone}"}, "type": "date"}
    if span is not None:
        axis["range"] = [_local(span.start, zone), _local(span.end, zone)]
    return axis


def lay_out(figure: go.Figure, unit: str, legend: bool, x: Mapping[str, Any] | None = None,
             y: Mapping[str, Any] | None = None) -> None:
    """The look of every chart; ``x`` and ``y`` are further properties of the axes.

    Set at once: each of Plotly's updates takes milliseconds, whatever it changes.
    """
    ink: dict[str, Any] = {"tickfont": {"color": INK}, "automargin": True}
    figure.layout = {
        "height": HEIGHT, "margin": {"l": 8, "r": 12, "t": 30 if legend else 10, "b": 8},
        "hovermode": "x unified", "showlegend": legend, "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)", "dragmode": False,
        "legend": {"orientation": "h", "y": 1.02, "x": 0, "yanchor": "bottom", "title": None},
        "xaxis": ink | {"showgrid": False} | _titled(x or {}, ""),
        "yaxis": ink | {"gridcolor": _GRID, "zeroline": False, "rangemode": "tozero",
                        "separatethousands": True, "nticks": 6} | _titled(y or {}, unit)}


def _titled(axis: Mapping[str, Any], text: str) -> dict[str, Any]:
    title = {"text": text, **axis.get("title", {}), "font": {"color": INK}}
    return {**axis, "title": title}


def _levels(limit: Limits) -> dict[str, float]:
    return {"limit": float(limit)} if isinstance(limit, (int, float)) else dict(limit or ())


def _draw_limits(figure: go.Figure, limit: Limits, unit: str) -> None:
    """Levels as quiet lines that the legend names, so that no label lies on the data."""
    ends = _ends(figure)
    for (label, level), dash in zip(_levels(limit).items(), _LIMIT_LOOKS, strict=False):
        if ends is not None:
            figure.add_trace(go.Scatter(
                x=list(ends), y=[level, level], name=f"{label} {level:,g} {unit}", mode="lines",
                hoverinfo="skip", zorder=-2, line={"color": _QUIET, "width": 1, "dash": dash}))


def _draw_band(figure: go.Figure, band: Band | None, unit: str, zone: str, tallest: float,
               later_s: float = 0.0) -> dict[str, Any]:
    """The band as a quiet fill behind everything, anomalies as diamonds that say why.

    A band that rises far above the ``tallest`` value is cut off, so that the line stays readable:
    what comes back are the further properties of the y axis.
    """
    if band is None:
        return {}
    later = pd.Timedelta(seconds=later_s)
    times, name = _times(band.usual["at_utc"] + later, zone), f"expected {band.of}".strip()
    look: dict[str, Any] = {"mode": "lines", "hoverinfo": "skip", "zorder": -3,
                            "line": {"width": 0}, "legendgroup": name, "x": times}
    figure.add_trace(go.Scatter(y=np.round(band.usual["low"].to_numpy(), 6), showlegend=False,
                                name=f"{name}, low", **look))
    figure.add_trace(go.Scatter(y=np.round(band.usual["high"].to_numpy(), 6), name=name,
                                fill="tonexty", fillcolor=_BAND, **look))
    if len(band.found):
        figure.add_trace(go.Scatter(
            x=_times(band.found["at_utc"] + later, zone), y=band.found["value"],
            name=f"unusual {band.of}".strip(), mode="markers", text=band.found["reason"],
            hovertemplate=f"%{{y:,.4~g}} {unit}, %{{text}}",
            marker={"symbol": "diamond-open", "size": 11, "color": _UNUSUAL,
                    "line": {"width": 2}}))
    cut = 0 < tallest * _BAND_ROOM < band.usual["high"].max() and band.usual["low"].min() >= 0
    return {"range": [0, tallest * _BAND_ROOM]} if cut else {}


def _ends(figure: go.Figure) -> tuple[Any, Any] | None:
    """First and last moment of a figure's lines, None without any."""
    firsts = [trace.x[0] for trace in figure.data if trace.x is not None and len(trace.x)]
    lasts = [trace.x[-1] for trace in figure.data if trace.x is not None and len(trace.x)]
    return (min(firsts), max(lasts)) if firsts else None


def _chosen(annotations: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The annotations a chart has room for, in order of time: urgent kinds first, then latest."""
    def rank(row: Mapping[str, Any]) -> int:
        kind = str(row["kind"])
        return _FIRST_TO_SHOW.index(kind) if kind in _FIRST_TO_SHOW else len(_FIRST_TO_SHOW)

    latest_first = sorted(annotations, key=lambda row: row["at_utc"], reverse=True)
    return sorted(sorted(latest_first, key=rank)[:MOST_NOTES], key=lambda row: row["at_utc"])


def _annotate(figure: go.Figure, annotations: Sequence[Mapping[str, Any]], zone: str) -> None:
    """Dotted, numbered lines; numbers that would overlap share one label."""
    marks = [(number, _local(row["at_utc"], zone), row)
             for number, row in enumerate(_chosen(annotations), 1)]
    ends = _ends(figure)
    apart = (pd.Timestamp(ends[1]) - pd.Timestamp(ends[0])) * 0.04 if ends else pd.Timedelta(0)
    labels: list[tuple[Any, list[int], list[str]]] = []
    for number, at, row in marks:
        if row.get("end_utc"):
            figure.add_vrect(x0=at, x1=_local(row["end_utc"], zone), fillcolor=_QUIET,
                             opacity=0.18, line_width=0, layer="below")
        figure.add_shape(type="line", x0=at, x1=at, y0=0, y1=1, yref="paper", layer="below",
                         line={"color": _QUIET, "width": 1, "dash": "dot"})
        told = f"{row['kind']}: {row['text']}"
        if labels and at - labels[-1][0] < apart:
            labels[-1][1].append(number)
            labels[-1][2].append(told)
        else:
            labels.append((at, [number], [told]))
    for at, numbers, told_here in labels:
        figure.add_annotation(x=at, y=1, yref="paper", yanchor="bottom", showarrow=False,
                              text=", ".join(map(str, numbers)), hovertext="<br>".join(told_here),
                              font={"size": 10, "color": INK})
    if marks:
        figure.update_layout(meta=" · ".join(notes(annotations, zone)), margin={"t": 22})
        if figure.layout.showlegend:
            figure.update_layout(legend={"y": 1.1}, margin={"t": 48})


def notes(annotations: Sequence[Mapping[str, Any]], zone: str) -> list[str]:
    """What each numbered line of the time charts means, in Markdown, and how many are left out."""
    shown = _chosen(annotations)
    told = [f"**{number}** {_local(row['at_utc'], zone):%-d %b %H:%M} {_plain(str(row['text']))}"
            for number, row in enumerate(shown, 1)]
    if len(annotations) > len(shown):
        told.append(f"and {len(annotations) - len(shown)} more")
    return told


def _plain(text: str) -> str:
    """Text as it is: no Markdown."""
    short = text if len(text) <= 90 else f"{text[:89]}…"
    return "".join(f"\\{each}" if each in r"\`*_{}[]()<>#+-.!|~$:" else each for each in short)
