"""The learned router: its versions with their evidence, training, activation with a way back."""

import pandas as pd
import streamlit as st

from brain.models.desk import Models
from brain.models.gate import NotEnoughScores, RouterGate, Trained
from brain.models.router_store import RouterVersion
from pages.ui import data, filters, format, tables


def draw(models: Models) -> None:
    """Every version with the errors it was judged by, and what can be done."""
    versions = models.routers.versions()
    if versions:
        _list(versions)
    else:
        st.caption("No router yet: choices go by declared and measured quality. One is trained "
                   "every day from graders, task success and stars.")
    active = next((each for each in versions if each.status == "active"), None)
    st.caption("No router is in force." if active is None else
               f"Version {active.version} is in force; trained "
               f"{format.moment(active.created_at_utc, filters.time_zone())}.")
    usable = {each.version: each for each in versions if each.status in ("ready", "retired")}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if st.button("Train a router now", icon=":material/model_training:"):
            _train(models)
        if usable:
            picked = st.selectbox("Version to activate", list(usable), key="router_version",
                                  width=180)
            if st.button("Activate", icon=":material/rocket_launch:"):
                _confirm(models, usable[picked], active)
        if active is not None and st.button("Take it out of force",
                                            icon=":material/power_settings_new:"):
            _confirm_none(models, active)
        before = models.routers.previous()
        if before is not None and st.button("Undo this change", icon=":material/undo:"):
            back = models.roll_back()
            _done(f"Router version {back} is in force again." if back
                  else "No router is in force again.")


def _list(versions: tuple[RouterVersion, ...]) -> None:
    tables.show(pd.DataFrame([{
        "version": each.version, "status": each.status, "at": each.created_at_utc,
        "prompts": each.trained_on, "models": ", ".join(each.models),
        "router": each.gate.router_error, "means": each.gate.means_error,
        "gain": each.gate.gain, "least": each.gate.least_gain,
        "why": " ".join(reason.text for reason in each.gate.reasons), "person": each.person}
        for each in versions]), "router_versions", {
            "version": "Version", "status": "Status", "at": "Trained", "prompts": "Prompts",
            "models": "Models", "router": "Squared error", "means": "Of plain means",
            "gain": "Better by", "least": "At least (95 %)", "why": "Gate", "person": "By"},
        {"version": "count", "at": "time", "prompts": "count", "router": "usd_unit",
         "means": "usd_unit", "gain": "usd_unit", "least": "usd_unit"}, key="router_versions")


def _train(models: Models) -> None:
    with st.spinner("Training, and judging on prompts held back"):
        found = models.train(activate=False)
    if isinstance(found, NotEnoughScores):
        st.info(found.text, icon=":material/hourglass_empty:")
    elif found.version is None:
        st.warning(f"Refused: {_evidence(found.gate)}", icon=":material/block:")
    else:
        _done(f"Version {found.version.version} is trained and waits to be activated "
              f"({_told(found)}).")


def _told(found: Trained) -> str:
    return ", ".join(f"{count:,} scores by {source}" for source, count
                     in sorted(found.sources.items()))


def _evidence(gate: RouterGate) -> str:
    in_force = "" if gate.active_error is None else \
        f", the router in force {gate.active_error:.4f}"
    return (f"on {gate.tested:,} scores held back its squared error was {gate.router_error:.4f}, "
            f"plain means have {gate.means_error:.4f}{in_force}; better by {gate.gain:.4f}, at "
            f"least {gate.least_gain:.4f} (one-sided 95 %).")


@st.dialog("Activate this router?")
def _confirm(models: Models, version: RouterVersion, active: RouterVersion | None) -> None:
    now = "declared and measured figures" if active is None else f"version {active.version}"
    st.markdown(
        f"- **What will happen:** from now on version {version.version} predicts the quality of "
        f"{', '.join(version.models)} for each prompt, in the place of {now}.\n"
        f"- **Evidence:** {_evidence(version.gate)} Trained on {version.trained_on:,} prompts.\n"
        "- **What it costs:** about a millisecond for each choice; nothing else.\n"
        "- **Undo:** “Undo this change”. It is written into the audit record.")
    if st.button("Activate it", type="primary"):
        models.activate(version.version)
        _done(f"Router version {version.version} is in force.")


@st.dialog("Take the router out of force?")
def _confirm_none(models: Models, active: RouterVersion) -> None:
    st.markdown(
        "- **What will happen:** declared and measured figures of each model decide again.\n"
        f"- **Evidence for keeping it:** {_evidence(active.gate)}\n"
        "- **Undo:** “Undo this change”. It is written into the audit record.")
    if st.button("Take it out", type="primary"):
        models.activate(0)
        _done("No router is in force.")


def _done(sentence: str) -> None:
    data.forget_answers()
    st.session_state["_told"] = sentence
    st.rerun()
