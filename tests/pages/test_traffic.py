"""Traffic shows what was recorded, and narrows to what is chosen."""

import datetime as dt
import time

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from brain.engine import Engine
from brain.events import Feedback, Interaction, PageView, Request
from pages.ui import selecting
from tests.pages.conftest import NOW, OpenPage

PAGE = "product/traffic.py"
HOUR, MINUTE = dt.timedelta(hours=1), dt.timedelta(minutes=1)


def cards(app: AppTest) -> dict[str, str]:
    return {each.label: each.value for each in app.metric}


def captions(app: AppTest) -> list[str]:
    return [each.value for each in app.caption]


def frame(app: AppTest, *columns: str) -> pd.DataFrame:
    """The first table with all of these columns."""
    return next(each.value for each in app.dataframe if set(columns) <= set(each.value.columns))


def table(app: AppTest, column: str) -> dict[str, object]:
    found = frame(app, "name", column)
    return dict(zip(found["name"], found[column], strict=True))


@pytest.fixture
def visits(engine: Engine) -> Engine:
    """Three sessions of the last three hours, and one of the day before.

    ann: /chat, two minutes later /search, a question three minutes later: 300 s, engaged.
    ben: one page view, nothing else: a bounce of 0 s. cid: one view of /chat, a click 60 s later.
    dan, yesterday: one page view.
    """
    at = NOW.replace(second=0) - 3 * HOUR
    engine.record("page_views", [
        PageView(event_id="v1", at_utc=at, user_id="ann", page="/chat", referrer="mail"),
        PageView(event_id="v2", at_utc=at + 2 * MINUTE, user_id="ann", page="/search"),
        PageView(event_id="v3", at_utc=at, user_id="ben", page="/chat"),
        PageView(event_id="v4", at_utc=at + HOUR, user_id="cid", page="/chat"),
        PageView(event_id="v5", at_utc=at - 24 * HOUR, user_id="dan", page="/chat")])
    engine.record("interactions", [Interaction(
        event_id="i1", at_utc=at + HOUR + MINUTE, user_id="cid", action="copy")])
    engine.record("requests", [Request(event_id="r1", at_utc=at + 5 * MINUTE, user_id="ann",
                                       agent_id="helper", latency_ms=80.0)])
    engine.settle()
    return engine


def test_cards_add_up_what_was_recorded(filled: Engine, open_page: OpenPage) -> None:
    app = open_page(PAGE)
    shown = cards(app)
    assert shown["Requests"] == "48"
    assert shown["Active users"] == "5"
    assert shown["Tokens"] == "72,000"  # 48 * (1,000 + 500)
    assert "48,000 in, 24,000 out" in captions(app)
    assert shown["Error share"] == "4.2 %"  # 2 of 48
    assert shown["p95 latency"] == "100 ms"
    changes = {each.label: each.delta for each in app.metric}
    assert changes["Requests"] == "+100.0 %"  # 48 against 24
    assert changes["Error share"] == "+4.2 points"  # none failed before


def test_sessions_durations_and_bounces(visits: Engine, open_page: OpenPage) -> None:
    app = open_page(PAGE)
    shown = cards(app)
    assert shown["Sessions"] == "3"
    assert shown["Mean session"] == "2:00"  # (300 + 0 + 60) / 3 = 120 s
    assert "over all; 3:00 without bounces" in captions(app)  # (300 + 60) / 2 = 180 s
    assert shown["Bounce rate"] == "33.3 %"  # ben's, of three
    assert "1 of 3" in captions(app)
    assert "0 online now · exact" in captions(app)


def test_many_bounces_are_called_high(engine: Engine, open_page: OpenPage) -> None:
    engine.record("page_views", [PageView(event_id=f"v{n}", at_utc=NOW - HOUR, user_id=f"u{n}",
                                          page="/") for n in range(3)])
    engine.settle()
    app = open_page(PAGE)
    assert cards(app)["Bounce rate"] == "100.0 %"
    assert "high: above 50 %" in captions(app)


def test_online_now_is_of_the_last_five_minutes(engine: Engine, open_page: OpenPage) -> None:
    engine.record("requests", [
        Request(event_id=f"r{n}", at_utc=NOW - n * 2 * MINUTE, user_id=f"u{n}")
        for n in (1, 2, 3)])  # two, four and six minutes ago
    engine.settle()
    assert "2 online now · exact" in captions(open_page(PAGE))
    assert "exact" in captions(open_page(PAGE, region=[""]))


