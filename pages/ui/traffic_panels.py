"""Panels of the Traffic page: each a chart or a table under its title."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from analytics import traffic
from analytics.usage import Usage
from pages.ui import (
    anomalies,
    breakdown,
    cards,
    charts,
    filters,
    format,
    selecting,
    tables,
    traffic_charts,
    usage,
)
from pages.ui import traffic_reading as reading
from pages.ui.filters import View
from pages.ui.usage import Reading

_AGENTS = {
    "name": ("Agent", "", ""),
    "requests": ("Requests", "count", ""),
    "request_ratio": ("Share of requests", "share", "Part of all requests of the range"),
    "mean_latency_ms": ("Mean (ms)", "ms", "Mean latency over requests that have one"),
    "p95_ms": ("p95 (ms)", "ms", "Latency: 19 of 20 requests took no longer (±1 %)"),
    "error_pct": ("Errors (%)", "pct", "Failed requests per request"),
    "satisfaction": ("Stars (95 % interval)", "", "Satisfaction: mean of 1 to 5 stars and its "
                     "interval; thumbs count as 5 and 1. Under two ratings there is none."),
    "ratings": ("Ratings", "count", "Ratings that came in the range"),
    "cost_usd": ("Cost (USD)", "usd_exact", "Tokens × dated price, exact")}
_PAGES = {
    "page": ("Page", "", ""), "views": ("Views", "count", ""),
    "view_ratio": ("Share of views listed", "share", ""),
    "viewers": ("Viewers", "count", "Distinct users; estimated where there are thousands a day"),
    "mean_time_s": ("Mean time on page (s)", "ms", "To the next view in the session; the last "
                    "view of a session has none and is left out"),
    "entries": ("Entries", "count", "Sessions that came in here"),
    "exit_ratio": ("Exits", "share", "Views that were the last of their session"),
    "bounce_ratio": ("Bounces", "share", "Of the sessions that came in here")}
_QUESTIONS = {
    "question": ("Question", "", "In the one form of all its spellings; only its hash where the "
                 "workspace does not allow the text"),
    "topic": ("Topic", "", "As the program sent it, else by a word of the text"),
    "requests": ("Requests", "count", ""),
    "workspaces": ("Workspaces", "count", "That asked it in words, or whose hash it is"),
    "mean_latency_ms": ("Mean response (ms)", "ms", "Over requests with a latency"),
    "p95_ms": ("p95 response (ms)", "ms", "19 of 20 took no longer (±1 %)")}
_REFERRERS = {
    "name": ("From", "", ""), "views": ("Views", "count", ""),
    "view_ratio": ("Share of views", "share", ""),
    "viewers": ("Viewers", "count", "Distinct users; estimated where there are thousands a day")}
Marks = Sequence[dict[str, Any]]


def over_time(view: View, now: Reading, before: Reading | None, marks: Marks) -> None:
    """Active users, new and returning users, requests and tokens over time."""
    past = view.previous if before else None
    width_s = usage.users_width_s(view)
    left, right = st.columns(2)
    with left, cards.guarded("Active users", "Distinct users per point; dotted: the period "
                                             "before."):
        rows = usage.whole(view, usage.users_line(view), width_s)
        if rows["users"].sum():
            charts.show(charts.time_series(
                rows, "bucket_start_utc", "users", unit=f"users per {format.step(width_s)}",
                zone=view.zone, span=view.span, before=past, annotations=marks, area=True,
                previous=usage.users_line(view, past) if past else None), "users",
                explained=False)
        else:
            st.caption("No event of this range names its user.")
    with right, cards.guarded("New and returning users", "New: in the point of the first event "
                              "ever in the workspaces chosen. Returning: in every later one."):
        people = reading.new_and_returning(view)
        if people.empty:
            st.caption("No event of this range names its user.")
        else:
            charts.show(charts.stacked(
                people, "bucket_start_utc", "users", "name", zone=view.zone, width_s=width_s,
                unit=f"users per {format.step(width_s)}", span=view.span), "new_users")
    left, right = st.columns(2)
    line = usage.whole(view, now.line, now.width_s)
    with left, cards.guarded("Requests"):
        band = anomalies.watch(view, line, "requests", now.width_s)
        charts.show(charts.time_series(
            line, "bucket_start_utc", "requests", zone=view.zone, span=view.span, before=past,
            unit=f"requests per {format.step(now.width_s)}", annotations=marks, area=True,
            previous=before.line if before else None, bands=[band]), "requests", explained=False)
        anomalies.tell(view, band)
    with right, cards.guarded("Tokens"):
        charts.show(charts.time_series(
            line, "bucket_start_utc", {"input_tokens": "Input", "output_tokens": "Output"},
            unit=f"tokens per {format.step(now.width_s)}", zone=view.zone, span=view.span),
            "tokens")
    charts.explain(marks, view.zone)


def shares(view: View, total: Usage) -> None:
    """Devices and regions as bars that narrow the page, and referrers."""
    left, middle, right = st.columns(3)
    for place, by, title in ((left, "Device", "Devices"), (middle, "Region", "Regions")):
        with place, cards.guarded(title, selecting.HINT):
            rows = usage.breakdown(view, breakdown.DIMENSIONS[by], total)
            if rows.empty:
                st.caption("No requests in this range.")
            else:
                breakdown.draw_bars(rows, by, "requests", "requests")
    with right, cards.guarded("Referrers", "Where page views come from; page views know no model "
                                           "and no agent."):
        rows = reading.referrers(view)
        if rows.empty:
            st.caption("No page views in this range.")
        else:
            _table(rows.assign(name=[each or "(direct)" for each in rows["name"]]),
                   "referrers", _REFERRERS)


def who(view: View, total: Usage) -> None:
    """Workspaces, or what else is chosen, with their share of the total."""
    with cards.guarded("Workspaces and more"):
        by = breakdown.choose("Workspace")
        rows = usage.breakdown_with_users(view, breakdown.DIMENSIONS[by], total)
        if rows.empty:
            st.caption("No requests in this range.")
            return
        breakdown.draw_bars(rows, by, "requests", "requests")
        breakdown.draw_table(rows, by, "traffic", breakdown.TRAFFIC)


def agents(view: View, total: Usage) -> None:
    """Agents with their use, speed, errors, satisfaction and cost; a chosen row narrows."""
    with cards.guarded("Agents"):
        rows = reading.agents(view, total)
        if rows.empty:
            st.caption("No requests in this range.")
            return
        names = [None if rest else name
                 for name, rest in zip(rows["name"], rows["is_rest"], strict=True)]
        key = f"agents_{'_'.join(str(each) for each in names[:20])}"
        _table(rows.assign(name=[each or "(none)" for each in rows["name"]]), "agents", _AGENTS,
               key=key, select=selecting.narrower(key, "Agent", names, selecting.rows))


def pages(view: View) -> None:
    """Most viewed pages."""
    with cards.guarded("Top pages"):
        rows = reading.pages(view)
        if rows.empty:
            st.caption("No page views in this range. Programs send them as events of kind "
                       "page_views.")
        else:
            _table(rows, "top pages", _PAGES)
        if view.models or view.agents:
            st.caption("Page views know no model and no agent: those filters do not narrow pages "
                       "and referrers.")


def questions(view: View, total: Usage) -> None:
    """Most asked questions."""
    with cards.guarded("Top questions"):
        rows, span = reading.questions(view, total)
        if rows.empty:
            st.caption("No request of this range has a query text or hash. Programs send them as "
                       "query_text and query_topic.")
            return
        _table(rows, "top questions", _QUESTIONS)
        told = [] if span == view.span else [
            f"Of {filters.in_words(span, view.zone)}, the newest "
            f"{reading.MOST_REQUESTS_TO_READ:,} requests or so."]
        if not rows["is_worded"].all():
            told.append("“not stored”: the workspace does not allow query texts; Admin › Data "
                        "says which do.")
        if told:
            st.caption(" ".join(told))


def retention(view: View) -> None:
    """How many of each week's new users came back."""
    with cards.guarded("Retention by weekly cohort", "Cohort: the week of a user's first event "
                       "ever in the workspaces chosen, Monday to Sunday of UTC. A cell: how many "
                       "of them had an event that many weeks later."):
        rows = reading.retention(view)
        if rows.empty:
            st.caption(f"No user had a first event in the {traffic.RETENTION_WEEKS} weeks up to "
                       "the end of this range.")
            return
        charts.show(traffic_charts.retention_map(rows), "retention")
        st.caption(f"The {traffic.RETENTION_WEEKS} weeks up to the end of the range, by workspace "
                   f"only. Few: a cohort of under {traffic.FEW_USERS} users. *: the week is not "
                   f"over.{reading.beginning_text(view, rows)}")
        with st.expander("As a table"):
            _table(rows, "retention", {
                "cohort_week_utc": ("Cohort, week of", "time", ""),
                "weeks_after": ("Weeks after", "count", ""), "users": ("Users", "count", ""),
                "cohort_users": ("Cohort (users)", "count", ""),
                "kept_ratio": ("Share", "share", "Of the cohort")})


def _table(rows: Any, name: str, columns: breakdown.Columns, **options: Any) -> None:
    tables.show(rows, name, {column: told[0] for column, told in columns.items()},
                {column: told[1] for column, told in columns.items() if told[1]},
                helps={column: told[2] for column, told in columns.items() if told[2]}, **options)
