"""Overview: is all well, what moved, and what needs attention?"""

import streamlit as st

from pages.ui import (
    anomalies,
    attention,
    cards,
    charts,
    filters,
    format,
    frame,
    health,
    usage,
    usage_cards,
)

view = filters.view()
st.title("Overview")
if not attention.anything_recorded():
    attention.welcome()
    with st.container(horizontal=True):
        st.page_link("pages/admin/import_data.py", label="Import a file", icon=":material/upload:")
        frame.offer_demo()
    st.stop()


def draw(view: filters.View) -> None:
    """Everything of a view; runs again by itself while the range reaches the present."""
    now, before = usage.read(view), usage.read_before(view)
    machine = health.default_machine(view)
    seen = health.read(view, machine)
    score = health.score(seen)
    past, then = (view.previous, before.total) if before else (None, None)

    left, right = st.columns([1, 2])
    with left, cards.guarded("Health", attention.HELP):
        attention.draw_score(score, machine.title if machine else "none")
    marks = frame.annotations(view)
    with right, cards.guarded("Needs attention"):
        attention.draw(attention.find(view, seen, score, now.total))
    with right, cards.guarded("What happened", "Numbered as the lines in time charts."):
        attention.draw_marks(marks, view.zone)

    people = usage.users(view)
    cards.row([
        usage_cards.requests(now.total, then, now.line),
        usage_cards.active_users(people, usage.users(view, past) if past else None),
        usage_cards.total_cost(now.total, then, now.line),
        usage_cards.cost_per_request(now.total, then),
        usage_cards.error_share(now.total, then, now.line),
        usage_cards.latency(usage.latency(view), usage.latency(view, past) if past else {}),
    ], min_width_px=250)
    if view.previous and not before:
        st.caption(usage.NO_DATA_BEFORE)

    line = usage.whole(view, now.line, now.width_s)
    left, right = st.columns(2)
    with left, cards.guarded("Requests"):
        band = anomalies.watch(view, line, "requests", now.width_s)
        charts.show(charts.time_series(
            line, "bucket_start_utc", "requests", unit=f"requests per {format.step(now.width_s)}",
            zone=view.zone, span=view.span, before=past, previous=before.line if before else None,
            annotations=marks, area=True, bands=[band]), "overview_requests", explained=False)
        anomalies.tell(view, band)
    with right, cards.guarded("Spend"):
        band = anomalies.watch(view, line, "cost_usd", now.width_s)
        charts.show(charts.time_series(
            line, "bucket_start_utc", {"cost_usd": "Cost"},
            unit=f"USD per {format.step(now.width_s)}", zone=view.zone, span=view.span, before=past,
            previous=before.line if before else None, annotations=marks, area=True,
            bands=[band]), "overview_spend", explained=False)
        anomalies.tell(view, band)
    st.caption(f"{cards.as_of_text(view.zone)}.")


frame.live(draw)
