"""Charts of spend: what comes next after the bars, drivers as a waterfall, crossed breakdowns."""

from decimal import Decimal
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from analytics.cost_drivers import Drivers
from analytics.forecasting.answers import Forecast
from pages.ui import charts, format

AHEAD = "rgba(33, 145, 134, 0.20)"
UP, DOWN, SUM = "rgb(196, 78, 20)", "rgb(33, 145, 134)", "rgb(110, 122, 120)"
MOST_SPLIT = 8
STEPS = (("requests_usd", "Volume:\nrequests"), ("size_usd", "Volume:\ntokens per request"),
         ("mix_usd", "Mix"), ("price_usd", "Price"))


def add_outlook(figure: go.Figure, ahead: Forecast, zone: str) -> None:
    """The forecast's middle and the band that holds 80 % of what can come, after the bars."""
    starts = pd.Series([ahead.start_utc + pd.Timedelta(seconds=ahead.step_s * (place + 0.41))
                        for place in range(len(ahead.mean))])
    times = starts.dt.tz_convert(zone).dt.tz_localize(None)
    low, high = (ahead.quantiles[ahead.levels.index(level)] for level in (0.1, 0.9))
    quiet: dict[str, Any] = {"mode": "lines", "hoverinfo": "skip", "line": {"width": 0},
                             "legendgroup": "ahead", "x": times}
    figure.add_trace(go.Scatter(y=low, showlegend=False, name="forecast, low", **quiet))
    figure.add_trace(go.Scatter(y=high, fill="tonexty", fillcolor=AHEAD,
                                name="forecast, 80 % band", **quiet))
    figure.add_trace(go.Scatter(
        x=times, y=ahead.mean, mode="lines+markers", name="forecast", legendgroup="ahead",
        line={"dash": "dash", "width": 1.6, "color": DOWN}, marker={"size": 5},
        customdata=list(zip(low, high, strict=True)),
        hovertemplate="%{y:,.4~g} USD (%{customdata[0]:,.4~g} to %{customdata[1]:,.4~g})"))
    if figure.layout.xaxis.range:
        last = times.iloc[-1] + pd.Timedelta(seconds=ahead.step_s)
        figure.layout.xaxis.range = [figure.layout.xaxis.range[0], last]
    tallest = figure.layout.yaxis.range
    if tallest and float(high.max()) > float(tallest[1]):
        figure.layout.yaxis.range = [tallest[0], float(high.max()) * 1.1]


def waterfall(change: Drivers) -> go.Figure:
    """From the cost before to the cost now by driver; signs and arrows tell ups from downs."""
    values = [change.before_usd, *(getattr(change, name) for name, _ in STEPS), change.after_usd]
    labels = ["Before", *(label.replace("\n", "<br>") for _, label in STEPS), "Now"]
    figure = go.Figure(go.Waterfall(
        x=labels, y=[float(each) for each in values],
        measure=["absolute", *["relative"] * len(STEPS), "total"],
        text=[format.usd(values[0]), *(told(each) for each in values[1:-1]),
              format.usd(values[-1])],
        textposition="outside", cliponaxis=False, textfont={"color": charts.INK},
        increasing={"marker": {"color": UP}}, decreasing={"marker": {"color": DOWN}},
        totals={"marker": {"color": SUM}}, connector={"line": {"width": 1, "dash": "dot"}},
        hovertemplate="%{x}: %{text}<extra></extra>"))
    charts.lay_out(figure, "USD", legend=False)
    figure.update_layout(height=320, hovermode="closest")
    running, ends = Decimal(0), []
    for each in values[:-1]:
        running += each
        ends.append(float(running))
    low, high = min(0.0, *ends), max(*ends, 0.0)
    room = (high - low or 1.0) * 0.14
    figure.update_yaxes(range=[low - (room if low < 0 else 0), high + room], zeroline=low < 0)
    return figure


def crossed(rows: pd.DataFrame, first: str, second: str) -> go.Figure:
    """Level bars of the first dimension, split by the second, largest first."""
    shown = rows[~rows["is_rest"]].assign(cost=lambda frame: frame["cost_usd"].astype(float))
    sizes = shown.groupby("second_name")["cost"].sum().sort_values(ascending=False)
    names = shown.groupby("first_name")["cost"].sum().sort_values(ascending=False).head(10).index
    figure = go.Figure()
    for place, name in enumerate(sizes.index[:MOST_SPLIT]):
        part = shown[shown["second_name"] == name].groupby("first_name")["cost"].sum()
        figure.add_trace(go.Bar(
            y=[str(each) or "(none)" for each in names], x=[part.get(each, 0.0) for each in names],
            name=str(name) or "(none)", orientation="h",
            marker={"pattern": {"shape": ("", "/", ".", "x", "-", "|", "+", "\\")[place]}},
            hovertemplate=f"%{{y}}: %{{x:,.6~g}} USD, {second.lower()} {str(name) or '(none)'}"
                          "<extra></extra>"))
    charts.lay_out(figure, "", legend=True, x={"title": {"text": "USD"}})
    figure.update_layout(barmode="stack", hovermode="closest", bargap=0.35,
                         height=max(200, 34 * len(names) + 110))
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category", title_text="")
    return figure


def told(amount: Decimal) -> str:
    """An amount with its sign and an arrow: "▲ +3.20 USD"; "± 0" for nothing."""
    if not amount:
        return "± 0"
    text = format.usd(abs(amount))
    return f"▲ +{text}" if amount > 0 else f"▼ −{text}"
