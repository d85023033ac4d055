"""The table of targets as people read it, and the form that changes one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from brain.decisions.check import describe_target
from brain.decisions.reasons import InputError
from brain.decisions.targets import Target
from brain.targets import LEVELS, TargetRow
from pages.ui import data, tables

_BETTER = {"lower": "lower", "higher": "higher", "inside": "inside a range"}
_HELP = {"target": "What it should be; health scores 100 here.",
         "warning": "Past this it is a warning. Empty or “none” for no such level.",
         "critical": "Past this it is critical; health scores 0 here. Empty or “none” for no such "
                     "level."}


def show_table(rows: Sequence[TargetRow]) -> None:
    """Every metric with its levels in force and as delivered."""
    for row in rows:
        if row.fault:
            st.warning(f"The stored change of {row.target.metric} cannot be used: {row.fault}. "
                       "Its delivered levels hold.", icon=":material/warning:")
    tables.show(pd.DataFrame([{
        "metric": row.target.metric, "unit": row.target.unit,
        "better": _BETTER[row.target.better], "target": _target_text(row.target),
        "warning": _text(row.target.warning), "critical": _text(row.target.critical),
        "default": "as now" if not row.is_changed else describe_target(row.default),
        "changed_by": row.changed_by, "changed_at_utc": pd.Timestamp(row.changed_at_utc)
        if row.changed_at_utc else pd.NaT} for row in rows]), "targets", {
            "metric": "Metric", "unit": "Unit", "better": "Better", "target": "Target",
            "warning": "Warning", "critical": "Critical", "default": "As delivered",
            "changed_by": "Changed by", "changed_at_utc": "Changed at"},
        {"changed_at_utc": "time"}, most_rows=30, helps=_HELP)


def edit(row: TargetRow) -> None:
    """The form of one metric, with the way back to the delivered levels."""
    target, metric = row.target, row.target.metric
    ranged = target.better == "inside"
    with st.form(f"target_{metric}", border=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            given = {"target": st.text_input(
                f"Target, {target.unit}", _target_text(target), max_chars=32,
                key=f"target_{metric}_{_target_text(target)}",
                help="A range such as 3-10." if ranged else _HELP["target"])}
            for name in () if ranged else ("warning", "critical"):
                given[name] = st.text_input(
                    f"{name.capitalize()}, {target.unit}", _text(getattr(target, name)),
                    max_chars=32, key=f"{name}_{metric}_{getattr(target, name)}",
                    help=_HELP[name])
        st.caption(f"Delivered: {describe_target(row.default)}. The change holds for everybody at "
                   "once, is written into the audit record, and can be undone.")
        if st.form_submit_button("Change", type="primary", icon=":material/check:"):
            _act(lambda: data.engine().set_target(metric, _levels(given)))
    with st.container(horizontal=True):
        if st.button("Back to delivered", icon=":material/restart_alt:",
                     disabled=not row.is_changed and not row.fault,
                     help="Removes the change; it can be undone."):
            _act(lambda: data.engine().reset_target(metric))
        if st.button("Undo the last change", icon=":material/undo:",
                     disabled=not data.engine().target_table.history(metric),
                     help="Once more, and the change is back."):
            _act(lambda: data.engine().undo_target(metric))


def show_history(metric: str) -> None:
    """Who changed a metric's levels, newest first."""
    changes = data.engine().target_table.history(metric)
    if not changes:
        st.caption("Never changed: the delivered levels hold.")
        return
    tables.show(pd.DataFrame([{
        "at_utc": each.at_utc, "person": each.person, "action": each.action,
        "before": _in_words(each.before), "after": _in_words(each.after)}
        for each in changes]), "target history", {
            "at_utc": "At", "person": "By", "action": "What", "before": "Levels before",
            "after": "Levels after"}, {"at_utc": "time"})


def _levels(given: Mapping[str, str]) -> dict[str, str]:
    """What was typed; an empty warning or critical level means none."""
    return {name: text.strip() or ("" if name == "target" else "none")
            for name, text in given.items()}


def _act(change: Callable[[], TargetRow]) -> None:
    try:
        row = change()
    except (InputError, LookupError) as error:
        told = error.message if isinstance(error, InputError) else str(error.args[0])
        st.error(f"{told[:1].upper()}{told[1:]}.", icon=":material/block:")
        return
    st.session_state["_told"] = f"{row.target.metric}: {describe_target(row.target)}."
    st.rerun()


def _target_text(target: Target) -> str:
    if target.low is not None and target.high is not None:
        return f"{target.low:g}-{target.high:g}"
    return _text(target.target)


def _text(level: float | None) -> str:
    return "none" if level is None else f"{level:.12g}"


def _in_words(levels: Mapping[str, Any] | None) -> str:
    told = [f"{name} {levels[name]}" for name in LEVELS
            if levels and levels.get(name) is not None]
    return ", ".join(told) or "as delivered"
