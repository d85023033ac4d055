"""The wall screen in a browser: no sidebar, everything fits, pages take turns."""

import pytest

from tests.browser.conftest import OpenTab
from tests.serving.console import Console

TITLES = {"": "Overview", "system-health": "System health", "traffic": "Traffic",
          "costs": "Costs"}


@pytest.mark.parametrize("path", TITLES)
def test_wall_screen_shows_numbers_without_controls(
        demo_console: Console, open_tab: OpenTab, path: str) -> None:
    with open_tab(demo_console, width=1920, height=1080) as tab:
        tab.open(f"{path}?tv=1&range=7d")
        assert tab.page.locator("h1").inner_text().strip() == TITLES[path]
        assert tab.page.locator("[data-testid=stSidebar]:visible").count() == 0
        assert tab.page.get_by_role("button", name="Leave wall screen").is_visible()
        assert tab.page.get_by_role("button", name="Feedback").count() == 0
        assert tab.page.locator("[data-testid=stPlotlyChart]").count() >= 4
        assert tab.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
        tab.press("Leave wall screen")
        tab.page.locator("[data-testid=stSidebar]:visible").wait_for()
        tab.wait_for_param("tv", None)
        tab.wait_for_param("range", "7d")


def test_pages_take_turns_and_keep_the_address(
        demo_console: Console, open_tab: OpenTab) -> None:
    with open_tab(demo_console, width=1920, height=1080) as tab:
        tab.open("?tv=1&pages=overview,costs&every=10&range=7d")
        tab.page.locator("h1", has_text="Costs").wait_for()
        tab.settle()
        for name, value in (("tv", "1"), ("pages", "overview,costs"), ("range", "7d")):
            tab.wait_for_param(name, value)
        assert tab.page.locator("[data-testid=stSidebar]:visible").count() == 0
