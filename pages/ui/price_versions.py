"""Versions of the price book: what each changed, taking one back, and importing a list."""

import datetime as dt
from dataclasses import asdict

import pandas as pd
import streamlit as st

from brain.decisions.prices import ALWAYS_FROM, ALWAYS_TO
from brain.decisions.reasons import InputError
from brain.price_book import Version
from pages.ui import data, tables

MOST_VERSIONS = 500


def draw() -> None:
    """Every version, latest first; the chosen one can be taken back."""
    versions = data.engine().prices.versions()[:MOST_VERSIONS]
    chosen = tables.show(pd.DataFrame([asdict(each) for each in versions],
                                      columns=list(Version.__dataclass_fields__)),
                         "price book versions", {
        "version": "Version", "at_utc": "When", "person": "Who", "action": "What",
        "note": "Of what", "appended": "Prices added", "withdrawn": "Withdrawn",
        "restored": "Holding again"},
        {"at_utc": "time", **dict.fromkeys(("version", "appended", "withdrawn", "restored"),
                                           "count")}, select=True)
    if not chosen:
        st.caption("Any range can be re-priced by any version, on the Costs page. Choose a version "
                   "to take it back.")
    elif st.button(f"Take version {versions[chosen[0]].version} back", icon=":material/undo:"):
        _confirm(versions[chosen[0]])


@st.dialog("Take a version back?")
def _confirm(version: Version) -> None:
    st.markdown(f"- **What will happen:** prices that version {version.version} added hold no "
                "longer, those it withdrew hold again; costs of their days are made anew.\n"
                "- **What stays:** every row, and every version: this makes a new one.\n"
                "- **Undo:** take that new version back.")
    with st.container(horizontal=True):
        if st.button("Take it back", type="primary"):
            try:
                with st.spinner("Making costs anew"):
                    prices = data.engine().costs.take_back_version(version.version)
            except InputError as error:
                st.error(f"{error}.", icon=":material/block:")
                return
            _done(f"Version {version.version} was taken back: {prices:,} prices changed.")
        if st.button("Leave it"):
            st.rerun()


def import_list() -> None:
    """A file in the form of LiteLLM's list, taken over after a look at what it holds."""
    with st.form("price_list", border=False):
        file = st.file_uploader("A price list in the form of LiteLLM's "
                                "model_prices_and_context_window.json", type="json")
        first = st.date_input("Its prices hold from (UTC day)", data.now().date(),
                              min_value=ALWAYS_FROM.date(), max_value=ALWAYS_TO.date())
        st.caption("USD per token become USD per million; tiers and batch, flex, priority and "
                   "region prices come along. A model that changed gets new rows; its old ones of "
                   "an earlier such list hold no longer. Contracts are not touched.")
        if st.form_submit_button("Take it over", icon=":material/upload:") and file is not None:
            today = first == data.now().date()
            start = None if today or not isinstance(first, dt.date) else dt.datetime.combine(
                first, dt.time(), dt.UTC)
            try:
                with st.spinner("Taking prices over"):
                    done = data.engine().costs.import_list(file.getvalue(), file.name, start)
            except InputError as error:
                st.error(f"{error}.", icon=":material/block:")
                return
            _done(f"Nothing new: the prices of {done.models:,} models are in the book."
                  if done.version is None else
                  f"Version {done.version}: {done.appended:,} prices of {done.models:,} models "
                  f"were added, {done.withdrawn:,} of an earlier list withdrawn.")


def _done(sentence: str) -> None:
    data.forget_answers()
    st.session_state["_told"] = sentence
    st.rerun()
