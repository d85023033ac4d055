"""Consoles for the browser: one with demonstration data, and one without any."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.browser.tab import Tab
from tests.serving.console import Console, running_console

OpenTab = Callable[..., Any]


@pytest.fixture(scope="session")
def demo_console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console with a week of demonstration data that stands still."""
    with running_console(tmp_path_factory.mktemp("demo"), "--demo-if-empty",
                         BRAIN_DEMO_EVENTS="20000", BRAIN_DEMO_DAYS="7",
                         BRAIN_PAGES_REFRESH_S="2") as console:
        yield console


@pytest.fixture(scope="module")
def new_console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console without events; each module has its own."""
    with running_console(tmp_path_factory.mktemp("new"), BRAIN_DEMO_EVENTS="3000",
                         BRAIN_DEMO_DAYS="7") as console:
        yield console


@pytest.fixture(scope="module")
def open_tab(chromium: Any) -> OpenTab:
    """A tab on a console, as a context; without faults in the browser when it closes."""
    @contextmanager
    def opened(console: Console, *, width: int = 1440, height: int = 900,
               **options: Any) -> Iterator[Tab]:
        context = chromium.new_context(viewport={"width": width, "height": height},
                                       **{"timezone_id": "UTC", "locale": "en-GB", **options})
        tab = Tab(context.new_page(), console)
        try:
            yield tab
        finally:
            context.close()
        assert not tab.faults
    return opened


@pytest.fixture(scope="module")
def demo_tab(demo_console: Console, open_tab: OpenTab) -> Iterator[Tab]:
    """A tab on the demonstration, shared by the tests of a module."""
    with open_tab(demo_console) as tab:
        yield tab


@pytest.fixture(scope="module")
def new_tab(new_console: Console, open_tab: OpenTab) -> Iterator[Tab]:
    """A tab on the console without events, shared by the tests of a module."""
    with open_tab(new_console) as tab:
        yield tab
