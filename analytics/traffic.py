"""Traffic: distinct users with their error, sessions, pages, questions and retention."""

import datetime as dt
import math
from dataclasses import dataclass

import pandas as pd

from analytics.spans import Span

HIGH_BOUNCE_RATIO = 0.5
FEW_USERS = 20
WEEK = dt.timedelta(weeks=1)
RETENTION_WEEKS = 8
_BUCKET_BASE = 1.02


@dataclass(frozen=True, slots=True)
class ActiveUsers:
    """Distinct users; ``error_pct`` is the standard error of an estimate, None if exact."""

    users: int
    error_pct: float | None


def count_users(rows: pd.DataFrame, sketch_size: int) -> ActiveUsers:
    """The one row of ``usage/active_users`` over all; no row is no user.

    The bottom-k estimate errs by 1/sqrt(k - 2).
    Source: Cohen and Kaplan, "Summarizing data using bottom-k sketches" (2007).
    """
    if rows.empty:
        return ActiveUsers(0, None)
    row = rows.iloc[0]
    return ActiveUsers(int(row["users"]), sketch_error_pct(sketch_size) if row["is_estimate"]
                       else None)


def sketch_error_pct(sketch_size: int) -> float:
    """Standard error of a distinct count from the ``sketch_size`` smallest hashes, in percent."""
    return 100 / math.sqrt(sketch_size - 2)


def with_users(breakdown: pd.DataFrame, users: pd.DataFrame) -> pd.DataFrame:
    """A breakdown by name with ``users`` beside; null for names without a known user."""
    found = dict(zip(users["name"], users["users"], strict=True))
    return breakdown.assign(users=pd.array([found.get(name) for name in breakdown["name"]],
                                           dtype="Int64"))


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sessions that start in a span. Engaged ones are those that are not bounces."""

    sessions: int
    bounces: int
    engaged_sessions: int
    mean_duration_s: float | None
    mean_engaged_s: float | None

    @property
    def bounce_ratio(self) -> float | None:
        """Bounces per session; None without sessions."""
        return self.bounces / self.sessions if self.sessions else None

    @property
    def is_bounce_high(self) -> bool:
        """Whether more than half of the sessions are bounces."""
        return (self.bounce_ratio or 0.0) > HIGH_BOUNCE_RATIO


def summarize_sessions(rows: pd.DataFrame) -> Sessions:
    """All rows of a query of ``sessions/`` together; means are over all and over engaged ones."""
    sums = {name: float(rows[name].sum()) for name in (
        "sessions", "bounces", "duration_s_sum", "engaged_sessions", "engaged_duration_s_sum")}
    every, engaged = sums["sessions"], sums["engaged_sessions"]
    return Sessions(int(every), int(sums["bounces"]), int(engaged),
                    sums["duration_s_sum"] / every if every else None,
                    sums["engaged_duration_s_sum"] / engaged if engaged else None)


def session_line(rows: pd.DataFrame) -> pd.DataFrame:
    """A series of sessions with ``mean_duration_s`` and ``bounce_pct``, null where none starts."""
    some = rows["sessions"].where(rows["sessions"] > 0)
    return rows.assign(mean_duration_s=rows["duration_s_sum"] / some,
                       bounce_pct=rows["bounces"] / some * 100)


def page_times(pages: pd.DataFrame) -> pd.DataFrame:
    """Pages with ``view_ratio`` (of the views listed), ``mean_time_s``, ``exit_ratio`` (of the
    views) and ``bounce_ratio`` (of the sessions that came in here), null without a whole."""
    def ratio(part: str, whole: str) -> pd.Series:
        return pages[part] / pages[whole].where(pages[whole] > 0)

    views = int(pages["views"].sum())
    return pages.assign(view_ratio=pages["views"] / (views or math.nan),
                        mean_time_s=ratio("time_s_sum", "timed_views"),
                        exit_ratio=ratio("exits", "views"),
                        bounce_ratio=ratio("bounces", "entries"))


def with_shares(rows: pd.DataFrame, column: str, name: str) -> pd.DataFrame:
    """Rows with their share of all rows' ``column`` as ``name``; null without any."""
    whole = float(rows[column].sum())
    return rows.assign(**{name: rows[column] / (whole or math.nan)})


