"""Demonstration data: written by a click, named everywhere, gone by a click."""

from tests.browser.tab import Tab


def test_demonstration_comes_goes_and_comes_again(new_tab: Tab) -> None:
    page = new_tab.page
    badge = page.get_by_role("button", name="Demo", exact=True)
    new_tab.open("?range=7d")
    new_tab.press("Write demonstration data")
    new_tab.see("demonstration events were written")
    badge.wait_for()
    new_tab.settle()
    assert new_tab.numbers()["Requests"] not in {"0", "unknown"}

    badge.click()
    new_tab.see("What stays")
    new_tab.press("Remove it", exact=True)
    new_tab.see("demonstration events were removed.")
    page.get_by_role("dialog").get_by_role("button", name="Close", exact=True).first.click()
    badge.wait_for(state="detached")
    new_tab.see("Nothing is recorded yet")

    new_tab.press("Write demonstration data")
    badge.wait_for()
    new_tab.settle()
    assert new_tab.numbers()["Requests"] not in {"0", "unknown"}
