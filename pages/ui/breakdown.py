"""A breakdown by one dimension: bars and a table whose rows narrow the page to themselves."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from pages.ui import charts, selecting, tables

DIMENSIONS = {"Workspace": "workspace_id", "Model": "model", "Agent": "agent_id",
              "Region": "region", "Device": "device"}
MOST_BARS = 8
LONGEST_NAME = 24

Columns = Mapping[str, tuple[str, str, str]]
"""Heading with unit, kind of `tables.show` and meaning, by column."""

TRAFFIC: Columns = {
    "requests": ("Requests", "count", ""),
    "request_ratio": ("Share of requests", "share", "Part of all requests of the range"),
    "users": ("Active users", "count", "Distinct users; estimated above a few thousand"),
    "input_tokens": ("Input tokens", "count", "Uncached prompt tokens"),
    "output_tokens": ("Output tokens", "count", "Reasoning included"),
    "error_pct": ("Error share (%)", "pct", "Failed requests per request"),
    "mean_latency_ms": ("Mean latency (ms)", "ms", "Over requests with a latency")}
COSTS: Columns = {
    "cost_usd": ("Cost (USD)", "usd_exact", "Tokens × dated price, exact"),
    "cost_ratio": ("Share of cost", "share", "Part of the total cost of the range"),
    "requests": ("Requests", "count", ""),
    "tokens": ("Tokens", "count", "Input, cache reads and writes, output"),
    "usd_per_request": ("USD per request", "usd_unit", "Over requests that have a price"),
    "usd_per_1k_tokens": ("USD per 1,000 tokens", "usd_unit", "Over tokens that have a price"),
    "unpriced_requests": ("Unpriced requests", "count", "Not in any cost")}


def choose(default: str, *, more: Sequence[str] = ()) -> str:
    """What the reader wants to see things by, kept in the address bar; see `DIMENSIONS`."""
    offered = [*DIMENSIONS, *more]
    chosen = st.radio("By", offered, index=offered.index(default), horizontal=True, key="by",
                      bind="query-params", label_visibility="collapsed")
    return chosen or default


def draw_bars(rows: pd.DataFrame, by: str, value: str, unit: str) -> None:
    """The biggest rows as bars; a click on a bar shows only its requests."""
    shown = rows.sort_values(value, ascending=False, kind="stable").head(MOST_BARS)
    names = [None if rest else name
             for name, rest in zip(shown["name"], shown["is_rest"], strict=True)]
    key = charts.themed(f"bars_{value}_{by}_{'_'.join(str(each) for each in names)}")
    figure = charts.bars(shown.assign(name=_short(list(shown["name"]))), "name", value, unit)
    figure.update_layout(margin={"t": 4, "b": 4})
    longest = float(shown[value].astype(float).fillna(0).max() or 1)
    figure.update_xaxes(visible=False, range=[0, longest * 1.3])
    st.plotly_chart(figure, key=key, selection_mode="points", height=34 * len(shown) + 12,
                    config={"displayModeBar": False},
                    on_select=selecting.narrower(key, by, names, selecting.points))


def draw_table(rows: pd.DataFrame, by: str, name: str, columns: Columns) -> None:
    """All rows as a table; choosing one shows only its requests."""
    names = [None if rest else each
             for each, rest in zip(rows["name"], rows["is_rest"], strict=True)]
    key = f"{name}_{by}_{len(names)}_{'_'.join(str(each) for each in names[:20])}"
    shown = rows.assign(name=[each or "(none)" for each in rows["name"]])
    there = {column: told for column, told in columns.items() if column in rows.columns}
    tables.show(shown, f"{name} by {by}",
                {"name": by} | {column: label for column, (label, _, _) in there.items()},
                {column: kind for column, (_, kind, _) in there.items()},
                helps={column: meaning for column, (_, _, meaning) in there.items() if meaning},
                key=key, select=selecting.narrower(key, by, names, selecting.rows))
    st.caption(selecting.HINT)


def _short(names: list[str]) -> list[str]:
    """Names that leave room for their bars, still all different."""
    short = [f"{name[:15]}…{name[-6:]}" if len(name) > LONGEST_NAME else name for name in names]
    return short if len(set(short)) == len(set(names)) else names
