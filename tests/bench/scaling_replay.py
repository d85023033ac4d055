"""Scaling on real traffic: time of a replay, and policies on days they were not tuned on."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pandas as pd

from brain.decisions.scaling.default_policies import default_hpa
from brain.decisions.scaling.faults import inject_fault
from brain.decisions.scaling.manifests import read_hpa
from brain.decisions.scaling.predictive import publish_forecast
from brain.decisions.scaling.replay import (
    Load,
    Replay,
    replay_oracle,
    replay_policy,
    replay_static,
)
from brain.decisions.scaling.service import Course, ServiceModel
from brain.decisions.scaling.tuning import (
    DOWN_WINDOWS_S,
    TARGETS_PCT,
    Knobs,
    choose,
    tune_policy,
    turn,
)
from tests.bench.measuring import Figure, Plan
from tests.datasets import dataset_path

STEP_S = 15.0
DAY = 5_760
POD_RPS = 140.0
"""100 requests/s a pod, as the default policies aim at, are then 71 % of it."""
PEAK_PODS = 8
"""Every trace is scaled so that 999 of 1,000 steps need at most so many pods."""
STARTS_S = (60.0, 180.0)
LEAST_GAP_PCT = 35.0
MOST_ACTIONS_RATIO = 1.5
MOST_MS = 1_000.0
PLAIN = {"spec": {"minReplicas": 1, "maxReplicas": 24, "metrics": [{
    "type": "Resource", "resource": {"name": "cpu", "target": {
        "type": "Utilization", "averageUtilization": 70}}}]}}


@dataclass(frozen=True, slots=True)
class Row:
    """A policy's account on a span of a trace."""

    trace: str
    start_s: float
    policy: str
    seen: Replay
    knobs: str = ""


def model_of(start_s: float) -> ServiceModel:
    """Two seconds of waiting are the objective, 0.10 USD the price of a pod-hour."""
    return ServiceModel(POD_RPS, start_s, 2.0, 30.0, Decimal("0.10"))


def scale(load: Load) -> Load:
    """The load as large as the fleet."""
    return np.asarray(load * PEAK_PODS * POD_RPS / np.quantile(load, 0.999))


def read_nasa() -> Load:
    """28 days of web requests."""
    frame = pd.read_parquet(dataset_path("SCALING_TRACES") / "nasa_http_15s.parquet")
    return scale(frame["requests"].to_numpy(dtype=float))


def read_servegen() -> Load:
    """14 days of LLM clients: rates of ten minutes, joined by lines, with each one's burstiness."""
    frame = pd.read_parquet(dataset_path("SERVEGEN_WINDOWS"))
    frame["variance"] = frame["rate_rps"] * frame["cv"].fillna(1.0).clip(0, 10) ** 2
    windows = frame.groupby("t_s")[["rate_rps", "variance"]].sum().sort_index()
    at_s = np.arange(0.0, float(windows.index[-1]), STEP_S)
    rate, variance = (np.interp(at_s, windows.index, windows[name]) for name in windows)
    noise = np.random.default_rng(8).standard_normal(len(at_s))
    return scale(np.maximum(rate + np.sqrt(variance / STEP_S) * noise, 0.0))


def read_hours() -> dict[str, Load]:
    """An hour each of Azure and Mooncake requests."""
    azure = pd.to_datetime(pd.read_csv(dataset_path("AZURE_TRACE"))["TIMESTAMP"])
    lines = dataset_path("MOONCAKE_TRACE").read_text().splitlines()
    at_s = {"Azure": (azure - azure.min()).dt.total_seconds().to_numpy(),
            "Mooncake": np.array([json.loads(line)["timestamp"] / 1000 for line in lines])}
    return {name: scale(np.histogram(each, np.arange(0, 3_601, STEP_S))[0] / STEP_S)
            for name, each in at_s.items()}


def plain_rows(trace: str, start_s: float, load: Load) -> list[Row]:
    """The policies that need no past."""
    model = model_of(start_s)
    return [Row(trace, start_s, "static", replay_static(load, STEP_S, model)),
            Row(trace, start_s, "HPA at 70 %", replay_policy(load, STEP_S, model, read_hpa(PLAIN))),
            *(Row(trace, start_s, name, replay_policy(load, STEP_S, model,
                                                      read_hpa(default_hpa(kind, "api"))))
              for name, kind in (("seed (a)", "standard"), ("seed (b)", "busy"))),
            Row(trace, start_s, "oracle, holds 5 min", replay_oracle(load, STEP_S, model))]


