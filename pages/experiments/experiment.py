"""One experiment: is it better, can we believe it, what does it cost, what do we do?"""

import streamlit as st

from pages.ui import (
    cards,
    data,
    experiment_actions,
    experiment_bandits,
    experiment_result,
    experiment_segments,
    filters,
)

view = filters.view()
st.title("Experiment")
experiments = data.engine().experiments.list()
if not experiments:
    st.info("No experiments yet.", icon=":material/info:")
    st.page_link("pages/experiments/board.py", label="Create one on the board",
                 icon=":material/science:")
    st.stop()

filters.tell_unknown("experiment", {each.key for each in experiments}, "experiment")
with st.container(horizontal=True, vertical_alignment="bottom"):
    given = experiment_result.choose(experiments)
    metric = experiment_result.primary_choice(given)
with st.spinner("Reading results"):
    results = data.experiment_results(given.key)
    looked_at = data.experiment_results(given.key, metric) if metric else results

with cards.safe("head"):
    experiment_result.head(given, results, view.zone)
if given.state != "draft":
    experiment_result.draw_health(results)
experiment_result.draw_verdict(results)
with cards.guarded("Actions", "Each says what will happen and asks for a reason first."):
    experiment_actions.offer(given)
    experiment_result.offer_report(results)
if given.state != "draft":
    experiment_result.draw_effect(looked_at, view.zone)
    experiment_result.draw_metrics(results)
    if not given.is_imported:
        experiment_result.draw_cost(results, view.zone)
        experiment_segments.draw(results)
if given.kind == "canary":
    experiment_bandits.draw_ramp(given, data.engine().experiments.allocations(given.key))
if not given.is_imported:
    with cards.guarded("Experiments that share its units"):
        experiment_segments.draw_overlaps(data.engine().experiments.overlaps(given.key))
with cards.guarded("History"):
    experiment_actions.draw_history(given.key)
