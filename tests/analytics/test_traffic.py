"""Distinct users with their error, sessions, pages, questions and retention."""

import datetime as dt

import pandas as pd
import pytest

from analytics import traffic
from analytics.spans import Span


def test_no_row_is_no_user() -> None:
    assert traffic.count_users(pd.DataFrame(columns=["name", "users", "is_estimate"]), 4096) == \
        traffic.ActiveUsers(0, None)


def test_small_numbers_are_exact_and_big_ones_say_their_error() -> None:
    exact = pd.DataFrame({"name": [""], "users": [4095], "is_estimate": [0]})
    assert traffic.count_users(exact, 4096) == traffic.ActiveUsers(4095, None)
    estimate = pd.DataFrame({"name": [""], "users": [70_000], "is_estimate": [1]})
    found = traffic.count_users(estimate, 4096)
    assert found.users == 70_000
    assert found.error_pct == pytest.approx(1.5629, abs=1e-4)  # 100 / sqrt(4094)


def test_users_stand_beside_their_row() -> None:
    breakdown = pd.DataFrame({"name": ["a", "All others"], "requests": [3, 1]})
    found = traffic.with_users(breakdown, pd.DataFrame({"name": ["a", "b"], "users": [2, 1]}))
    assert found["users"][0] == 2 and pd.isna(found["users"][1])


def sessions(**sums: float) -> pd.DataFrame:
    names = ("sessions", "bounces", "duration_s_sum", "engaged_sessions",
             "engaged_duration_s_sum", "page_views")
    return pd.DataFrame([{name: sums.get(name, 0) for name in names}])


def test_means_are_over_all_and_over_engaged_sessions() -> None:
    found = traffic.summarize_sessions(sessions(
        sessions=4, bounces=1, duration_s_sum=600, engaged_sessions=3, engaged_duration_s_sum=540))
    assert found.mean_duration_s == 150  # 600 / 4
    assert found.mean_engaged_s == 180  # 540 / 3
    assert found.bounce_ratio == 0.25
    assert not found.is_bounce_high


@pytest.mark.parametrize(("bounces", "high"), [(50, False), (51, True), (100, True), (0, False)])
def test_bounce_rate_is_high_above_half(bounces: int, high: bool) -> None:
    found = traffic.summarize_sessions(sessions(sessions=100, bounces=bounces))
    assert found.is_bounce_high is high


def test_without_sessions_nothing_is_known() -> None:
    found = traffic.summarize_sessions(sessions())
    assert (found.mean_duration_s, found.mean_engaged_s, found.bounce_ratio) == (None, None, None)
    assert not found.is_bounce_high
    line = traffic.session_line(sessions())
    assert line["mean_duration_s"].isna().all() and line["bounce_pct"].isna().all()


def test_pages_have_times_and_shares_only_where_there_is_a_whole() -> None:
    rows = traffic.page_times(pd.DataFrame({
        "page": ["/", "/chat"], "views": [30, 10], "timed_views": [20, 0],
        "time_s_sum": [400.0, 0.0], "entries": [8, 0], "exits": [6, 10], "bounces": [2, 0]}))
    assert list(rows["view_ratio"]) == [0.75, 0.25]  # of 40
    assert rows["mean_time_s"][0] == 20  # 400 / 20
    assert rows["exit_ratio"].tolist() == [0.2, 1.0]  # 6 / 30, 10 / 10
    assert rows["bounce_ratio"][0] == 0.25  # 2 / 8
    assert rows[["mean_time_s", "bounce_ratio"]].isna().loc[1].all()


MONDAY = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)


@pytest.mark.parametrize(("end", "last"), [
    (MONDAY + dt.timedelta(days=3, hours=12), MONDAY),  # a Thursday
    (MONDAY, MONDAY - traffic.WEEK),  # the end does not belong to the range
    (MONDAY + dt.timedelta(microseconds=1), MONDAY),
    (MONDAY + dt.timedelta(days=7), MONDAY)])
def test_retention_is_of_whole_weeks(end: dt.datetime, last: dt.datetime) -> None:
    span = traffic.retention_span(end)
    assert span.end == last + traffic.WEEK
    assert span.start == last - 7 * traffic.WEEK  # eight weeks in all


