"""Budgets as they stand: cards, the table with bars, and why one stands as it does."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

import pandas as pd
import streamlit as st

from brain.budgets.look import BudgetLook
from brain.budgets.told import VERDICTS, describe_cap
from pages.ui import cards, data, filters, format, tables

TABLE = "table_budgets"
_LABELS = {
    "of": "Budget of", "window": "Window", "verdict": "Verdict", "amount": "Amount, USD",
    "used": "Spent", "spent": "Spent, USD", "reserved": "Reserved, USD",
    "remaining": "Remaining, USD",
    "projected": "Projected, USD", "interval": "80 % interval, USD", "run_rate": "Run rate, USD",
    "runs_out": "Runs out", "resets": "Resets", "at_cap": "At the cap",
    "alerts": "Alerts at", "told": "Told"}
_FORMATS = {"amount": "usd_exact", "used": "share", "spent": "usd", "reserved": "usd",
            "remaining": "usd", "projected": "usd", "run_rate": "usd", "runs_out": "time",
            "resets": "time"}
_HELPS = {
    "used": "Spent of the amount.",
    "reserved": "Held for calls under way: the highest cost that each can have.",
    "remaining": "The amount less what is spent and reserved, 0 at least.",
    "projected": "What is billed plus the forecast to the end of the window.",
    "interval": "Eight of ten totals fall inside.",
    "run_rate": "Spent / elapsed × window, elapsed in time: the baseline that the forecast has to "
                "beat.",
    "verdict": "On track: the whole interval stays inside. At risk: its upper end does not.",
    "runs_out": "When the expected total reaches the amount in this window.",
    "told": "Which alerts were told in the last 31 days."}


def summary(looks: Sequence[BudgetLook]) -> None:
    """How many budgets there are, and how many want attention."""
    count = {verdict: sum(1 for each in looks if each.verdict == verdict) for verdict in VERDICTS}
    bad = count["over"] + count["spent"]
    cards.row([
        cards.Card("Budgets", format.count(len(looks)),
                   "Budgets that were set, and the default one of each workspace without a month "
                   "budget of its own."),
        cards.Card("On track", format.count(count["on_track"]),
                   "Their whole 80 % interval stays inside the amount."),
        cards.Card("At risk", format.count(count["at_risk"]),
                   "Expected to stay inside, but the interval's upper end does not.",
                   status="warning" if count["at_risk"] else ""),
        cards.Card("Exceeded or expected to", format.count(bad),
                   "Spent, or the expected total is more than the amount.",
                   status="critical" if bad else ""),
        cards.Card("Unknown", format.count(count["unknown"]),
                   "Too little history for a forecast, or no answer about reservations.")],
        min_width_px=165)


def show(looks: Sequence[BudgetLook]) -> BudgetLook | None:
    """Draw the table; the row that is chosen."""
    tables.show(pd.DataFrame([_row(each) for each in looks], columns=list(_LABELS),
                             dtype="object"),
                "budgets", _LABELS, _FORMATS, helps=_HELPS, select=True, most_rows=14)
    return chosen(looks)


def chosen(looks: Sequence[BudgetLook]) -> BudgetLook | None:
    """The budget of the chosen row, None without a choice."""
    state = st.session_state.get(TABLE) or {}
    rows = list(state.get("selection", {}).get("rows", ()))
    return looks[rows[0]] if rows and rows[0] < len(looks) else None


def explain(look: BudgetLook) -> None:
    """The reasons of a budget's status, in words."""
    zone = filters.time_zone()
    st.markdown(f"**{_plain(look.budget.label[:1].upper() + look.budget.label[1:])}**")
    if look.status is None:
        st.warning(f"{look.fault}.", icon=":material/warning:")
        return
    for reason in look.status.reasons:
        st.text(reason.text)
    if look.status.runs_out_utc is not None:
        sides = [format.moment(at, zone) if at else "not in this window" for at in (
            look.status.runs_out_earliest_utc, look.status.runs_out_latest_utc)]
        st.text(f"It runs out at {format.moment(look.status.runs_out_utc, zone)} {zone}; by the "
                f"interval: {sides[0]} to {sides[1]}.")


def show_alerts(looks: Sequence[BudgetLook]) -> None:
    """Alerts told in the last 31 days, newest first."""
    now = data.now()
    told = data.engine().budgets.alerts(now - dt.timedelta(days=31),
                                        now + dt.timedelta(seconds=1))
    if not told:
        st.caption("None. Each crossing is told once: at the levels of a budget, and when it is "
                   "projected to exceed; a new window or a raised amount arms them again.")
        return
    labels = {each.budget.budget_id: each.budget.label for each in looks}
    tables.show(pd.DataFrame([{
        "at_utc": row["at_utc"], "severity": str(row["severity"]).capitalize(),
        "budget": labels.get(row["budget_id"], row["budget_id"]), "message": row["message"]}
        for row in reversed(told)]), "budget alerts", {
            "at_utc": "Told", "severity": "Severity", "budget": "Budget", "message": "Message"},
        {"at_utc": "time"})


def _row(look: BudgetLook) -> dict[str, object]:
    budget, status = look.budget, look.status
    row: dict[str, object] = {
        "of": budget.label.partition(" of ")[2], "window": budget.window,
        "amount": budget.amount_usd, "verdict": VERDICTS[look.verdict].capitalize(),
        "at_cap": describe_cap(budget).capitalize(), "told": ", ".join(look.told) or "–",
        "alerts": ", ".join(f"{each} %" for each in budget.alert_pcts)}
    if status is None:
        return row
    interval = None if status.lower_usd is None or status.upper_usd is None else (
        f"{_cents(status.lower_usd)} to {_cents(status.upper_usd)}")
    return row | {
        "used": min(status.used_pct / 100, 1.0), "spent": status.spent_usd,
        "reserved": status.reserved_usd, "remaining": status.remaining_usd,
        "projected": status.projected_usd, "interval": interval or "unknown",
        "run_rate": status.run_rate_usd,
        "runs_out": pd.Timestamp(status.runs_out_utc) if status.runs_out_utc else pd.NaT,
        "resets": pd.Timestamp(status.window.end)}


def _cents(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def _plain(text: str) -> str:
    """A name that may hold anything, for Markdown."""
    return "".join(f"\\{letter}" if letter in r"\`*_{}[]()<>#+-.!|$~:" else letter
                   for letter in text)
