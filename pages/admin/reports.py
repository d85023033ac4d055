"""Reports: the daily check and the latency report, made every day or now, to take away."""

import streamlit as st

from pages.ui import cards, data, report_list

st.title("Reports")
st.markdown(report_list.schedule_text())
with st.container(horizontal=True):
    report_list.offer("check", "Check now")
    report_list.offer("latency", "Latency report now")

latest = report_list.latest()
if latest:
    with cards.guarded(f"Latest: {report_list.title(latest)}"):
        report_list.draw(latest)
else:
    st.info("No report yet. Make one now, or wait for the first daily one.",
            icon=":material/info:")

with cards.guarded("Kept reports", f"The last {data.settings().reports.keep} of each kind."):
    report_list.draw_list()
