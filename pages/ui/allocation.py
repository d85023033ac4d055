"""Panels of traffic allocation: shares over time, worth of routes, other policies, win rates."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from analytics.experiments.off_policy import Evaluation
from analytics.experiments.statistics import CannotTell
from analytics.win_rates import rate_wins
from brain.decisions.allocation import AllocationPolicy, belief_of
from brain.models.allocation_log import PolicyValue, value_shares
from pages.ui import cards, charts, data, experiment_charts, format, tables
from pages.ui.filters import View

MODES = {"on": "On: requests follow the shares", "dry_run": "Dry run: requests follow the rules",
         "off": "Off"}
_CALLS = {"wins": "Wins", "loses": "Loses", "cannot_tell": "Cannot tell"}


def choose(policies: Mapping[str, AllocationPolicy]) -> AllocationPolicy:
    """The policy chosen; the choice stands in the address bar."""
    if st.session_state.get("allocation", st.query_params.get("allocation")) not in policies:
        st.session_state["allocation"] = next(iter(policies))
    key = st.selectbox("Allocation", list(policies), index=None, key="allocation",
                       bind="query-params", width=360, required=True,
                       format_func=lambda each: each + " (Demo)" * policies[each].is_demo)
    return policies[key or next(iter(policies))]


def head(policy: AllocationPolicy, choices: pd.DataFrame, zone: str) -> None:
    """What the policy does now, in four numbers."""
    latest = data.engine().allocation.latest(policy.policy_id)
    stopped = data.engine().allocation.stops(policy.policy_id)
    leader = max(latest.shares.items(), key=lambda each: each[1]) if latest else None
    rated = choices["quality"].notna().mean() if len(choices) else None
    cards.row([
        cards.Card("Mode", MODES[policy.mode].partition(":")[0], MODES[policy.mode] + ".",
                   note=f"workspace {policy.workspace_id or 'any'}, "
                        f"task {policy.task_class or 'any'}"),
        cards.Card("Choices", format.count(len(choices)), "Requests in this range whose route this "
                   "allocation drew, or would have drawn.",
                   note="" if rated is None else f"{format.share(rated)} with a verdict"),
        cards.Card("Largest share", format.share(leader[1]) if leader else format.UNKNOWN,
                   "Of the choices from now on.", note=leader[0] if leader else "not decided yet"),
        cards.Card("Stopped routes", format.count(len(stopped)), "Routes chosen no more.",
                   status="warning" if stopped else "ok")])
    if latest:
        st.caption(f"Decided {format.moment(latest.at_utc, zone)}: "
                   f"{' '.join(each.text for each in latest.reasons)}")


def draw_history(policy: AllocationPolicy, view: View) -> None:
    """Shares as steps that fill 100 %, and each decision with its reasons."""
    rows = data.engine().allocation.history(policy.policy_id, view.span.start, view.span.end)
    if not rows:
        st.caption("No shares were decided yet: the job looks once a minute.")
        return
    routes = sorted({route for each in rows for route in each.shares})
    end = min(data.now(), view.span.end)
    steps = [(max(each.at_utc, view.span.start), each.shares) for each in rows]
    charts.show(experiment_charts.shares_over_time(pd.DataFrame([
        {"at_utc": pd.Timestamp(at), "arm": route, "share_pct": shares.get(route, 0.0) * 100}
        for at, shares in [*steps, (end, rows[-1].shares)] for route in routes]), view.zone),
        "allocation_shares")
    columns = {f"share_{place}": route for place, route in enumerate(routes)}
    tables.show(pd.DataFrame([{
        "at_utc": each.at_utc, "version": each.version, "mode": each.mode, "person": each.person,
        **{column: each.shares.get(route, 0.0) * 100 for column, route in columns.items()},
        "reasons": " ".join(reason.text for reason in each.reasons)} for each in rows[::-1]]),
        f"allocation {policy.policy_id}", {
            "at_utc": "At", "version": "No.", "mode": "Mode",
            **{column: f"{route} (%)" for column, route in columns.items()},
            "person": "By", "reasons": "Why"},
        {"at_utc": "time", "version": "count", **dict.fromkeys(columns, "pct")},
        key="allocation_versions", most_rows=5)


def draw_routes(policy: AllocationPolicy) -> None:
    """Each route's net reward with its interval, and the counts behind it."""
    seen = data.engine().allocation.seen(policy)
    if not seen:
        st.caption("No choice was made in the policy's window.")
        return
    rows = []
    for each in seen:
        belief = belief_of(each, policy)
        mean, lower, upper = belief or (None, None, None)
        rows.append({
            "name": each.route, "estimate": mean, "lower": lower, "upper": upper,
            "choices": each.choices, "errors": each.errors, "rated": each.rated,
            "pending": each.pending, "cost_usd": each.cost_usd, "latency_ms": each.latency_s * 1e3})
    frame = pd.DataFrame(rows)
    if frame["estimate"].notna().any():
        charts.show(experiment_charts.intervals(frame, "reward", zero=False), "allocation_routes")
    else:
        st.caption("No route has two rewards yet: its worth cannot be told.")
    tables.show(frame, f"routes {policy.policy_id}", {
        "name": "Route", "estimate": "Reward", "lower": "From", "upper": "To",
        "choices": "Choices", "errors": "Failed", "rated": "With verdict", "pending": "Pending",
        "cost_usd": "Cost per call (USD)", "latency_ms": "Latency (ms)"},
        {"estimate": "usd_unit", "lower": "usd_unit", "upper": "usd_unit", "choices": "count",
         "errors": "count", "rated": "count", "pending": "count", "cost_usd": "usd_unit",
         "latency_ms": "ms"}, key="allocation_routes_table",
        helps={"estimate": "Quality from 0 to 1, less cost and latency at the declared rate",
               "pending": "Choices that may still get a verdict"})


