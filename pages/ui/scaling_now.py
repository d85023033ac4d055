"""Scaling now: the count, why it is so, what each number asks for, and the log of decisions."""

import datetime as dt
from decimal import Decimal
from itertools import pairwise

import pandas as pd
import streamlit as st

from brain.decisions.reasons import InputError
from brain.scaling import words
from brain.scaling.plans import ScalingPlan
from brain.scaling.present import Present
from pages.ui import cards, charts, data, format, tables
from pages.ui.cards import Card
from pages.ui.filters import View

MOST_CHANGES = 200


def read(key: str) -> Present | None:
    """What a policy would do now; None, told in words, where that cannot be said."""
    try:
        return data.engine().scaling.present(key)
    except (InputError, LookupError) as error:
        st.warning(f"This policy cannot be decided here: {error}.", icon=":material/help:")
        return None


def draw_cards(found: Present) -> None:
    """Replicas, load, load per pod, and cost."""
    plan, count = found.plan, found.replicas
    change = found.decided - count
    hour = plan.pod_h_usd * found.decided
    whose = "of the cluster" if found.cluster_replicas is not None else "reckoned"
    would = (f"the policy would have {found.decided} ({change:+d})" if change else
             "as the policy would have it")
    cards.row([
        Card("Pods now", f"{count}", "Replicas that the cluster's deployment wants; without a "
             "cluster, what this policy decided last. The policy's own count is after waiting "
             "times, limits, schedule and cap.", note=f"{whose}; {would}"),
        Card("Load", format.per_s(found.load.rps), "Requests per second, over the last minute, "
             "from the event store."),
        Card("Load per pod", format.per_s(found.rps_per_pod), "Load divided by pods. A pod serves "
             f"{plan.pod_rps:g} per second at full CPU, as stated in the policy.",
             note=_share(found)),
        Card("Cost per hour", format.usd(hour), f"{found.decided} pods at "
             f"{format.usd(plan.pod_h_usd)} per hour.",
             note=f"{format.usd(hour * Decimal(730))} in 730 hours")], min_width_px=200)


def _share(found: Present) -> str:
    each = found.rps_per_pod
    return "" if each is None else f"{format.share(each / found.plan.pod_rps)} of a pod"


def explain(found: Present) -> None:
    """The reasons in everyday words, in order."""
    for sentence in words.explain(found):
        st.text(sentence)


def metrics(found: Present) -> None:
    """What each number of the policy is, should be, and asks for."""
    rows = [{"metric": words.name_metric(each.metric), "now": _usage(each.usage_milli,
             each.utilization_pct), "goal": _goal(each.metric),
             "asks": each.replicas, "why": each.message} for each in found.decision.proposals]
    rows += [{"metric": words.name_metric(each), "now": "not measured", "goal": _goal(each),
              "asks": None, "why": "Nothing here measures it."} for each in found.unread]
    columns = {"metric": "Number", "asks": "Pods", "now": "Now", "goal": "Goal"}
    if any(row["why"] for row in rows):
        columns["why"] = "Why not"
    tables.show(pd.DataFrame(rows), "what metrics ask", columns, {"asks": "count"}, helps={
            "now": "CPU is modelled: the load's part of what all pods can serve.",
            "goal": "Average over all pods.",
            "asks": "What this number alone asks for; the largest counts."})


def _usage(milli: int | None, pct: int | None) -> str:
    if pct is not None:
        return f"{pct} %"
    return "unknown" if milli is None else f"{milli / 1_000:,.3g}"


def _goal(metric: object) -> str:
    pct, milli = (getattr(metric, name) for name in ("utilization_pct", "average_milli"))
    return f"{pct} %" if pct else "–" if milli is None else f"{milli / 1_000:,.3g}"


def log(view: View, key: str, plan: ScalingPlan) -> None:
    """The logged decisions of the range as a line, and the changes among them as a table."""
    rows = data.engine().scaling.decisions(key, view.span.start, view.span.end)
    if not rows:
        st.caption("Nothing is logged in this range." if plan.is_shadowed else
                   "This policy is not logged. Turn its log on under “Change the policy”.")
        return
    line = _thin(pd.DataFrame(rows), view)
    shown = {"replicas": "This policy"}
    if line["cluster_replicas"].notna().any():
        shown["cluster_replicas"] = "Cluster"
    charts.show(charts.time_series(
        line, "at_utc", shown, unit="pods", zone=view.zone, span=view.span,
        annotations=data.annotations(view.span.start, view.span.end, view.workspaces)),
        f"scaling_log_{key}")
    changes = _changes(rows)
    if not changes:
        st.caption(f"{len(rows):,} looks, and the count stayed at {rows[-1]['replicas']}.")
        return
    tables.show(pd.DataFrame(changes[-MOST_CHANGES:][::-1]), "scaling decisions", {
        "at_utc": "At", "before": "Pods before", "replicas": "Pods after",
        "cluster_replicas": "Cluster had", "load_rps": "Load (per s)", "why": "Why"},
        {"at_utc": "time", "before": "count", "replicas": "count", "cluster_replicas": "count",
         "load_rps": "per_s"}, most_rows=8)


def _thin(rows: pd.DataFrame, view: View) -> pd.DataFrame:
    """The largest count of each point of the chart; gaps where nothing was logged."""
    width = max(15, int(view.span.length_s // 300))
    rows = rows.assign(cluster_replicas=rows["cluster_replicas"].astype("float64"))
    grouped = rows.set_index("at_utc")[["replicas", "cluster_replicas", "load_rps"]]
    return grouped.resample(f"{width}s").max().reset_index()


def _changes(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    found = []
    for before, row in pairwise(rows):
        if before["replicas"] != row["replicas"]:
            reasons = row["reasons"]
            found.append({**row, "before": before["replicas"],
                          "why": " ".join(text for _, text in reasons)})  # type: ignore[attr-defined]
    return found


def shared_end(view: View) -> dt.datetime:
    """The end of the part of the range that has passed, in steps of five minutes."""
    step = dt.timedelta(minutes=5)
    end = min(view.span.end, data.now())
    return end - (end - dt.datetime(2000, 1, 1, tzinfo=dt.UTC)) % step