def tuned_rows(trace: str, start_s: float, load: Load, held_out: int) -> list[Row]:
    """Best of the sweep, tuned and predictive, all chosen on the days before the held-out ones."""
    model, part = model_of(start_s), load[-held_out:]
    found = tune_policy(load, STEP_S, model, PLAIN, held_out * STEP_S)
    swept = choose(found.trials[:len(TARGETS_PCT) * len(DOWN_WINDOWS_S)], found.train.before,
                   "save")
    rows = []
    if swept is not None:
        policy = read_hpa(turn(PLAIN, swept.knobs, model))
        rows.append(Row(trace, start_s, "best of sweep", replay_policy(part, STEP_S, model, policy),
                        describe(swept.knobs)))
    rows.append(Row(trace, start_s, "tuned", found.held_out.tuned, describe(found.knobs)))
    found = tune_policy(load, STEP_S, model, PLAIN, held_out * STEP_S, predictive=True)
    rows.append(Row(trace, start_s, "predictive", found.held_out.tuned, describe(found.knobs)))
    for kind in ("gap", "zero", "spike"):
        reading = inject_fault(kind, len(load), STEP_S)
        read = load * reading
        for name, knobs in (("HPA at 70 %", None), ("predictive", found.knobs)):
            manifest = PLAIN if knobs is None else turn(PLAIN, knobs, model)
            external = None
            if knobs is not None and knobs.level is not None:
                external = publish_forecast(read, STEP_S, model, knobs.level)[-held_out:]
            rows.append(Row(trace, start_s, f"{name}, {kind}", replay_policy(
                part, STEP_S, model, read_hpa(manifest),
                course=Course(reading=reading[-held_out:], external=external))))
    return rows


def describe(knobs: Knobs | None) -> str:
    """Parameters in a few words."""
    if knobs is None:
        return "as it was"
    level = "" if knobs.level is None else f", quantile {knobs.level}"
    return f"{knobs.target_pct} %, down {knobs.down_window_s} s, up {knobs.up_window_s} s{level}"


def show(rows: list[Row]) -> str:
    """The rows as a table of Markdown."""
    lines = ["| trace, start-up | policy | objective minutes | lost | pod-hours | USD | actions | "
             "found |", "|---|---|---|---|---|---|---|---|"]
    lines += [f"| {row.trace}, {row.start_s:.0f} s | {row.policy} | "
              f"{row.seen.objective_minutes:.1f} | {row.seen.lost:,.0f} | {row.seen.pod_hours:,.1f}"
              f" | {row.seen.cost_usd:.2f} | {row.seen.actions:,} | {row.knobs} |" for row in rows]
    return "\n".join(lines)


def measure(_plan: Plan) -> Iterator[Figure]:
    """Times, then the goals on held-out days, with the whole table as a note."""
    rows: list[Row] = []
    nasa = read_nasa()
    policy = read_hpa(PLAIN)
    model = model_of(60.0)
    month = np.concatenate([nasa, nasa[:2 * DAY]])
    busy = read_hpa(default_hpa("busy", "api"))
    size = "30 days, 15 s steps"
    yield Figure("replay of an HPA, processor", size, "ms", _used_ms(
        lambda: replay_policy(month, STEP_S, model, policy)), most=MOST_MS)
    yield Figure("seed policy (b), 6 metrics, processor", size, "ms", _used_ms(
        lambda: replay_policy(month, STEP_S, model, busy)), most=MOST_MS)
    yield Figure("forecast of every step, processor", size, "ms", _used_ms(
        lambda: publish_forecast(month, STEP_S, model, 0.9)))
    for trace, load, held_out in (("NASA, 10 days", nasa, 10 * DAY),
                                  ("ServeGen, 5 days", read_servegen(), 5 * DAY)):
        for start_s in STARTS_S:
            rows += plain_rows(trace, start_s, load[-held_out:])
            rows += tuned_rows(trace, start_s, load, held_out)
            yield _judge(trace, start_s, rows)
    for name, load in read_hours().items():
        for start_s in STARTS_S:
            rows += plain_rows(f"{name}, 1 h", start_s, load)
    yield Figure("the whole table", f"{len(rows)} rows", "rows", (float(len(rows)),),
                 note="\n" + show(rows))


def _used_ms(work: Callable[[], object]) -> tuple[float, ...]:
    """Processor time of three runs, which other programs hardly change."""
    def used() -> float:
        before = time.process_time()
        work()
        return (time.process_time() - before) * 1000
    return tuple(used() for _ in range(3))


def _judge(trace: str, start_s: float, rows: list[Row]) -> Figure:
    """How much of the gap between HPA and oracle the predictive policy closes, and at what."""
    seen = {row.policy: row.seen for row in rows if (row.trace, row.start_s) == (trace, start_s)}
    plain, oracle, ours = seen["HPA at 70 %"], seen["oracle, holds 5 min"], seen["predictive"]
    closed = 100 * (plain.pod_hours - ours.pod_hours) / (plain.pod_hours - oracle.pod_hours)
    return Figure("predictive, part of the gap closed", f"{trace}, start {start_s:.0f} s", "%",
                  (closed,), least=LEAST_GAP_PCT,
                  failed=(ours.objective_minutes > plain.objective_minutes
                          or ours.actions > MOST_ACTIONS_RATIO * plain.actions))
