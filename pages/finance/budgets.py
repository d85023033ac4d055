"""Budgets: what may be spent, what is spent, and what it will come to."""

import streamlit as st

from pages.ui import budget_form, budget_table, cards, data

st.title("Budgets")
with st.spinner("Reading budgets"):
    looks = data.budgets()
if not looks:
    st.info("No budget yet. Set one below: an amount, for whom, and how often it begins anew. A "
            "soft one alerts; a hard one also acts at its cap.", icon=":material/info:")
else:
    budget_table.summary(looks)
    with cards.guarded("Budgets now", "Each in the window that runs now. The bar shows how much "
                                      "of the amount is spent."):
        chosen = budget_table.show(looks)
        if chosen is None:
            st.caption("Choose a row for its forecast, its reasons, and to change it.")
        else:
            budget_table.explain(chosen)

with cards.guarded("Set a budget"):
    budget_form.edit(budget_table.chosen(looks))

with cards.guarded("Alerts of the last 31 days"):
    budget_table.show_alerts(looks)

with cards.guarded("Stopped spending", "Routes and experiments that the kill switch, or a person, "
                                       "stopped."):
    budget_form.show_stops()

with cards.guarded("Changes"):
    budget_form.show_history()
