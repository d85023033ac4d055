"""Tables: units in the headings, sorted by a click, taken away as a safe CSV file."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from analytics import exports
from pages.ui import filters

_TIME = "D MMM YYYY HH:mm"
_NUMBERS = {"count": "%,d", "usd": "%,.4f", "usd_exact": "%.15g",
            "usd_unit": "%.4g", "ms": "%,.0f", "pct": "%.2f",
            "per_s": "%,.3f", "bytes": "bytes", "number": "plain"}
ROW_HEIGHT_PX = 33


def show(frame: pd.DataFrame, name: str, labels: Mapping[str, str],
         formats: Mapping[str, str] | None = None, *, key: str = "", helps: Mapping[str, str] | None
         = None, most_rows: int = 12,
         select: bool | Callable[[], None] = False) -> list[int]:
    """Draw the columns named in ``labels`` and offer them as ``<name>_<range>.csv``.

    ``formats`` gives a column's kind: count, usd, usd_exact, usd_unit (4 digits), ms, pct (0 to
    100), per_s, bytes, number, time, share (0 to 1, drawn as a bar). Returns the positions of
    chosen rows; a function given as ``select`` is called when the choice changes.
    """
    kinds, helps = dict(formats or {}), dict(helps or {})
    zone = filters.time_zone()
    shown = frame[list(labels)].reset_index(drop=True).copy()
    for column, kind in kinds.items():
        if kind in _NUMBERS or kind == "share":
            shown[column] = shown[column].astype("float64")
            if kind == "count" and not shown[column].isna().any():
                shown[column] = shown[column].astype("int64")
        elif kind == "time" and len(shown):
            shown[column] = pd.to_datetime(shown[column], utc=True).dt.tz_convert(zone)
    options: dict[str, Any] = {
        "hide_index": True, "placeholder": "–", "key": key or f"table_{name}",
        "column_config": {column: _column(label, kinds.get(column, ""), helps.get(column), zone)
                          for column, label in labels.items()},
        "height": "content" if len(shown) <= most_rows else ROW_HEIGHT_PX * (most_rows + 1)}
    chosen: list[int] = []
    if select:
        state = st.dataframe(shown, on_select="rerun" if select is True else select,
                             selection_mode="single-row", **options)
        chosen = list(state["selection"]["rows"])
    else:
        st.dataframe(shown, **options)
    if filters.on_wall():
        return chosen
    taken = frame[list(labels)]
    st.download_button("CSV", data=lambda: exports.to_csv(taken, tuple(labels.values())),
                       file_name=file_name(name), mime="text/csv", key=f"csv_{key or name}",
                       icon=":material/download:", type="tertiary", on_click="ignore",
                       help=f"{len(frame):,} rows as CSV, exact values, times in UTC")
    return chosen


def file_name(name: str) -> str:
    """A file's name that says what is in it and for which range."""
    span = filters.view().span
    words = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return f"{words}_{span.start:%Y%m%dT%H%M}Z_{span.end:%Y%m%dT%H%M}Z.csv"


def _column(label: str, kind: str, help_text: str | None, zone: str) -> Any:
    if kind in _NUMBERS:
        return st.column_config.NumberColumn(label, help=help_text, format=_NUMBERS[kind])
    if kind == "share":
        return st.column_config.ProgressColumn(label, help=help_text, format="percent",
                                               min_value=0.0, max_value=1.0)
    if kind == "time":
        return st.column_config.DatetimeColumn(label, help=help_text, format=_TIME,
                                               timezone=zone)
    return st.column_config.TextColumn(label, help=help_text)
