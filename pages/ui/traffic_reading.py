"""What the Traffic page shows besides usage: sessions, pages, agents, questions, retention."""

import pandas as pd

from analytics import satisfaction, traffic, usage
from analytics.spans import Span
from analytics.usage import Usage
from brain.decisions.query_text import normalize_query
from pages.ui import data
from pages.ui import usage as reading
from pages.ui.filters import View

MOST_PAGES = 50
MOST_QUESTIONS = 50
MOST_HASHES = 2_000
MOST_REQUESTS_TO_READ = 200_000
RATED_LATER = pd.Timedelta(days=30)
_SESSION_SUMS = ["sessions", "bounces", "duration_s_sum", "engaged_sessions",
                 "engaged_duration_s_sum", "page_views"]


def sessions(view: View, span: Span | None = None) -> traffic.Sessions:
    """Sessions that start in the view's span, or in another one."""
    return traffic.summarize_sessions(data.query("sessions/totals", **view.params(span)))


def session_line(view: View) -> pd.DataFrame:
    """Sessions, bounces and mean duration of each bucket in which sessions start."""
    width = reading.width_s(view)
    rows = data.query("sessions/series", **usage.series_params(view.params(), width))
    line = usage.fill_gaps(rows, view.span, width, _SESSION_SUMS)
    return traffic.session_line(reading.whole(view, line, width))


def latency_line(view: View) -> pd.DataFrame:
    """Latency percentiles of each bucket, null where nothing was timed."""
    width = reading.width_s(view)
    params = usage.latency_params(usage.series_params(view.params(), width))
    rows = data.query("usage/latency_series", **params)
    return reading.whole(view, rows, width)


def online_now(view: View) -> int | None:
    """Users with an event in the last five minutes; None under filters that cannot be told."""
    if view.models or view.agents or view.regions or view.devices:
        return None
    now = data.now()
    rows = data.query("traffic/online_now", workspaces=view.workspaces,
                      now=now.replace(second=now.second // 10 * 10, microsecond=0))
    return int(rows["users"].iloc[0])


def new_and_returning(view: View) -> pd.DataFrame:
    """Users of each bucket as rows of ``name`` New or Returning and ``users``."""
    width = reading.users_width_s(view)
    params = usage.users_params(usage.series_params(view.params(), width))
    rows = data.query("traffic/new_returning",
                      sketch_size=data.settings().rollup.sketch_size, **params)
    line = usage.fill_gaps(rows, view.span, width, ["new_users", "returning_users"])
    long = line.rename(columns={"new_users": "New", "returning_users": "Returning"}).melt(
        "bucket_start_utc", var_name="name", value_name="users")
    return long if long["users"].sum() else long.head(0)


def pages(view: View) -> pd.DataFrame:
    """Most viewed pages with views, viewers, mean time to the next view, exits and bounces."""
    return traffic.page_times(data.query("traffic/page_times", limit=MOST_PAGES,
                                         **page_params(view)))


def referrers(view: View) -> pd.DataFrame:
    """Where page views come from, most first, with their share."""
    return traffic.with_shares(data.query("traffic/referrers", **page_params(view)),
                               "views", "view_ratio")


def retention(view: View) -> pd.DataFrame:
    """Who of each weekly cohort came back; see `analytics.traffic.retention`."""
    span = traffic.retention_span(min(view.span.end, data.now()))
    rows = data.query("traffic/retention", start=span.start, end=span.end,
                      workspaces=view.workspaces)
    return traffic.retention(rows, min(span.end, data.now()))


def beginning_text(view: View, rows: pd.DataFrame) -> str:
    """That the first cohort of `retention` is no real one, where the data begins in its week."""
    first = data.query("usage/first_hour", workspaces=view.workspaces)["first_hour_utc"].iloc[0]
    week = rows["cohort_week_utc"].min()
    if pd.isna(first) or not week <= first < week + traffic.WEEK:
        return ""
    return (f" The data begins in the week of {week:%-d %b}: that cohort also holds everyone who "
            "was there before.")


def agents(view: View, total: Usage) -> pd.DataFrame:
    """Agents with requests, shares, latencies, errors, cost and satisfaction."""
    rows = reading.breakdown(view, "agent_id", total)
    latency = data.query("agents/latency", **usage.latency_params(view.params()))
    found = dict(zip(latency["name"], latency["p95_ms"], strict=True))
    ratings = data.query(
        "agents/satisfaction", request_start=view.span.start - RATED_LATER,
        **{name: value for name, value in view.params().items()
           if name not in {"hour_start", "day_start", "day_end", "hour_end"}})
    return satisfaction.with_satisfaction(
        rows.assign(p95_ms=pd.array([found.get(name) for name in rows["name"]], dtype="Float64")),
        ratings)


def questions(view: View, total: Usage) -> tuple[pd.DataFrame, Span]:
    """Most asked questions with count, workspaces, topic and latencies, and the span they are of.

    They are counted from the requests themselves, so of many only the newest part is read.
    """
    span = traffic.newest_part(view.span, data.now(), total.requests, MOST_REQUESTS_TO_READ)
    params = {name: value for name, value in view.params().items() if name in {
        "workspaces", "models", "agents", "regions", "devices"}}
    params |= {"start": span.start, "end": span.end}
    rows = data.query("queries/top", limit=MOST_HASHES, **params)
    rows = rows.assign(
        is_worded=rows["wording"].notna(),
        question=[_in_words(wording, hashed) for wording, hashed
                  in zip(rows["wording"], rows["query_hash"], strict=True)])
    top = traffic.group_questions(rows, MOST_QUESTIONS)
    hashes = sorted(set(rows.loc[rows["question"].isin(top["question"]), "query_hash"]))
    if not hashes:
        return top, span
    counts = data.query("queries/latency_counts", hashes=hashes, **params)
    return traffic.with_question_latency(top, rows, counts), span


def _in_words(wording: object, hashed: str) -> str:
    return normalize_query(wording) if isinstance(wording, str) else f"not stored ({hashed[:10]})"


def page_params(view: View) -> dict[str, object]:
    """Page views know no model and no agent."""
    return {name: value for name, value in view.params().items()
            if name not in {"models", "agents"}}
