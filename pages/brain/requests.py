"""Requests: find one, read it like a story, and lay two side by side."""

import streamlit as st

from pages.ui import cards, filters, request_compare, request_search

view = filters.view()
st.title("Requests")
wanted = request_search.ask()
rows = request_search.find(view, wanted)
if rows.empty:
    cards.empty("No request fits this search. Widen the range, or take a filter away.")
    st.page_link("pages/brain/ask.py", label="Ask a question", icon=":material/forum:")
else:
    with cards.safe("summary"):
        request_search.summarize(rows)
    with cards.guarded("Found, newest first", "Choose a row to open it."):
        request_search.draw(rows)
opened = request_search.opened()
if opened:
    request_compare.draw(opened, rows, view.zone)
