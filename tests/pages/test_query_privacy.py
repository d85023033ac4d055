"""Admin › Data says whose questions are stored in their wording, and changes it."""

import datetime as dt

import pytest
from streamlit.testing.v1 import AppTest

from brain.engine import Engine
from brain.events import Request
from tests.pages.conftest import NOW, OpenPage

PAGE = "admin/data.py"


@pytest.fixture
def asked(engine: Engine) -> Engine:
    """Two workspaces that asked two questions each; "open" keeps their wording."""
    engine.keep_query_text("open", True)
    engine.record("requests", [
        Request(event_id=f"{workspace_id}-{n}", at_utc=NOW - dt.timedelta(hours=1),
                workspace_id=workspace_id, query_text=f"What is {n}?")
        for workspace_id in ("closed", "open") for n in range(2)])
    engine.settle()
    return engine


def table(app: AppTest) -> dict[str, tuple[str, int]]:
    frame = next(each.value for each in app.dataframe if "texts" in each.value.columns)
    return {row["workspace"]: (row["stored"], row["texts"]) for row in frame.to_dict("records")}


def choose(app: AppTest, workspace_id: str) -> AppTest:
    return app.selectbox(key="text_workspace").set_value(workspace_id).run()


def press(app: AppTest, label: str) -> AppTest:
    return next(each for each in app.button if each.label == label).click().run()


def test_without_workspaces_it_says_so(engine: Engine, open_page: OpenPage) -> None:
    assert any("No workspace has sent anything yet" in each.value
               for each in open_page(PAGE).caption)


def test_it_lists_who_stores_what(asked: Engine, open_page: OpenPage) -> None:
    assert table(open_page(PAGE)) == {"closed": ("hash only", 0), "open": ("stored", 2)}


def test_turning_on_asks_first(asked: Engine, open_page: OpenPage) -> None:
    app = press(choose(open_page(PAGE), "closed"), "Store query text")
    assert any("from now on the questions of `closed`" in each.value for each in app.markdown)
    assert asked.privacy.allowed() == {"open"}


def test_turning_off_offers_to_delete(asked: Engine, open_page: OpenPage) -> None:
    app = press(choose(open_page(PAGE), "open"), "Store no more")
    assert any("Delete the 2 texts already stored" in each.label for each in app.checkbox)
    assert asked.privacy.allowed() == {"open"}


def test_deleting_asks_first(asked: Engine, open_page: OpenPage) -> None:
    app = press(choose(open_page(PAGE), "open"), "Delete stored texts")
    assert any("2 texts of `open` are deleted" in each.value for each in app.markdown)
    assert table(app)["open"] == ("stored", 2)
