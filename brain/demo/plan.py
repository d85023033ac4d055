"""What to generate: the four numbers from which everything else follows."""

import datetime as dt
import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from brain.demo import world
from brain.demo.world import Floats, Ints

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
EVENTS_PER_UNIT = 6  # an exposed user: two exposures and two outcomes of each
LEAST_DAYS = 7
LEAST_EVENTS = 1_000


def to_us(at: dt.datetime) -> int:
    """Microseconds since 1970 of an aware moment."""
    return (at - EPOCH) // dt.timedelta(microseconds=1)


def from_us(at_us: int) -> dt.datetime:
    """Aware UTC moment of microseconds since 1970."""
    return EPOCH + dt.timedelta(microseconds=int(at_us))


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """A history of ``days`` days and about ``events`` events before ``end_utc``.

    Raises ValueError for a naive ``end_utc``, under 7 days or under 1,000 events.
    """

    seed: int
    days: int
    events: int
    end_utc: dt.datetime

    def __post_init__(self) -> None:
        if self.end_utc.tzinfo is None:
            raise ValueError("end_utc must be an aware moment")
        if self.days < LEAST_DAYS:
            raise ValueError(f"days is {self.days}; the demonstration needs {LEAST_DAYS} or more")
        if self.events < LEAST_EVENTS:
            raise ValueError(f"events is {self.events}; at least {LEAST_EVENTS} are needed")
        if self.seed < 0:
            raise ValueError(f"seed is {self.seed}; it must not be negative")

    @property
    def start_us(self) -> int:
        """First moment of the history, microseconds since 1970."""
        return self.end_us - self.days * world.DAY_US

    @property
    def end_us(self) -> int:
        """First moment after the history, microseconds since 1970."""
        return to_us(self.end_utc)

    @property
    def key(self) -> str:
        """Eight hex digits that differ between plans, part of every event_id."""
        text = f"{self.seed}/{self.days}/{self.events}/{self.end_us}"
        return f"{zlib.crc32(text.encode()):08x}"

    @property
    def sample_cadence_s(self) -> int:
        """Seconds between two samples of a metric: the shortest that fits into its share."""
        for cadence_s in world.SAMPLE_CADENCES_S:
            if self._count_samples(cadence_s) <= self.events * world.SAMPLES_RATIO:
                return cadence_s
        return world.SAMPLE_CADENCES_S[-1]

    def _count_samples(self, cadence_s: int) -> int:
        return self.days * 86_400 // cadence_s * len(world.SAMPLE_METRICS)

    def pool_ratio(self, at_us: Ints) -> Floats:
        """Users who have joined by ``at_us``, relative to those at the history's end."""
        grown = (at_us - self.start_us) / (self.end_us - self.start_us)
        rest = 1.0 - world.USERS_AT_START_RATIO
        return np.asarray(world.USERS_AT_START_RATIO + rest * np.maximum(grown, -1.0))

    def users(self) -> Ints:
        """Users of each workspace at the history's end, at least 6."""
        shares = np.array([w.share_ratio for w in world.WORKSPACES])
        wanted = shares / shares.sum() * self.events * world.USERS_PER_EVENT
        return np.maximum(wanted.astype(np.int64), 6)

    def sessions_per_day(self) -> float:
        """Mean sessions of a day that bring the history to ``events`` events.

        events = sessions * (events of one) + samples + (exposed users) * 6, solved by
        iteration because the number of exposed users depends on the sessions.
        """
        return _sessions_per_day(self)


@lru_cache(maxsize=8)
def _sessions_per_day(plan: DemoPlan) -> float:
    asks = world.REQUESTS_MEAN * (1 + world.FEEDBACK_RATIO * (1 - world.ERROR_RATIO))
    engaged = world.VIEWS_MEAN + asks + world.INTERACTIONS_MEAN
    per_session = world.BOUNCE_RATIO + (1 - world.BOUNCE_RATIO) * engaged
    room = plan.events - plan._count_samples(plan.sample_cadence_s)
    sessions = room / per_session
    for _ in range(12):
        exposed = EVENTS_PER_UNIT * _count_active_users(plan, sessions * 0.55)
        sessions = max((room - exposed) / per_session, room / per_session * 0.2)
    return sessions / plan.days


def _count_active_users(plan: DemoPlan, sessions: float) -> float:
    """Expected users with a session: sum of 1 - exp(-sessions of the user), pool at its mean."""
    active = 0.0
    for users, workspace in zip(plan.users(), world.WORKSPACES, strict=True):
        ranks = np.arange(int(users * 0.88) + 1) / int(users * 0.88)
        means = np.diff(world.busy_ratio(ranks)) * sessions * workspace.share_ratio
        active += float((1 - np.exp(-means)).sum())
    return active
