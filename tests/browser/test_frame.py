"""The frame: range, comparison, filters, notes and feedback, as a reader uses them."""

import csv
import io
import sqlite3
from typing import Any

from tests.browser.conftest import OpenTab
from tests.browser.tab import Tab
from tests.serving.console import Console

WEEK = "2026-01-01..2030-01-01"  # stands still, and holds the whole demonstration
ELSEWHERE = "h1"


def test_typed_range_is_in_the_address_and_gives_the_same_numbers_elsewhere(
        demo_tab: Tab, demo_console: Console, open_tab: OpenTab) -> None:
    demo_tab.open("traffic")
    demo_tab.choose_range(WEEK)
    here = demo_tab.numbers()
    assert here["Requests"] != "0"
    with open_tab(demo_console) as other:
        other.open(demo_tab.page.url.removeprefix(f"{demo_console.url}/"))
        assert other.numbers() == here


def test_preset_and_single_keys_change_the_range(demo_tab: Tab) -> None:
    demo_tab.open("traffic")
    demo_tab.press("7 d", exact=False)
    demo_tab.wait_for_param("range", "7d")
    for key, wanted in (("t", "today"), ("m", "30d"), ("w", "7d"), ("d", None)):
        demo_tab.page.locator(ELSEWHERE).click()
        demo_tab.page.keyboard.press(key)
        demo_tab.wait_for_param("range", wanted)  # the default is not in the address


def test_range_that_makes_no_sense_is_told(demo_tab: Tab) -> None:
    demo_tab.open("costs")
    demo_tab.choose_range("last tuesday week")
    demo_tab.see("Until then: 24h.")


def test_comparison_goes_on_and_off(demo_tab: Tab) -> None:
    demo_tab.open("traffic?range=2d")
    assert "vs before" in demo_tab.main_text()
    demo_tab.page.get_by_text("Compare", exact=True).click()
    demo_tab.wait_for_param("compare", "false")
    demo_tab.page.get_by_text("vs before").first.wait_for(state="detached")
    assert ", against" not in demo_tab.main_text()
    demo_tab.page.locator(ELSEWHERE).click()
    demo_tab.page.keyboard.press("x")
    demo_tab.wait_for_param("compare", None)
    demo_tab.see("vs before")


def test_workspace_holds_across_pages(demo_tab: Tab) -> None:
    demo_tab.open(f"traffic?range={WEEK}")
    everyone = demo_tab.numbers()["Requests"]
    field = demo_tab.page.get_by_role("combobox", name="Workspace", exact=True)
    field.scroll_into_view_if_needed()  # scrolling would close the list
    field.fill("kestrel")
    demo_tab.page.get_by_role("option", name="kestrel").click()
    demo_tab.wait_for_param("workspace", "kestrel")
    demo_tab.page.locator(ELSEWHERE).click()  # Escape would take the choice back
    demo_tab.page.wait_for_function("""everyone => [...document.querySelectorAll(
        '[data-testid=stMetricValue]')].every(value => value.innerText.trim() !== everyone)""",
                                    arg=everyone)
    spent = {}
    for page in ("Costs", "Overview", "System health"):
        demo_tab.go_to(page)
        demo_tab.wait_for_param("workspace", "kestrel")
        demo_tab.wait_for_param("range", WEEK)
        spent[page] = demo_tab.numbers()
    assert spent["Costs"]["Total cost"] == spent["Overview"]["Total cost"]
    assert spent["Overview"]["Requests"] != everyone


def test_tab_reaches_the_filters_in_reading_order(demo_tab: Tab) -> None:
    demo_tab.open("traffic")
    reached = []
    for _ in range(60):
        demo_tab.page.keyboard.press("Tab")
        reached.append(demo_tab.page.evaluate("""() => {
            const at = document.activeElement;
            return at.getAttribute('aria-label') || at.labels?.[0]?.innerText || at.innerText;
        }"""))
    first = next(place for place, name in enumerate(reached) if "Skip to main" in name)
    for wanted in (("Overview", "Operations", "Finance", "Admin"),
                   ("Range", "Today", "Compare", "Workspace", "More filters")):
        order = [next(place for place, name in enumerate(reached) if each in name)
                 for each in wanted]
        assert [first, *order] == sorted([first, *order])


def test_feedback_is_kept(demo_tab: Tab, demo_console: Console) -> None:
    demo_tab.open("costs")
    demo_tab.press("Feedback", exact=True)
    demo_tab.see("How well does “Costs” do its work?")
    demo_tab.press("Send", exact=True)
    demo_tab.see("Choose one to five stars.")
    demo_tab.page.locator("[data-testid=stFeedback] button").nth(3).click()
    demo_tab.fill("What should be better?", "More cats")
    demo_tab.press("Send", exact=True)
    demo_tab.see("Thank you. Your feedback is kept.")
    with sqlite3.connect(demo_console.data / "state.sqlite") as state:
        kept = state.execute("select page, stars, comment from console_feedback").fetchall()
    assert kept == [("Costs", 4, "More cats")]


def test_annotation_appears_on_charts(demo_tab: Tab) -> None:
    demo_tab.open("traffic?range=today")
    demo_tab.press("Annotate", exact=True)
    demo_tab.fill("What happened", "Cache *warmed*")
    demo_tab.press("Add annotation", exact=True)
    demo_tab.see("Annotation added at")
    demo_tab.see("Cache *warmed*")
    assert demo_tab.page.locator(".annotation-text").count() >= 1


def test_table_leaves_as_safe_csv(demo_console: Console, open_tab: OpenTab) -> None:
    demo_console.send({"kind": "requests", "provider": "openai", "model": "gpt-4o",
                       "workspace_id": "=cmd()", "user_id": "u", "input_tokens": 3,
                       "output_tokens": 4})
    demo_console.call("settle")
    with open_tab(demo_console, accept_downloads=True) as tab:
        tab.open("traffic?range=5h")
        with tab.page.expect_download() as waiting:
            card = tab.page.get_by_test_id("stVerticalBlock").filter(
                has=tab.page.get_by_role("heading", name="Workspaces and more")).last
            card.get_by_role("button", name="CSV").first.click()
        rows = read_csv(waiting.value)
        assert waiting.value.suggested_filename.startswith("traffic_by_workspace_2")
    assert "'=cmd()" in {row["Workspace"] for row in rows}
    assert all(row["Requests"].isdigit() for row in rows)


def read_csv(download: Any) -> list[dict[str, str]]:
    """Rows of a file that the browser saved."""
    with open(download.path(), encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(io.StringIO(file.read())))
