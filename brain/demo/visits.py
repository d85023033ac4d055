"""What happens in a session: views, requests and interactions, one after the other."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from brain.demo import world
from brain.demo.plan import DemoPlan
from brain.demo.sessions import UNITS_PER_WORKSPACE, Sessions, home_region, usual_device
from brain.demo.tables import build, join, name_of
from brain.demo.world import Flags, Floats, Ints

VIEW, ASK, ACT = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Steps:
    """The events of a day's sessions, session by session; ``session`` is the session's index."""

    sessions: Sessions
    session: Ints
    at_us: Ints
    what: Ints  # VIEW, ASK or ACT
    region: Ints
    device: Ints

    @property
    def workspace(self) -> Ints:
        """Index of each step's workspace."""
        return self.sessions.workspace[self.session]

    def only(self, keep: Flags | Ints) -> "Steps":
        """The chosen steps, in the order chosen."""
        return Steps(self.sessions, self.session[keep], self.at_us[keep], self.what[keep],
                     self.region[keep], self.device[keep])


def draw_steps(plan: DemoPlan, sessions: Sessions) -> Steps:
    """All steps of the sessions. A bounce is one view; any other session starts with a view."""
    rng = np.random.default_rng([plan.seed, sessions.day, 2])
    count = len(sessions.at_us)
    stays = rng.random(count) >= world.BOUNCE_RATIO
    views = np.where(stays, 1 + _uneven(rng, world.VIEWS_MEAN - 1, count), 1)
    asks = np.where(stays, 1 + _uneven(rng, world.REQUESTS_MEAN - 1, count), 0)
    acts = np.where(stays, rng.poisson(world.INTERACTIONS_MEAN, count), 0)
    sizes = views + asks + acts
    session = np.repeat(np.arange(count), sizes)
    first = np.repeat(np.cumsum(sizes) - sizes, sizes)
    place = np.arange(len(session)) - first
    what = np.where(place < views[session], VIEW,
                    np.where(place < (views + asks)[session], ASK, ACT))
    what = what[np.lexsort((np.where(place == 0, -1.0, rng.random(len(session))), session))]
    gaps_s = rng.weibull(world.STEP_SHAPE, len(session)) * world.STEP_MEAN_S / 1.2658
    gaps_us = (np.minimum(gaps_s, world.STEP_MAX_S) * world.SECOND_US).astype(np.int64) + 1_000
    gaps_us[place == 0] = 0
    passed = np.cumsum(gaps_us)
    since_us = passed - passed[first] if len(passed) else passed
    usual = usual_device(plan.seed, sessions.unit)
    other = world.pick(rng, world.DEVICE_SHARES, count)
    device = np.where(rng.random(count) < world.USUAL_DEVICE_RATIO, usual, other)
    region = home_region(plan.seed, sessions.unit)
    steps = Steps(sessions, session, sessions.at_us[session] + since_us, what,
                  region[session], device[session])
    return steps.only(since_us < world.SESSION_MAX_US)


def _uneven(rng: np.random.Generator, mean: float, count: int) -> Ints:
    """Counts with this mean: Poisson of a gamma, so that few sessions are much longer."""
    shape = world.COUNT_SHAPE
    return np.asarray(rng.poisson(rng.gamma(shape, mean / shape, count)), dtype=np.int64)


def user_names(unit: Ints) -> pa.Array:
    """``<workspace>-u<rank>`` of each user number."""
    names = name_of(world.WORKSPACE_IDS, unit // UNITS_PER_WORKSPACE)
    return join(names, "-u", unit % UNITS_PER_WORKSPACE)


def identify(plan: DemoPlan, steps: Steps) -> dict[str, pa.Array]:
    """Columns that say who: workspace, user, session."""
    known = steps.sessions
    users = user_names(known.unit)
    ids = join(f"demo-{plan.key}-s-{known.day}-", np.arange(len(known.at_us)))
    chosen = pa.array(steps.session)
    return {"workspace_id": name_of(world.WORKSPACE_IDS, steps.workspace),
            "user_id": users.take(chosen), "session_id": ids.take(chosen)}


def locate(steps: Steps) -> dict[str, pa.Array]:
    """Columns that say where: region and device."""
    return {"region": name_of(world.REGIONS, steps.region),
            "device": name_of(world.DEVICES, steps.device)}


def build_page_views(plan: DemoPlan, steps: Steps) -> pa.Table:
    """Rows of ``page_views`` by time; the last view of a session has a duration in 7 of 10."""
    rng = np.random.default_rng([plan.seed, steps.sessions.day, 3])
    views = steps.only(steps.what == VIEW)
    count = len(views.at_us)
    gap_us = np.diff(views.at_us, append=0)
    stays = np.diff(views.session, append=-1) == 0
    seen_ms = np.where(stays, gap_us / 1_000, rng.lognormal(9.9, 0.9, count))
    unknown = ~stays & (rng.random(count) < 0.3)
    lands = np.diff(views.session, prepend=-1) != 0
    referrer = np.where(lands, world.pick(rng, world.REFERRER_SHARES, count), 0)
    page = world.pick(rng, world.PAGE_SHARES, count)
    order = np.argsort(views.at_us, kind="stable")
    views = views.only(order)
    return build("page_views", views.at_us, plan.key, steps.sessions.day, {
        **identify(plan, views), **locate(views),
        "page": name_of(world.PAGES, page[order]),
        "referrer": name_of(world.REFERRERS, referrer[order]),
        "duration_ms": _nullable(seen_ms[order], unknown[order])})


def _nullable(values: Floats, unknown: Flags) -> pa.Array:
    return pa.array(values, pa.float64(), mask=unknown)


def build_interactions(plan: DemoPlan, steps: Steps) -> pa.Table:
    """Rows of ``interactions`` by time."""
    rng = np.random.default_rng([plan.seed, steps.sessions.day, 4])
    acts = steps.only(steps.what == ACT)
    acts = acts.only(np.argsort(acts.at_us, kind="stable"))
    count = len(acts.at_us)
    return build("interactions", acts.at_us, plan.key, steps.sessions.day, {
        **identify(plan, acts), **locate(acts),
        "action": name_of(world.ACTIONS, world.pick(rng, world.ACTION_SHARES, count)),
        "target": name_of(world.PAGES, world.pick(rng, world.PAGE_SHARES, count))})
