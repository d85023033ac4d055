"""Schedules and cost caps: what holds, what comes next, and the forms that change them."""

from collections.abc import Callable
from decimal import Decimal

import pandas as pd
import streamlit as st

from brain.decisions.reasons import InputError
from brain.decisions.scaling.schedules import (
    Bounds,
    decide_bounds,
    next_firing,
    parse_cron,
    read_zone,
)
from brain.scaling.plans import ScalingPlan
from pages.ui import data, format, scaling_now, scaling_policy, tables
from pages.ui.filters import View


def schedules(view: View) -> None:
    """Every line with its next time, what holds for each workload now, and the form."""
    found, now = data.engine().scaling.schedules(), data.now()
    rows = [{"name": name, "workload": each.workload, "cron": each.cron, "zone": each.zone,
             "floor": each.min_replicas, "ceiling": each.max_replicas,
             "next_utc": next_firing(parse_cron(each.cron), read_zone(each.zone), now)}
            for name, each in found.items()]
    if rows:
        tables.show(pd.DataFrame(rows), "schedules", {
            "name": "Name", "workload": "Workload", "cron": "Cron line", "zone": "Zone",
            "floor": "At least (pods)", "ceiling": "At most (pods)", "next_utc": "Next"},
            {"floor": "count", "ceiling": "count", "next_utc": "time"}, helps={
                "cron": "Minute, hour, day of month, month, day of week.",
                "next_utc": "A time that the clock skips fires at the jump; one that it shows "
                            "twice fires once."})
    for workload in dict.fromkeys(each.workload for each in found.values()):
        bounds = decide_bounds(tuple(found.values()), workload, now)
        st.caption(_in_force(workload, bounds, view.zone))
    with st.popover("Add or change a line", icon=":material/schedule:"), \
            st.form("schedule", border=False):
        name = st.text_input("Name", max_chars=128, help="A name that exists is changed.")
        workload = st.text_input("Workload", max_chars=128, help="The deployment's name.")
        cron = st.text_input("Cron line", "0 7 * * 1-5", max_chars=80)
        zone = st.text_input("Time zone", view.zone, max_chars=64)
        least = st.number_input("At least", 0, 100_000, None, help="Empty for no floor.")
        most = st.number_input("At most", 0, 100_000, None, help="Empty for no ceiling.")
        if st.form_submit_button("Save", type="primary"):
            _act("schedule", name, lambda: data.engine().scaling.book.put(
                "schedule", name, {"workload": workload, "cron": cron, "zone": zone,
                                   "min_replicas": least, "max_replicas": most},
                data.now(), ""))
    _ways_back("schedule", list(found))


def _in_force(workload: str, bounds: Bounds, zone: str) -> str:
    if bounds.since_utc is None:
        return f"{workload}: no line has come into force yet."
    told = [f"at {word} {count}" for word, count in (
        ("least", bounds.min_replicas), ("most", bounds.max_replicas)) if count is not None]
    return (f"{workload}: {' and '.join(told)} since {format.moment(bounds.since_utc, zone)} "
            f"{zone}.")


def caps(key: str, plan: ScalingPlan) -> None:
    """Every cap, what it does to this policy now, and the form."""
    found = data.engine().scaling.caps()
    if found:
        tables.show(pd.DataFrame([{"environment": each.environment, "cap": each.cap_usd}
                                  for each in found.values()]), "cost caps", {
            "environment": "Environment", "cap": "Cap (USD a month)"}, {"cap": "usd_exact"})
    else:
        st.caption("No cap is set: nothing bounds what replicas cost.")
    present = scaling_now.read(key) if found else None
    if present is not None and present.cap is not None:
        for reason in present.cap.reasons:
            (st.warning if present.cap.alert else st.caption)(reason.text)
        st.caption(f"Spent so far is reckoned: {present.replicas} pods at "
                   f"{format.usd(plan.pod_h_usd)} per hour since the month began.")
    with st.popover("Set a cap", icon=":material/savings:"), st.form("cap", border=False):
        environment = st.text_input("Environment", plan.environment, max_chars=128)
        amount = st.number_input("USD per calendar month", 0.0, 1e9, 500.0, format="%.2f")
        if st.form_submit_button("Save", type="primary"):
            _act("cap", environment, lambda: data.engine().scaling.book.put(
                "cap", environment, {"environment": environment,
                                     "cap_usd": str(Decimal(str(amount)))}, data.now(), ""))
    _ways_back("cap", list(found))


def _ways_back(kind: str, keys: list[str]) -> None:
    book = data.engine().scaling.book
    changed = list(dict.fromkeys(each.key for each in book.history(kind)))
    if not changed:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = st.selectbox(f"Changed {kind}s", changed, key=f"changed_{kind}", width=220)
        if st.button("Undo its last change", icon=":material/undo:", key=f"undo_{kind}"):
            _act(kind, key, lambda: book.undo(kind, key, data.now(), ""))
        if key in keys and st.button("Remove", icon=":material/delete:", key=f"remove_{kind}",
                                     help="A delivered one is as delivered again. Can be undone."):
            _act(kind, key, lambda: book.remove(kind, key, data.now(), ""))


def _act(kind: str, key: str, change: Callable[[], object]) -> None:
    try:
        change()
    except (InputError, LookupError) as error:
        told = str(error.args[0])
        st.error(f"{told[:1].upper()}{told[1:]}.", icon=":material/block:")
        return
    scaling_policy.done(f"The {kind} {key} was changed.")
