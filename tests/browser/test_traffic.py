"""Traffic in the browser: a click filters the page and takes it back; it refreshes in place."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import OpenTab
from tests.browser.tab import Tab
from tests.browser.test_frame import WEEK
from tests.browser.test_pages import check_refresh
from tests.serving.console import Console, running_console


def showing(folder: Path, refresh_s: int) -> AbstractContextManager[Console]:
    """A console with a week of demonstration data."""
    return running_console(folder, "--demo-if-empty", BRAIN_DEMO_EVENTS="20000",
                           BRAIN_DEMO_DAYS="7", BRAIN_DEMO_LIVE="false",
                           BRAIN_PAGES_TRAFFIC_REFRESH_S=str(refresh_s))


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console whose Traffic page stands still while it is used."""
    with showing(tmp_path_factory.mktemp("traffic"), 3_600) as started:
        yield started


@pytest.fixture
def tab(console: Console, open_tab: OpenTab) -> Iterator[Tab]:
    """A tab on the Traffic page of the whole demonstration, in a range that stands still."""
    with open_tab(console, height=3_200) as opened:
        opened.open(f"traffic?range={WEEK}")
        yield opened


BARS = """([title, wanted]) => {
    const heading = [...document.querySelectorAll('h3')].find(
        each => each.innerText.trim().startsWith(title));
    let box = heading;
    while (box && !box.querySelector('.js-plotly-plot .bars .point path')) box = box.parentElement;
    if (!box || heading.closest('[data-stale=true]')) return null;
    const places = name => [...box.querySelectorAll(name)].map(each => {
        const {x, y, width, height} = each.getBoundingClientRect();
        return {text: each.textContent, x: x + Math.min(width / 2, 40), y: y + height / 2};
    }).sort((one, other) => one.y - other.y);
    const bars = places('.bars .point path'), names = places('.ytick text');
    if (bars.length !== names.length || (wanted && bars.length !== wanted)) return null;
    return bars.map((bar, place) => ({...bar, text: names[place].text}));
}"""


def find_bars(tab: Tab, title: str, wanted: int = 0) -> list[dict[str, Any]]:
    """Name and middle of each bar under a title from the top, once there are as many as wanted."""
    found = tab.page.wait_for_function(BARS, arg=[title, wanted]).json_value()
    return list(found)


def click_bar(tab: Tab, title: str, place: int) -> str:
    """The name beside the bar that was clicked, counted from the top."""
    bar = find_bars(tab, title)[place]
    tab.page.mouse.click(bar["x"], bar["y"])
    return str(bar["text"])


def test_a_clicked_bar_filters_the_page_and_comes_off_again(tab: Tab) -> None:
    before = tab.numbers()
    device = click_bar(tab, "Devices", 1)
    tab.wait_for_param("device", device)
    find_bars(tab, "Devices", 1)
    tab.page.get_by_role("button", name=f"Device: {device}").wait_for()
    tab.settle()
    narrowed = tab.numbers()
    for label in ("Requests", "Sessions", "Tokens"):
        assert narrowed[label] != before[label], label

    tab.settle()
    assert click_bar(tab, "Devices", 0) == device
    tab.wait_for_param("device", None)
    tab.wait_for_number("Requests", before["Requests"])


def test_the_button_of_a_filter_takes_it_back(tab: Tab) -> None:
    before = tab.numbers()["Requests"]
    region = click_bar(tab, "Regions", 0)
    tab.wait_for_param("region", region)
    tab.press(f"Region: {region}")
    tab.wait_for_param("region", None)
    tab.wait_for_number("Requests", before)


def test_a_filter_can_be_chosen_by_keyboard(tab: Tab) -> None:
    tab.page.get_by_text("More filters").click()
    tab.choose("Device", "tablet")
    tab.wait_for_param("device", "tablet")
    find_bars(tab, "Devices", 1)


def test_it_is_refreshed_without_flicker(tmp_path: Path, open_tab: OpenTab) -> None:
    with showing(tmp_path, 2) as console, open_tab(console) as tab:
        tab.open("traffic?range=7d")
        check_refresh(tab)


def test_query_text_is_turned_off_and_deleted(tab: Tab, console: Console) -> None:
    def tansy() -> dict[str, Any]:
        rows = console.call("workspaces")
        return next(row for row in rows if row["workspace_id"] == "tansy")

    assert tansy()["keeps_query_text"] and tansy()["texts"] > 0
    tab.open("data")
    tab.choose("Workspace to change", "tansy")
    tab.press("Store no more")
    dialog = tab.page.get_by_role("dialog")
    dialog.get_by_text("texts already stored").click()
    dialog.get_by_role("button", name="Store no more").click()
    tab.see("is no longer stored")
    tab.settle()
    assert not tansy()["keeps_query_text"]
    assert tansy()["texts"] == 0
