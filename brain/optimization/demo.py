"""The demonstration's optimizations as past runs, judged on the demonstration's own requests."""

import datetime as dt
import zlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from brain.decisions.optimization.configuration import Configuration
from brain.decisions.optimization.judging import judge_run
from brain.optimization import reading
from brain.optimization.records import Run
from brain.optimization.runner import to_json

if TYPE_CHECKING:
    from brain.engine import Engine

DAY_S = 86_400.0
"""Whole days are compared, so that the hour of the day is no part of the difference."""
GOALS = (("memory_points", "memory_pct", "proactive_rebalancing"),
         ("latency_factor", "generation_latency_p95_ms", "response_time"))


def register_optimizations(engine: "Engine", effects: Mapping[str, Any]) -> int:
    """How many of the demonstration's optimizations became runs of the history.

    What each brought is measured as for any run: the day before against the day after. Nothing
    was changed by the console, so none can be taken back.
    """
    rules = replace(Configuration(), window_s=DAY_S)
    runs = []
    for each in effects["optimizations"]:
        at = dt.datetime.fromisoformat(each["at_utc"])
        day = dt.timedelta(seconds=DAY_S)
        if at + day > engine.clock():
            continue
        before, after = (reading.measure(engine, start, start + day, rules, is_demo=True)
                         for start in (at - day, at))
        goal, strategy = next((metric, strategy) for name, metric, strategy in GOALS
                              if each[name] not in (0.0, 1.0))
        number = f"demo-{zlib.crc32((each['title'] + each['at_utc']).encode()):08x}"
        judged = judge_run(before, after, goal, rules,
                           np.random.default_rng(zlib.crc32(number.encode())), 2,
                           engine.targets())
        runs.append(Run(number, at, "demo", "demo", strategy, "recommend", "finished", at + day,
                        judged.verdict, False, at + day, True, {
                            "title": each["title"], "told": [each["title"]], "goal": goal,
                            "situation": goal, "rules": asdict(rules),
                            "judgement": to_json(judged)}))
    return engine.optimization.book.add_finished(*runs)
