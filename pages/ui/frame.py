"""The frame around every page: what is looked at, demonstration badge, notes and feedback."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from analytics import spans
from brain.jobs import demo
from pages.ui import cards, data, filters, notes
from pages.ui.filters import View

LOGO = Path(__file__).with_name("logo.svg")
MARK = Path(__file__).with_name("mark.svg")


def top(page: str) -> None:
    """The line above a page: range in words, demonstration badge, annotation and feedback."""
    view = filters.view()
    against = f", against {filters.in_words(view.previous, view.zone)}" if view.previous else ""
    with st.container(horizontal=True, vertical_alignment="center", gap="small",
                      horizontal_alignment="distribute"):
        with st.container(width=570):
            st.caption(f"{filters.in_words(view.span, view.zone)} {view.zone}{against}")
        with st.container(horizontal=True, width="content", gap="small"):
            if data.engine().has_demo():
                _demo_badge()
            notes.form(view)
            _feedback_form(page)
    if fault := filters.fault():
        st.warning(f"{fault} Until then: {filters.DEFAULT_RANGE}.", icon=":material/edit_calendar:")
    for sentence in data.engine().faults:
        st.error(f"The stores do not hold all that was accepted: {sentence}.",
                 icon=":material/database_off:")


def offer_demo(label: str = "Write demonstration data") -> None:
    """A button that fills the stores with marked demonstration data."""
    if st.button(label, icon=":material/science:", key="write_demo"):
        with st.spinner("Writing 30 days of demonstration data"):
            bar = st.progress(0.0)
            written = demo.write(data.engine(), progress=lambda ratio: _advance(bar, ratio))
        data.engine().audit("demonstration data written", "demo", None, {"events": written})
        data.forget_answers()
        st.session_state["_told"] = f"{written:,} demonstration events were written."
        st.rerun()


def offer_demo_removal() -> None:
    """A button that asks before it removes the demonstration data."""
    if st.button("Remove demonstration data", icon=":material/delete:", key="remove_demo_here"):
        _confirm_removal()


def tell() -> None:
    """Say once what the last action did."""
    if told := st.session_state.pop("_told", ""):
        st.toast(told, icon=":material/check:", duration="long")


def _advance(bar: Any, ratio: float) -> None:
    bar.progress(min(1.0, ratio))


def _demo_badge() -> None:
    if st.button("Demo", key="demo_badge", icon=":material/science:",
                 help="Demonstration data is part of what you see. Click to remove it."):
        st.session_state.pop("_removed_demo", None)
        _confirm_removal()


@st.dialog("Remove demonstration data?", on_dismiss="rerun")
def _confirm_removal() -> None:
    if removed := st.session_state.get("_removed_demo"):
        st.success(f"{removed:,} demonstration events were removed.", icon=":material/check:")
        offer_demo("Write demonstration data again")
        if st.button("Close"):
            del st.session_state["_removed_demo"]
            st.rerun()
        return
    rows = data.engine().query("overview/source_rows", source="demo")
    st.markdown("Demonstration data is part of what you see. It comes from a stated model and goes "
                "on while the server runs.\n"
                f"- **What will happen:** {int(rows['events'].sum()):,} events marked “demo” leave "
                "the stores, with their workspaces and annotations. Totals are made anew.\n"
                "- **What stays:** everything that you imported or sent.\n"
                "- **Undo:** the same data can be written again; it is made from a seed.")
    with st.container(horizontal=True):
        if st.button("Remove it", type="primary"):
            with st.spinner("Removing"):
                st.session_state["_removed_demo"] = data.engine().remove_demo()
            data.forget_answers()
            st.rerun(scope="fragment")
        if st.button("Keep it"):
            st.rerun()


def _feedback_form(page: str) -> None:
    with st.popover("Feedback", icon=":material/rate_review:", help="Tell us about this page"), \
            st.form("feedback", clear_on_submit=True, border=False):
        st.caption(f"How well does “{page}” do its work?")
        stars = st.feedback("stars", key="feedback_stars")
        comment = st.text_area("What should be better?", max_chars=5_000, height=90)
        if st.form_submit_button("Send", type="primary"):
            if stars is None:
                st.error("Choose one to five stars.")
            else:
                data.engine().leave_feedback(page, stars + 1, comment.strip())
                st.session_state["_told"] = "Thank you. Your feedback is kept."
                st.rerun()


def annotations(view: View) -> list[dict[str, Any]]:
    """Annotations inside the view's span for its workspaces, for time charts."""
    return data.annotations(view.span.start, view.span.end, view.workspaces)


def live(draw: Callable[[View], None], every_s: float = 0.0) -> None:
    """Draw the reader's view, and again and again while it reaches the present.

    ``every_s`` is the pause between; 0 means that of the settings. Viewers of one view share its
    queries, so that twenty cost little more than one.
    """
    def draw_again() -> None:
        with cards.safe():
            draw(filters.view())
    pause_s = every_s or data.settings().pages.refresh_s
    st.fragment(draw_again, run_every=pause_s if ahead(filters.view()) else None)()


def ahead(view: View) -> bool:
    """Whether the span reaches the present, so that live numbers belong to it."""
    return view.span.end >= data.now() - spans.MINUTE
