"""A million new events rolled up, while pages read on."""

import datetime as dt
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from analytics import spans, usage
from tests.bench import data
from tests.bench.measuring import Figure, Plan, forget_peak, peak_bytes, quantile, timed_ms

EVENTS = 1_000_000
MONTH_EVENTS = 2_000_000
HOURS = 2


def measure(plan: Plan) -> Iterator[Figure]:
    """A million events of the last two hours on top of the smallest store."""
    start = data.NOW.replace(minute=0) - dt.timedelta(hours=HOURS)
    params = usage.series_params(
        {**spans.query_params(spans.parse_range("24h", data.NOW)), "workspaces": [], "models": [],
         "agents": [], "regions": [], "devices": []}, 3_600)
    rolled: list[float] = []
    quiet: list[float] = []
    meanwhile: list[float] = []
    store = data.folder(plan.sizes[0])
    for repeat in range(3):
        with tempfile.TemporaryDirectory(dir=data.ROOT) as name:
            folder = Path(name) / "store"
            shutil.copytree(store, folder)
            engine = data.open_engine(folder)

            def read() -> None:
                engine.query("usage/series", dimension="", **params)  # noqa: B023
            fresh = data.requests(EVENTS, 0, EVENTS, prefix=f"n{repeat}-", start=start,
                                  days=HOURS / 24)
            engine.append_tables({"requests": fresh, "page_views": data.page_views(fresh)})
            quiet += [timed_ms(read) for _ in range(20)]
            done = threading.Event()
            reads: list[float] = []

            def keep_reading() -> None:
                while not done.is_set():  # noqa: B023
                    reads.append(timed_ms(read))  # noqa: B023
            reader = threading.Thread(target=keep_reading)
            reader.start()
            forget_peak()
            rolled.append(timed_ms(engine.roll_up))
            done.set()
            reader.join()
            meanwhile += reads
            engine.close()
    yield Figure("rollup of new events, pages reading", f"{EVENTS:,}", "ms", tuple(rolled),
                 most=2_000.0, peak_bytes=peak_bytes())
    yield Figure("page query during that rollup", f"{EVENTS:,}", "ms", tuple(meanwhile),
                 "without a rollup", quantile(quiet, 0.5),
                 note="it answers all the while; both share the cores")


def measure_month(plan: Plan) -> Iterator[Figure]:
    """Two million events over 30 days, nearly each a piece of a session of its own."""
    used: list[float] = []
    forget_peak()
    for _ in range(2):
        with tempfile.TemporaryDirectory(dir=data.ROOT) as name:
            engine = data.open_engine(Path(name))
            for first in range(0, MONTH_EVENTS, data.CHUNK_ROWS):
                fresh = data.requests(MONTH_EVENTS, first, first + data.CHUNK_ROWS)
                engine.append_tables({"requests": fresh, "page_views": data.page_views(fresh)})
            started = time.process_time()
            engine.roll_up()
            used.append((time.process_time() - started) * 1_000)
            engine.close()
    yield Figure("rollup of 30 days, processor time", f"{MONTH_EVENTS:,}", "ms", tuple(used),
                 peak_bytes=peak_bytes())
