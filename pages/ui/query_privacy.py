"""Whose questions may be stored in their wording: the list, the switch, and what it does."""

import pandas as pd
import streamlit as st

from brain.privacy import WorkspacePrivacy
from pages.ui import data, tables

HELP = ("Where it is off, a keyed hash and the topic of a question are stored and nothing else. It "
        "is off unless someone turns it on.")


def draw() -> None:
    """The list of workspaces and a switch for the chosen one."""
    rows = data.engine().workspaces()
    if not rows:
        st.caption("No workspace has sent anything yet.")
        return
    tables.show(pd.DataFrame({
        "workspace": [row.workspace_id for row in rows],
        "stored": ["stored" if row.keeps_query_text else "hash only" for row in rows],
        "texts": [row.texts for row in rows]}), "query text", {
            "workspace": "Workspace", "stored": "Query text", "texts": "Texts stored"},
        {"texts": "count"})
    by_id = {row.workspace_id: row for row in rows}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = by_id[st.selectbox("Workspace to change", list(by_id), key="text_workspace")]
        if chosen.keeps_query_text:
            if st.button("Store no more", icon=":material/visibility_off:"):
                _confirm_off(chosen)
        elif st.button("Store query text", icon=":material/visibility:"):
            _confirm_on(chosen)
        if chosen.texts and st.button("Delete stored texts", icon=":material/delete:"):
            _confirm_forgetting(chosen)


@st.dialog("Store query text?")
def _confirm_on(row: WorkspacePrivacy) -> None:
    st.markdown(f"- **What will happen:** from now on the questions of `{row.workspace_id}` are "
                "stored as they were asked.\n"
                "- **Expected effect:** Traffic shows them in words. Whoever opens the console "
                "can read them.\n"
                "- **Undo:** turn it off again; texts stored until then can be deleted.")
    if st.button("Store it", type="primary"):
        data.engine().keep_query_text(row.workspace_id, True)
        _done(f"Query text of {row.workspace_id} is stored from now on.")


@st.dialog("Store query text no more?")
def _confirm_off(row: WorkspacePrivacy) -> None:
    st.markdown(f"- **What will happen:** from now on only a keyed hash and the topic of "
                f"`{row.workspace_id}`'s questions are stored, also of those that wait.\n"
                "- **Expected effect:** Traffic counts them, and shows no words.\n"
                "- **Undo:** turn it on again; what was asked meanwhile stays without its text.")
    forget = row.texts > 0 and st.checkbox(
        f"Delete the {row.texts:,} texts already stored. This cannot be undone.")
    if st.button("Store no more", type="primary", key="confirm_text_off"):
        data.engine().keep_query_text(row.workspace_id, False)
        deleted = data.engine().forget_query_texts(row.workspace_id) if forget else 0
        _done(f"Query text of {row.workspace_id} is no longer stored; {deleted:,} texts were "
              "deleted.")


@st.dialog("Delete stored query texts?")
def _confirm_forgetting(row: WorkspacePrivacy) -> None:
    st.markdown(f"- **What will happen:** {row.texts:,} texts of `{row.workspace_id}` are deleted; "
                "hashes, topics and all numbers stay.\n"
                "- **Undo:** none.")
    if st.button("Delete them", type="primary"):
        _done(f"{data.engine().forget_query_texts(row.workspace_id):,} texts were deleted.")


def _done(sentence: str) -> None:
    data.forget_answers()
    st.session_state["_told"] = sentence
    st.rerun()