def test_breakdown_is_the_whole(filled: Engine, open_page: OpenPage) -> None:
    app = open_page(PAGE, by="Model")
    assert table(app, "users") == {"gpt-4o": 5, "house-model": 1}
    found = frame(app, "name", "users", "request_ratio")
    assert dict(zip(found["name"], found["request_ratio"], strict=True)) == {
        "gpt-4o": pytest.approx(47 / 48), "house-model": pytest.approx(1 / 48)}


def test_filter_of_the_address_bar_narrows_all(filled: Engine, open_page: OpenPage) -> None:
    app = open_page(PAGE, model=["house-model"])
    assert cards(app)["Requests"] == "1"
    assert cards(app)["Active users"] == "1"


def test_chip_takes_a_filter_back(filled: Engine, open_page: OpenPage) -> None:
    app = open_page(PAGE, model=["house-model"])
    next(each for each in app.button if each.label == "Model: house-model").click().run()
    assert cards(app)["Requests"] == "48"
    assert not [each for each in app.button if each.label.startswith("Model:")]


def test_nothing_says_what_to_do_next(filled: Engine, open_page: OpenPage) -> None:
    app = open_page(PAGE, workspace=["nobody"])
    assert "No requests and no visits" in app.info[0].value
    assert not app.metric
    assert any(each.label == "Look at 7 days" for each in app.button)


def test_nothing_is_compared_with_a_time_before_the_data(
        filled: Engine, open_page: OpenPage) -> None:
    app = open_page(PAGE, range="7d")
    assert all(not each.delta for each in app.metric)
    assert any("nothing is compared" in each for each in captions(app))


def test_requests_without_users_are_not_counted_as_nobody(
        engine: Engine, open_page: OpenPage) -> None:
    engine.record("requests", [Request(event_id="r", at_utc=NOW - HOUR)])
    engine.settle()
    app = open_page(PAGE)
    assert cards(app)["Active users"] == "unknown"
    assert cards(app)["p95 latency"] == "unknown"
    assert cards(app)["Mean session"] == "unknown"
    assert cards(app)["Bounce rate"] == "unknown"


def test_pages_have_time_entries_and_exits(visits: Engine, open_page: OpenPage) -> None:
    app = open_page(PAGE)
    rows = frame(app, "page", "views", "mean_time_s").set_index("page")
    assert list(rows.index) == ["/chat", "/search"]
    assert list(rows["views"]) == [3, 1]
    assert list(rows["viewers"]) == [3, 1]
    assert rows.loc["/chat", "mean_time_s"] == 120  # ann's; ben and cid saw no next page
    assert pd.isna(rows.loc["/search", "mean_time_s"])
    assert rows.loc["/chat", "bounce_ratio"] == pytest.approx(1 / 3)  # ben, of three entries
    assert table(app, "view_ratio") == {"(direct)": 0.75, "mail": 0.25}  # 3 and 1 of 4


def test_agents_have_satisfaction_by_name_and_by_request(
        engine: Engine, open_page: OpenPage) -> None:
    at = NOW - HOUR
    engine.record("requests", [
        Request(event_id="r1", at_utc=at, agent_id="helper", latency_ms=100.0),
        Request(event_id="r2", at_utc=at, agent_id="helper", latency_ms=300.0, status="error"),
        Request(event_id="r3", at_utc=at, agent_id="coder")])
    engine.record("feedback", [
        Feedback(event_id="f1", at_utc=at, agent_id="helper", stars=3),
        Feedback(event_id="f2", at_utc=at, request_id="r1", stars=4),  # helper's, by its request
        Feedback(event_id="f3", at_utc=at, request_id="r2", agent_id="helper", stars=5),
        Feedback(event_id="f4", at_utc=at, request_id="r3", stars=5),
        Feedback(event_id="f5", at_utc=at, workspace_id="other", request_id="r3", stars=1)])
    engine.settle()
    rows = frame(open_page(PAGE), "name", "satisfaction").set_index("name")
    assert rows.loc["helper", "satisfaction"] == "4.0 (1.8 to 5.0)"  # as in test_satisfaction
    assert rows.loc["helper", "ratings"] == 3
    assert rows.loc["coder", "satisfaction"] == "not enough"  # one rating
    assert rows.loc["helper", "mean_latency_ms"] == 200
    assert rows.loc["helper", "p95_ms"] == pytest.approx(300, rel=0.01)
    assert rows.loc["helper", "error_pct"] == 50


