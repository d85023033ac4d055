"""What the Data page can do: settle, verify, rebuild totals."""

import streamlit as st

from pages.ui import data, filters
from pages.ui.filters import View


def settle() -> None:
    """A button that moves and rolls up everything that waits."""
    if st.button("Move and total what waits", icon=":material/move_down:",
                 help="The server does this by itself every few seconds."):
        with st.spinner("Moving"):
            data.engine().settle()
        _done("Everything accepted is in the event store and in the totals.")


def verify() -> None:
    """A button that counts what is there against what was accepted."""
    if st.button("Count again", icon=":material/fact_check:",
                 help="Compares every kind of event, and the checksums of recent batches, with "
                      "what was acknowledged."):
        with st.spinner("Counting"):
            faults = data.engine().ingestion.verify()
        for fault in faults:
            st.error(fault, icon=":material/database_off:")
        if not faults:
            st.success("All that was accepted is there.", icon=":material/check:")


def rebuild(view: View) -> None:
    """A button that makes the totals of the range anew from its events."""
    if st.button("Make the totals of this range anew", icon=":material/refresh:",
                 help="Totals per minute, hour and day are computed from the events. Nothing is "
                      "lost and pages go on meanwhile."):
        _confirm_rebuild(view)


@st.dialog("Make totals anew?")
def _confirm_rebuild(view: View) -> None:
    st.markdown(f"- **What will happen:** totals of {filters.in_words(view.span, view.zone)} "
                f"{view.zone} are computed from the events.\n"
                "- **Expected effect:** none, if they were right.\n"
                "- **Undo:** not needed; events stay as they are.")
    if st.button("Make them anew", type="primary"):
        with st.spinner("Computing"):
            hours = data.engine().rebuild_rollups(view.span.start, view.span.end)
        data.engine().audit("rollups rebuilt", "rollups", None, {"hours": hours})
        _done(f"The totals of {hours:,} hours were made anew.")


def _done(sentence: str) -> None:
    data.forget_answers()
    st.session_state["_told"] = sentence
    st.rerun()
