"""What the Traffic page is going to ask, asked at once: the longest first."""

from functools import partial

import streamlit as st

from analytics.usage import Usage
from pages.ui import breakdown, data, frame, usage
from pages.ui import traffic_reading as reading
from pages.ui.filters import View


def over_time(view: View) -> None:
    """Everything of the cards and the charts over time."""
    data.together(*(partial(each, view) for each in (
        usage.read_before, reading.new_and_returning, usage.users, usage.users_line,
        reading.latency_line, reading.session_line, usage.read, usage.latency, reading.sessions)),
        *([partial(reading.online_now, view)] if frame.ahead(view) else []))
    past = view.previous
    if past and usage.read_before(view):
        data.together(*(partial(each, view, past) for each in (
            usage.users_line, usage.users, usage.latency, reading.sessions)))


def parts(view: View, total: Usage) -> None:
    """Everything of what the traffic is made of."""
    by = breakdown.DIMENSIONS.get(st.query_params.get("by", ""), "workspace_id")
    data.together(
        partial(reading.retention, view), partial(reading.questions, view, total),
        partial(reading.pages, view), partial(usage.breakdown_with_users, view, by, total),
        partial(reading.agents, view, total), partial(reading.referrers, view))
