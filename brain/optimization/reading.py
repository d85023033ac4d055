"""What the optimizer sees of the platform: samples in equal steps, and how its parts are set."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from brain.decisions.optimization.actions import Platform, Route
from brain.decisions.optimization.configuration import Configuration
from brain.decisions.optimization.metrics import Metric
from brain.events import MetricSample

if TYPE_CHECKING:
    from brain.engine import Engine
    from brain.optimization.runner import Window

GAUGES = ("cpu_pct", "memory_pct", "pool_pct", "queue_depth", "replicas")
PER_WINDOW = 60
SMOOTH = 6
LEAST_ASKED = 20
"""Requests of a provider below which nothing is said of its errors and speed."""
INSTANCE = "gateway"
_EPOCH = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Observed:
    """A window before a plan: samples of each metric, and the metrics as the plan takes them."""

    start: dt.datetime
    end: dt.datetime
    window: "Window"
    seen: Mapping[str, Metric]
    rejected: int | None
    requests: int
    is_demo: bool


def step_s(rules: Configuration) -> int:
    """Seconds between samples: a sixtieth of the window, one at least."""
    return max(1, round(rules.window_s / PER_WINDOW))


def observe(engine: "Engine", rules: Configuration, end: dt.datetime, *,
            is_demo: bool = False) -> Observed:
    """The window that ends now."""
    start = end - dt.timedelta(seconds=rules.window_s)
    window, requests, rejected = _read(engine, start, end, rules, is_demo)
    width = step_s(rules)
    peaks = _peaks(engine, end, is_demo)
    seen = {}
    for name, values in window.items():
        known = [value for value in values if value is not None]
        if known:
            seen[name] = Metric(sum(known) / len(known), len(known),
                                series=_smooth(values, width), peak=peaks.get(name))
    return Observed(start, end, window, seen, rejected if requests else None, requests, is_demo)


def measure(engine: "Engine", start: dt.datetime, end: dt.datetime, rules: Configuration, *,
            is_demo: bool = False) -> "Window":
    """Samples of each metric in [start, end), in equal steps."""
    return _read(engine, start, end, rules, is_demo)[0]


def sample_gateway(engine: "Engine") -> int:
    """How many samples of the worker pool are safe now: slots, their use, and who waits."""
    now, pool = engine.clock(), engine.gateway.slots.state()
    values = {"pool_pct": min(100.0, 100.0 * pool.in_use / max(1, pool.limit)),
              "queue_depth": float(pool.waiting), "replicas": float(pool.limit)}
    return engine.record("metric_samples", [
        MetricSample(metric=name, value=value, instance=INSTANCE, at_utc=now, source="host")
        for name, value in values.items()])


def read_platform(engine: "Engine", state: Mapping[str, Any], can: frozenset[str],
                  observed: Observed) -> Platform:
    """What can be changed as it is now, with how each provider did in the window."""
    weights = state.get("routing_weights")
    routes: tuple[Route, ...] = ()
    if weights is not None:
        found = engine.query("optimization/providers", start=observed.start, end=observed.end,
                             is_demo=int(observed.is_demo))
        routes = tuple(Route(
            str(row["provider"]), float(weights.get(str(row["provider"]), 1.0)),
            100.0 * int(row["errors"]) / int(row["requests"])
            if int(row["requests"]) >= LEAST_ASKED else None,
            None if pd.isna(row["latency_p95_ms"]) or int(row["requests"]) < LEAST_ASKED
            else float(row["latency_p95_ms"])) for row in found.to_dict("records"))
    return Platform(state.get("replicas"), state.get("cache_capacity_bytes"),
                    state.get("cache_ttl_s"), state.get("cpu_milli"), state.get("memory_mib"),
                    routes, can)


def _peaks(engine: "Engine", end: dt.datetime, is_demo: bool) -> dict[str, float]:
    """The highest minute of the last hour of each gauge."""
    rows = engine.query("optimization/gauges", start=end - dt.timedelta(hours=1), end=end,
                        width_s=60, metrics=["cpu_pct", "pool_pct"], is_demo=int(is_demo))
    return {str(name): float(part["mean_value"].max()) for name, part in rows.groupby("metric")}


def _read(engine: "Engine", start: dt.datetime, end: dt.datetime, rules: Configuration,
          is_demo: bool) -> tuple["Window", int, int]:
    width = step_s(rules)
    first = start - (start - _EPOCH) % dt.timedelta(seconds=width)
    size = max(1, int((end - start).total_seconds() // width))
    asked = engine.query("optimization/requests", start=start, end=end, width_s=width,
                         is_demo=int(is_demo))
    window: Window = {}
    columns: dict[str, list[float | None]] = {name: [None] * size for name in (
        "generation_latency_p95_ms", "error_pct", "success_pct", "cache_hit_pct")}
    columns |= {name: [0.0] * size for name in ("throughput_per_s", "spend_usd_per_h")}
    for row in asked.to_dict("records"):
        place = min(size - 1, int((row["bucket_start_utc"] - first).total_seconds() // width))
        requests, errors = int(row["requests"]), int(row["errors"])
        columns["error_pct"][place] = 100.0 * errors / requests
        columns["success_pct"][place] = 100.0 - 100.0 * errors / requests
        columns["cache_hit_pct"][place] = 100.0 * int(row["cached"]) / requests
        columns["throughput_per_s"][place] = (requests - errors) / width
        columns["spend_usd_per_h"][place] = float(row["cost_usd"]) * 3600 / width
        if not pd.isna(row["latency_p95_ms"]):
            columns["generation_latency_p95_ms"][place] = float(row["latency_p95_ms"])
    if len(asked):
        window |= columns
    gauges = engine.query("optimization/gauges", start=start, end=end, width_s=width,
                          metrics=list(GAUGES), is_demo=int(is_demo))
    for row in gauges.to_dict("records"):
        place = min(size - 1, int((row["bucket_start_utc"] - first).total_seconds() // width))
        window.setdefault(str(row["metric"]), [None] * size)[place] = float(row["mean_value"])
    return window, int(asked["requests"].sum()), int(asked["rejected"].sum())


def _smooth(values: list[float | None], width: int) -> tuple[tuple[float, float | None], ...]:
    """Means of six samples each, so that one odd sample does not end what has held."""
    found: list[tuple[float, float | None]] = []
    for begin in range(0, len(values), SMOOTH):
        known = [each for each in values[begin:begin + SMOOTH] if each is not None]
        found.append((float(begin * width), sum(known) / len(known) if known else None))
    return (*found, (float(len(values) * width), found[-1][1])) if found else ()
