"""Experiments in the browser: a draft is run and decided; the address bar holds choices."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.conftest import OpenTab
from tests.browser.tab import Tab
from tests.serving.console import Console, running_console


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console of its own with a week of demonstration data, since experiments are changed."""
    with running_console(tmp_path_factory.mktemp("experiments"), "--demo-if-empty",
                         BRAIN_DEMO_EVENTS="20000", BRAIN_DEMO_DAYS="7",
                         BRAIN_DEMO_LIVE="false") as started:
        yield started


@pytest.fixture
def tab(console: Console, open_tab: OpenTab) -> Iterator[Tab]:
    """A tab on the board."""
    with open_tab(console, height=2_000) as opened:
        opened.open("experiments")
        yield opened


def params(tab: Tab) -> dict[str, list[str]]:
    return parse_qs(urlsplit(tab.page.url).query)


def confirm(tab: Tab, action: str, reason: str) -> None:
    """Press an action, give its reason, and confirm."""
    tab.press(action, exact=True)
    dialog = tab.page.get_by_role("dialog")
    dialog.get_by_text("What will happen").wait_for()
    if reason:
        dialog.get_by_role("textbox", name="Reason").fill(reason)
    dialog.get_by_role("button", name=action, exact=True).click()


def test_an_experiment_lives_from_form_to_decision(tab: Tab) -> None:
    tab.press("New experiment")
    dialog = tab.page.get_by_role("dialog")
    dialog.get_by_label("Key", exact=True).fill("greeting")
    dialog.get_by_label("Name", exact=True).fill("Greeting by name")
    dialog.get_by_role("button", name="Keep the draft").click()
    tab.wait_for_param("experiment", "greeting")
    tab.see("Not begun.")

    confirm(tab, "Start", "")
    tab.see("Give a reason: it is kept with the change.")
    tab.page.get_by_role("dialog").get_by_role("textbox", name="Reason").fill("ready")
    tab.page.get_by_role("dialog").get_by_role("button", name="Start", exact=True).click()
    tab.page.get_by_role("button", name="Pause", exact=True).wait_for()
    tab.settle()

    confirm(tab, "Pause", "something is odd")
    tab.page.get_by_role("button", name="Resume", exact=True).wait_for()
    tab.settle()
    tab.press("Undo the last change")
    tab.page.get_by_role("button", name="Pause", exact=True).wait_for()
    tab.settle()

    confirm(tab, "Decide", "nobody noticed")
    tab.see("nobody noticed")
    tab.settle()
    assert tab.page.get_by_role("button", name="Pause", exact=True).count() == 0


def test_what_cannot_be_used_is_refused_by_name(tab: Tab) -> None:
    tab.press("New experiment")
    dialog = tab.page.get_by_role("dialog")
    dialog.get_by_label("Key", exact=True).fill("not a key")
    dialog.get_by_label("Name", exact=True).fill("Faulty")
    dialog.get_by_role("button", name="Keep the draft").click()
    tab.see("begins with a letter or digit (key).")


def test_the_experiment_chosen_stands_in_the_address_bar(tab: Tab) -> None:
    tab.open("experiment?experiment=search-ui-v2")
    assert tab.page.get_by_role("heading", name="Compact search").is_visible()
    assert "Demo" in tab.main_text()
    tab.page.get_by_role("combobox", name="Experiment", exact=True).click()
    tab.page.get_by_role("option", name="response-format").click()
    tab.wait_for_param("experiment", "response-format")
    tab.page.get_by_role("heading", name="Form of the answer").wait_for()


def test_filters_of_the_board_stand_in_the_address_bar(tab: Tab) -> None:
    tab.fill("Search", "nothing like this")
    tab.see("No experiment fits these filters.")
    assert params(tab)["find_experiment"] == ["nothing like this"]


def test_the_plan_stands_in_the_address_bar(tab: Tab) -> None:
    tab.open("experiment-design?plan_effect=12.5&plan_variants=3&plan_unit=workspace")
    assert tab.page.get_by_label("Smallest effect (%)", exact=True).input_value() == "12.50"
    assert tab.page.get_by_label("Variants", exact=True).input_value() == "3"
    first = tab.numbers()["Units per variant"]
    tab.fill("Smallest effect (%)", "25")
    tab.page.wait_for_function(
        "() => Number(new URL(location).searchParams.get('plan_effect')) === 25")
    tab.settle()
    assert tab.numbers()["Units per variant"] != first


def test_the_report_is_taken_away(tab: Tab) -> None:
    tab.open("experiment?experiment=search-ui-v2")
    for label, start in (("Report (HTML)", b"<!doctype html>"), ("Results (CSV)", b"experiment,")):
        with tab.page.expect_download() as download:
            tab.page.get_by_role("button", name=label).click()
        content = download.value.path().read_bytes()
        assert content.lower().removeprefix(b"\xef\xbb\xbf").startswith(start)
        assert b"search-ui-v2" in content
