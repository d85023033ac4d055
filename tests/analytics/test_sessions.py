"""Means, rates and cohorts of sessions, with their arithmetic."""

import datetime as dt

import pandas as pd
import pytest

from analytics import sessions

MONDAY = pd.Timestamp("2026-03-02", tz="UTC")
WEEK = dt.timedelta(weeks=1)


def rows(*counts: tuple[float, ...]) -> pd.DataFrame:
    return pd.DataFrame(counts, columns=list(sessions.SUMS))


def test_means_are_over_all_and_over_those_that_do_not_bounce() -> None:
    # 4 + 1 sessions, 3 bounces of 10 s in all, 2 engaged of 90 s in all.
    found = sessions.summarize(rows((4, 3, 70.0, 1, 60.0, 5), (1, 0, 30.0, 1, 30.0, 2)))
    assert (found.sessions, found.bounces, found.page_views) == (5, 3, 7)
    assert found.mean_duration_s == pytest.approx(100 / 5)
    assert found.mean_engaged_duration_s == pytest.approx(90 / 2)
    assert found.bounce_ratio == pytest.approx(3 / 5) and found.is_bounce_high


@pytest.mark.parametrize(("bounces", "is_high"), [(50, False), (51, True), (0, False)])
def test_more_than_half_is_high(bounces: int, is_high: bool) -> None:
    found = sessions.summarize(rows((100, bounces, 0.0, 100 - bounces, 0.0, 100)))
    assert found.is_bounce_high is is_high


def test_nothing_has_no_mean() -> None:
    found = sessions.summarize(rows())
    assert found.sessions == 0
    assert found.mean_duration_s is found.mean_engaged_duration_s is found.bounce_ratio is None
    assert not found.is_bounce_high
    only_bounces = sessions.with_means(rows((2, 2, 8.0, 0, 0.0, 2)))
    assert only_bounces["mean_duration_s"].iloc[0] == 4.0  # 8 s / 2
    assert pd.isna(only_bounces["mean_engaged_duration_s"].iloc[0])


def test_the_last_view_is_left_out_of_the_mean_time_on_page() -> None:
    seen = sessions.with_time_on_page(pd.DataFrame({
        "page": ["/", "/end"], "views": [3, 1], "timed_views": [2, 0],
        "time_s_sum": [50.0, 0.0]}))
    assert seen["mean_time_s"].iloc[0] == 25.0  # 50 s over the 2 views with a next one
    assert pd.isna(seen["mean_time_s"].iloc[1])
    assert list(seen["view_ratio"]) == [0.75, 0.25]


def test_cohorts_shrink_by_week_and_the_future_is_unknown() -> None:
    found = sessions.retention(pd.DataFrame({
        "cohort_week_utc": [MONDAY, MONDAY, MONDAY + WEEK], "weeks_after": [0, 2, 0],
        "users": [40, 10, 5]}), weeks=4)
    first, second = found.to_dict("records")
    # 10 of 40 are there two weeks on, none a week on; three weeks on nobody can have been.
    assert (first["users"], first["is_few"]) == (40, False)
    assert [first[week] for week in range(3)] == [1.0, 0.0, 0.25] and pd.isna(first[3])
    # The second cohort began a week later: two weeks on has not come.
    assert (second["users"], second["is_few"]) == (5, True)
    assert [second[week] for week in range(2)] == [1.0, 0.0] and pd.isna(second[2])
    assert sessions.retention(pd.DataFrame({"cohort_week_utc": [], "weeks_after": [],
                                            "users": []}), weeks=2).empty


def test_queries_get_the_pieces_they_know() -> None:
    params = {"start": 1, "hour_start": 2, "hour_end": 3, "models": [], "agents": []}
    assert set(sessions.breakdown_params(params)) == {"start", "models", "agents"}
    assert set(sessions.pages_params(params)) == {"start", "hour_start", "hour_end"}
