"""Bandits: which arm is chosen how often, why, and what each has earned."""

import streamlit as st

from pages.ui import cards, data, experiment_bandits, experiment_result, filters

view = filters.view()
st.title("Bandits")
bandits = [each for each in data.engine().experiments.list() if each.kind == "bandit"]
if not bandits:
    st.info("No bandit yet. Create an experiment of the kind “bandit” on the board: its shares "
            "then follow the rewards, every arm keeps a floor, and a harmed one is chosen no "
            "more.", icon=":material/info:")
    st.page_link("pages/experiments/board.py", label="Go to the board",
                 icon=":material/science:")
    st.stop()

filters.tell_unknown("bandit", {each.key for each in bandits}, "bandit")
given = experiment_bandits.choose(bandits)
with st.spinner("Reading rewards"):
    results = data.experiment_results(given.key)
rows = data.engine().experiments.allocations(given.key)
with cards.safe("shares"):
    experiment_bandits.head(given, rows, view.zone)
experiment_result.draw_verdict(results)
experiment_bandits.draw_history(given, rows, view.zone)
if given.state != "draft":
    experiment_bandits.draw_arms(given, results)
st.page_link("pages/experiments/experiment.py", label="Health, metrics, actions",
             icon=":material/science:",
             query_params=filters.link_params(experiment=given.key))
