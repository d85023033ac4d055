"""The frame: every page opens in it, and its controls do what they say."""

import ast
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from brain.engine import Engine
from tests.pages.conftest import NOW, OpenPage

ROOT = Path(__file__).resolve().parents[2]


def listed_pages() -> list[str]:
    """Files of the table PAGES of app.py."""
    for node in ast.parse((ROOT / "app.py").read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PAGES":
            return [row[1] for row in ast.literal_eval(node.value)]
    raise AssertionError("app.py has no table PAGES")


PAGES = listed_pages()


def faults(app: AppTest) -> list[str]:
    return [each.value for each in (*app.exception, *app.error)]


@pytest.mark.parametrize("file", PAGES)
def test_page_opens_with_data(file: str, filled: Engine, open_page: OpenPage) -> None:
    assert faults(open_page(file)) == []


@pytest.mark.parametrize("file", PAGES)
def test_page_opens_without_data(file: str, engine: Engine, open_page: OpenPage) -> None:
    app = open_page(file)
    assert faults(app) == []
    assert app.title[0].value


def test_every_page_file_is_listed() -> None:
    there = {path.relative_to(ROOT / "pages").as_posix() for path in ROOT.glob("pages/*/*.py")}
    assert {file for file in there if not file.startswith("ui/")} == set(PAGES)


def test_range_of_the_address_bar_is_shown(filled: Engine, open_page: OpenPage) -> None:
    app = open_page(range="2026-03-04", compare="false")
    assert app.caption[0].value == "4 Mar 00:00 to 5 Mar 00:00 UTC"


def test_comparison_names_the_period_before(filled: Engine, open_page: OpenPage) -> None:
    assert open_page(range="1h").caption[0].value == (
        "5 Mar 11:01 to 5 Mar 12:01 UTC, against 5 Mar 10:01 to 5 Mar 11:01")


def test_range_that_makes_no_sense_is_explained(filled: Engine, open_page: OpenPage) -> None:
    app = open_page(range="next week")
    assert "“next week” is not a range." in app.warning[0].value
    assert app.caption[0].value.startswith("4 Mar 12:01 to 5 Mar 12:01")


def test_keys_change_the_range(filled: Engine, open_page: OpenPage) -> None:
    app = open_page()
    app.button(key="quick_w").click().run()
    assert app.session_state["range"] == "7d"
    assert app.caption[0].value.startswith("26 Feb 13:00 to 5 Mar 13:00")
    app.button(key="quick_x").click().run()
    assert "against" not in app.caption[0].value


def test_filters_offer_what_was_seen_and_hold_across_pages(filled: Engine,
                                                          open_page: OpenPage) -> None:
    app = open_page(workspace="elsewhere")
    assert "acme" in app.multiselect(key="workspace").options
    assert app.multiselect(key="workspace").value == ["elsewhere"]
    app.switch_page("pages/product/traffic.py").run()
    assert app.multiselect(key="workspace").value == ["elsewhere"]
    assert any("No requests" in each.value for each in app.info)


def test_feedback_is_kept(filled: Engine, open_page: OpenPage) -> None:
    app = open_page("finance/costs.py")
    app.feedback(key="feedback_stars").set_value(3)
    app.text_area[0].input("More colours")
    next(each for each in app.button if each.label == "Send").click().run()
    (row,) = filled.state.rows("console_feedback")
    assert (row["page"], row["stars"], row["comment"]) == ("Costs", 4, "More colours")
    assert row["at_utc"] == NOW


def test_feedback_asks_for_stars(filled: Engine, open_page: OpenPage) -> None:
    app = open_page()
    next(each for each in app.button if each.label == "Send").click().run()
    assert [each.value for each in app.error] == ["Choose one to five stars."]
    assert filled.state.rows("console_feedback") == []


def test_annotation_is_put_on_the_charts_and_recorded(filled: Engine,
                                                      open_page: OpenPage) -> None:
    app = open_page()
    next(each for each in app.text_input if each.label == "What happened").input("Cut over")
    next(each for each in app.button if each.label == "Add annotation").click().run()
    (row,) = filled.state.rows("annotations")
    assert (row["text"], row["kind"], row["is_demo"]) == ("Cut over", "note", False)
    assert row["at_utc"] == NOW.replace(second=0)
    assert filled.state.rows("audit")[-1]["action"] == "annotation added"
    assert any("Cut over" in each.value for each in app.caption)


def test_store_faults_are_told_on_every_page(filled: Engine, open_page: OpenPage) -> None:
    filled.faults = ("requests: 9 rows were accepted, 8 are there",)
    for file in ("finance/costs.py", "admin/data.py"):
        assert any("9 rows were accepted" in each.value for each in open_page(file).error)


def test_demonstration_is_badged_only_where_there_is_one(filled: Engine,
                                                         open_page: OpenPage) -> None:
    assert "Demo" not in {each.label for each in open_page().button}
    filled.state.insert("demo_state", {
        "demo_id": "demo", "seed": 1, "first_at_utc": NOW, "last_at_utc": NOW,
        "effects_json": "{}", "written_at_utc": NOW})
    assert "Demo" in {each.label for each in open_page().button}
