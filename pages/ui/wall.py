"""Wall screen: a page without controls, large, that keeps itself fresh and can take turns.

``?tv=1`` turns it on; ``&pages=system-health,overview&every=30`` shows pages in turn.
"""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st
from streamlit.elements.lib.streamlit_plotly_theme import GRAY_90

from pages.ui import data, filters, format

CLOCK_S = 5.0
REDRAW_S = 60.0
PAGES = ("overview", "system-health", "traffic", "costs")
"""Pages that show numbers, so that a wall screen of them makes sense."""

LEAST_TURN_S, USUAL_TURN_S = 10.0, 30.0
LEAST_CARD_PX = 270
_NUMBER_PX, _NUMBER_HEIGHT_PX = 52, 76
_INSIDE_PX = 225
_LETTER_RATIO = 0.58
_KEPT = ("tv", "pages", "every", "range", "compare", *filters.DIMENSIONS, "machine",
         "requests_from")


def top(path: str, pages: Sequence[tuple[str, str]]) -> None:
    """The line above a page: range, clock, the way out; ``pages`` are paths and their files."""
    view = filters.view()
    with st.container(horizontal=True, vertical_alignment="center", gap="small",
                      horizontal_alignment="distribute"):
        demo = " · Demonstration data is part of it" if data.engine().has_demo() else ""
        st.caption(f"{filters.in_words(view.span, view.zone)} {view.zone}{demo}")
        st.fragment(_clock, run_every=CLOCK_S)(path, tuple(pages))
        if st.button("Leave wall screen", icon=":material/close_fullscreen:", type="tertiary",
                     help="Back to the page with its controls"):
            for name in ("tv", "pages", "every"):
                st.query_params.pop(name, None)
            st.session_state.pop("_turn", None)
            st.rerun()


def offer(path: str) -> None:
    """A button in the sidebar that leads to the wall screen of a page with numbers."""
    if path in PAGES:
        with st.sidebar:
            st.button("Wall screen", icon=":material/tv:", type="tertiary", on_click=_enter,
                      help="Large and without controls, for a screen on the wall. The address "
                           "keeps it; &pages=overview,system-health&every=30 shows pages in turn.")


def _enter() -> None:
    st.query_params["tv"] = "1"


def number(text: str) -> go.Figure:
    """A number with its unit, as large as fits a card, to be read across a room."""
    size_px = int(min(_NUMBER_PX, _INSIDE_PX / (_LETTER_RATIO * max(len(text), 1))))
    return go.Figure(layout={
        "height": _NUMBER_HEIGHT_PX, "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)",
        "xaxis": {"visible": False}, "yaxis": {"visible": False},
        "annotations": [{"text": text, "x": 0, "y": 0.5, "xref": "paper", "yref": "paper",
                         "showarrow": False, "xanchor": "left",
                         "font": {"size": size_px, "color": GRAY_90}}]})


def turn_s(text: str) -> float:
    """Seconds that each page stays, from the address bar; the usual ones where it makes no sense.

    At least 10, so that a page is drawn before the next one comes.
    """
    try:
        wanted = float(text)
    except ValueError:
        return USUAL_TURN_S
    return max(LEAST_TURN_S, wanted) if wanted == wanted else USUAL_TURN_S


def next_page(path: str, wanted: str, known: Sequence[str]) -> str:
    """The path that comes after ``path`` in a list such as "system-health,overview".

    Unknown paths are left out; empty if there is nothing to turn to.
    """
    turns = [each.strip() for each in wanted.split(",") if each.strip() in known]
    if not turns or turns == [path]:
        return ""
    return turns[(turns.index(path) + 1) % len(turns)] if path in turns else turns[0]


def _clock(path: str, pages: Sequence[tuple[str, str]]) -> None:
    now, zone = data.now(), filters.time_zone()
    st.markdown(f"**{format.clock(now, zone)}** {zone}")
    files = dict(pages)
    upcoming = next_page(path, st.query_params.get("pages", ""), list(files))
    shown, since = st.session_state.setdefault("_turn", (path, now))
    if shown != path:
        st.session_state["_turn"] = (path, now)
        return
    waited_s = (now - since).total_seconds()
    if upcoming and waited_s >= turn_s(st.query_params.get("every", "")):
        st.session_state["_turn"] = (upcoming, now)
        st.switch_page(files[upcoming], query_params=_kept_params())
    elif not upcoming and waited_s >= REDRAW_S:  # what no fragment of the page refreshes
        st.session_state["_turn"] = (path, now)
        st.rerun()


def _kept_params() -> dict[str, Any]:
    return {name: st.query_params.get_all(name) for name in _KEPT if name in st.query_params}