def draw_values(policy: AllocationPolicy, choices: pd.DataFrame) -> None:
    """What each route alone, even shares and the shares to come would have scored and cost."""
    if len(choices) < 2:
        st.caption("No choice in this range: widen it, or switch the allocation on.")
        return
    routes = sorted({route for shares in choices["shares"] for route in shares})
    wanted: dict[str, Mapping[str, float]] = {"Even shares": dict.fromkeys(routes, 1.0)}
    coming = data.engine().allocation.preview(policy).shares
    if any(coming.values()):
        wanted = {"The shares that come next": coming, **wanted}
    wanted |= {f"All to {route}": {route: 1.0} for route in routes}
    found = {name: value_shares(choices, target) for name, target in wanted.items()}
    rows = [_today(next(iter(found.values()))), *(_row(name, value)
                                                  for name, value in found.items())]
    frame = pd.DataFrame(rows)
    known = frame.dropna(subset=["lower"])
    if len(known):
        charts.show(experiment_charts.intervals(known, "mean quality", zero=False),
                    "allocation_values")
    tables.show(frame, f"policies {policy.policy_id}", {
        "name": "Policy", "estimate": "Quality", "lower": "From", "upper": "To",
        "cost_usd": "Cost of the range (USD)", "latency_ms": "Latency (ms)",
        "effective_n": "Worth decisions", "why": "Why no interval"},
        {"estimate": "usd_unit", "lower": "usd_unit", "upper": "usd_unit", "cost_usd": "usd",
         "latency_ms": "ms", "effective_n": "count"}, key="allocation_values_table",
        helps={"effective_n": "How many of the policy's own decisions the log is worth",
               "cost_usd": "What all requests of the range would have cost"})
    missing = 1 - choices["quality"].notna().mean()
    st.caption(f"Quality is over the {format.share(1 - missing)} of the choices with a verdict. "
               "Shares followed earlier verdicts, which the exact propensities allow for.")


def _today(value: PolicyValue) -> dict[str, Any]:
    def mean(found: Evaluation | CannotTell) -> float | None:
        return found.logged.estimate if isinstance(found, Evaluation) else None
    quality, cost, latency = value.quality, mean(value.cost_usd), mean(value.latency_s)
    return {"name": "As it was", "estimate": mean(quality),
            "lower": quality.logged.lower if isinstance(quality, Evaluation) else None,
            "upper": quality.logged.upper if isinstance(quality, Evaluation) else None,
            "cost_usd": None if cost is None else cost * value.n,
            "latency_ms": None if latency is None else latency * 1e3, "effective_n": value.n,
            "why": "" if isinstance(quality, Evaluation) else quality.text}


def _row(name: str, value: PolicyValue) -> dict[str, Any]:
    def mean(found: Evaluation | CannotTell) -> float | None:
        return found.dr.estimate if isinstance(found, Evaluation) else None
    quality, cost, latency = value.quality, mean(value.cost_usd), mean(value.latency_s)
    row = {"name": name, "estimate": mean(quality), "lower": None, "upper": None,
           "cost_usd": None if cost is None else cost * value.n,
           "latency_ms": None if latency is None else latency * 1e3, "effective_n": 0.0, "why": ""}
    if not isinstance(quality, Evaluation):
        return row | {"why": quality.text}
    row["effective_n"] = quality.effective_n
    if quality.fault is not None:
        return row | {"why": quality.fault.text}
    return row | {"lower": quality.dr.lower, "upper": quality.dr.upper}


def draw_wins(choices: pd.DataFrame) -> None:
    """Every pair of routes on the questions that both answered."""
    found = rate_wins(choices.dropna(subset=["quality"]))
    if not found:
        st.caption("No question was answered by two routes and judged both times: who does better "
                   "on the same question cannot be told.")
        return
    tables.show(pd.DataFrame([{
        "first": first, "second": second, "pairs": each.pairs, "wins": each.wins,
        "ties": each.ties, "rate": None if each.rate is None else each.rate * 100,
        "lower": each.lower * 100, "upper": each.upper * 100, "call": _CALLS[each.call]}
        for (first, second), each in found.items() if first < second]), "win rates", {
            "first": "Route", "second": "Against", "pairs": "Questions", "wins": "Won",
            "ties": "Ties", "rate": "Win rate (%)", "lower": "From (%)", "upper": "To (%)",
            "call": "Verdict"},
        {"pairs": "count", "wins": "count", "ties": "count", "rate": "pct", "lower": "pct",
         "upper": "pct"}, key="allocation_wins")
