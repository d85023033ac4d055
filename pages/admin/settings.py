"""Settings: every knob, its meaning, and the value in force."""

import re

import pandas as pd
import streamlit as st

from brain.settings import describe_settings
from pages.ui import cards, data, tables

st.title("Settings")
st.markdown("Settings come from the environment when the program starts. To change one, set its "
            "variable and start again.")


def tell(value: object, *, secret: bool) -> str:
    """A value as a reader may see it: a secret only as set or not, no password in an address."""
    if secret:
        return "set (not shown)" if value else "not set"
    return "(empty)" if value == "" else re.sub(r"://[^/]*@", "://(not shown)@", str(value))


knobs = []
for knob in describe_settings():
    section, option = knob.key.split(".", 1)
    value = getattr(getattr(data.settings(), section), option)
    knobs.append({"key": knob.key, "value": tell(value, secret=knob.secret), "unit": knob.unit,
                  "origin": "default" if value == knob.default else "environment",
                  "meaning": knob.meaning, "variable": knob.variable,
                  "default": tell(knob.default, secret=knob.secret)})
frame = pd.DataFrame(knobs)

with cards.guarded("In force"):
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input("Search", key="find", bind="query-params", placeholder="port, prices")
        changed = st.toggle("Only those that differ from their default")
    if text:
        told = frame["key"] + " " + frame["meaning"] + " " + frame["variable"]
        frame = frame[told.str.lower().str.contains(text.lower(), regex=False)]
    if changed:
        frame = frame[frame["origin"] != "default"]
    if frame.empty:
        st.info("No such setting." if text else "Every setting has its default.")
    else:
        tables.show(frame, "settings", {
            "key": "Setting", "value": "Value", "unit": "Unit", "origin": "From",
            "meaning": "Meaning", "variable": "Variable", "default": "Default"}, most_rows=40)
