"""The optimizer's settings: validated as a whole, in force at once, undone by one click."""

from dataclasses import asdict
from typing import Any

import pandas as pd
import streamlit as st

from brain.decisions.optimization.configuration import (
    ACTUATORS,
    MEANINGS,
    OPTIONAL,
    Configuration,
    check_configuration,
)
from pages.ui import data, tables

_TITLES = {"engine": "the engine's own knobs", "kubernetes": "Kubernetes",
           "recommend": "nothing, only recommend"}
_FIRST = ("interval_min", "window_s", "stabilization_s", "rollback_threshold",
          "rollback_attempts", "cost_cap_usd_per_h")


def draw() -> None:
    """The form, what differs from delivery, and the way back."""
    verbs = data.engine().optimization
    rules = verbs.configuration()
    if message := st.session_state.pop("optimizer_set", ""):
        st.success(message, icon=":material/check:")
    forbidden = verbs.why_not("configure")
    if forbidden:
        st.caption(f"To look at only: {forbidden}.")
    with st.form("optimizer_settings", border=False):
        given: dict[str, Any] = {}
        with st.container(horizontal=True, vertical_alignment="bottom"):
            given["automatic"] = st.toggle("Look and act by itself", rules.automatic,
                                           help=MEANINGS["automatic"])
            given["actuator"] = st.selectbox("Acts on", ACTUATORS, ACTUATORS.index(rules.actuator),
                                             format_func=lambda name: _TITLES[name], width=220,
                                             help=MEANINGS["actuator"])
            given["target"] = st.text_input("Deployment", rules.target, max_chars=253, width=180,
                                            help=MEANINGS["target"])
        _fields(_FIRST, rules, given)
        with st.expander("Thresholds, bounds and pauses"):
            _fields(tuple(name for name in MEANINGS if name not in (
                "automatic", "actuator", "target", *_FIRST)), rules, given)
        st.caption("The change holds for everybody at once, also for a timer that runs, and is "
                   "written into the audit record. A run under way goes on as it began.")
        if st.form_submit_button("Save", type="primary", icon=":material/save:",
                                 disabled=bool(forbidden)):
            _save(given, rules)
    with st.container(horizontal=True):
        if st.button("Undo the last change", key="undo_optimizer", icon=":material/undo:",
                     disabled=bool(forbidden) or not verbs.settings.history(),
                     help="Once more, and it is back."):
            verbs.undo_configuration()
            st.session_state["optimizer_set"] = "The last change was undone."
            st.rerun()
    _changed(rules)


def _fields(names: tuple[str, ...], rules: Configuration, given: dict[str, Any]) -> None:
    with st.grid(min_column_width=190):
        for name in names:
            value = getattr(rules, name)
            given[name] = st.text_input(
                _label(name), "none" if value is None else f"{value:g}", max_chars=32,
                key=f"optimizer_{name}_{value}", help=MEANINGS[name])


def _save(given: dict[str, Any], rules: Configuration) -> None:
    changes = {name: value for name, value in given.items() if not _is_same(value, getattr(
        rules, name), name)}
    _, rejected = check_configuration(changes, rules)
    for each in rejected:
        st.error(f"{_label(each.field)}: {each.text}.", icon=":material/block:")
    if rejected:
        return
    if not changes:
        st.info("Nothing was changed.")
        return
    data.engine().optimization.configure(changes)
    st.session_state["optimizer_set"] = "Saved: " + ", ".join(map(_label, changes)) + "."
    st.rerun()


def _is_same(given: Any, now: Any, name: str) -> bool:
    if name in ("automatic", "actuator", "target"):
        return bool(given == now)
    return str(given).strip() == ("none" if now is None else f"{now:g}") or (
        name in OPTIONAL and now is None and not str(given).strip())


def _changed(rules: Configuration) -> None:
    delivered = asdict(Configuration())
    rows = [{"setting": _label(name), "now": str(value), "delivered": str(delivered[name])}
            for name, value in asdict(rules).items() if value != delivered[name]]
    if rows:
        tables.show(pd.DataFrame(rows), "changed settings", {
            "setting": "Changed setting", "now": "Now", "delivered": "As delivered"})


def _label(name: str) -> str:
    for unit, shown in (("_usd_per_h", " (USD per h)"), ("_per_h", " (per h)"),
                        ("_per_s", " (per s)"), ("_min", " (min)"), ("_pct", " (%)"),
                        ("_ms", " (ms)"), ("_s", " (s)")):
        if name.endswith(unit):
            name = name.removesuffix(unit) + shown
            break
    told = name.replace("_", " ").replace("cpu", "CPU").replace("p95", "p95")
    return told[:1].upper() + told[1:]
