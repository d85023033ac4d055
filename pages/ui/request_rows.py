"""The requests behind a page's numbers, newest first, read only when asked for."""

import streamlit as st

from pages.ui import cards, data, tables
from pages.ui.filters import View

MOST_ROWS = 500
_LABELS = {"at_utc": "Time", "workspace_id": "Workspace", "model": "Model", "agent_id": "Agent",
           "user_id": "User", "status": "Status", "error_code": "Error", "cached": "Cached",
           "latency_ms": "Latency (ms)", "input_tokens": "Input tokens",
           "cache_read_tokens": "Cache read", "cache_write_tokens": "Cache write",
           "output_tokens": "Output tokens", "cost_usd": "Cost (USD)", "event_id": "Event id"}
_KINDS = {"at_utc": "time", "latency_ms": "ms", "input_tokens": "count",
          "cache_read_tokens": "count", "cache_write_tokens": "count", "output_tokens": "count",
          "cost_usd": "usd_exact"}


def offer(view: View) -> None:
    """Draw a switch, and under it the latest requests of the view."""
    if not st.toggle("Show the requests behind these numbers", key="show_requests",
                     bind="query-params",
                     help=f"The newest {MOST_ROWS} requests of this range under these filters."):
        return
    with cards.guarded("Requests, newest first"):
        rows = data.query("usage/recent_requests", start=view.span.start, end=view.span.end,
                          limit=MOST_ROWS, workspaces=view.workspaces, models=view.models,
                          agents=view.agents, regions=view.regions, devices=view.devices)
        if rows.empty:
            st.caption("No requests in this range under these filters.")
            return
        rows["cached"] = rows["cached"].map({0: "no", 1: "yes"})
        tables.show(rows, "requests", _LABELS, _KINDS, helps={
            "cost_usd": "Empty: at least one class of its tokens has no price."})
