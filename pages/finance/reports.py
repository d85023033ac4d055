"""Cost reports: each month as finance needs it, exports for its tools, and the mail about it."""

import streamlit as st

from pages.ui import cards, cost_report, filters

st.title("Cost reports")
st.markdown(cost_report.schedule_text())

with cards.guarded("Make a month's report"):
    cost_report.offer()

kept = cost_report.kept()
if not kept:
    st.info("No report yet. Make one above, or wait for the first of the month.",
            icon=":material/info:")
else:
    with cards.guarded("Reports"):
        chosen = cost_report.show_list(kept)
    with cards.guarded(f"Costs of {chosen.month}"):
        cost_report.draw(chosen)

with cards.guarded("Export for other tools", "FinOps FOCUS 1.2 with the provider columns of 1.3, "
                                             "or our own columns with what has no price."):
    cost_report.offer_export(filters.view())

with cards.guarded("Mail"):
    cost_report.show_mail()
