"""Charts of the Traffic page that no other page has."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from streamlit.elements.lib.streamlit_plotly_theme import GRAY_90

_ROW_PX = 40
_SHADES = [[0, "rgba(33, 145, 134, 0.04)"], [1, "rgba(33, 145, 134, 0.55)"]]
_INK = GRAY_90  # stands for a colour of the theme that the browser puts in its place


def retention_map(rows: pd.DataFrame) -> go.Figure:
    """Weekly cohorts by weeks since: a shade, the share and the count in every cell.

    ``rows`` are those of `analytics.traffic.retention`. A cohort too small to judge says "few"; a
    week that is not over has a star. Shades are pale, so that the words are read on all of them.
    """
    weeks = sorted(set(rows["cohort_week_utc"]))
    after = list(range(int(rows["weeks_after"].max()) + 1))
    cells = {(row["cohort_week_utc"], int(row["weeks_after"])): row
             for row in rows.to_dict("records")}
    grid = [[cells.get((week, each)) for each in after] for week in weeks]
    sizes = {row["cohort_week_utc"]: row["cohort_users"] for row in rows.to_dict("records")}
    figure = go.Figure(go.Heatmap(
        x=[str(each) for each in after],
        y=[f"{week:%-d %b %Y} · {sizes[week]:,}" for week in weeks],
        z=[[float(cell["kept_ratio"]) * 100 if cell else None for cell in line] for line in grid],
        text=[[cell_text(cell) if cell else "" for cell in line] for line in grid],
        texttemplate="%{text}", textfont={"color": _INK, "size": 12}, colorscale=_SHADES,
        zmin=0, zmax=100, showscale=False, xgap=2, ygap=2, hoverongaps=False,
        hovertemplate="Cohort of %{y} users, %{x} weeks later: %{z:.1f} %<extra></extra>"))
    figure.update_layout(
        height=_ROW_PX * len(weeks) + 80, margin={"l": 8, "r": 12, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)", dragmode=False)
    figure.update_xaxes(title_text="Weeks after the first", type="category", showgrid=False,
                        tickfont_color=_INK, title_font_color=_INK, automargin=True)
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False,
                        tickfont_color=_INK, automargin=True)
    return figure


def cell_text(cell: Mapping[Hashable, Any]) -> str:
    """What stands in a cell: "42 % (17)", "few (3)", with a star while the week goes on."""
    share = "few" if cell["is_few"] else f"{cell['kept_ratio'] * 100:.0f} %"
    return f"{share} ({cell['users']:,}){'' if cell['is_whole'] else '*'}"