def test_questions_are_one_in_all_spellings_and_hidden_where_not_allowed(
        engine: Engine, open_page: OpenPage) -> None:
    for workspace_id in ("open", "also-open"):
        engine.keep_query_text(workspace_id, True)
    asked = (("open", "Where is ORDER 7?", 100.0), ("open", "where is order 7", 200.0),
             ("also-open", "Where is order 7", 900.0), ("closed", "Where is order 7?", 50.0),
             ("closed", "where is order 7 ?", 50.0), ("open", "Explain invoice 3", None))
    engine.record("requests", [
        Request(event_id=f"r{n}", at_utc=NOW - HOUR, workspace_id=workspace_id, query_text=text,
                latency_ms=latency_ms) for n, (workspace_id, text, latency_ms) in enumerate(asked)])
    engine.settle()
    rows = frame(open_page(PAGE), "question", "topic")
    assert rows["question"][0] == "where is order 7"
    assert list(rows["requests"]) == [3, 2, 1]
    assert list(rows["workspaces"]) == [2, 1, 1]
    assert rows["mean_latency_ms"][0] == 400  # (100 + 200 + 900) / 3
    assert rows["p95_ms"][0] == pytest.approx(900, rel=0.01)
    hidden = rows["question"][1]
    assert hidden.startswith("not stored (") and "order" not in hidden
    assert list(rows["topic"]) == ["", "", "billing"]
    assert pd.isna(rows["mean_latency_ms"][2])


def test_retention_tells_who_came_back(engine: Engine, open_page: OpenPage) -> None:
    # NOW is Thursday 5 March 2026; the week before began on Monday 23 February.
    before = dt.datetime(2026, 2, 24, 9, tzinfo=dt.UTC)
    engine.record("requests", [
        *(Request(event_id=f"a{n}", at_utc=before, user_id=f"u{n}") for n in range(20)),
        *(Request(event_id=f"b{n}", at_utc=NOW - HOUR, user_id=f"u{n}") for n in range(5)),
        Request(event_id="c", at_utc=NOW - HOUR, user_id="new")])
    engine.settle()
    app = open_page(PAGE)
    rows = frame(app, "cohort_week_utc", "users")
    assert any("The data begins in the week of 23 Feb" in each for each in captions(app))
    assert list(rows["weeks_after"]) == [0, 1, 0]
    assert list(rows["users"]) == [20, 5, 1]
    assert list(rows["kept_ratio"]) == [1.0, 0.25, 1.0]  # 5 of 20


def test_tables_are_named_files_of_the_range(visits: Engine, open_page: OpenPage) -> None:
    app = open_page(PAGE)
    keys = {each.key for each in app.get("download_button")}
    for name in ("top pages", "referrers", "retention"):
        assert f"csv_{name}" in keys
    assert any(str(key).startswith("csv_agents") for key in keys)


def test_filters_that_pages_do_not_know_are_named(visits: Engine, open_page: OpenPage) -> None:
    app = open_page(PAGE, agent=["helper"])
    assert any("Page views know no model and no agent" in each for each in captions(app))


def test_chosen_row_becomes_a_filter_and_comes_off_again(engine: Engine) -> None:
    names = ["gpt-4o", "", None]  # None is the row of all others
    narrow = selecting.narrower("rows", "Model", names, selecting.rows)
    for row, wanted in ((0, ["gpt-4o"]), (1, [""]), (2, [""]), (9, [""]), (1, []), (0, ["gpt-4o"]),
                        (0, [])):
        st.session_state["rows"] = {"selection": {"rows": [row]}}
        narrow()
        assert st.session_state["model"] == wanted


def test_requests_behind_the_numbers_are_a_switch_away(
        filled: Engine, open_page: OpenPage) -> None:
    assert not any("event_id" in each.value.columns for each in open_page(PAGE).dataframe)
    app = open_page(PAGE, show_requests=True)
    rows = frame(app, "event_id")
    assert len(rows) == 48
    assert rows["at_utc"].is_monotonic_decreasing


def test_a_choice_that_a_refresh_undid_is_taken_up_again(
        filled: Engine, open_page: OpenPage) -> None:
    app = open_page(PAGE)
    for ago_s, left in ((0.0, []), (60.0, ["tablet"])):  # later it is the reader's own choice
        app.session_state["narrowed"] = {"device": (["tablet"], [], time.monotonic() - ago_s)}
        app.session_state["device"] = ["tablet"]
        app.run()
        assert app.session_state["device"] == left
