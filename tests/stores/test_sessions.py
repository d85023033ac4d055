"""Sessions kept step by step are sessions built anew, and what plain Python finds."""

import datetime as dt
import random
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics import sessions, spans, usage
from brain.events import Event, Interaction, PageView, Request
from tests import sample
from tests.sql.test_rollups import Platform
from tests.stores import slow_sessions

MINUTE, SECOND, TICK = sample.HOUR / 60, sample.SECOND, sample.TICK
HALF = 30 * MINUTE
FIRST, LAST = sample.START - dt.timedelta(days=8), sample.START + dt.timedelta(days=16)
EVERYTHING: dict[str, list[str]] = {"workspaces": [], "models": [], "agents": [], "regions": [],
                                    "devices": []}
unhurried = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])

gaps = st.one_of(
    st.sampled_from((0 * TICK, TICK, MINUTE, HALF - TICK, HALF, HALF + TICK, HALF / 2,
                     45 * MINUTE, 3 * sample.HOUR, 20 * sample.HOUR, dt.timedelta(days=6))),
    st.integers(0, 4_000).map(lambda seconds: seconds * SECOND))
starts = st.sampled_from((  # 1 March 2026 is a Sunday: weeks, days and hours end here
    sample.START, sample.START + dt.timedelta(days=1) - TICK, sample.START - HALF,
    sample.START + dt.timedelta(hours=23, minutes=45), sample.START + 5 * sample.HOUR - MINUTE))
places = st.fixed_dictionaries({
    "region": st.sampled_from(("", "eu", "us")), "device": st.sampled_from(("", "mobile"))})
views = st.builds(lambda place, **values: ("view", {**place, **values}), places,
                  page=st.sampled_from(("", "/", "/chat", "/größe")),
                  referrer=st.sampled_from(("", "https://a.example", "https://b.example")),
                  duration_ms=st.sampled_from((None, 0.0, 1.5, 90_000.0, 3_600_000.0)))
asks = st.builds(lambda place, **values: ("ask", {**place, **values}), places,
                 model=st.sampled_from(("small", "large")),
                 agent_id=st.sampled_from(("", "helper")))
clicks = st.builds(lambda place: ("click", {**place, "action": "click"}), places)
steps = st.tuples(gaps, st.one_of(views, views, asks, clicks), st.sampled_from(("api", "demo")))
people = st.sampled_from((("ann", "s1"), ("ann", "s2"), ("bob", "s1"), ("", "s1"), ("", "s2"),
                          ("", "")))
walks = st.tuples(st.sampled_from(sample.WORKSPACES[:2]), people, starts,
                  st.lists(steps, min_size=1, max_size=8))
KINDS: dict[str, type[Event]] = {"view": PageView, "ask": Request, "click": Interaction}


def to_events(found: list[Any]) -> list[Event]:
    """The events of all walks: each some time after the one before."""
    events: list[Event] = []
    for workspace, (user, session), start, walked in found:
        moment = start
        for gap, (kind, values), source in walked:
            moment += gap
            events.append(KINDS[kind](event_id=f"e{len(events)}", at_utc=moment, source=source,
                                      workspace_id=workspace, user_id=user, session_id=session,
                                      **values))
    return events


streams = st.lists(walks, min_size=1, max_size=5).map(to_events)


