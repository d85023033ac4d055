"""The wall screen: the same numbers without controls, pages in turn."""

import datetime as dt

import pytest
from streamlit.testing.v1 import AppTest

from brain.engine import Engine
from pages.ui import wall
from tests.pages.conftest import NOW, OpenPage

PAGES = ("overview", "system-health", "traffic", "costs")
FILES = ("overview/overview.py", "operations/health.py", "product/traffic.py",
         "finance/costs.py")


@pytest.mark.parametrize("file", FILES)
def test_no_controls_but_the_way_out(file: str, filled: Engine, open_page: OpenPage) -> None:
    app = open_page(file, tv="1")
    assert not app.exception
    assert app.title
    labels = {each.label for each in app.button}
    assert "Leave wall screen" in labels
    assert not {"Annotate", "Feedback", "Today", "24 h"} & labels
    assert not any(each.label in {"Range", "Workspace", "Machine"}
                   for each in (*app.selectbox, *app.multiselect))
    assert any("12:00:30" in each.value for each in app.markdown)  # the clock


def test_range_and_filters_come_from_the_address(filled: Engine, open_page: OpenPage) -> None:
    app = open_page(tv="1", range="yesterday", workspace="acme")
    assert any("4 Mar 00:00 to 5 Mar 00:00 UTC" in each.value for each in app.caption)
    app = open_page(tv="1", workspace="nobody")
    assert any("No requests" in each.value or "none" in each.value for each in app.text)


def test_leaving_brings_the_controls_back(filled: Engine, open_page: OpenPage) -> None:
    app = open_page(tv="1", range="7d", pages="overview,costs")
    app = next(each for each in app.button if each.label == "Leave wall screen").click().run()
    assert not app.exception
    assert {"tv", "pages"} & set(app.query_params) == set()
    assert app.selectbox(key="range").value == "7d"
    assert any(each.label == "Requests" for each in app.metric)


@pytest.mark.parametrize(("path", "wanted", "upcoming"), [
    ("overview", "", ""), ("overview", "overview", ""), ("overview", "nope", ""),
    ("overview", "overview,costs", "costs"), ("costs", "overview, costs", "overview"),
    ("traffic", "overview,costs", "overview"), ("overview", "nope,costs", "costs")])
def test_pages_take_turns(path: str, wanted: str, upcoming: str) -> None:
    assert wall.next_page(path, wanted, PAGES) == upcoming


@pytest.mark.parametrize(("text", "seconds"), [
    ("30", 30), ("45.5", 45.5), ("", 30), ("soon", 30), ("0", 10), ("-5", 10), ("nan", 30)])
def test_a_turn_takes_at_least_ten_seconds(text: str, seconds: float) -> None:
    assert wall.turn_s(text) == seconds


@pytest.mark.parametrize("text", ["1", "unknown", "1,234,567.8 per s"])
def test_numbers_fit_their_card(text: str) -> None:
    (shown,) = wall.number(text).layout.annotations
    assert shown.text == text
    assert 0.58 * shown.font.size * len(text) <= 226  # 270 px of the card without its edges


def test_the_way_in_stands_on_pages_with_numbers(filled: Engine, open_page: OpenPage) -> None:
    app = open_page(range="7d")
    app = next(each for each in app.button if each.label == "Wall screen").click().run()
    assert not app.exception
    assert app.query_params["tv"] == "1"
    assert any(each.label == "Leave wall screen" for each in app.button)
    assert not any(each.label == "Wall screen" for each in open_page("admin/data.py").button)


def test_the_next_page_comes_when_its_time_is_up(
        filled: Engine, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [NOW]
    monkeypatch.setattr(filled, "clock", lambda: clock[0])
    app: AppTest = open_page(tv="1", pages="overview,costs", every="10")
    assert app.title[0].value == "Overview"
    clock[0] += dt.timedelta(seconds=9)
    assert app.run().title[0].value == "Overview"
    clock[0] += dt.timedelta(seconds=1)
    assert app.run().title[0].value == "Costs"
