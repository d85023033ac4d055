"""Design: how many units, how long, and what could be found, before an experiment begins."""

import streamlit as st

from analytics.experiments.power import SampleSize
from pages.ui import cards, data, experiment_planning, filters

view = filters.view()
st.title("Experiment design")
experiments = data.engine().experiments.list()
with cards.guarded("What do you want to find?"), st.spinner("Reading the last 28 days"):
    asked = experiment_planning.ask(view)

with cards.safe("plan"):
    size = experiment_planning.draw(asked)
    if isinstance(size, SampleSize):
        with cards.guarded("Keep the plan"):
            experiment_planning.offer_take_over(asked, size, experiments)

with cards.guarded("Experiments that share its units"):
    experiment_planning.draw_overlaps(asked, experiments, view.zone)
