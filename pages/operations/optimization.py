"""Optimization: what would help the platform now, doing it, and proof that it did."""

import streamlit as st

from pages.ui import (
    cards,
    filters,
    frame,
    optimizer_history,
    optimizer_plan,
    optimizer_run,
    optimizer_settings,
)

st.title("Optimization")
st.caption("The console looks at the platform, changes one thing at a time, measures what it did, "
           "and takes it back if it did not help.")


def show_now(view: filters.View) -> None:
    """The run under way, or what would be done now and why."""
    optimizer_run.tell_alerts()
    run = optimizer_run.current()
    if run is not None:
        with cards.guarded("Under way"):
            optimizer_run.progress(run, view)
    found = optimizer_plan.read()
    optimizer_plan.draw_cards(found)
    left, right = st.columns(2)
    with left, cards.guarded("What would be done now"):
        optimizer_plan.explain(found)
    with right, cards.guarded("What the score is made of", "Each metric has all its points at its "
                              "target and none at its critical level. What is unknown gives its "
                              "weight to the others."):
        optimizer_plan.score_parts(found)


frame.live(show_now, 5.0)
with cards.guarded("Do it"):
    optimizer_plan.act()
view = filters.view()
with cards.guarded("The strategies", "In the order in which they are tried. A strategy's own "
                                     "measured runs replace the gain it was delivered with."):
    optimizer_history.strategies()
with cards.guarded("History", "Every run of the range, with what it was to bring and what it "
                              "brought. Nothing is ever deleted."):
    optimizer_history.draw(view)
with cards.guarded("Settings"):
    optimizer_settings.draw()
