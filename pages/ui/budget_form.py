"""The form that sets a budget, its way back, and what the kill switch stopped."""

import json
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

import pandas as pd
import streamlit as st

from brain.budgets.book import DEFAULT_ID
from brain.budgets.look import BudgetLook
from brain.budgets.told import describe_change
from brain.decisions.budgets import CAP_ACTIONS, WINDOWS, Budget
from brain.decisions.reasons import InputError
from pages.ui import data, filters, format, tables

SCOPES = ("workspace", "platform", "model", "provider", "agent", "user", "api_key", "experiment",
          "region")
_CAPS = {"block": "Block with an error", "cheaper_model": "Fall back to a cheaper model",
         "throttle": "Throttle"}


def edit(look: BudgetLook | None) -> None:
    """The form: of the chosen budget, or of a new one; with removal and undo."""
    budget = None if look is None else look.budget
    is_own = budget is not None and not budget.budget_id.startswith(DEFAULT_ID)
    shown = budget or Budget("new", Decimal(1_000), "workspace", "default")
    key = "new" if budget is None else budget.budget_id
    if budget is not None and not is_own:
        st.caption("This one is the default of every workspace (BRAIN_BUDGETS_WORKSPACE_USD). Set "
                   "its own to replace it.")
    with st.form(f"budget_{key}", border=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            scope = st.selectbox("For", SCOPES, SCOPES.index(shown.scope), disabled=is_own,
                                 format_func=_words, width=170)
            name = st.text_input("Named", "" if budget is None else shown.name, max_chars=256,
                                 disabled=is_own, width=230,
                                 help="As requests name it; empty for the platform.")
            amount = st.text_input("Amount, USD", "" if budget is None else
                                   _exact(shown.amount_usd), max_chars=24, width=150)
            window = st.selectbox("Each", WINDOWS, WINDOWS.index(shown.window), width=120)
            zone = st.text_input("Time zone", shown.time_zone if budget else filters.time_zone(),
                                 max_chars=64, width=170, help="Where its day begins.")
            reset = st.number_input("Reset day", 1, 31, shown.reset_day, width=120,
                                    help="1 to 7 from Monday for a week, 1 to 31 for a month.")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            hard = st.toggle("Hard: act at the cap", shown.hard,
                             help="A soft budget only alerts.")
            at_cap = st.selectbox("At the cap", CAP_ACTIONS, CAP_ACTIONS.index(shown.at_cap),
                                  format_func=_CAPS.__getitem__, width=230)
            model = st.text_input("Cheaper model", shown.fallback_model, max_chars=256, width=190)
            pause = st.number_input("Throttle pause, s", 1, 86_400, shown.throttle_s, width=140)
            pcts = st.text_input("Alert at percent", "" if budget is None else
                                 ", ".join(map(str, shown.alert_pcts)), max_chars=100, width=190,
                                 placeholder="80, 90, 100", help="Empty: 80, 90, 100; regions 50 "
                                                                 "too.")
        st.caption("It holds at once, is written into the audit record, and can be undone.")
        if st.form_submit_button("Change it" if is_own else "Set it", type="primary",
                                 icon=":material/check:"):
            _act(lambda: data.engine().budgets.put(Budget(
                key if is_own else _new_id(scope, name, window),
                _amount(amount), scope, name.strip(), window, zone.strip(),
                int(reset) if window in ("week", "month") else 1, hard, at_cap, model.strip(),
                int(pause), _levels(pcts))), "The budget is set.")
    if is_own and budget is not None:
        with st.container(horizontal=True):
            if st.button("Remove it", icon=":material/delete:", help="It can be undone below."):
                _act(lambda: data.engine().budgets.remove(key), f"The {budget.label} was removed.")


def show_history() -> None:
    """Who changed which budget, newest first; the chosen one is undone by a button."""
    changes = data.engine().budgets.book.history()
    if not changes:
        st.caption("No budget was ever changed.")
        return
    rows = pd.DataFrame([{
        "at_utc": row["at_utc"], "person": row["person"], "action": row["action"].capitalize(),
        "budget": row["subject"], "before": describe_change(json.loads(row["before_json"])),
        "after": describe_change(json.loads(row["after_json"]))} for row in changes])
    tables.show(rows, "budget changes", {
        "at_utc": "At", "person": "By", "action": "What", "budget": "Budget", "before": "Before",
        "after": "After"}, {"at_utc": "time"})
    latest = changes[0]["subject"]
    if st.button("Undo the last change", icon=":material/undo:",
                 help=f"Of {latest}. Once more, and the change is back."):
        _act(lambda: data.engine().budgets.undo(latest), "The last change was undone.")


def show_stops() -> None:
    """What is stopped, each with a button that lets it go on; or how to stop something."""
    stops = data.engine().budgets.stops.all()
    zone = filters.time_zone()
    for row in stops:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(f"{row['kind'].capitalize()} {row['name']}: stopped "
                    f"{format.moment(row['at_utc'], zone)} {zone} by {row['person']}. "
                    f"{row['reason']}")
            if st.button("Let it go on", key=f"resume_{row['kind']}_{row['name']}",
                         icon=":material/play_arrow:"):
                _act(lambda row=row: data.engine().budgets.resume(  # type: ignore[misc]
                    row["kind"], row["name"]), f"{row['kind'].capitalize()} goes on.")
    if not stops:
        armed = data.settings().budgets.kill_switch
        st.caption("Nothing is stopped. " + (
            "A cost spike stops what causes it." if armed else
            "A cost spike is only told (BRAIN_BUDGETS_KILL_SWITCH is off)."))
    with st.popover("Stop something", icon=":material/stop_circle:"), \
            st.form("stop_spending", border=False, clear_on_submit=True):
        kind = st.selectbox("What", ("route", "experiment"), format_func={
            "route": "Route (an agent)", "experiment": "Experiment"}.__getitem__)
        name = st.text_input("Its id or key", max_chars=256)
        reason = st.text_input("Why", max_chars=300)
        st.caption("No call of it passes until it goes on again; a running experiment is paused.")
        if st.form_submit_button("Stop it", type="primary"):
            _act(lambda: data.engine().budgets.stop(kind, name.strip(), reason.strip()
                                                    or "stopped by hand"), "It is stopped.")


def _act(change: Callable[[], Any], told: str) -> None:
    try:
        change()
    except (InputError, LookupError) as error:
        sentence = error.message if isinstance(error, InputError) else str(error.args[0])
        st.error(f"{sentence[:1].upper()}{sentence[1:]}.", icon=":material/block:")
        return
    data.forget_answers()
    st.session_state["_told"] = told
    st.rerun()


def _new_id(scope: str, name: str, window: str) -> str:
    """An id that says what the budget is, and is not taken."""
    words = re.sub(r"[^a-z0-9]+", "-", f"{scope} {name} {window}".lower()).strip("-")[:56]
    taken = {each.budget_id for each in data.engine().budgets.book.all()}
    return next(each for each in (words, *(f"{words}-{n}" for n in range(2, 10_000)))
                if each not in taken)


def _amount(text: str) -> Decimal:
    try:
        return Decimal(text.strip().replace(",", ""))
    except InvalidOperation as error:
        raise InputError("not_a_number", f"the amount {text[:24]!r} is no number", "amount_usd"
                         ) from error


def _levels(text: str) -> tuple[int, ...]:
    parts = [each.strip().removesuffix("%").strip() for each in text.split(",") if each.strip()]
    if not all(each.isdecimal() for each in parts):
        raise InputError("not_a_number", "alert levels are whole percents such as 50, 80, 100",
                         "alert_pcts")
    return tuple(map(int, parts))


def _words(scope: str) -> str:
    return scope.replace("_", " ").replace("api", "API").capitalize() if scope != "api_key" \
        else "API key"


def _exact(amount: Decimal) -> str:
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
