"""Debian's Chromium under Playwright."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.services.process import find_program

ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage",
)


@contextmanager
def running_chromium() -> Iterator[Any]:
    """A Playwright browser without a window; skips where Chromium is not installed."""
    program = find_program("chromium", "chromium")
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is not installed: run `make test` once")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()
