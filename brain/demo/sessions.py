"""Who comes when: load over day and week, bursts, and the users behind the sessions."""

import math
from dataclasses import dataclass

import numpy as np

from brain.demo import world
from brain.demo.plan import DemoPlan
from brain.demo.world import Floats, Ints

UNITS_PER_WORKSPACE = 10_000_000  # a user's number is workspace * this + rank


@dataclass(frozen=True, slots=True)
class Sessions:
    """The sessions that begin on one day, by time; ``unit`` numbers the user."""

    day: int
    at_us: Ints
    workspace: Ints
    unit: Ints


def season(at_us: Ints, offset_h: int) -> Floats:
    """Relative load by local hour and weekday, mean 1 over a week.

    1 + harmonics of the day, times 7 / (5 + 2 w) on working days and w times that on
    weekends, w = WEEKEND_RATIO.
    """
    local_us = at_us + offset_h * world.HOUR_US
    angle = 2 * np.pi * (local_us % world.DAY_US) / world.DAY_US
    mean, cos1, sin1, cos2, sin2 = world.DAILY_HARMONICS
    daily = (mean + cos1 * np.cos(angle) + sin1 * np.sin(angle)
             + cos2 * np.cos(2 * angle) + sin2 * np.sin(2 * angle))
    weekend = (local_us // world.DAY_US + 3) % 7 >= 5
    working = 7 / (5 + 2 * world.WEEKEND_RATIO)
    return np.asarray(daily * np.where(weekend, working * world.WEEKEND_RATIO, working))


def platform_load(at_us: Ints) -> Floats:
    """Load of all workspaces together, mean 1 over a week."""
    hours = np.unique(at_us // (world.HOUR_US // 4))
    middle = hours * (world.HOUR_US // 4) + world.HOUR_US // 8
    load = np.zeros(len(hours))
    for workspace in world.WORKSPACES:
        load += workspace.share_ratio * season(middle, world.UTC_OFFSET_H[workspace.region])
    return load[np.searchsorted(hours, at_us // (world.HOUR_US // 4))]


def draw_sessions(plan: DemoPlan, day: int) -> Sessions:
    """Sessions that begin on ``day`` (days since 1970), by a renewal process of each workspace."""
    rng = np.random.default_rng([plan.seed, day, 1])
    hours = day * world.DAY_US + np.arange(24) * world.HOUR_US
    sigma = world.HOUR_NOISE_SIGMA
    noise = np.exp(sigma * rng.standard_normal((len(world.WORKSPACES), 24)) - sigma ** 2 / 2)
    per_day = plan.sessions_per_day()
    starts: list[Ints] = []
    for index, workspace in enumerate(world.WORKSPACES):
        load = season(hours + world.HOUR_US // 2, world.UTC_OFFSET_H[workspace.region])
        expected = per_day * workspace.share_ratio / 24 * load * noise[index]
        passed = np.concatenate([[0.0], np.cumsum(expected)])
        clock = _renew(rng, float(passed[-1]), workspace.workspace_id in world.BURSTY)
        edges = np.append(hours, hours[0] + world.DAY_US).astype(np.float64)
        starts.append(np.interp(clock, passed, edges).astype(np.int64))
    owner = np.repeat(np.arange(len(starts)), [len(s) for s in starts])
    at_us = np.concatenate(starts)
    order = np.argsort(at_us, kind="stable")
    at_us, owner = at_us[order], owner[order]
    pool = np.maximum(plan.users()[owner] * plan.pool_ratio(at_us), 1.0)
    rank = np.floor(pool * world.rank_ratio(rng.random(len(at_us)))).astype(np.int64)
    return Sessions(day, at_us, owner, owner * UNITS_PER_WORKSPACE + rank)


def _renew(rng: np.random.Generator, length: float, is_bursty: bool) -> Floats:
    """Renewal moments in [0, length) with mean gap 1, stationary from the first on.

    The first moment is uniform in a length-biased gap, so that as many come as expected.
    For gamma gaps of shape k that gap is gamma of shape k + 1; for Weibull gaps of shape c it
    is a power 1/c of a gamma of shape 1 + 1/c.
    """
    count = int(length + 12 * np.sqrt(length) + 60)
    if is_bursty:
        shape = world.WEIBULL_SHAPE
        scale = 1 / math.gamma(1 + 1 / shape)
        gaps = scale * rng.weibull(shape, count)
        gaps[0] = scale * rng.gamma(1 + 1 / shape) ** (1 / shape) * rng.random()
    else:
        shape = world.GAMMA_SHAPE
        gaps = rng.gamma(shape, 1 / shape, count)
        gaps[0] = rng.gamma(shape + 1) / shape * rng.random()
    moments = np.cumsum(gaps)
    return np.asarray(moments[moments < length], dtype=np.float64)


def scramble(seed: int, stream: int, unit: Ints) -> Floats:
    """A number in [0, 1) that belongs to the user: the finish of SplitMix64 of both."""
    mixed = unit.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed += np.uint64((seed * 1_000_003 + stream * 0xD1B54A32D192ED03) % 2 ** 64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return np.asarray((mixed >> np.uint64(11)) / 2 ** 53, dtype=np.float64)


def home_region(seed: int, unit: Ints) -> Ints:
    """Index of each user's region: mostly their workspace's."""
    homes = np.array([world.REGIONS.index(w.region) for w in world.WORKSPACES])
    away = np.floor(scramble(seed, 2, unit) * len(world.REGIONS)).astype(np.int64)
    at_home = scramble(seed, 1, unit) < world.AT_HOME_RATIO
    return np.where(at_home, homes[unit // UNITS_PER_WORKSPACE], away)


def usual_device(seed: int, unit: Ints) -> Ints:
    """Index of the device each user mostly works on."""
    return np.searchsorted(world.cumulate(world.DEVICE_SHARES), scramble(seed, 3, unit),
                           side="right").astype(np.int64)
