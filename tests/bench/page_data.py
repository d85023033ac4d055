"""Data of each page: all its queries, warm process, cold cache, beside raw events and pandas."""

import datetime as dt
import itertools
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from brain import settings as knobs
from brain.engine import Engine
from pages.ui import data as pages
from tests.bench import data
from tests.bench.measuring import Figure, Plan, forget_peak, peak_bytes, quantile, repeat_ms
from tests.bench.naive import Naive

Questions = tuple[tuple[str, dict[str, Any]], ...]
Asked = tuple[tuple[Questions, ...], ...]
"""Rounds one after the other; in a round, readings at once; in a reading, its questions."""
PAGES = {"overview": "overview/overview", "health": "operations/health",
         "traffic": "product/traffic", "costs": "finance/costs"}
RANGES = ("24h", "7d", "30d")
_PIECES = ("hour_start", "hour_end", "day_start", "day_end", "minute_start", "minute_end")
MOST_PANDAS_ROWS = 1_000_000  # 20 million rows of them take minutes and 10 GB
MOST_MS = 100.0
MOST_GROWTH = 1.3
RUNS = 25


def record_pages(size: int) -> dict[tuple[str, str], Asked]:
    """What each page asks for each range, and what of it at once, found by opening it."""
    import streamlit as st
    from streamlit.testing.v1 import AppTest

    from brain import running
    engine = running.engine(knobs.load({}, data_dir=data.folder(size)))
    asked: list[list[list[tuple[str, dict[str, Any]]]]] = []
    answer, together = engine.query, pages.together
    at_once = False

    def note(name: str, **params: Any) -> pd.DataFrame:
        if not at_once:
            asked.append([[]])
        asked[-1][-1].append((name, params))
        return answer(name, **params)

    def note_together(*readings: Callable[[], object]) -> None:
        nonlocal at_once
        asked.append([])
        at_once = True
        try:
            for each in readings:
                asked[-1].append([])
                each()
        finally:
            at_once = False
    engine.clock, engine.query = (lambda: data.NOW), note  # type: ignore[method-assign]
    pages.together = note_together
    found = {}
    try:
        for page, script in PAGES.items():
            for wanted in RANGES:
                st.cache_data.clear()
                asked.clear()
                shown = AppTest.from_file(str(Path("app.py").absolute()),
                                           default_timeout=120)
                shown.query_params["range"] = wanted
                shown.switch_page(f"pages/{script}.py").run()
                for fault in shown.exception:
                    print(f"  ({page} {wanted} failed: {fault.message})", file=sys.stderr)
                found[page, wanted] = tuple(
                    tuple(tuple(each) for each in group if each) for group in asked if any(group))
    finally:
        pages.together = together
        running.close()
    return found


def from_events(params: dict[str, Any]) -> dict[str, Any]:
    """The same question with every piece that a rollup would answer read from the events."""
    if "event_start" in params:
        first = min(params["minute_start"], params["event_start"])
        last = max(params["minute_end"], params["event_end"])
        return params | {"event_start": first, "event_end": last,
                         "minute_start": last, "minute_end": last}
    pieces = [name for name in params if name in _PIECES and "end" in params]
    return params | dict.fromkeys(pieces, params.get("end"))


def measure(plan: Plan) -> Iterator[Figure]:
    """Every page and range, at every size."""
    smallest: dict[tuple[str, str], float] = {}
    for size in plan.sizes:
        asked = record_pages(size)
        engine = data.open_engine(data.folder(size))
        naive = Naive(engine) if size <= MOST_PANDAS_ROWS else None
        for key, rounds in asked.items():
            case, shown = f"page data, {key[0]} {key[1]}", f"{size:,}"
            for questions in itertools.chain(*rounds):
                ask(engine, questions)  # at once nobody would hear of one that fails
            forget_peak()
            times = repeat_ms(partial(answer, engine, rounds), RUNS)
            peak = peak_bytes()
            raw = tuple(tuple(tuple((name, from_events(params)) for name, params in questions)
                              for questions in group) for group in rounds)
            raw_ms = repeat_ms(partial(answer, engine, raw), 1, warm=0)[0]
            growth = min(times) / smallest.setdefault(key, min(times))
            yield Figure(case, shown, "ms", times, "raw events", raw_ms, most=MOST_MS,
                         peak_bytes=peak, failed=growth > MOST_GROWTH,
                         note="" if size == plan.sizes[0] else
                         f"fastest run {min(times):.0f} ms, {growth:.2f} times that of "
                         f"{plan.sizes[0]:,} (at most {MOST_GROWTH})")
            if naive is not None:
                yield Figure(case, shown, "ms", times, "naive pandas", quantile(
                    repeat_ms(partial(naive.answer, key[1]), 3), 0.5), most=MOST_MS)
        engine.close()


def answer(engine: Engine, rounds: Asked) -> None:
    """Ask a page's questions as it asks them: rounds in turn, the readings of each at once."""
    for group in rounds:
        if len(group) > 1:
            pages.together(*(partial(ask, engine, each) for each in group))
        else:
            ask(engine, *group)


def ask(engine: Engine, questions: Questions) -> None:
    """Ask questions one after the other."""
    for name, params in questions:
        engine.query(name, **params)


def measure_drill_down(plan: Plan) -> Iterator[Figure]:
    """One workspace, one hour, its latest 100 requests."""
    hour = data.NOW - dt.timedelta(days=11)
    params = {"start": hour, "end": hour + dt.timedelta(hours=1), "workspaces": ["kestrel"],
              "models": [], "agents": [], "regions": [], "devices": [], "limit": 100}
    for size in plan.sizes:
        engine = data.open_engine(data.folder(size))
        forget_peak()
        yield Figure("raw drill-down", f"{size:,}", "ms", repeat_ms(
            partial(ask, engine, (("usage/recent_requests", params),)), RUNS), most=300.0,
            peak_bytes=peak_bytes())
        engine.close()