def retention_span(end: dt.datetime, weeks: int = RETENTION_WEEKS) -> Span:
    """The last whole ISO weeks, Monday to Sunday of UTC, up to the one that ``end`` falls into."""
    last = end - dt.timedelta(microseconds=1)
    monday = dt.datetime.combine(last.date() - dt.timedelta(days=last.weekday()), dt.time(),
                                 dt.UTC)
    return Span(monday - (weeks - 1) * WEEK, monday + WEEK)


def retention(rows: pd.DataFrame, now: dt.datetime) -> pd.DataFrame:
    """Who came back, a row for each cohort and week that has begun, 0 where nobody did.

    Columns cohort_week_utc, weeks_after, users, cohort_users, kept_ratio, is_few (a cohort of
    under ``FEW_USERS``), is_whole (the week is over). Rows of ``traffic/retention`` come in.
    """
    seen = {(row["cohort_week_utc"], int(row["weeks_after"])): int(row["users"])
            for row in rows.to_dict("records")}
    found = []
    for (week, after), cohort in sorted(seen.items()):
        if after:
            continue
        weeks = 0
        while week + weeks * WEEK < now:
            users = seen.get((week, weeks), 0)
            found.append({"cohort_week_utc": week, "weeks_after": weeks, "users": users,
                          "cohort_users": cohort, "kept_ratio": users / cohort,
                          "is_few": cohort < FEW_USERS,
                          "is_whole": week + (weeks + 1) * WEEK <= now})
            weeks += 1
    return pd.DataFrame(found, columns=["cohort_week_utc", "weeks_after", "users",
                                        "cohort_users", "kept_ratio", "is_few", "is_whole"])


def group_questions(rows: pd.DataFrame, most: int) -> pd.DataFrame:
    """The ``most`` asked questions, by rows of ``queries/top`` with their ``question``.

    Columns question, topic (that of the most requests), requests, timed_requests, workspaces
    (count), is_worded, mean_latency_ms (null where none is timed).
    """
    by_size = rows.sort_values("requests", ascending=False, kind="stable")
    groups = by_size.groupby("question", sort=False).agg(
        topic=("topic", "first"), requests=("requests", "sum"),
        timed_requests=("timed_requests", "sum"), latency_ms_sum=("latency_ms_sum", "sum"),
        workspaces=("workspace_id", "nunique"), is_worded=("is_worded", "any")).reset_index()
    timed = groups["timed_requests"].where(groups["timed_requests"] > 0)
    groups = groups.assign(mean_latency_ms=groups["latency_ms_sum"] / timed)
    return groups.drop(columns="latency_ms_sum").sort_values(
        ["requests", "question"], ascending=[False, True], ignore_index=True).head(most)


def with_question_latency(questions: pd.DataFrame, rows: pd.DataFrame,
                          counts: pd.DataFrame) -> pd.DataFrame:
    """Questions with ``p95_ms`` of ``queries/latency_counts``; ``rows`` say whose hash is whose."""
    keys = ["workspace_id", "query_hash"]
    named = counts.merge(rows[[*keys, "question"]], on=keys)
    found = {str(name): quantile_ms(part.groupby("latency_bucket")["requests"].sum(), 95)
             for name, part in named.groupby("question")}
    return questions.assign(p95_ms=pd.array([found.get(str(each)) for each
                                             in questions["question"]], dtype="Float64"))


def quantile_ms(counts: pd.Series, pct: int) -> float | None:
    """The latency that ``pct`` in 100 do not exceed, of counts by log-scaled bucket (±1 %).

    As `latency_of_bucket` of the SQL prelude has it: 2 · 1.02^bucket / 2.02.
    """
    upto = counts.sort_index().cumsum()
    if upto.empty:
        return None
    position = int(upto.index[int((upto * 100 >= int(upto.iloc[-1]) * pct).to_numpy().argmax())])
    return float(2 * _BUCKET_BASE ** position / (1 + _BUCKET_BASE))


def newest_part(span: Span, now: dt.datetime, events: int, most: int) -> Span:
    """The end of a span that holds about ``most`` of its ``events``; all of it if it has fewer."""
    end = min(span.end, now)
    if events <= most or end <= span.start:
        return span
    return Span(end - (end - span.start) * (most / events), span.end)
