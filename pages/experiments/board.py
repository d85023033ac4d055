"""Experiment board: every experiment, how it stands, and what it costs."""

import streamlit as st

from pages.ui import cards, data, experiment_board, experiment_form, frame

st.title("Experiments")
experiments = data.engine().experiments.list()
with st.container(horizontal=True):
    experiment_form.offer_new()
    experiment_form.offer_samples(experiments)
if not experiments:
    st.info("No experiments yet. Create one, load the two samples, write demonstration data (it "
            "has two running experiments), or bring cumulative statistics from elsewhere with "
            "`brain experiments import FILE`.", icon=":material/info:")
    frame.offer_demo()
    st.stop()

chosen = experiment_board.ask(experiments)
if not chosen:
    st.info("No experiment fits these filters.", icon=":material/filter_alt_off:")
    st.stop()
with st.spinner("Reading results"):
    found = experiment_board.read_all(chosen)
if found:
    with cards.safe("summary"):
        experiment_board.summarize(found)
    with cards.guarded("All experiments", "Results are at most a minute old."):
        experiment_board.draw(found)
    experiment_board.draw_imported(chosen)
    experiment_board.draw_effects(found)
