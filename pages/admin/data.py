"""Data: what is in the stores, what waits, and is all there that was accepted?"""

import pandas as pd
import streamlit as st

from pages.ui import (
    cards,
    data,
    data_actions,
    data_policy,
    filters,
    format,
    frame,
    notes,
    query_privacy,
    tables,
)
from pages.ui.cards import Card

view = filters.view()
st.title("Data")
status = data.engine().status()
waiting, total = status.waiting, sum(status.events.values())
cards.row([
    Card("Events", format.compact(total), "Events of all kinds in the event store.",
         note=f"exactly {total:,}" if format.compact(total) != format.count(total) else ""),
    Card("Completeness", "Complete" if not status.faults else f"{len(status.faults)} faults",
         "Whether all events that were acknowledged are there: counted and compared by checksum "
         "at start.", status="critical" if status.faults else "ok"),
    Card("Waiting", format.count(waiting.events),
         "Events that are safe on disk and not yet in the event store. The server moves them "
         "every half second.", note=f"{waiting.hours:,} hour{'s' * (waiting.hours != 1)} to total"),
    Card("Event store", format.size(status.event_store_bytes),
         "Size on disk of events, totals and prices, write-ahead log included.",
         note=f"state {format.size(status.state_bytes)}, spool {format.size(status.spool_bytes)}"),
], min_width_px=220)
for fault in status.faults:
    st.error(fault, icon=":material/database_off:")

left, right = st.columns(2)
with left, cards.guarded("What there is"):
    tables.show(pd.DataFrame({"kind": status.events.keys(), "rows": status.events.values()}),
                "events", {"kind": "Kind of event", "rows": "Events"}, {"rows": "count"})
with right, cards.guarded("Upkeep"):
    st.markdown(f"Stores in `{data.settings().data_dir}`.")
    data_actions.settle()
    data_actions.verify()
    data_actions.rebuild(view)
    st.divider()
    st.markdown("**Demonstration data**")
    if status.demo:
        st.caption("There is some, marked “demo”. Removing it leaves your own events alone.")
        frame.offer_demo_removal()
    else:
        st.caption("Thirty days of made-up history, marked “demo”, to look around in. It can be "
                   "removed again.")
        frame.offer_demo()

with cards.guarded("Query text", query_privacy.HELP):
    query_privacy.draw()
with cards.guarded("Where prompts may go", data_policy.HELP):
    data_policy.draw()
with cards.guarded("Annotations of this range"):
    notes.list_notes(view)
