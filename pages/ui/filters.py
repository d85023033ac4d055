"""Range, comparison and filters: drawn in the frame, kept in the address bar, held everywhere."""

import re
import time
import zoneinfo
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

import streamlit as st

from analytics import spans
from analytics.spans import Span
from pages.ui import data

DEFAULT_RANGE = "24h"
PRESETS = ("10m", "1h", "24h", "7d", "30d", "90d", "today", "yesterday")
DIMENSIONS = {"workspace": "Workspace", "model": "Model", "agent": "Agent", "region": "Region",
              "device": "Device"}
QUICK = (("Today", "today", "t"), ("24 h", "24h", "d"), ("7 d", "7d", "w"), ("30 d", "30d", "m"))
_MOST_CHOICES = 500
_NARROWED_S = 5.0


@dataclass(frozen=True, slots=True)
class View:
    """What the reader looks at: a span, the span before it if compared, and filters.

    Empty filter lists mean all. ``zone`` names the time zone shown.
    """

    span: Span
    previous: Span | None
    workspaces: list[str]
    models: list[str]
    agents: list[str]
    regions: list[str]
    devices: list[str]
    zone: str
    range_text: str

    def params(self, span: Span | None = None) -> dict[str, Any]:
        """Parameters of a query over the view's span, or another one, with all five filters."""
        return {**spans.query_params(span or self.span), "workspaces": self.workspaces,
                "models": self.models, "agents": self.agents, "regions": self.regions,
                "devices": self.devices}

    @property
    def width_s(self) -> int:
        """Seconds between the points of a chart of this view."""
        return spans.bucket_width_s(self.span)


def on_wall() -> bool:
    """Whether the address asks for the wall screen: no controls, larger (``?tv=1``)."""
    return st.query_params.get("tv") == "1"


def tell_unknown(param: str, known: Container[str], what: str) -> None:
    """Say that the address names something that is not there; call it before the choice is drawn.

    What was typed is shown as plain text, whatever it holds.
    """
    asked = st.query_params.get(param)
    if asked and asked not in known:
        named = re.sub(r"[^\w.:@ -]", "·", asked)[:80]
        st.warning(f"There is no {what} “{named}”. Another one is shown; choose from the list.",
                   icon=":material/help:")


def draw() -> None:
    """Put the controls into the frame; call once per run, before the page."""
    with st.sidebar:
        st.selectbox("Range", PRESETS, index=PRESETS.index(DEFAULT_RANGE), key="range",
                     accept_new_options=True, bind="query-params",
                     help=f"Choose, or type: {spans.EXAMPLES}. Days and months are those of UTC.")
        with st.container(horizontal=True, gap="xxsmall"):
            for label, wanted, key in QUICK:
                st.button(label, key=f"quick_{key}", shortcut=key, type="tertiary",
                          on_click=choose_range, args=(wanted,))
        with st.container(horizontal=True, horizontal_alignment="distribute",
                          vertical_alignment="center"):
            st.toggle("Compare", key="compare", value=True, bind="query-params",
                      help="Changes are against the span of the same length just before.")
            st.button("On or off", key="quick_x", shortcut="x", type="tertiary",
                      on_click=_flip_compare)
        offered = choices()
        _choose("workspace", offered)
        with st.expander("More filters", expanded=any(
                st.query_params.get_all(each) for each in DIMENSIONS if each != "workspace")):
            for dimension in list(DIMENSIONS)[1:]:
                _choose(dimension, offered)


def view() -> View:
    """What the frame's controls say; the default range where the typed one makes no sense."""
    zone = time_zone()
    text = _typed_range()
    try:
        span = spans.parse_range(text, data.now(), zone)
    except ValueError:
        text, span = DEFAULT_RANGE, spans.parse_range(DEFAULT_RANGE, data.now(), zone)
    lists = {each: st.query_params.get_all(each) if on_wall() else list(
        st.session_state.get(each) or ()) for each in DIMENSIONS}
    compare = st.query_params.get("compare") != "false" if on_wall() \
        else st.session_state.get("compare", True)
    return View(span, spans.previous(span) if compare else None,
                lists["workspace"], lists["model"], lists["agent"], lists["region"],
                lists["device"], zone, text)


def fault() -> str:
    """What is wrong with the typed range, or nothing."""
    try:
        spans.parse_range(_typed_range(), data.now(), time_zone())
    except ValueError as error:
        return str(error)
    return ""


def time_zone() -> str:
    """Name of the zone that times are shown in: the setting's, else the browser's, else UTC."""
    for name in (data.settings().pages.time_zone, st.context.timezone):
        try:
            if name:
                return zoneinfo.ZoneInfo(name).key
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            continue
    return "UTC"


def choices() -> dict[str, list[str]]:
    """Values that each filter offers, most used first."""
    offered: dict[str, list[str]] = {each: [] for each in DIMENSIONS}
    for row in data.query("overview/choices", limit=_MOST_CHOICES).itertuples():
        offered[str(row.dimension)].append(str(row.choice))
    return offered


def choose_range(text: str) -> None:
    """Change the range; for use as a button's callback."""
    st.session_state["range"] = text


def narrow(dimension: str, names: list[str]) -> None:
    """Filter a dimension by these values, none for all; for use in a callback."""
    held = st.session_state.setdefault("narrowed", {})
    held[dimension] = (list(st.session_state.get(dimension) or ()), names, time.monotonic())
    st.session_state[dimension] = names


def link_params(**further: str) -> dict[str, str]:
    """Parameters that a link adds to the view's own; those it carries along by itself."""
    return further


def in_words(span: Span, zone: str) -> str:
    """A span in a zone's time: "20 Nov 14:05 to 21 Nov 14:05"; years where they differ from now."""
    here = zoneinfo.ZoneInfo(zone)
    start, end = span.start.astimezone(here), span.end.astimezone(here)
    years = "" if start.year == end.year == data.now().astimezone(here).year else " %Y"
    return f"{start:%-d %b{years} %H:%M} to {end:%-d %b{years} %H:%M}"


def _typed_range() -> str:
    """What the control holds; the wall screen has no controls, so there the address counts."""
    held = st.query_params.get("range") if on_wall() else st.session_state.get("range")
    return str(held or DEFAULT_RANGE)


def _choose(dimension: str, offered: dict[str, list[str]]) -> None:
    _keep_narrowed(dimension)
    st.multiselect(DIMENSIONS[dimension], offered[dimension], key=dimension,
                   accept_new_options=True, bind="query-params",
                   placeholder="All")


def _keep_narrowed(dimension: str) -> None:
    """Take a choice up again that a refresh undid: the browser had sent the list as it was before
    it heard of the choice."""
    before, names, at = st.session_state.get("narrowed", {}).get(dimension, ([], [], 0.0))
    if before != names and time.monotonic() - at < _NARROWED_S \
            and list(st.session_state.get(dimension) or ()) == before:
        st.session_state[dimension] = names


def _flip_compare() -> None:
    st.session_state["compare"] = not st.session_state.get("compare", True)
