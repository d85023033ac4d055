"""Targets: what each metric should be, when to worry, and who changed that."""

import streamlit as st

from brain.decisions.targets import TARGETS
from pages.ui import cards, data, target_form

st.title("Targets")
st.markdown("Every colour, check and alert reads this one table. A change holds at the next "
            "refresh of every page and in every program.")
rows = data.engine().target_table.rows()
with cards.guarded("In force"):
    target_form.show_table(rows)
    st.caption("A level is the last value that has not passed it. Health scores 100 at the target "
               "and 0 at the critical level.")

with cards.guarded("Change a target"):
    metric = st.selectbox("Metric", list(TARGETS), key="metric", bind="query-params", width=360)
    row = next(each for each in rows if each.target.metric == metric)
    target_form.edit(row)

with cards.guarded(f"History of {metric}"):
    target_form.show_history(metric)
