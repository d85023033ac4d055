"""Scaling: how many pods, why, what another policy would do, and what it would save."""

import streamlit as st

from pages.ui import (
    cards,
    data,
    filters,
    frame,
    scaling_apply,
    scaling_bounds,
    scaling_now,
    scaling_past,
    scaling_policy,
    scaling_search,
    scaling_sizes,
)

st.title("Scaling")
plans = data.engine().scaling.plans()
filters.tell_unknown("policy", plans, "scaling policy")
with st.container(horizontal=True, vertical_alignment="bottom"):
    key = st.selectbox("Policy", list(plans), key="policy", bind="query-params", width=260,
                       help="A HorizontalPodAutoscaler and one pod of what it scales.")
plan = plans[key]
scaling_policy.tell_faults()


def show_now(view: filters.View) -> None:
    """Why the count is what it is, and what was decided."""
    found = scaling_now.read(key)
    if found is None:
        return
    scaling_now.draw_cards(found)
    left, right = st.columns(2)
    with left, cards.guarded("Why this many pods"):
        scaling_now.explain(found)
    with right, cards.guarded("What each number asks for"):
        scaling_now.metrics(found)
    with cards.guarded("Log of decisions", "Each look of the policy at the load, beside what the "
                                           "cluster had. Nothing is changed by it."):
        scaling_now.log(view, key, plan)
    st.caption(f"{cards.as_of_text(view.zone)}.")


frame.live(show_now)
view = filters.view()
draft = scaling_policy.draft(key, plan)
past = None
with cards.guarded("On past load", "The policy replayed on the recorded requests of the range, "
                                   "beside others and beside what nobody can beat."):
    past = scaling_past.draw(view, plan, draft)
with cards.guarded("Search better parameters", "Candidates are replayed on the first two thirds "
                                               "of the range; only the rest judges."):
    scaling_search.draw(view, key, plan, past)
with cards.guarded("Change the policy"):
    scaling_policy.edit(key, plan, draft)
with cards.guarded("Schedules", "A floor or a ceiling from a time of day on; never a count, "
                                      "and never down into live load."):
    scaling_bounds.schedules(view)
with cards.guarded("Cost caps", "What an environment's replicas may cost in a calendar "
                                       "month of UTC."):
    scaling_bounds.caps(key, plan)
with cards.guarded("Right size of a pod", "Percentiles of use with a margin, as the vertical pod "
                                          "autoscaler recommends them."):
    scaling_sizes.draw(view, plan)
with cards.guarded("Apply"):
    scaling_apply.draw(view, key, plan)
