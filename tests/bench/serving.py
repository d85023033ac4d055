"""The served console: a browser's waits, the bytes it is sent, and the server's memory."""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from tests.bench.measuring import Figure, Plan
from tests.bench.server import BRAIN, ROOT, Running, environment, serving
from tests.services.browser import running_chromium

PAGES = ("", "health", "traffic", "costs")
OPENINGS = 3
CHANGES = 5
PAINT_LIMIT_MS = 60_000
# A page is painted when its script has ended and no skeleton, spinner or faded rest is left.
_PAINTED = """() => document.querySelector('[data-testid="stMetric"], .js-plotly-plot')
    && document.querySelector('[data-test-script-state="notRunning"]')
    && !document.querySelector('[data-testid="stSkeleton"], [data-testid="stSpinner"], '
        + '[data-stale="true"]')"""


def measure(_plan: Plan) -> Iterator[Figure]:
    """Demonstration data, one browser."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([*BRAIN, "demo", "write"], check=True, cwd=ROOT, env=environment(folder),
                       stdout=subprocess.DEVNULL)
        with serving(folder) as server:
            process = psutil.Process(server.pid)
            idle = _settled_bytes(process)
            yield Figure("memory of brain serve, idle", "demo data", "MB", (idle / 1e6,),
                         most=600.0)
            if not (ROOT / "app.py").exists():
                return
            with running_chromium() as browser:
                yield from _browse(browser, server)
            yield Figure("memory of brain serve, after browsing", "demo data", "MB",
                         (_settled_bytes(process) / 1e6,))


def _browse(browser: Any, server: Running) -> Iterator[Figure]:
    cold, warm, changes, moves = [], [], [], []
    for _ in range(OPENINGS):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        cold.append(_painted_ms(page, lambda page=page: page.goto(server.url)))
        warm.append(_painted_ms(page, lambda page=page: page.goto(server.url)))
        context.close()
    yield Figure("browser, first open, empty cache", "demo data", "ms", tuple(cold), most=2_500.0)
    yield Figure("browser, first open, filled cache", "demo data", "ms", tuple(warm), most=1_000.0)
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    received = [0]
    page.on("websocket", lambda socket: socket.on(
        "framereceived", lambda frame: received.__setitem__(0, received[0] + len(frame))))
    for path in PAGES:
        received[0] = 0
        _painted_ms(page, lambda path=path: page.goto(f"{server.url}/{path}"))
        yield Figure(f"sent to the browser, /{path}", "demo data", "kB", (received[0] / 1000,),
                     most=500.0)
    for turn in range(CHANGES):
        key = ("w", "d")[turn % 2]
        changes.append(_painted_ms(page, lambda key=key: page.keyboard.press(key)))
    for turn in range(CHANGES):
        title = ("Traffic", "Costs")[turn % 2]
        moves.append(_painted_ms(page, lambda title=title: page.get_by_role(
            "link", name=title).first.click()))
    yield Figure("browser, filter change to painted", "demo data", "ms", tuple(changes),
                 most=300.0)
    yield Figure("browser, page change to painted", "demo data", "ms", tuple(moves), most=500.0)


def _painted_ms(page: Any, act: Any) -> float:
    """Milliseconds from an act until the page stays painted for two looks 50 ms apart."""
    started = time.perf_counter()
    act()
    page.wait_for_timeout(30)
    while True:
        page.wait_for_function(_PAINTED, timeout=PAINT_LIMIT_MS, polling=20)
        ended = time.perf_counter()
        page.wait_for_timeout(50)
        if page.evaluate(_PAINTED):
            return (ended - started) * 1000


def _settled_bytes(process: psutil.Process) -> int:
    """Resident bytes once they have stopped moving by more than 1 % within a second."""
    last = 0
    for _ in range(60):
        now = int(process.memory_info().rss)
        if abs(now - last) <= last / 100:
            return now
        last = now
        time.sleep(1)
    return last


