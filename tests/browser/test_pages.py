"""Every page, wide and narrow, light and dark, with data and without."""

from typing import Any

import pytest

from tests.browser.conftest import OpenTab
from tests.browser.seen import faults_of_layout, nameless_controls, pale_texts
from tests.browser.tab import Tab
from tests.serving.console import Console

PAGES = {"": "Overview", "system-health": "System health", "scaling": "Scaling",
         "models": "Models",
         "optimization": "Optimization", "traffic": "Traffic", "costs": "Costs",
         "budgets": "Budgets", "cost-reports": "Cost reports", "experiments": "Experiments",
         "experiment": "Experiment", "experiment-design": "Experiment design",
         "bandits": "Bandits", "allocation": "Traffic allocation", "ask": "Ask",
         "requests": "Requests", "providers": "Providers", "prompts": "Prompts & evaluation",
         "knowledge": "Knowledge", "import": "Import", "data": "Data", "prices": "Price book",
         "targets": "Targets", "reports": "Reports", "settings": "Settings"}
LOOKS = (("light", 1440, 900), ("light", 390, 844), ("dark", 390, 844), ("dark", 1440, 900))
NEXT_STEP = {"": "Write demonstration data", "traffic": "Import data", "costs": "Import data",
             "budgets": "Set one below", "cost-reports": "No report yet",
             "import": "Nothing was imported yet", "data": "Write demonstration data",
             "experiments": "load the two samples", "experiment": "Create one on the board",
             "bandits": "Go to the board", "allocation": "begin with a dry run",
             "scaling": "No requests in this range",
             "optimization": "No run in this range",
             "system-health": "no requests", "ask": "Set up a provider",
             "requests": "Ask a question", "providers": "Add the simulated provider",
             "prompts": "Add one", "knowledge": "Load sample documents"}


def look_at(tab: Tab, path: str, title: str) -> None:
    """Assert that a page is right in every size and colour scheme."""
    tab.page.emulate_media(color_scheme="light")
    tab.open(f"{path}?range=7d")
    assert tab.page.locator("h1").inner_text().strip() == title
    assert tab.page.title() == f"{title} · Brain Console"
    for scheme, width, height in LOOKS:
        tab.page.set_viewport_size({"width": width, "height": height})
        if scheme != shown_scheme(tab.page):
            tab.page.emulate_media(color_scheme=scheme)
            tab.page.reload()
        tab.settle()
        assert shown_scheme(tab.page) == scheme
        wait_until_none(tab.page, faults_of_layout, f"{title}, {width} px, {scheme}")
        if width >= 1000:
            wait_until_none(tab.page, pale_texts, f"{title}, {width} px, {scheme}")
    assert nameless_controls(tab.page) == []


def shown_scheme(page: Any) -> str:
    """Whether the background is light or dark."""
    return str(page.evaluate("""() => {
        const app = document.querySelector('[data-testid=stApp]');
        const [r, g, b] = getComputedStyle(app).backgroundColor.match(/[0-9.]+/g).map(Number);
        return r + g + b > 384 ? 'light' : 'dark';
    }"""))


def wait_until_none(page: Any, find: Any, where: str) -> None:
    """Look again while the page still moves into its new size; then nothing may be found."""
    found = find(page)
    for _ in range(40):
        if not found:
            return
        page.wait_for_timeout(50)  # one frame of the transition after a change of size or theme
        found = find(page)
    assert found == [], where


@pytest.mark.parametrize("path", PAGES)
def test_page_with_data_is_right(demo_tab: Tab, path: str) -> None:
    look_at(demo_tab, path, PAGES[path])
    assert demo_tab.page.get_by_role("button", name="Demo", exact=True).is_visible()


@pytest.mark.parametrize("path", PAGES)
def test_page_without_data_is_right_and_says_what_to_do(new_tab: Tab, path: str) -> None:
    look_at(new_tab, path, PAGES[path])
    assert NEXT_STEP.get(path, "") in new_tab.main_text()
    assert new_tab.page.get_by_role("button", name="Demo", exact=True).count() == 0


def test_own_machine_does_not_hide_the_welcome(new_tab: Tab, new_console: Console) -> None:
    new_tab.console.call("settle")  # samples of this machine are in the store by now
    new_tab.open()
    assert "Nothing is recorded yet" in new_tab.main_text()


WATCH_FRAMES = """() => {
    const kept = document.querySelectorAll('h1, [data-testid=stMetric]');
    kept.forEach(box => { box.dataset.mark = 'kept'; });
    // Streamlit puts a new chart beside one whose data changed, then takes the old one away: what
    // must always be in sight is one drawn chart of each key.
    const key = chart => [...chart.closest('[class*=st-key-]').classList].find(
        name => name.startsWith('st-key-'));
    const drawn = () => new Set([...document.querySelectorAll('.js-plotly-plot')].filter(
        chart => chart.querySelector('.main-svg .trace') !== null).map(key)).size;
    window.watched = {marked: kept.length, charts: drawn(), fewest: drawn(), frames: 0};
    const look = () => {
        window.watched.fewest = Math.min(window.watched.fewest, drawn());
        window.watched.frames += 1;
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
}"""


@pytest.mark.parametrize("path", ["", "system-health"])
def test_page_is_refreshed_without_flicker(
        demo_console: Console, open_tab: OpenTab, path: str) -> None:
    with open_tab(demo_console) as tab:
        tab.open(path)
        check_refresh(tab)


def check_refresh(tab: Tab) -> None:
    """Wait for the next refresh: cards stay in place, and no frame lacks a chart."""
    drawn_at = tab.page.get_by_text("As of ").first.inner_text()
    tab.page.evaluate(WATCH_FRAMES)
    tab.page.wait_for_function("""before => ![...document.querySelectorAll('p')].some(
        line => line.innerText === before)""", arg=drawn_at)
    tab.settle()
    watched = tab.page.evaluate("window.watched")
    assert watched["fewest"] == watched["charts"] >= 2
    assert watched["frames"] > 1
    assert tab.page.locator("[data-mark=kept]").count() == watched["marked"] > 6
