"""The policy editor: the manifest as YAML, the pod beside it, tried before it holds."""

from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st
import yaml

from brain.decisions.reasons import InputError
from brain.decisions.scaling.lint import lint_manifests
from brain.scaling.changes import diff_yaml, to_yaml
from brain.scaling.plans import DELIVERED, ScalingPlan, read_plan, to_body
from pages.ui import data, tables

LONGEST_YAML = 20_000
_NUMBERS = (
    ("pod_rps", "Requests per second of a pod", 0.01, "What one pod serves at full CPU."),
    ("start_s", "Start-up (s)", 0.0, "Until a new pod serves."),
    ("objective_wait_s", "Longest wait (s)", 0.0, "A longer wait misses the objective."),
    ("cpu_milli", "CPU request (millicores)", 1.0, "What each pod reserves."),
    ("memory_mib", "Memory request (MiB)", 1.0, "What each pod reserves."),
    ("pod_h_usd", "Price of a pod (USD per hour)", 0.0, "For cost, caps and savings."))


def tell_faults() -> None:
    """Stored items that cannot be used, and what holds in their place."""
    for kind in ("policy", "schedule", "cap"):
        for key, fault in data.engine().scaling.book.faults(kind).items():
            st.warning(f"The stored {kind} “{key}” cannot be used: {fault}. What was delivered "
                       "holds.", icon=":material/warning:")


def draft(key: str, plan: ScalingPlan) -> ScalingPlan:
    """The policy as edited and not stored yet, or as it is stored."""
    held = st.session_state.get(f"scaling_draft_{key}")
    return held if isinstance(held, ScalingPlan) else plan


def offer_as_edit(key: str, plan: ScalingPlan) -> None:
    """A button that puts a policy into the form, replayed above and not stored."""
    if st.button("Use it as the edit", icon=":material/edit:",
                 help="Replayed above and shown in the form below; stored only by “Save”."):
        _forget(key)
        for field in list(st.session_state):
            if str(field).startswith("policy_") and str(field).endswith(f"_{key}"):
                del st.session_state[field]
        st.session_state[f"scaling_draft_{key}"] = plan
        st.rerun()


def edit(key: str, plan: ScalingPlan, edited: ScalingPlan) -> None:
    """The form; “Try” replays what is in it, “Save” stores it for everybody."""
    with st.form(f"policy_{key}", border=False):
        text = st.text_area("HorizontalPodAutoscaler (YAML)", to_yaml(dict(edited.manifest)),
                            height=320, max_chars=LONGEST_YAML, key=f"policy_yaml_{key}",
                            help="An autoscaling/v2 manifest as the cluster takes it.")
        body: dict[str, Any] = {}
        with st.grid(min_column_width=190):
            for field, label, least, told in _NUMBERS:
                value = float(getattr(edited, field))
                body[field] = st.number_input(label, min_value=least, value=value, help=told,
                                              key=f"policy_{field}_{key}", format="%.6g")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            body["environment"] = st.text_input("Environment", edited.environment, width=200,
                                                max_chars=128, help="Whose cost cap holds.")
            body["is_shadowed"] = st.toggle("Log what it would do", edited.is_shadowed,
                                            help="At every look, beside what the cluster does.")
        name = st.text_input("Save as", key, max_chars=128, width=260,
                             help="Another name makes another policy.")
        with st.container(horizontal=True):
            tried = st.form_submit_button("Try on past load", icon=":material/replay:")
            saved = st.form_submit_button("Save", type="primary", icon=":material/check:")
    if tried or saved:
        _submit(key, name, text, body, saved)
    _differences(plan, edited)
    _findings(edited)
    _ways_back(key, plan, edited)
    _history(key)


def _submit(key: str, name: str, text: str, body: dict[str, Any], save: bool) -> None:
    book, engine = data.engine().scaling.book, data.engine()
    try:
        body["manifest"] = yaml.safe_load(text)
        body["pod_h_usd"] = str(Decimal(str(body["pod_h_usd"])))
        edited = read_plan(body)
        if save:
            book.put("policy", name, body, engine.clock(), "")
    except yaml.YAMLError as error:
        st.error(f"This is no YAML: {str(error)[:200]}", icon=":material/block:")
        return
    except InputError as error:
        where = f" ({error.field})" if error.field else ""
        st.error(f"{error.message[:1].upper()}{error.message[1:]}{where}.", icon=":material/block:")
        return
    if save:
        st.session_state.pop(f"scaling_draft_{key}", None)
        done(f"Policy {name} is stored. The cluster is as it was: apply it below.")
    st.session_state[f"scaling_draft_{key}"] = edited
    st.rerun()


def _differences(plan: ScalingPlan, edited: ScalingPlan) -> None:
    if edited == plan:
        return
    st.info("What is shown above is edited and not stored.", icon=":material/edit:")
    st.code(diff_yaml(to_body(plan), to_body(edited)), language="diff")


def _findings(edited: ScalingPlan) -> None:
    found = lint_manifests([edited.manifest])
    for each in found:
        st.warning(f"{each.field}: {each.text}",
                   icon=":material/error:" if each.severity == "error" else ":material/warning:")


def _ways_back(key: str, plan: ScalingPlan, edited: ScalingPlan) -> None:
    book, engine = data.engine().scaling.book, data.engine()
    with st.container(horizontal=True):
        if edited != plan and st.button("Drop the edit", icon=":material/close:"):
            _forget(key)
            st.rerun()
        stored = DELIVERED["policy"].get(key) != plan
        if st.button("Back to delivered" if key in DELIVERED["policy"] else "Remove this policy",
                     icon=":material/restart_alt:", disabled=not stored,
                     help="Can be undone."):
            _forget(key)
            book.remove("policy", key, engine.clock(), "")
            done(f"Policy {key}: what was stored is removed.")
        if st.button("Undo the last change", icon=":material/undo:",
                     disabled=not book.history("policy", key),
                     help="Once more, and the change is back."):
            _forget(key)
            book.undo("policy", key, engine.clock(), "")
            done(f"Policy {key} is as before its last change.")


def _forget(key: str) -> None:
    st.session_state.pop(f"scaling_draft_{key}", None)


def _history(key: str) -> None:
    changes = data.engine().scaling.book.history("policy", key)
    if changes:
        tables.show(pd.DataFrame([{
            "at_utc": each.at_utc, "person": each.person, "action": each.action}
            for each in changes]), "policy history", {
                "at_utc": "At", "person": "By", "action": "What"}, {"at_utc": "time"}, most_rows=5)


def done(sentence: str) -> None:
    """Say once what was done, and read everything anew."""
    data.forget_answers()
    st.session_state["_told"] = sentence
    st.rerun()
