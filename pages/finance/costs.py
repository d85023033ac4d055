"""Costs: what did it cost, who spent it, why did it change, and what comes next?"""

import streamlit as st

from analytics import costs
from analytics.usage import DAY_S, HOUR_S, top_and_rest
from pages.ui import (
    anomalies,
    cards,
    charts,
    filters,
    format,
    frame,
    reprice_panel,
    request_rows,
    spend,
    spend_charts,
    spend_panels,
    tables,
    unpriced,
    usage,
    usage_cards,
)

MOST_MODELS = 7

view = filters.view()
st.title("Costs")
with st.spinner("Reading costs"):
    now, before = usage.read(view), usage.read_before(view)
    spent = spend.total(view)
if not now.total.requests:
    cards.empty("No requests in this range under these filters, so nothing was spent.")
    st.stop()

then = before.total if before else None
cards.row([
    usage_cards.total_cost(now.total, then, now.line),
    usage_cards.cost_per_request(now.total, then),
    usage_cards.cost_per_1k_tokens(now.total, then),
    *spend_panels.unit_cards(view, spent, spend_panels.previous_total(view, before is not None)),
    usage_cards.unpriced(now.total, then),
], min_width_px=230)
if view.previous and not before:
    st.caption(usage.NO_DATA_BEFORE)

width_s = max(view.width_s, DAY_S if view.span.length_s > 3 * DAY_S else HOUR_S)
step = format.step(width_s)
with cards.guarded(f"Cost per {step}{' (UTC)' if width_s >= DAY_S else ''} by model"):
    by_model = usage.by_name(view, "model", width_s)
    band = anomalies.watch(view, costs.by_bucket(by_model), "cost_usd", width_s)
    figure = charts.stacked(
        top_and_rest(by_model, "cost_usd", MOST_MODELS), "bucket_start_utc", "cost_usd", "name",
        unit="USD", zone=view.zone, width_s=width_s, span=view.span,
        annotations=frame.annotations(view), band=band).update_layout(height=360)
    if ahead := spend.outlook(view, width_s):
        spend_charts.add_outlook(figure, ahead, view.zone)
    charts.show(figure, "cost")
    spend_panels.tell_unusual(view, band, width_s)
    with st.expander(f"Exact cost of each {step}"):
        tables.show(costs.by_bucket(by_model), "costs over time", {
            "bucket_start_utc": f"Start of the {step}", "cost_usd": "Cost (USD)",
            "requests": "Requests", "unpriced_requests": "Unpriced requests"},
            {"bucket_start_utc": "time", "cost_usd": "usd_exact", "requests": "count",
             "unpriced_requests": "count"})

with cards.guarded("Where it went, USD"):
    spend_panels.draw_breakdown(view)
if before:
    with cards.guarded("Why it changed, USD"):
        spend_panels.draw_drivers(view)
with cards.guarded("By class of tokens"):
    spend_panels.draw_class_table(spent)
with cards.guarded("Without a price"):
    unpriced.draw(view)
with cards.guarded("Re-price"):
    reprice_panel.draw(view)
    reprice_panel.link()

request_rows.offer(view)
