"""What truly happened: the incidents, improvements and experiments of a plan, with sizes."""

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from brain.demo import world
from brain.demo.plan import DemoPlan, from_us
from brain.demo.world import Flags, Floats, Ints

OUTAGE_PROVIDER = "anthropic"
OUTAGE_ERROR_RATIO = 0.85
OUTAGE_LATENCY_MS = 6_000.0
FAULTY_CACHED_RATIO = 0.04
CACHE_HIT_PCT = 88.0
FAULTY_CACHE_HIT_PCT = 41.0
SPIKE_WORKSPACE = 2
SPIKE_PROMPT_FACTOR = 12.0


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open span [start, end) in microseconds since 1970, UTC."""

    start_us: int
    end_us: int

    def covers(self, at_us: Ints) -> Flags:
        """Which moments lie in [start, end)."""
        return np.asarray((at_us >= self.start_us) & (at_us < self.end_us))


@dataclass(frozen=True, slots=True)
class Optimization:
    """A change of the platform and what it does from its moment on."""

    at_us: int
    title: str
    latency_factor: float
    cpu_points: float
    memory_points: float


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric of an experiment: its law and that law's mean for each variant."""

    metric: str
    law: str  # bernoulli, normal, lognormal or poisson
    better: str
    means: tuple[float, ...]
    spread: float = 0.0  # normal: standard deviation; lognormal: sigma


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment with the effects that its analysis should find."""

    key: str
    name: str
    at_us: int
    variants: tuple[str, ...]
    weights: tuple[float, ...]
    measures: tuple[Measure, ...]
    output_factors: tuple[float, ...]  # on output tokens of a variant's requests


@dataclass(frozen=True, slots=True)
class Effects:
    """Everything that truly happens in the demonstration data."""

    outage: Span
    cache_fault: Span
    cost_spike: Span
    optimizations: tuple[Optimization, ...]
    experiments: tuple[Experiment, ...]

    def latency_factor(self, at_us: Ints) -> Floats:
        """Product of the optimizations in force."""
        factor = np.ones(len(at_us))
        for step in self.optimizations:
            factor[at_us >= step.at_us] *= step.latency_factor
        return factor


def _moment(plan: DemoPlan, ratio: float, hour: int, minute: int = 0) -> int:
    """That time of the working day nearest before ``ratio`` of the history."""
    day = int(plan.start_us + ratio * plan.days * world.DAY_US) // world.DAY_US
    weekday = (day + 3) % 7  # 1 January 1970 was a Thursday
    day -= max(weekday - 4, 0)
    return day * world.DAY_US + hour * world.HOUR_US + minute * 60 * world.SECOND_US


@lru_cache(maxsize=8)
def effects_of(plan: DemoPlan) -> Effects:
    """The plan's true effects: fixed sizes, times on working days inside the history."""
    outage_us = _moment(plan, 0.72, 14, 10)
    fault_us = _moment(plan, 0.52, 8)
    spike_us = _moment(plan, 0.88, 8)
    return Effects(
        outage=Span(outage_us, outage_us + 45 * 60 * world.SECOND_US),
        cache_fault=Span(fault_us, fault_us + 7 * world.HOUR_US),
        cost_spike=Span(spike_us, spike_us + 10 * world.HOUR_US),
        optimizations=(
            Optimization(_moment(plan, 0.36, 11), "Connections to providers kept open",
                         0.82, -7.0, 0.0),
            Optimization(_moment(plan, 0.64, 11), "Retrieval index held in half the memory",
                         0.91, 0.0, -9.0)),
        experiments=(
            Experiment("search-ui-v2", "Compact search", _moment(plan, 0.40, 9),
                       ("control", "variant-a"), (0.5, 0.5),
                       (Measure("task_success", "bernoulli", "higher", (0.42, 0.49)),
                        Measure("minutes_to_answer", "lognormal", "lower", (6.0, 5.6), 0.6)),
                       (1.0, 1.0)),
            Experiment("response-format", "Form of the answer", _moment(plan, 0.48, 9),
                       ("markdown", "structured", "hybrid"), (0.33, 0.33, 0.34),
                       (Measure("answer_score", "normal", "higher", (62.0, 64.5, 66.0), 10.0),
                        Measure("follow_ups", "poisson", "lower", (1.8, 1.6, 1.6))),
                       (1.0, 0.92, 1.05))))


def _iso(at_us: int) -> str:
    return from_us(at_us).isoformat()


def _window(span: Span) -> dict[str, str]:
    return {"start_utc": _iso(span.start_us), "end_utc": _iso(span.end_us)}


def describe(plan: DemoPlan) -> dict[str, Any]:
    """JSON-able record of the plan and all true effects, times as ISO 8601 UTC."""
    true = effects_of(plan)
    return {
        "version": 1,
        "plan": {"seed": plan.seed, "days": plan.days, "events": plan.events,
                 "end_utc": plan.end_utc.isoformat()},
        "first_at_utc": _iso(plan.start_us),
        "outage": {**_window(true.outage), "provider": OUTAGE_PROVIDER,
                   "error_ratio": OUTAGE_ERROR_RATIO, "usual_error_ratio": world.ERROR_RATIO},
        "cache_misconfiguration": {
            **_window(true.cache_fault), "cached_ratio": FAULTY_CACHED_RATIO,
            "usual_cached_ratio": world.CACHED_RATIO, "cache_hit_pct": FAULTY_CACHE_HIT_PCT,
            "usual_cache_hit_pct": CACHE_HIT_PCT},
        "cost_spike": {**_window(true.cost_spike),
                       "workspace_id": world.WORKSPACES[SPIKE_WORKSPACE].workspace_id,
                       "prompt_tokens_factor": SPIKE_PROMPT_FACTOR},
        "unpriced": {"provider": world.MODELS[world.UNPRICED_MODEL].provider,
                     "model": world.MODELS[world.UNPRICED_MODEL].model,
                     "workspace_id": world.WORKSPACES[world.UNPRICED_WORKSPACE].workspace_id,
                     "ratio_of_workspace": world.UNPRICED_RATIO},
        "optimizations": [
            {"at_utc": _iso(o.at_us), "title": o.title, "latency_factor": o.latency_factor,
             "cpu_points": o.cpu_points, "memory_points": o.memory_points}
            for o in true.optimizations],
        "experiments": [
            {"key": e.key, "name": e.name, "start_utc": _iso(e.at_us), "unit": "user",
             "variants": list(e.variants), "weights": list(e.weights),
             "output_tokens_factor": dict(zip(e.variants, e.output_factors, strict=True)),
             "metrics": [{"metric": m.metric, "law": m.law, "better": m.better,
                          "spread": m.spread,
                          "mean": dict(zip(e.variants, m.means, strict=True))}
                         for m in e.measures]}
            for e in true.experiments],
        "traffic": {"weekend_ratio": world.WEEKEND_RATIO, "bounce_ratio": world.BOUNCE_RATIO,
                    "mean_stars": {a.agent_id: a.mean_stars for a in world.AGENTS}},
    }


def read_plan(record: dict[str, Any]) -> DemoPlan:
    """The plan inside a record of :func:`describe`. Raises KeyError or ValueError if unsound."""
    plan = record["plan"]
    return DemoPlan(int(plan["seed"]), int(plan["days"]), int(plan["events"]),
                    dt.datetime.fromisoformat(plan["end_utc"]))
