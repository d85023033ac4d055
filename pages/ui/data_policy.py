"""Where each workspace's prompts may go: the list, and the form that changes it."""

import pandas as pd
import streamlit as st

from brain.decisions.reasons import InputError
from pages.ui import data, tables

HELP = ("Model choice leaves out models that keep data elsewhere, or whose provider may train on "
        "it, named models included. Without an entry prompts may go anywhere.")


def draw() -> None:
    """The policies, and a form for the chosen workspace."""
    policies = data.engine().gateway.data_policies
    rows = {row.workspace_id: row.policy for row in policies.all()}
    if rows:
        tables.show(pd.DataFrame([{
            "workspace": name, "regions": ", ".join(sorted(each.regions)) or "any",
            "training": "nothing" if each.no_training else "nothing from personal data"
            if each.no_training_for_personal_data else "not asked for"}
            for name, each in rows.items()]), "data policies", {
                "workspace": "Workspace", "regions": "Data stays in",
                "training": "Providers train on"}, key="data_policies")
    else:
        st.caption("No workspace restricts where its prompts go.")
    names = sorted({*rows, *(row.workspace_id for row in data.engine().workspaces()), "default"})
    name = st.selectbox("Workspace", names, key="policy_workspace", width=320)
    given = policies.of(name)
    with st.form(f"data_policy_{name}", border=False):
        regions = st.text_input("Data stays in", ", ".join(sorted(given.regions)), max_chars=2_000,
                                placeholder="anywhere", help="Regions as the models' catalogue "
                                "has them, separated by commas, such as eu, us.")
        always = st.toggle("Only providers that train on nothing", given.no_training)
        personal = st.toggle("The same for prompts that name a person",
                             given.no_training_for_personal_data)
        st.caption("Holds for every request from two seconds on. Undo: set it back; the audit "
                   "record has what was before.")
        if st.form_submit_button("Apply", icon=":material/shield:"):
            try:
                policies.put(name, regions.split(","), always, personal)
            except InputError as fault:
                st.error(f"{fault.message}.", icon=":material/block:")
                return
            st.session_state["_told"] = f"The data policy of {name} is set."
            st.rerun()