def by_steps(platform: Platform, events: list[Event], rng: random.Random) -> None:
    """Bring the events in in several batches, out of order, and roll up now and then."""
    arriving = events + rng.choices(events, k=len(events) // 4) if events else []
    rng.shuffle(arriving)
    while arriving:
        size = rng.randint(1, 8)
        platform.take(arriving[:size])
        arriving = arriving[size:]
        if rng.random() < 0.7:
            platform.ingestion.roll_up()
    platform.ingestion.roll_up()


def plain(moment: dt.datetime) -> dt.datetime:
    return moment.replace(tzinfo=None)


def kept_sessions(platform: Platform) -> Counter[tuple[Any, ...]]:
    with platform.store.transaction() as cursor:
        rows = cursor.execute(
            "select workspace_id, unit_hash >= 0, bucket_utc, start_utc, last_event_utc, end_utc, "
            "events, requests, page_views, interactions, region, device, referrer, entry_page, "
            "exit_page, is_bounce from sessions").fetchall()
        left = cursor.execute("select (select count(*) from session_windows), "
                              "(select count(*) from session_hours)").fetchone()
    assert left == (0, 0), "the scratch space is not empty"
    return Counter(rows)


def slow_rows(events: list[Event]) -> Counter[tuple[Any, ...]]:
    return Counter((
        each.unit[0], each.unit[1] == "user", plain(each.start).replace(
            minute=0, second=0, microsecond=0), plain(each.start), plain(each.last),
        plain(each.end), len(each.events), each.count(Request), each.count(PageView),
        each.count(Interaction), each.first("region"), each.first("device"),
        each.first("referrer"), each.first("page"), each.last_page(), each.is_bounce)
        for each in slow_sessions.split(events))


@pytest.mark.slow
@given(stream=streams, rng=st.randoms(use_true_random=False))
@unhurried
def test_late_events_and_deletions_leave_what_a_rebuild_gives(
        stream: list[Event], rng: random.Random) -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        kept, anew = Platform(one), Platform(other)
        by_steps(kept, stream, rng)
        assert kept_sessions(kept) == slow_rows(stream)
        kept.store.delete_source("demo")
        kept.ingestion.roll_up()
        left = [each for each in stream if each.source != "demo"]
        assert kept_sessions(kept) == slow_rows(left)
        anew.take(left)
        anew.ingestion.roll_up()
        wanted = anew.rollups()
        assert kept.rollups() == wanted
        kept.ingestion.rebuild(FIRST, LAST)
        assert kept.rollups() == wanted
        kept.close()
        anew.close()


edges = st.one_of(
    st.integers(0, int((LAST - FIRST).total_seconds()) * 10**6).map(
        lambda offset_us: FIRST + dt.timedelta(microseconds=offset_us)),
    st.integers(0, 24 * 24).map(lambda hour: FIRST + hour * sample.HOUR),
    st.integers(0, 3 * 24 * 60).map(lambda minute: sample.START + minute * MINUTE))
tilings = st.tuples(edges, edges).filter(lambda pair: pair[0] != pair[1]).map(
    lambda pair: spans.Span(*sorted(pair)))
filters = st.fixed_dictionaries({
    "workspaces": st.sampled_from(([], [], [sample.WORKSPACES[0]])),
    "models": st.sampled_from(([], [], ["small"])), "agents": st.sampled_from(([], [], [""])),
    "regions": st.sampled_from(([], [], [""], ["eu"])),
    "devices": st.sampled_from(([], ["mobile"]))})


@pytest.mark.slow
@given(stream=streams, asked=st.lists(st.tuples(tilings, filters), min_size=4, max_size=4))
@unhurried
def test_answers_are_those_of_plain_python(
        stream: list[Event], asked: list[tuple[spans.Span, dict[str, list[str]]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        platform = Platform(folder)
        platform.take(stream)
        platform.ingestion.roll_up()
        for span, chosen in asked:
            check_sessions(platform, stream, span, chosen)
            check_pages(platform, stream, span, chosen)
            check_users(platform, stream, span, chosen["workspaces"])
        platform.close()


def check_sessions(platform: Platform, stream: list[Event], span: spans.Span,
                   chosen: dict[str, list[str]]) -> None:
    """Totals, series and breakdown of a span; a session belongs to the span of its start."""
    params = {**spans.query_params(span), **chosen}
    found = [each for each in slow_sessions.split(stream)
             if span.start <= each.start < span.end and fits(each, chosen)]
    wanted = pytest.approx(slow_sessions.add_up(found))
    totals = platform.store.read("sessions/totals", params).to_pylist()[0]
    assert totals == wanted
    for width_s in (900, 3_600, 86_400):
        rows = platform.store.read("sessions/series", usage.series_params(params, width_s))
        assert {name: sum(rows[name].to_pylist()) for name in sessions.SUMS} == wanted
        starts = {row.replace(tzinfo=dt.UTC) for row in rows["bucket_start_utc"].to_pylist()}
        assert starts == {each.start - (each.start - spans.EARLIEST) % dt.timedelta(seconds=width_s)
                          for each in found}
    for dimension, value in (("entry_page", lambda each: each.first("page")),
                             ("referrer", lambda each: each.first("referrer")),
                             ("region", lambda each: each.first("region")),
                             ("workspace_id", lambda each: each.unit[0])):
        rows = platform.store.read("sessions/breakdown", {
            **sessions.breakdown_params(params), "dimension": dimension, "limit": 99}).to_pylist()
        assert {row.pop("name"): row for row in rows} == {
            name: pytest.approx(slow_sessions.add_up(each for each in found if value(each) == name))
            for name in {value(each) for each in found}}


def fits(session: slow_sessions.Session, chosen: dict[str, list[str]]) -> bool:
    """Whether the filters take a session: by its own columns, and by one of its requests."""
    def has(wanted: list[str], value: str) -> bool:
        return not wanted or value in wanted

    if chosen["models"] or chosen["agents"]:
        asked = [each for each in session.events if isinstance(each, Request)]
        if not any(has(chosen["models"], each.model) and has(chosen["agents"], each.agent_id)
                   for each in asked):
            return False
    return (has(chosen["workspaces"], session.unit[0])
            and has(chosen["regions"], session.first("region"))
            and has(chosen["devices"], session.first("device")))


def check_pages(platform: Platform, stream: list[Event], span: spans.Span,
                chosen: dict[str, list[str]]) -> None:
    """Time on page, entries and exits, for workspaces or over all."""
    workspaces = chosen["workspaces"]
    rows = platform.store.read("traffic/page_times", {
        **spans.query_params(span), "workspaces": workspaces, "regions": [], "devices": [],
        "limit": 99}).to_pylist()
    there = [each for each in stream if not workspaces or each.workspace_id in workspaces]
    wanted = slow_sessions.page_times(there, span.start, span.end)
    assert not any(row.pop("is_estimate") for row in rows)
    assert {row.pop("page"): row for row in rows} == {
        page: pytest.approx(row) for page, row in wanted.items()}


def check_users(platform: Platform, stream: list[Event], span: spans.Span,
                workspaces: list[str]) -> None:
    """New and returning users by day, and weekly cohorts."""
    firsts = slow_sessions.first_events(stream, workspaces)
    seen = {(each.at_utc, each.user_id) for each in stream if each.user_id
            and (not workspaces or each.workspace_id in workspaces)}
    days = {(plain(moment).date(), user) for moment, user in seen
            if span.start <= moment < span.end}
    params = usage.series_params({**spans.query_params(span), **EVERYTHING,
                                  "workspaces": workspaces}, 86_400)
    rows = platform.store.read("traffic/new_returning", {**params, "sketch_size": 64}).to_pylist()
    assert [(row["bucket_start_utc"].date(), row["new_users"], row["returning_users"])
            for row in rows] == [
        (day, sum(firsts[user].date() == day for other, user in days if other == day),
         sum(firsts[user].date() != day for other, user in days if other == day))
        for day in sorted({day for day, _ in days})]
    first, last = slow_sessions.week_of(FIRST), slow_sessions.week_of(LAST)
    cohorts = Counter((cohort, (week - cohort).days // 7) for cohort, week, _ in {
        (slow_sessions.week_of(firsts[user]), slow_sessions.week_of(moment), user)
        for moment, user in seen} if first <= cohort and week < last)
    found = platform.store.read("traffic/retention", {
        "start": first, "end": last, "workspaces": workspaces}).to_pylist()
    assert {(row["cohort_week_utc"].replace(tzinfo=dt.UTC), row["weeks_after"]): row["users"]
            for row in found} == cohorts


def view(name: str, at_utc: dt.datetime, **values: Any) -> PageView:
    return PageView(event_id=name, at_utc=at_utc, workspace_id="acme", user_id="ann", **values)


def test_a_late_event_joins_two_sessions_and_its_removal_parts_them(tmp_path: Path) -> None:
    """Views at 23:30 and 00:20 are 50 minutes apart; one at 00:00 closes both gaps.

    30 + 20 minutes are 3,000 s, and the last view's own 60 s end it at 3,060 s.
    """
    platform = Platform(str(tmp_path))
    midnight = sample.START + dt.timedelta(days=1)
    day = spans.query_params(spans.Span(sample.START, midnight))
    params = {**day, **EVERYTHING}

    def totals() -> tuple[int, int, float]:
        row = platform.store.read("sessions/totals", params).to_pylist()[0]
        return row["sessions"], row["bounces"], row["duration_s_sum"]

    platform.take([view("a", midnight - HALF, page="/in"),
                   view("b", midnight + 20 * MINUTE, page="/out", duration_ms=60_000.0)])
    platform.ingestion.roll_up()
    assert totals() == (1, 1, 0.0)  # the second belongs to the next day
    platform.take([view("late", midnight, page="/between", source="import:1")])
    platform.ingestion.roll_up()
    assert totals() == (1, 0, 3_060.0)
    pages = platform.store.read("traffic/page_times", {
        **sessions.pages_params(params), "limit": 9}).to_pylist()
    assert [(row["page"], row["time_s_sum"], row["entries"], row["exits"]) for row in pages] == [
        ("/in", 1_800.0, 1, 0), ("/out", 0.0, 0, 1)]
    platform.store.delete_source("import:1")
    platform.ingestion.roll_up()
    assert totals() == (1, 1, 0.0)
    platform.close()
