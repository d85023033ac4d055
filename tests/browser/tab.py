"""A tab of the browser on one console, which remembers what went wrong in it."""

import json
from typing import Any

from tests.serving.console import Console

LIMIT_MS = 120_000
STILL_MS = 250
DRAWN = """() => {
    const app = document.querySelector('[data-testid=stApp]');
    return app !== null && app.dataset.testScriptState === 'notRunning'
        && document.querySelector('h1') !== null
        && document.querySelector('[data-testid=stSkeleton], [data-testid=stSpinner]') === null
        && document.querySelector('[data-stale=true]') === null
        && [...document.querySelectorAll('[data-testid=stPlotlyChart]')].every(
            chart => chart.querySelector('.main-svg') !== null);
}"""
STAYS_DRAWN = f"""() => {{
    const now = performance.now();
    if (!({DRAWN})()) window.drawnSince = null;
    else window.drawnSince ??= now;
    return window.drawnSince !== null && now - window.drawnSince >= {STILL_MS};
}}"""
"""What was just chosen reaches the server a moment later: drawn is what stays so."""

KEEP_TOASTS = """() => {
    window.toasts = [];
    new MutationObserver(() => {
        for (const toast of document.querySelectorAll('[data-testid=stToast]'))
            if (!window.toasts.includes(toast.innerText)) window.toasts.push(toast.innerText);
    }).observe(document, {subtree: true, childList: true, characterData: true});
}"""
"""On a slow machine a toast has gone before its page is drawn."""


class Tab:
    """One tab; ``faults`` are the errors that the browser told of."""

    def __init__(self, page: Any, console: Console) -> None:
        self.page = page
        self.console = console
        self.faults: list[str] = []
        page.set_default_timeout(LIMIT_MS)
        page.add_init_script(f"({KEEP_TOASTS})()")
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.faults.append(f"uncaught: {error}"))

    def _hear(self, message: Any) -> None:
        # Streamlit first looks for its server below the page's own path; that 404 is its way.
        asked = message.location.get("url", "")
        if message.type == "error" and not (
                message.text.startswith("Failed to load resource") and "/_stcore/" in asked):
            self.faults.append(f"{message.text} ({asked})")

    def open(self, address: str = "") -> None:
        """Load an address of the console and wait until its page is drawn."""
        self.page.goto(f"{self.console.url}/{address}")
        self.settle()

    def settle(self) -> None:
        """Wait until the script has run and all that it sent is drawn."""
        self.page.evaluate("() => { window.drawnSince = null; }")
        self.page.wait_for_function(STAYS_DRAWN)

    def press(self, name: str, role: str = "button", *, exact: bool = False) -> None:
        """Click what has this role and name, then wait until the page is drawn."""
        self.page.evaluate("() => { window.toasts = []; }")
        self.page.get_by_role(role, name=name, exact=exact).first.click()
        self.settle()

    def fill(self, label: str, text: str) -> None:
        """Write into the field of this label, and leave it."""
        field = self.page.get_by_label(label, exact=True).first
        field.click()
        field.fill(text)
        field.press("Tab")
        self.settle()

    def choose(self, label: str, text: str) -> None:
        """Type into a list that can be typed into, and take what was typed."""
        field = self.page.get_by_role("combobox", name=label, exact=True)
        field.scroll_into_view_if_needed()  # scrolling would close the list
        self.settle()
        field.click()
        field.fill(text)
        self.page.get_by_role("option").filter(has_text=text).first.wait_for()
        field.press("Enter")
        self.settle()

    def choose_range(self, text: str) -> None:
        """Type a range into the frame."""
        self.choose("Range", text)
        self.wait_for_param("range", text)

    def wait_for_param(self, name: str, value: str | None) -> None:
        """Wait until the address bar holds a value; None: until it does not name it."""
        self.page.wait_for_function(
            f"() => new URL(location).searchParams.get({json.dumps(name)}) === "
            f"{json.dumps(value)}")
        self.settle()

    def go_to(self, page: str) -> None:
        """Follow the navigation to a page, through the menu of its section."""
        pages = self.page.get_by_role("navigation", name="App pages")
        there = pages.get_by_role("link", name=page, exact=True)
        if there.count() == 0:
            there = self.page.get_by_role("menuitem", name=page, exact=True)
            for section in pages.get_by_role("button").all():
                section.click()
                self.page.get_by_role("menu").wait_for()
                if there.count():
                    break
                self.page.keyboard.press("Escape")
                self.page.get_by_role("menu").wait_for(state="detached")
        there.click()
        self.page.locator("h1", has_text=page).wait_for()
        self.settle()

    def see(self, text: str) -> Any:
        """The element of a text, once it can be seen; a toast since the last press counts too."""
        found = self.page.get_by_text(text).first
        told = "text => window.toasts.some(each => each.toLowerCase().includes(text))"
        for _ in range(LIMIT_MS // STILL_MS):
            if found.is_visible() or self.page.evaluate(told, text.lower()):
                return found
            self.page.wait_for_timeout(STILL_MS)
        found.wait_for(state="visible")  # says what it waited for
        return found

    def numbers(self) -> dict[str, str]:
        """Value of each card by its label."""
        return dict(self.page.evaluate("""() => Object.fromEntries(
            [...document.querySelectorAll('[data-testid=stMetric]')].map(card => [
                card.querySelector('[data-testid=stMetricLabel]').innerText.trim(),
                card.querySelector('[data-testid=stMetricValue]').innerText.trim()]))"""))

    def wait_for_number(self, label: str, value: str) -> None:
        """Wait until the card of this label shows this value."""
        self.page.wait_for_function("""([label, value]) =>
            [...document.querySelectorAll('[data-testid=stMetric]')].some(card =>
                card.querySelector('[data-testid=stMetricLabel]').innerText.trim() === label &&
                card.querySelector('[data-testid=stMetricValue]').innerText.trim() === value)""",
                                    arg=[label, value])
        self.settle()

    def main_text(self) -> str:
        """All that the page shows, the frame's side left out."""
        return str(self.page.locator("[data-testid=stMain]").inner_text())
