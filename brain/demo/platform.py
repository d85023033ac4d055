"""The platform itself: samples of its host and the versions that went live."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from brain.demo import world
from brain.demo.effects import CACHE_HIT_PCT, FAULTY_CACHE_HIT_PCT, effects_of
from brain.demo.plan import DemoPlan
from brain.demo.sessions import platform_load
from brain.demo.tables import build, name_of
from brain.demo.world import Floats, Ints

PLATFORM_WORKSPACE = "default"
DEPLOY_NOTES = ("Faster first page", "Clearer error messages", "Security updates",
                "Better source quotes", "Fewer retries", "New export formats")


@dataclass(frozen=True, slots=True)
class Deploy:
    """A version that went live."""

    at_us: int
    component: str
    version: str
    note: str


def list_deploys(start_us: int, end_us: int) -> list[Deploy]:
    """Versions live in [start, end): the gateway each Tuesday 09:30, the console Thursday 13:00.

    Times are UTC; versions count weeks since 1970.
    """
    found = []
    for day in range(start_us // world.DAY_US, (end_us - 1) // world.DAY_US + 1):
        weekday, week = (day + 3) % 7, (day + 3) // 7
        for due, component, minutes, major in ((1, "gateway", 570, 3), (3, "console", 780, 2)):
            at_us = day * world.DAY_US + minutes * 60 * world.SECOND_US
            if weekday == due and start_us <= at_us < end_us:
                note = DEPLOY_NOTES[(week + due) % len(DEPLOY_NOTES)]
                found.append(Deploy(at_us, component, f"{major}.{week}.0", note))
    return found


def build_deploys(plan: DemoPlan, day: int) -> pa.Table:
    """Rows of ``deploys`` of one day (days since 1970)."""
    live = list_deploys(day * world.DAY_US, (day + 1) * world.DAY_US)
    return build("deploys", np.array([d.at_us for d in live], dtype=np.int64), plan.key, day, {
        "workspace_id": pa.repeat(PLATFORM_WORKSPACE, len(live)),
        "component": pa.array([d.component for d in live], pa.string()),
        "version": pa.array([d.version for d in live], pa.string()),
        "note": pa.array([d.note for d in live], pa.string())})


def build_samples(plan: DemoPlan, day: int) -> pa.Table:
    """Rows of ``metric_samples`` of one day, every metric at every multiple of the cadence."""
    rng = np.random.default_rng([plan.seed, day, 6])
    cadence_us = plan.sample_cadence_s * world.SECOND_US
    at_us = day * world.DAY_US + np.arange(world.DAY_US // cadence_us) * cadence_us
    levels = _levels(plan, at_us, rng)
    count = len(levels)
    metric = np.tile(np.arange(count), len(at_us))
    return build("metric_samples", np.repeat(at_us, count), plan.key, day, {
        "workspace_id": pa.repeat(PLATFORM_WORKSPACE, len(metric)),
        "metric": name_of(world.SAMPLE_METRICS, metric),
        "instance": pa.repeat(world.HOST, len(metric)),
        "value": np.clip(np.round(np.stack(levels, axis=1).ravel(), 2), 0.0, 100.0)})


def _levels(plan: DemoPlan, at_us: Ints, rng: np.random.Generator) -> list[Floats]:
    """Percentages in the order of SAMPLE_METRICS.

    cpu 28 + 19 load, memory 66 + 5 load, disk 41 + 0.25 a day since the history's start
    (emptied every 80 days), cache hits 88 or, while misconfigured, 41; plus what the
    optimizations changed, plus noise.
    """
    true = effects_of(plan)
    load = platform_load(at_us)
    cpu, memory = 28 + 19 * load, 66 + 5 * load
    for step in true.optimizations:
        cpu = cpu + np.where(at_us >= step.at_us, step.cpu_points, 0.0)
        memory = memory + np.where(at_us >= step.at_us, step.memory_points, 0.0)
    disk = 41 + 0.25 * ((at_us - plan.start_us) / world.DAY_US % 80)
    hits = np.where(true.cache_fault.covers(at_us), FAULTY_CACHE_HIT_PCT, CACHE_HIT_PCT)
    return [np.asarray(level + rng.normal(0, spread, len(at_us))) for level, spread in
            ((cpu, 3.0), (memory, 1.2), (disk, 0.05), (hits, 1.5))]