def test_retention_counts_nobody_as_nought_and_the_future_not_at_all() -> None:
    rows = pd.DataFrame([
        {"cohort_week_utc": MONDAY - 2 * traffic.WEEK, "weeks_after": 0, "users": 40},
        {"cohort_week_utc": MONDAY - 2 * traffic.WEEK, "weeks_after": 2, "users": 10},
        {"cohort_week_utc": MONDAY, "weeks_after": 0, "users": 5}])
    found = traffic.retention(rows, MONDAY + dt.timedelta(days=3))
    assert list(found["weeks_after"]) == [0, 1, 2, 0]
    assert list(found["users"]) == [40, 0, 10, 5]
    assert list(found["kept_ratio"]) == [1.0, 0.0, 0.25, 1.0]  # 10 / 40
    assert list(found["is_few"]) == [False, False, False, True]  # 5 are under 20
    assert list(found["is_whole"]) == [True, True, False, False]
    assert traffic.retention(rows.head(0), MONDAY).empty


def test_questions_are_added_up_over_workspaces() -> None:
    rows = pd.DataFrame({
        "workspace_id": ["a", "b", "a"], "query_hash": ["1", "2", "3"],
        "question": ["x", "x", "y"], "topic": ["", "law", "code"], "requests": [3, 4, 5],
        "timed_requests": [3, 1, 0], "latency_ms_sum": [300.0, 500.0, 0.0],
        "is_worded": [True, True, False]})
    found = traffic.group_questions(rows, 10)
    assert list(found["question"]) == ["x", "y"]
    assert list(found["requests"]) == [7, 5]  # 3 + 4
    assert list(found["topic"]) == ["law", "code"]  # that of the 4
    assert list(found["workspaces"]) == [2, 1]
    assert found["mean_latency_ms"][0] == 200  # 800 / 4
    assert pd.isna(found["mean_latency_ms"][1])
    counts = pd.DataFrame({"workspace_id": ["a", "b"], "query_hash": ["1", "2"],
                           "latency_bucket": [0, 100], "requests": [3, 1]})
    timed = traffic.with_question_latency(found, rows, counts)
    # 4 latencies, the last in bucket 100: 2 * 1.02^100 / 2.02 = 7.17296
    assert timed["p95_ms"][0] == pytest.approx(7.17296, abs=1e-4)
    assert pd.isna(timed["p95_ms"][1])
    assert len(traffic.group_questions(rows, 1)) == 1


def test_a_question_of_another_workspace_s_hash_is_not_mixed_in() -> None:
    questions = pd.DataFrame({"question": ["x"]})
    rows = pd.DataFrame({"workspace_id": ["a"], "query_hash": ["1"], "question": ["x"]})
    counts = pd.DataFrame({"workspace_id": ["a", "b"], "query_hash": ["1", "1"],
                           "latency_bucket": [0, 300], "requests": [1, 99]})
    found = traffic.with_question_latency(questions, rows, counts)["p95_ms"][0]
    assert found == pytest.approx(0.990099, abs=1e-6)  # 2 / 2.02


@pytest.mark.parametrize(("counts", "wanted"), [
    ({0: 95, 50: 5}, 0), ({0: 94, 50: 6}, 50), ({7: 1}, 7), ({-3: 1, 9: 19}, 9)])
def test_quantile_is_of_the_bucket_that_reaches_it(counts: dict[int, int], wanted: int) -> None:
    # The 95 % are reached at the first bucket whose count so far times 100 is at least 95 n.
    assert traffic.quantile_ms(pd.Series(counts), 95) == pytest.approx(2 * 1.02**wanted / 2.02)


def test_no_latency_has_no_quantile() -> None:
    assert traffic.quantile_ms(pd.Series(dtype="int64"), 95) is None


def test_only_the_newest_part_of_many_requests_is_read() -> None:
    span = Span(MONDAY, MONDAY + dt.timedelta(days=10))
    now = MONDAY + dt.timedelta(days=8)
    assert traffic.newest_part(span, now, 100, 100) == span
    part = traffic.newest_part(span, now, 400, 100)  # a quarter of the eight days that passed
    assert part == Span(MONDAY + dt.timedelta(days=6), span.end)
    assert traffic.newest_part(span, MONDAY - traffic.WEEK, 400, 100) == span
