"""Traffic: who uses the platform, how, and how happily?"""

import streamlit as st

from pages.ui import (
    cards,
    data,
    filters,
    frame,
    request_rows,
    selecting,
    traffic_ahead,
    traffic_cards,
    traffic_panels,
    usage,
)

drawn = filters.view()
st.title("Traffic")
selecting.chips(drawn)
with st.spinner("Reading traffic"):
    if not traffic_cards.anything(drawn, usage.read(drawn)):
        cards.empty("No requests and no visits in this range under these filters.")
        st.stop()


def draw(view: filters.View) -> None:
    """Cards and time charts of a view."""
    selecting.follow(drawn, view)
    traffic_ahead.over_time(view)
    now, before = usage.read(view), usage.read_before(view)
    cards.row(traffic_cards.read(view, now, before), min_width_px=215)
    if view.previous and not before:
        st.caption(usage.NO_DATA_BEFORE)
    traffic_panels.over_time(view, now, before, frame.annotations(view))
    st.caption(f"{cards.as_of_text(view.zone)}.")


def draw_parts(view: filters.View) -> None:
    """What the traffic is made of."""
    selecting.follow(drawn, view)
    total = usage.read(view).total
    traffic_ahead.parts(view, total)
    traffic_panels.shares(view, total)
    traffic_panels.who(view, total)
    traffic_panels.agents(view, total)
    traffic_panels.pages(view)
    traffic_panels.questions(view, total)
    traffic_panels.retention(view)


every_s = data.settings().pages.traffic_refresh_s
frame.live(draw, every_s)
frame.live(draw_parts, every_s)
request_rows.offer(drawn)
