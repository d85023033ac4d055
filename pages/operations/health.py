"""System health: is the platform well, and if not, where?"""

import streamlit as st

from pages.ui import (
    cards,
    charts,
    data,
    filters,
    frame,
    health,
    health_cards,
    health_charts,
    health_lines,
    health_tables,
    tables,
)

view = filters.view()
st.title("System health")
with st.container(horizontal=True):
    machine = health.choose_machine(view)
    origin = health.choose_origin(view)


def show_live() -> None:
    """Cards and charts; runs again by itself while the range reaches the present."""
    with cards.safe():
        draw(health.close_up(filters.view()))


def draw(view: filters.View) -> None:
    """Cards and charts of a view."""
    now = health.read(view, machine, origin=origin)
    before = health.read_before(view, machine, origin)
    line, latencies = health_lines.requests(view, origin), health_lines.latency(view, origin)
    load, marks = health_lines.machine(view, machine), frame.annotations(view)
    st.caption(f"{health.uptime_text(now, machine)} · {health.in_flight_text()} · "
               f"{cards.as_of_text(view.zone)}.")
    up = health_lines.availability(view)
    cards.row([*health_cards.requests(now, before, line, latencies, up),
               *health_cards.machine(view, now, before, load)], min_width_px=300)
    left, right = st.columns(2)
    health_charts.requests(view, origin, line, latencies, marks, left, right)
    with right:
        health_charts.load(view, machine, load, marks)
    charts.explain(marks, view.zone)


live_every_s = data.settings().pages.refresh_s if frame.ahead(view) else None
st.fragment(show_live, run_every=live_every_s)()


def show_services() -> None:
    """Pods, database, cache, endpoints, and how each source is doing."""
    left, right = st.columns([2, 3])
    with left, cards.guarded("Pods"):
        health_charts.pods(view.zone)
        health_tables.deployments()
        health_tables.pod_load()
    with right, cards.guarded("Database"):
        health_tables.database()
        health_tables.queries()
    left, right = st.columns(2)
    with left, cards.guarded("Cache"):
        health_tables.cache()
    with right, cards.guarded("Endpoints by latency"):
        health_tables.endpoints(view, origin)
        if health.source(health.PROMETHEUS).is_configured:
            health_tables.agents()
    with cards.guarded("Sources"):
        tables.show(health_tables.sources(), "sources", {
            "source": "Source", "status": "Status", "age": "Last value", "text": "Details"})


st.fragment(show_services, run_every=live_every_s)()
